"""Ways for a command to end early, other than by an error of `redun.errors`."""

from __future__ import annotations


class CommandExit(Exception):  # noqa: N818 - it may be no error
    """Ends the command with a text of its own on stderr, printed as it is, and an exit code."""

    def __init__(self, exit_code: int, text: str = "") -> None:
        super().__init__(text)
        self.exit_code = exit_code
        self.text = text
