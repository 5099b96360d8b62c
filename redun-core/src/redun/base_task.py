"""The task as an object: its name, its hash, its options, what a call of it gives."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, Generic, ParamSpec, TypeVar, cast

from redun.errors import InvalidValueError, UsageError
from redun.expression import TaskExpression
from redun.hashing import hash_data, hash_parts
from redun.namespace import compute_namespace
from redun.nested import merge_dicts
from redun.option_checks import check_task
from redun.result_length import get_result_length
from redun.signature import Binder, make_binder
from redun.source import get_func_source
from redun.task_registry import get_task_registry
from redun.value import Value, hash_value

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from redun.helpers_hash import Binding, Helpers
    from redun.partial_task import PartialTask

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
T = TypeVar("T")

_HEX_DIGITS = 12


def split_task_fullname(task_fullname: str) -> tuple[str, str]:
    """The namespace and the name in a full name: `"a.b.c"` gives `("a.b", "c")`."""
    namespace, _, name = task_fullname.rpartition(".")
    return namespace, name


class Task(Value, Generic[P, R]):
    """A function that runs as a node of a workflow. Made by the decorator `task`."""

    type_name = "redun.Task"

    _wrapped: Task[..., Any] | None = None
    _source_functions: tuple[Callable[..., Any], ...] = ()
    _bindings: tuple[Binding, ...] = ()
    _helper_hashes: Mapping[str, str] = MappingProxyType({})
    _original: Task[..., Any] | None = None

    def __init__(
        self,
        func: Callable[P, R],
        name: str | None = None,
        namespace: str | None = None,
        version: str | None = None,
        compat: list[str] | None = None,
        script: bool = False,
        task_options_base: dict[str, Any] | None = None,
        task_options_override: dict[str, Any] | None = None,
        hash_includes: list[Any] | None = None,
        source: str | None = None,
        export_names: Iterable[str] = (),
        wrapped: Task[..., Any] | None = None,
        source_functions: tuple[Callable[..., Any], ...] = (),
    ) -> None:
        self.func = func
        self.name = name or func.__name__
        self.namespace = compute_namespace(func, namespace)
        self.version = version
        self.compat = compat or []
        self.script = script
        self.export_names: tuple[str, ...] = tuple(sorted(set(export_names)))
        self._options = dict(task_options_base or {})
        self._overrides = dict(task_options_override or {})
        self._hash_includes = self._included(hash_includes)
        self._source = source
        self._wrapped = wrapped
        self._source_functions = source_functions
        self._hash: str | None = None
        self._validate()

    def _included(self, values: Any) -> tuple[Any, ...]:
        if values is None:
            return ()
        if isinstance(values, (str, bytes, Mapping)):  # one value, not its letters or its keys
            return (values,)
        try:
            return tuple(values)
        except TypeError:
            raise TypeError(f"task {self.fullname!r}: hash_includes is a list of values, not {values!r}") from None

    def _validate(self) -> None:
        check_task(self)

    # -- facts --------------------------------------------------------------------------------------------------------

    @property
    def fullname(self) -> str:
        """`namespace.name`, or the name alone."""
        return f"{self.namespace}.{self.name}" if self.namespace else self.name

    @property
    def source(self) -> str:
        """The text of the function from its `def` on; of a wrapped task, that of the wrapper."""
        if self._source is None:
            self._source = "".join(map(get_func_source, self._source_functions or (self.func,)))
        return self._source

    @property
    def hash(self) -> str:
        """What a change of the task's code changes: 40 hex digits."""
        if self._hash is not None:
            return self._hash
        if self._original is not None:
            return self._original.hash
        digest, is_final, bindings, self._helper_hashes = self._calc_hash(get_task_registry().hashes_helpers)
        if is_final:
            self._hash = digest.hex()
            if bindings:
                self._bindings = bindings
                get_task_registry().watch(self)
        return digest.hex()

    @property
    def hash_bytes(self) -> bytes:
        """The hash as 20 bytes."""
        return bytes.fromhex(self.hash)

    def has_hash(self, hash_bytes: bytes) -> bool:
        """Whether this is the task's hash, with `[scheduler] hash_helpers` or without.

        A worker process does not know how the scheduler that sends it a call is configured.
        """
        return hash_bytes == self.hash_bytes or any(hash_bytes == self._calc_hash(which)[0] for which in (True, False))

    def _calc_hash(self, helpers_by_default: bool) -> tuple[bytes, bool, tuple[Binding, ...], Mapping[str, str]]:
        """The hash, whether it is final, the names in helpers that it holds for, and the hashes of its own helpers.

        While a module is still being imported, helpers may be missing.
        """
        if self.compat:
            return hash_data("task", self.compat[0].encode()), True, (), {}
        kind, text = ("version", self.version) if self.version is not None else ("source", self.source)
        parts = [self.fullname.encode(), kind.encode(), str(text).encode("utf-8", "surrogatepass")]
        try:
            parts += sorted(map(hash_value, self._hash_includes))
        except InvalidValueError as error:
            raise InvalidValueError(f"task {self.fullname!r}: an item of its hash_includes: {error}") from error
        is_final, bindings, hashes = True, self._bindings[:0], {}
        if self._wrapped is not None:
            wrapped_hash, is_final, bindings, _ = self._wrapped._calc_hash(helpers_by_default)
            parts += [b"wraps", wrapped_hash]
        if self.hashes_helpers(helpers_by_default):
            helpers = self.helpers()
            is_final, bindings = is_final and helpers.is_final, (*bindings, *helpers.bindings)
            # Without helpers the hash is the plain one, so that asking for them runs nothing again needlessly.
            parts += [b"helpers", helpers.hash] if helpers.hash else []
            hashes = helpers.hashes
        return hash_parts("task", parts), is_final, bindings, hashes

    def hashes_helpers(self, by_default: bool) -> bool:
        """Whether the plain functions that this task calls count in its hash.

        by_default: what holds for tasks that do not say so themselves. It does not hold for a task with a version,
        which is run again by a new version only.
        """
        declared = self._options.get("hash_helpers")
        if declared is not None:
            return bool(declared)
        return by_default and self.version is None and self.namespace.partition(".")[0] != "redun"

    def beside_source(self) -> dict[str, Any]:
        """What else is in the hash than the text or version, for people who ask later why it changed.

        By `helpers`, `hash_includes` and `wraps`, as far as there are any: hashes, in hex.
        """
        found: dict[str, Any] = {}
        if self.compat:
            return found
        if self._hash_includes:
            found["hash_includes"] = [hash_value(item).hex()[:_HEX_DIGITS] for item in self._hash_includes]
        registry = get_task_registry()
        if self._wrapped is not None:
            found["wraps"] = {self._wrapped.fullname: self._wrapped._calc_hash(registry.hashes_helpers)[0].hex()}
        if helper_hashes := (self._original or self)._helper_hashes:
            found["helpers"] = dict(helper_hashes)
        return found

    def helpers(self) -> Helpers:
        """The plain functions of the user's own modules that this task calls by name, directly or not."""
        from redun.helpers_hash import find_helpers

        return find_helpers((self.func, *self._source_functions))

    def forget_hash(self) -> None:
        """Compute the hash anew when it is asked for: the name has changed, or a helper."""
        self._hash, self._bindings = None, ()

    def helpers_are_same(self) -> bool:
        """Whether every name that was followed for the hash means the same thing as then."""
        return all(binding.holds for binding in self._bindings)

    @cached_property
    def signature(self) -> inspect.Signature:
        """The signature of the function; of a wrapped task, that of the innermost unless the wrapper has its own."""
        return inspect.signature(self.signature_function)

    @property
    def signature_function(self) -> Callable[..., Any]:
        """The function whose parameters and annotations are those of the task."""
        if self._wrapped is None or self.get_task_option("use_wrapper_signature"):
            return self.func
        return self._wrapped.signature_function

    @property
    def wrapped_task(self) -> Task[..., Any] | None:
        """The task that this one wraps, if it was made by a decorator of `wraps_task`."""
        return self._wrapped

    @property
    def inner_task(self) -> Task[..., Any]:
        """The innermost task below all wrappers: the task itself if it wraps none."""
        found: Task[..., Any] = self
        while found._wrapped is not None:
            found = found._wrapped
        return found

    def set_wrapped_name(self, fullname: str) -> None:
        """Note the new name of the task that this one wraps."""
        self._options["wrapped_task"] = fullname

    @cached_property
    def binder(self) -> Binder:
        """Binds the arguments of calls to the signature."""
        return make_binder(self.name, self.signature)

    @cached_property
    def nout(self) -> int | None:
        """How many items the result has, if that is known beforehand."""
        declared = self.get_task_option("nout")
        if declared is not None:
            return cast("int", declared)
        says_itself = "return" in getattr(self.func, "__annotations__", {})
        return get_result_length(self.func if says_itself else self.signature_function)

    @property
    def load_module(self) -> str:
        """The module whose import defines this task."""
        return cast("str", self.get_task_option("load_module") or self.func.__module__)

    def is_async(self) -> bool:
        """Whether the function is a coroutine function."""
        return inspect.iscoroutinefunction(self.func)

    # -- options ------------------------------------------------------------------------------------------------------

    def get_task_options(self) -> dict[str, Any]:
        """The options of the decorator, overridden by those given with `options`."""
        return {**self._options, **self._overrides}

    def get_task_option(self, name: str, default: Any = None) -> Any:
        """One option."""
        return self._overrides[name] if name in self._overrides else self._options.get(name, default)

    def has_task_option(self, name: str) -> bool:
        """Whether an option was given at all."""
        return name in self._overrides or name in self._options

    @property
    def declared_options(self) -> Mapping[str, Any]:
        """The options of the decorator."""
        return self._options

    def options(self, **task_options: Any) -> Task[P, R]:
        """The same task with other options for the calls made through it."""
        return self._derive(task_options, self.export_names)

    def export_options(self, **task_options: Any) -> Task[P, R]:
        """The same task with other options for the calls made through it and for all calls below them."""
        names = {*self.export_names, *task_options}
        if "cache" in task_options:
            names.add("cache_scope")
        return self._derive(task_options, names)

    def update_context(self, context: Mapping[str, Any] | None = None, **values: Any) -> Task[P, R]:
        """The same task with changes of the context for the calls made through it and for all calls below them.

        context: merged deeply into the context of the caller; values: the same as keywords. Both may hold expressions.
        """
        if context is not None and not isinstance(context, Mapping):
            raise UsageError(f"update_context() of task {self.fullname!r} takes a dict of changes, not {context!r}")
        changes = merge_dicts(merge_dicts(self._overrides.get("_context_override", {}), context or {}), values)
        return self.options(_context_override=changes)

    def _derive(self, task_options: dict[str, Any], export_names: Iterable[str]) -> Task[P, R]:
        derived = object.__new__(type(self))
        derived.__dict__.update(self.__dict__)
        derived._overrides = {**self._overrides, **task_options}
        derived.export_names = tuple(sorted(set(export_names)))
        derived.__dict__.pop("nout", None)
        if self._bindings:  # what changes the hash of one changes that of the other
            derived._hash, derived._bindings, derived._original = None, (), self
        derived._validate()
        return derived

    # -- calling ------------------------------------------------------------------------------------------------------

    # The result of an async task is what its coroutine returns. Told apart here and not where the task is made: there
    # mypy would take what a generic function returns for a coroutine.
    @typing.overload
    def __call__(self: Task[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T: ...
    @typing.overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """A lazy expression for the result. To a type checker it has the result's own type."""
        return TaskExpression(self.fullname, args, kwargs, self._overrides, self.export_names, self.nout)

    @typing.overload
    def partial(self: Task[P, Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> PartialTask[T]: ...
    @typing.overload
    def partial(self, *args: Any, **kwargs: Any) -> PartialTask[R]: ...
    def partial(self, *args: Any, **kwargs: Any) -> PartialTask[Any]:
        """A task with some of the arguments already given. They are evaluated with the final call."""
        from redun.partial_task import PartialTask

        return PartialTask(self, args, kwargs)

    # -- as a value ---------------------------------------------------------------------------------------------------

    def get_hash(self, data: bytes | None = None) -> str:  # noqa: ARG002 - the form of the protocol
        """The task's hash, and that of the options given with `options`."""
        if not self._overrides and not self.export_names:
            return self.hash
        return hash_parts("task", [self.hash_bytes, hash_value(self._overrides), hash_value(self.export_names)]).hex()

    def _redun_as_today(self) -> Task[P, R]:
        """The task that is registered under this name today, with the same options: an expression means it by name."""
        if get_task_registry().get(self.fullname) is None:
            return self
        current = object.__new__(type(self))
        current.__setstate__(self.__getstate__())
        current._hash = None
        return current

    def is_valid(self) -> bool:
        """Whether this is still the task that is registered under its name, with the same code."""
        registered = get_task_registry().get(self.fullname)
        return registered is not None and registered.hash == self.hash

    def __getstate__(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "namespace": self.namespace,
            "version": self.version,
            "hash": self.hash,
            "compat": self.compat,
            "script": self.script,
            "options": self._overrides,
            "export_names": self.export_names,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        fullname = f"{state['namespace']}.{state['name']}" if state["namespace"] else state["name"]
        registered = get_task_registry().get(fullname)
        if registered is not None:
            self.__dict__.update(registered.__dict__)
        else:
            self.func = cast("Callable[P, R]", undefined_task(fullname))
            self._options, self._hash_includes, self._source = {}, (), ""
            self.name, self.namespace = state["name"], state["namespace"]
            self.version, self.compat, self.script = state["version"], state["compat"], state["script"]
        self._overrides = state["options"]
        self.export_names = tuple(state["export_names"])
        self.__dict__.pop("nout", None)
        self._hash = state["hash"]

    def __repr__(self) -> str:
        return f"Task(fullname={self.fullname!r}, hash={self.hash[:8]!r})"


def undefined_task(fullname: str) -> Callable[..., Any]:
    """A function that stands for a task nobody has defined."""

    def undefined(*_: Any, **__: Any) -> Any:
        raise ValueError(f"task {fullname!r} is undefined: import the module that defines it")

    return undefined
