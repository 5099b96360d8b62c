"""What settings models are made of.

A model derives from `Settings`; each field is an option, with its type, its default and a description. The texts of the
INI file are parsed by the field's type: numbers and booleans as they are, the types below for lists and mappings.
"""

from __future__ import annotations

import json
import shlex
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Settings(BaseModel):
    """Base class of settings models: immutable, and without room for options that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OpenSettings(BaseModel):
    """Base class of settings models of sections whose option names the user makes up."""

    model_config = ConfigDict(extra="allow", frozen=True)


def _words(value: Any) -> Any:
    return tuple(value.split()) if isinstance(value, str) else value


def _shell_words(value: Any) -> Any:
    return tuple(shlex.split(value)) if isinstance(value, str) else value


def _lines(value: Any) -> Any:
    return tuple(line.strip() for line in value.splitlines() if line.strip()) if isinstance(value, str) else value


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(f"it is not valid JSON: {error}") from None


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
"""Words separated by white space."""

ShellWords = Annotated[tuple[str, ...], BeforeValidator(_shell_words)]
"""Words separated by white space, where a shell's quotes and backslashes keep white space inside a word."""

Lines = Annotated[tuple[str, ...], BeforeValidator(_lines)]
"""One entry a line; empty lines do not count."""

JsonObject = Annotated[dict[str, Any], BeforeValidator(_json)]
"""A JSON object with any content."""

JsonTexts = Annotated[dict[str, str], BeforeValidator(_json)]
"""A JSON object whose values are texts."""
