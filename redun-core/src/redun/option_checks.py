"""What the decorator `task` and `.options` refuse: values of a kind that would be taken for something else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from redun.cache_options import CacheCheckValid, CacheScope
from redun.expression import has_expressions
from redun.tags import check_tags

if TYPE_CHECKING:
    from redun.base_task import Task

NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*\Z")
NAMESPACE = re.compile(r"[A-Za-z_][A-Za-z_0-9.]*\Z")
BOOLEANS = ("cache", "hash_helpers", "prov", "use_wrapper_signature")
_READ_WHEN_DEFINED = ("config_args", "hash_helpers", "load_module", "nout", "use_wrapper_signature")


def check_task(task: Task[..., Any]) -> None:
    """Raise `TypeError` or `ValueError` for a task whose name or options are none, or contradict its function."""
    where = f"task {task.fullname!r}"
    check_name(where, "the name", task.name)
    check_name(where, "the namespace", task.namespace)
    check_texts(where, "compat", task.compat)
    check_boolean(where, "script", task.script)
    check_booleans(where, task.get_task_options())
    if not NAME.match(task.name):
        raise ValueError(f"{where}: the name must be ASCII letters, digits and underscores, and not start with a digit")
    if task.namespace and not NAMESPACE.match(task.namespace):
        raise ValueError(f"{where}: the namespace must be names joined by dots")
    for name in _READ_WHEN_DEFINED:
        if has_expressions(task.get_task_option(name)):
            raise TypeError(f"{where}: {name} is read where the task is defined, and cannot be an expression")
    _check_nout(where, task.get_task_option("nout"))
    tags = task.get_task_option("tags")
    try:
        if not has_expressions(tags):
            check_tags(tags)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    config_args = task.get_task_option("config_args") or ()
    check_texts(where, "config_args", config_args)
    unknown = [name for name in config_args if name not in task.signature.parameters]
    if unknown:
        raise ValueError(f"{where}: config_args names {unknown}, which are not among its parameters")
    if task.is_async() and not _has_async_caching(task):
        raise ValueError(
            f"{where} is async, so its body cannot be cached on its own: declare cache=False, or check_valid='shallow'"
        )


def _check_nout(where: str, nout: Any) -> None:
    if nout is not None and (not isinstance(nout, int) or isinstance(nout, bool)):
        raise TypeError(f"{where}: nout must be an int, not {nout!r}")
    if nout is not None and nout < 0:
        raise TypeError(f"{where}: nout must not be negative, but is {nout}")


def _has_async_caching(task: Task[..., Any]) -> bool:
    if has_expressions([task.get_task_option(name) for name in ("cache", "cache_scope", "check_valid")]):
        return True  # whatever it will be, the body is not cached
    scope = task.get_task_option("cache_scope")
    if scope is None and task.has_task_option("cache"):
        scope = CacheScope.BACKEND if task.get_task_option("cache") else CacheScope.CSE
    if scope is None or CacheScope(scope) is CacheScope.BACKEND:
        return CacheCheckValid(task.get_task_option("check_valid", "full")) is CacheCheckValid.SHALLOW
    return True


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
