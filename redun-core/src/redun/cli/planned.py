"""Commands of redun that are known but not there yet: they are told from typing errors."""

from __future__ import annotations

COMMANDS = ("console",)
