"""The versions of the schema: each is a migration. Imports SQLAlchemy and Alembic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.schema_versions import SchemaChange, SchemaInfo, SchemaVersion
from redun.errors import BackendError

from redun_backend_sql.migrations.run import all_migrations, run_migrations, undo_migrations
from redun_backend_sql.questions.engine import make_engine
from redun_backend_sql.revision import SCHEMA_REVISION

if TYPE_CHECKING:
    from redun_backend_sql.run_path.driver import Connection


def known_versions() -> tuple[SchemaVersion, ...]:
    """All versions of the schema, oldest first."""
    return tuple(
        SchemaVersion(int(migration.revision), migration.revision, migration.doc) for migration in all_migrations()
    )


def schema_info(current: int) -> SchemaInfo:
    """What is known about the schema of a repository that has this version."""
    return SchemaInfo(current, SCHEMA_REVISION, known_versions())


def upgrade(connection: Connection, name: str, current: int, to: int | None) -> SchemaChange:
    """See `SchemaVersions.upgrade_schema`. Does nothing where the version is there already."""
    target = SCHEMA_REVISION if to is None else to
    _refuse_unknown(target)
    if target < current:
        raise BackendError(f"{name} has schema version {current}, which is newer than {target}: `redun db downgrade`.")
    if target > current:
        run_migrations(connection, f"{target:04}")
    return SchemaChange(current, target)


def downgrade(connection: Connection, name: str, current: int, to: int, *, force: bool) -> SchemaChange:
    """See `SchemaVersions.downgrade_schema`. Does nothing where the version is there already."""
    _refuse_unknown(to)
    if to > current:
        raise BackendError(f"{name} has schema version {current}, which is older than {to}: `redun db upgrade`.")
    if to == current:
        return SchemaChange(current, to)
    lost = [] if force else _losses(connection, current, to)
    if lost:
        raise BackendError(
            f"{name} holds {', '.join(lost)}, for which there is no place in schema version {to}: they would be lost."
            " --force removes them."
        )
    undo_migrations(connection, f"{to:04}")
    return SchemaChange(current, to)


def _losses(connection: Connection, current: int, to: int) -> list[str]:
    with make_engine(connection).connect() as bound:
        undone = [each.module for each in all_migrations() if to < int(each.revision) <= current]
        return [lost for module in undone if hasattr(module, "losses") and (lost := module.losses(bound))]


def _refuse_unknown(version: int) -> None:
    numbers = [each.number for each in known_versions()]
    if version not in numbers:
        known = ", ".join(map(str, numbers))
        raise BackendError(f"there is no schema version {version}. This version of redun knows {known}.")
