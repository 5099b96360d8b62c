"""The messages of the logger "redun" as lines on stderr that begin with `[redun] `, and what may stand in them."""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO

PREFIX = "[redun] "
logger = logging.getLogger("redun")


def shows_colours(stream: TextIO) -> bool:
    """Whether to write colours: to a terminal that has them, unless `NO_COLOR` is set; anywhere with `FORCE_COLOR`."""
    if os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR")
    if forced:
        return forced != "0"
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def printable(text: str) -> str:
    """A text of somebody else's with what would tell a terminal to do something written as an escape."""
    if text.isprintable():
        return text
    return "".join(_escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode()


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to whatever `sys.stderr` is at the moment, which a live display replaces."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        """Where to write."""
        return sys.stderr

    @stream.setter
    def stream(self, value: TextIO) -> None:
        pass


class _PrefixFormatter(logging.Formatter):
    """Begins every line of a message with the prefix."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if record.levelno >= logging.WARNING:
            level = record.levelname
            if shows_colours(sys.stderr):
                level = f"\x1b[{31 if record.levelno >= logging.ERROR else 33}m{level}\x1b[0m"
            text = f"{level}: {text}"
        elif "Failed Job" in text and shows_colours(sys.stderr):
            text = text.replace("Failed Job", "\x1b[31mFailed Job\x1b[0m")
        return PREFIX + text.replace("\n", f"\n{PREFIX}") if "\n" in text else PREFIX + text


def ensure_logging(level: str) -> None:
    """Show messages of this level and above on stderr, unless handlers of the program's own show them."""
    if not logger.hasHandlers() or any(isinstance(handler, _StderrHandler) for handler in logger.handlers):
        start_logging(level)


def start_logging(level: str) -> None:
    """Show messages of this level and above on stderr. Calling it again only changes the level."""
    logger.setLevel("WARNING" if level == "WARN" else level)
    logger.propagate = False
    if not any(isinstance(handler, _StderrHandler) for handler in logger.handlers):
        handler = _StderrHandler()
        handler.setFormatter(_PrefixFormatter())
        logger.addHandler(handler)
