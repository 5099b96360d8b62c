"""Adding the executors and federated tasks of other configurations to one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from redun.errors import ConfigError

if TYPE_CHECKING:
    from redun.config.config import Config

_IMPORTED = ("executors.", "federated_tasks.")


def import_federated_configs(config: Config) -> None:
    """Add the sections that the configurations named by `[scheduler] federated_configs` have for others to use.

    Only `[executors.*]` and `[federated_tasks.*]` are taken, with their references replaced by what they stand for
    there. A directory that is not absolute is relative to the configuration directory.

    Raises `ConfigError` when a configuration cannot be read, or a section of one exists already.
    """
    scheduler = config.section("scheduler")
    if scheduler is None or "federated_configs" not in scheduler:
        return
    from redun.config.config import Config as NewConfig

    where = config.parser.describe("scheduler", "federated_configs")
    for line in scheduler["federated_configs"].splitlines():
        if not line.strip():
            continue
        ini = _ini_path(line.strip(), config.configdir)
        other = NewConfig(configdir=str(Path(ini).parent))
        other.read_path(ini)
        values = other.get_config_dict()
        for section in other.section_names():
            if not section.startswith(_IMPORTED):
                continue
            if config.section(section) is not None:
                raise ConfigError(f"{where}: [{section}] of {ini} is already a section of this configuration")
            # A dollar in a replaced value is a dollar, not the beginning of another reference.
            config.read_dict({section: {name: text.replace("$", "$$") for name, text in values[section].items()}})
            for (name, option), place in other.parser.places.items():
                if name == section:
                    config.parser.places[name, option] = place


def _ini_path(directory: str, configdir: str) -> str:
    if "://" in directory:
        return f"{directory.rstrip('/')}/redun.ini"
    return str(Path(configdir) / Path(directory).expanduser() / "redun.ini")
