"""Importing what descriptors name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from redun.errors import PluginError


def resolve(reference: str) -> Any:
    """The object that a `"module:attribute"` string names.

    Raises `PluginError` when the string has another form, when the module cannot be imported, or has no such attribute.
    """
    module_name, colon, path = reference.partition(":")
    if not (module_name and colon and path):
        raise PluginError(f'{reference!r} does not name an object: write "module:attribute"')
    try:
        found: Any = import_module(module_name)
    except Exception as error:
        raise PluginError(f'"{reference}" cannot be imported: {type(error).__name__}: {error}') from error
    for attribute in path.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError:
            raise PluginError(f'"{reference}" cannot be imported: {module_name} has no {path}') from None
    return found
