"""Detecting the other distribution that installs a package called `redun`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_METADATA_FOLDERS = (".dist-info", ".egg-info")


def check_foreign_redun(path: Iterable[str] | None = None) -> str | None:
    """What to do about a distribution called `redun` beside ours, or None when there is none.

    path: folders to look in instead of `sys.path`.

    That distribution and `redun-core` both install the package `redun`, and the later one overwrites files of the
    earlier one without a word. Looks at folder names only, which costs about a millisecond.
    """
    for folder in dict.fromkeys(sys.path if path is None else path):
        found = _foreign_in(folder or ".")
        if found is not None:
            return (
                f"The distribution {found} is installed in {folder or '.'} beside redun-core. Both install the package "
                f"`redun`, so files of one replace files of the other. To repair it, run: "
                f"{sys.executable} -m pip uninstall --yes redun && "
                f"{sys.executable} -m pip install --force-reinstall --no-deps redun-core"
            )
    return None


def _foreign_in(folder: str) -> str | None:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - twice as fast, and on the start-up path
    except OSError:  # sys.path may hold archives and folders that do not exist
        return None
    for name in names:
        if name[:6].lower() == "redun-" and name.endswith(_METADATA_FOLDERS):
            version = name[6:].rsplit(".", 1)[0]
            # `redun-0.44.1` or `redun-0.44.1-py3.11`; a dash in a distribution's own name is written as an underscore.
            if version[:1].isdigit():
                return f"redun {version.split('-')[0]}"
    return None
