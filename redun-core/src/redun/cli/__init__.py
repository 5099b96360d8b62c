"""The `redun` command. One file or folder for each command; what they print is here and nowhere else.

This module stays cheap to import: the command line itself is imported by `main`, a command's code when it is used.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from redun.cli.client import RedunClient, RedunClientError
    from redun.cli.from_python import (
        arg_name2cli_name,
        check_version,
        find_config_dir,
        get_config_dir,
        get_default_execution_tags,
        get_username,
        import_script,
        setup_backend_db,
        setup_config,
        setup_scheduler,
    )

__all__ = [
    "RedunClient",
    "RedunClientError",
    "arg_name2cli_name",
    "check_version",
    "find_config_dir",
    "get_config_dir",
    "get_default_execution_tags",
    "get_username",
    "import_script",
    "main",
    "setup_backend_db",
    "setup_config",
    "setup_scheduler",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'redun.cli' has no attribute {name!r}")
    if name in ("RedunClient", "RedunClientError"):
        from redun.cli import client

        return getattr(client, name)
    from redun.cli import from_python

    return getattr(from_python, name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process.

    arguments: what follows the program's name; None takes it from `sys.argv`.

    The exit code is 0 for success, 1 for a workflow that failed, 2 for something that could not be started as it was
    asked for, 130 for an interrupt, 143 for SIGTERM.
    """
    try:
        code = _run(arguments)
    except KeyboardInterrupt:  # while the command line itself is imported
        print("redun: interrupted", file=sys.stderr)
        code = 130
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words in (["--version"], ["-V"]):
        from redun.version import __version__

        print(__version__)
        return 0
    from redun.cli.entry import run_command_line

    return run_command_line(words)
