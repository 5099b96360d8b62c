"""What the decorator `task` and `.options` refuse: values of a kind that would be taken for something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from redun.expression import has_expressions

BOOLEANS = ("cache", "hash_helpers", "prov", "use_wrapper_signature")


def check_name(where: str, what: str, name: Any) -> None:
    """Raise `TypeError` for a name, or a namespace, that is no text."""
    if not isinstance(name, str):
        raise TypeError(f"{where}: {what} must be a text, not {name!r}")


def check_boolean(where: str, name: str, value: Any) -> None:
    """Raise `TypeError` for what is neither true nor false: any text would count as true.

    None is for an option that is not given, and an expression is looked at when it has a value.
    """
    is_boolean = isinstance(value, int) and value in (0, 1)
    if value is not None and not is_boolean and not has_expressions(value):
        raise TypeError(f"{where}: {name} must be True or False, not {value!r}")


def check_booleans(where: str, options: Mapping[str, Any]) -> None:
    """`check_boolean` for all options that are one."""
    for name in BOOLEANS:
        if name in options:
            check_boolean(where, name, options[name])


def check_texts(where: str, name: str, value: Any) -> None:
    """Raise `TypeError` for what is no list of texts: a text would be taken for its letters."""
    if value is None:
        return
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes)):
        raise TypeError(f"{where}: {name} must be a list of texts, such as [{value!r}], not {value!r}")
    if not all(isinstance(item, str) for item in value):
        raise TypeError(f"{where}: {name} must be a list of texts, not {value!r}")


def check_export_options(where: str, options: Any) -> None:
    """Raise `TypeError` for what is no dict of options."""
    if options is not None and not isinstance(options, Mapping):
        raise TypeError(f"{where}: export_options must be a dict of options by name, not {options!r}")
