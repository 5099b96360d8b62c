"""Handles: values that stand for something outside that has a state, such as a connection to a database.

A handle cannot be hashed by content: what it stands for is too large, or out of reach. So its hash is that of its
history: how it was made, and by which calls it has gone. A call that is given a handle gets a *fork* of it, whose later
states nobody else shares; a handle that a call returns is in a new state. When a call runs again, all states that came
after the fork that it is given are rolled back: results that hold them are valid no longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

from redun.errors import InvalidValueError, RedunError
from redun.hashing import hash_parts
from redun.namespace import compute_namespace
from redun.session import get_handle_states
from redun.value import Value, get_type_registry, hash_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORK, MERGE = "fork", "merge"


class Transition(NamedTuple):
    """A state that came out of others without a call: it was asked for with `fork`, or it was merged."""

    hash: str
    key: str
    kind: str
    parents: tuple[str, ...]


class HandleInfo:
    """What redun knows about a handle: its `__handle__`."""

    __slots__ = (
        "_earlier",
        "_kind",
        "_parents",
        "args",
        "call_hash",
        "class_name",
        "fork_parent",
        "fullname",
        "has_namespace",
        "hash",
        "is_recorded",
        "key",
        "kwargs",
        "name",
        "namespace",
    )

    def __init__(
        self, class_name: str, name: str, namespace: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.class_name = class_name
        self.name = name
        self.namespace = namespace
        self.args = args
        self.kwargs = kwargs
        self.has_namespace = False
        """Whether the namespace was given to the constructor."""
        self.call_hash = ""
        """What brought the handle into its state: the evaluation hash of a call, or for a fork the state before."""
        self.key = ""
        """Of a fork: which one."""
        self.hash = ""
        self.is_recorded = False
        """Whether the repository was told how this state came about."""
        self.fork_parent: Handle | None = None
        self._parents: tuple[HandleInfo, ...] = ()
        self._kind = ""
        self._earlier: tuple[Transition, ...] = ()
        self.fullname = f"{namespace}.{name}" if namespace else name

    def begin(self) -> None:
        """Set the hash of a handle that no call has seen yet."""
        named = [(key.encode(), hash_value(value)) for key, value in sorted(self.kwargs.items())]
        parts = [b"init", self.fullname.encode(), len(self.args).to_bytes(4, "little"), *map(hash_value, self.args)]
        self.hash = hash_parts("handle", [*parts, *(part for pair in named for part in pair)]).hex()

    def after(self, call_hash: str, key: str = "", kind: str = "", parents: Iterable[HandleInfo] = ()) -> HandleInfo:
        """The same handle in the state after a call, a fork or a merge."""
        info = HandleInfo(self.class_name, self.name, self.namespace, self.args, self.kwargs)
        info.has_namespace = self.has_namespace
        info.call_hash, info.key, info._kind, info._parents = call_hash, key, kind, tuple(parents)
        parts = ["call", info.fullname, key, kind if kind == MERGE else "", call_hash]
        info.hash = hash_parts("handle", [part.encode() for part in parts]).hex()
        return info

    def transitions(self) -> list[Transition]:
        """The forks and merges by which this state came out of the last one that a call returned or was given."""
        found: dict[str, Transition] = {}
        stack = [(self, False)]
        while stack:
            info, is_visited = stack.pop()
            if info.hash in found:
                continue
            if not is_visited:
                stack.append((info, True))
                stack.extend((parent, False) for parent in info._parents)
                continue
            found.update((each.hash, each) for each in info._earlier)
            if info._kind:
                parents = tuple(parent.hash for parent in info._parents)
                found[info.hash] = Transition(info.hash, info.key, info._kind, parents)
        return list(found.values())

    def __getstate__(self) -> dict[str, Any]:
        names = ("class_name", "name", "namespace", "args", "kwargs", "has_namespace", "call_hash", "key", "hash")
        state = {name: getattr(self, name) for name in names}
        transitions = self.transitions()
        return {**state, "transitions": transitions} if transitions else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        HandleInfo.__init__(self, *(state[name] for name in ("class_name", "name", "namespace", "args", "kwargs")))
        self.has_namespace, self.hash = state["has_namespace"], state["hash"]
        self.call_hash, self.key = state["call_hash"], state["key"]
        self._earlier = tuple(state.get("transitions", ()))


class Handle(Value):
    """Base class of values that stand for something with a state, such as a connection to a database.

    A subclass opens it in `__init__(self, name, *args, namespace=None, **kwargs)`. Only the arguments are stored: where
    a handle is brought back, or arrives in another process, `__init__` runs again. Attributes that the handle has not
    got are those of `self.instance`, if the subclass sets it. The arguments stand in the repository, so a password is
    none of them: `__init__` gets it from the environment, say.

    name: by which the handle is known, within its namespace; two handles of one name are about the same thing.
    namespace: otherwise the `redun_namespace` of the module of the class.

    A task that changes what the handle stands for returns the handle; what comes afterwards takes the handle that was
    returned. Raises InvalidValueError for arguments that cannot be hashed.
    """

    type_name = "redun.Handle"
    instance: Any
    __handle__: HandleInfo

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Take down the arguments of the constructor."""
        handle = super().__new__(cls)
        given = dict(kwargs)
        namespace = given.pop("namespace", None)
        name, *rest = args if args else (given.pop("name", None),)
        if not isinstance(name, str) or not name:
            raise InvalidValueError(f"a {cls.type_name} needs a name, a text, as its first argument, not {name!r}")
        info = HandleInfo(cls.type_name, name, compute_namespace(cls, namespace), tuple(rest), given)
        info.has_namespace = namespace is not None
        info.begin()
        handle.__handle__ = info
        return handle

    def __init__(self, name: str, *args: Any, namespace: str | None = None, **kwargs: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        instance = self.__dict__.get("instance")
        if instance is None or (name[:2] == name[-2:] == "__"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        return getattr(instance, name)

    def __repr__(self) -> str:
        info = self.__handle__
        return f"{info.class_name}(fullname={info.fullname}, hash={info.hash[:8]})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (type(self), self.__handle__)

    # -- as a value ---------------------------------------------------------------------------------------------------

    def get_hash(self, data: bytes | None = None) -> str:  # noqa: ARG002
        """The hash of the handle's history, as 40 hex digits."""
        return self.__handle__.hash

    def is_valid(self) -> bool:
        """Whether this state is recorded and was not rolled back since, and the class is still called the same.

        Raises NoCurrentScheduler where no scheduler runs in this thread.
        """
        info = self.__handle__
        return info.class_name == type(self).type_name and get_handle_states().is_valid(bytes.fromhex(info.hash))

    def preprocess(self, preprocess_args: dict[str, Any]) -> Self:
        """The fork that a call is given: `call_key` in the arguments says which one, else `call_order`."""
        key = preprocess_args.get("call_key")
        if key is None:
            key = self.__handle__.key or str(preprocess_args.get("call_order", 0))
        return self._in_state(self.__handle__.after(self.__handle__.hash, key))

    def postprocess(self, postprocess_args: dict[str, Any]) -> Self:
        """The handle in the state after the call whose evaluation hash is `pre_call_hash` in the arguments."""
        return self.apply_call(postprocess_args["pre_call_hash"])

    # -- states -------------------------------------------------------------------------------------------------------

    def fork(self, key: str) -> Self:
        """The handle in a state of its own, for calls that do not get in the way of those that other forks are given.

        key: tells the forks of one state apart.
        """
        forked = self._in_state(self.__handle__.after(self.__handle__.hash, str(key), FORK, (self.__handle__,)))
        forked.__handle__.fork_parent = self
        return forked

    def apply_call(self, call_hash: str) -> Self:
        """The handle in the state after a call, which has this evaluation hash (40 hex digits)."""
        return self._in_state(self.__handle__.after(call_hash))

    def _in_state(self, info: HandleInfo) -> Self:
        """The same handle, open as it is, in another state."""
        clone = object.__new__(type(self))
        clone.__dict__.update(self.__dict__)
        clone.__handle__ = info
        return clone


def merge_states(handles: Sequence[Handle]) -> Handle:
    """The first of some handles, in a state that comes after those of all of them.

    Raises RedunError where there are none, where something is no handle, or where they have different names.
    """
    for handle in handles:
        if not isinstance(handle, Handle):
            raise RedunError(f"merge_handles() takes a list of handles, and was given a {type(handle).__name__} in it")
    if not handles:
        raise RedunError("merge_handles() takes at least one handle, and was given an empty list")
    names = sorted({handle.__handle__.fullname for handle in handles})
    if len(names) > 1:
        raise RedunError(f"merge_handles() takes handles of one name, and was given {', '.join(names)}")
    infos = {handle.__handle__.hash: handle.__handle__ for handle in handles}
    if len(infos) == 1:
        return handles[0]
    parents = [infos[key] for key in sorted(infos)]
    merged = hash_parts("handle", [bytes.fromhex(parent.hash) for parent in parents]).hex()
    first = handles[0]
    return first._in_state(first.__handle__.after(merged, "", MERGE, parents))


def _reopen(cls: type[Handle], info: HandleInfo) -> Handle:
    handle = object.__new__(cls)
    handle.__handle__ = info
    named = {**info.kwargs, "namespace": info.namespace} if info.has_namespace else info.kwargs
    handle.__init__(info.name, *info.args, **named)  # type: ignore[misc]  # as the constructor was called
    return handle


def get_handle_class(handle_class_name: str) -> type[Handle]:
    """The handle class of that type name. Raises TypeError when there is none."""
    found = get_type_registry().get_class(handle_class_name)
    if found is None or not issubclass(found, Handle):
        raise TypeError(f"no handle class with the type name {handle_class_name!r} is defined: import its module first")
    return found
