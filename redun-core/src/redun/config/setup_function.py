"""Finding what `setup_scheduler` names, without importing it."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

from redun.errors import ConfigError

if TYPE_CHECKING:
    from redun.config.config import Config


def missing_setup_function(config: Config) -> str | None:
    """What is wrong when `setup_scheduler` names a file or module that does not exist; else None.

    Whether there is such a function in it would take an import to know. A reference of the wrong form is somebody
    else's to report.
    """
    options = config.section("scheduler")
    try:
        reference = options.get("setup_scheduler", "") if options is not None else ""
    except ConfigError:
        return None
    place, separator, _ = reference.partition("::")
    if not separator or not place or _exists(place, config.configdir):
        return None
    where = f'{config.parser.describe("scheduler", "setup_scheduler")} = "{reference}"'
    if place.endswith(".py"):
        return f"{where}: there is no file {Path(config.configdir, place)}. The path is relative to redun.ini"
    hint = f"; did you mean {place}.py?" if _exists(f"{place}.py", config.configdir) else ""
    return f"{where}: there is no module {place}, and it is not the path of a .py file{hint}"


def _exists(place: str, configdir: str) -> bool:
    if place.endswith(".py"):
        return Path(configdir, place).is_file() or Path(place).is_file()
    # The first package only: finding what is below it would import it.
    top = place.partition(".")[0]
    return "/" not in place and (
        top in sys.modules or PathFinder.find_spec(top, [str(Path.cwd()), *sys.path]) is not None
    )
