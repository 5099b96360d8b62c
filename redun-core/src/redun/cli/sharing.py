"""`redun push` and `redun pull`: copies between this repository and another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from redun.cli.app import open_to_look, open_to_write
from redun.cli.copied import execution_ids, show_counts
from redun.cli.id_command import IdCommand
from redun.errors import UsageError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from redun.backends.base import Backend
    from redun.backends.split_executions import SplitExecutionError
    from redun.cli.app import App
    from redun.config import Config


@click.command(cls=IdCommand)
@click.argument("repo", metavar="REPO")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_obj
def push(app: App, repo: str, ids: Sequence[str], as_json: bool) -> None:
    """Copy records to the repository REPO, which has a section [repos.REPO] in redun.ini.

    What is there already is not sent again. ID is an execution, or one of its jobs: `-` for the latest execution, an id
    or the beginning of one. Without ID: all executions.
    """
    app.start_logging()
    source = app.open_backend()
    try:
        target = open_to_write(_other(app, repo))
        try:
            copied = _copy(source, target, ids, repo, f"Pushing to repo {repo!r}")
        finally:
            target.close()
    finally:
        source.close()
    _show(f"Pushed {{}} to repo {repo!r}", copied, f"Repo {repo!r} is up to date.", as_json=as_json)


@click.command(cls=IdCommand)
@click.argument("repo", metavar="REPO")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_obj
def pull(app: App, repo: str, ids: Sequence[str], as_json: bool) -> None:
    """Copy records from the repository REPO, which has a section [repos.REPO] in redun.ini.

    What is here already is not fetched again; runs find the results that were pulled in the cache. ID is an execution
    there, or one of its jobs: `-` for the latest one, an id or the beginning of one. Without ID: all executions.
    """
    app.start_logging()
    source = open_to_look(_other(app, repo))
    try:
        target = open_to_write(app.load_existing_config())
        try:
            copied = _copy(source, target, ids, repo, f"Pulling from repo {repo!r}")
        finally:
            target.close()
    finally:
        source.close()
    nothing = f"There is nothing new in repo {repo!r}."
    _show(f"Pulled {{}} from repo {repo!r}", copied, nothing, as_json=as_json, kind="new record(s)")


def _other(app: App, repo: str) -> Config:
    if repo == app.repo:
        raise UsageError(f"{repo!r} is this repository itself: name another one")
    return app.load_repo(repo)


class _Copied(NamedTuple):
    counts: Counter[str]
    problem: SplitExecutionError | None


def _copy(source: Backend, target: Backend, ids: Sequence[str], repo: str, what: str) -> _Copied:
    from redun.backends.copying import copy_records
    from redun.backends.split_executions import SplitExecutionError
    from redun.cli.copy_progress import copy_progress

    if source.is_same_store(target):
        raise UsageError(f"repo {repo!r} is this repository itself: both have the same database")
    wanted = execution_ids(source, ids)
    with copy_progress(what) as progress:
        try:
            return _Copied(copy_records(source, target, wanted, progress), None)
        except SplitExecutionError as error:
            return _Copied(error.counts, error)


def _show(message: str, copied: _Copied, nothing: str, *, as_json: bool, kind: str = "record(s)") -> None:
    """Print what was copied, and raise for what could not be."""
    if copied.counts or as_json or copied.problem is None:
        show_counts(message, copied.counts, nothing, as_json=as_json, kind=kind)
    if copied.problem is not None:
        raise copied.problem
