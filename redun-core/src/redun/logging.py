"""The logger that `redun run` shows, for workflows that write to it.

Importing this module is asking for its messages: where nothing shows those of "redun" yet, neither `redun run` nor
handlers of the program's own, they go to stderr from here on, in lines that begin with `[redun] `. So they do in a
worker process. redun itself never imports it.
"""

from __future__ import annotations

import logging
from types import MappingProxyType

from redun.log_lines import logger, start_logging

__all__ = ["log_levels", "logger"]

log_levels = MappingProxyType(
    {"ERROR": logging.ERROR, "WARN": logging.WARNING, "INFO": logging.INFO, "DEBUG": logging.DEBUG}
)
"""The levels that `redun --log-level` knows, by name."""

if not logger.hasHandlers():
    start_logging(logging.getLevelName(logger.level or logging.INFO))
