"""The arguments of a call: their values, their hashes, and where they came from."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redun.backends.records import Argument
from redun.errors import FOREIGN_ERRORS, InvalidArgumentError, InvalidValueError, describe_error
from redun.expression import Expression
from redun.hashing import new_hasher
from redun.job_info import JobInfo
from redun.scheduler import handles
from redun.scheduler.cells import SCALARS, Cell, find_expressions, gather_sources, substitute
from redun.scheduler.prepared import ROOT
from redun.value import apply_hook, encode, hash_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from redun.handle import Handle
    from redun.scheduler.prepared import PreparedTask
    from redun.value import EncodedValue

_ARGS = new_hasher("args")

_LARGE = frozenset({str, bytes})
_INLINE_SIZE = 64
"""Length up to which a text is cheaper to hash again than to look up."""


def check_size(encoded: EncodedValue, most_bytes: int | None, what: str) -> None:
    """Raise `InvalidValueError` for a value that is larger than the repository takes."""
    if most_bytes is not None and len(encoded.data) > most_bytes:
        raise InvalidValueError(
            f"{what} has {len(encoded.data):,} bytes, more than the {most_bytes:,} that the repository takes "
            "(max_value_size): pass large data as a File instead"
        )


def to_show(
    given: Iterable[tuple[str, Any]], most_bytes: int | None
) -> tuple[tuple[Argument, ...], list[EncodedValue]]:
    """The arguments of a call that cannot be made, as they are recorded, and their bytes: those that can be stored.

    given: names and values, which may still be expressions.
    """
    arguments, values = [], []
    for name, value in given:
        if isinstance(value, JobInfo) or find_expressions((value,)) or handles.has_handles(value):
            continue
        with suppress(Exception):  # of the user's own methods, and what may be the very reason for showing this
            encoded = encode(value)
            check_size(encoded, most_bytes, name)
            arguments.append(Argument(name, encoded.hash, ()))
            values.append(encoded)
    return tuple(arguments), values


class Arguments:
    """The evaluated arguments of a call, their hashes, and where they came from."""

    __slots__ = (
        "_call_order",
        "_info",
        "_most_bytes",
        "_upstream",
        "changeable",
        "encoded",
        "handles",
        "hashes",
        "values",
    )

    def __init__(
        self, info: PreparedTask, bound: tuple[Any, ...], memo: dict[int, Cell], most_bytes: int | None, call_order: int
    ) -> None:
        self._info = info
        self._call_order = call_order
        self._most_bytes = most_bytes
        self._upstream: dict[int, tuple[bytes, ...]] = {}
        self.encoded: list[EncodedValue] = []
        self.changeable: list[tuple[int, EncodedValue]] = []
        self.hashes: list[bytes] = []
        self.handles: tuple[tuple[Handle, Handle], ...] = ()
        """The handles in the arguments, and the forks of them that the call is given."""
        values: list[Any] = []
        with_handles: tuple[int, ...] = ()
        for index, item in enumerate(bound):
            value = item
            if item.__class__ not in SCALARS and memo:
                value = self._evaluated(index, item, memo)
                if value.__class__ in _LARGE and len(value) > _INLINE_SIZE and isinstance(item, Expression):
                    known = memo[id(item)].value_hash
                    if known is not None:
                        # Recorded with the call that made it, and unable to change since.
                        values.append(value)
                        self.hashes.append(known)
                        continue
            if value.__class__ not in SCALARS:
                if handles.has_handles(value):
                    with_handles += (index,)
                    values.append(value)
                    self.hashes.append(self._guarded(index, hash_value, value))
                    continue
                value = self._preprocessed(index, value, {"call_order": call_order})
            values.append(value)
            if index in info.job_info_positions:
                self.hashes.append(b"")
                continue
            encoded = self._encode(index, value)
            self.encoded.append(encoded)
            self.hashes.append(encoded.hash)
            if value.__class__ not in SCALARS:
                self.changeable.append((index, encoded))
        if with_handles:
            self._fork_handles(values, with_handles)
        self.values = tuple(values)

    def _fork_handles(self, values: list[Any], indexes: tuple[int, ...]) -> None:
        """Give the call forks of its handles. Which ones, depends on all of its arguments, and so comes last."""
        info = self._info
        key = handles.call_key(
            info.fullname, [info.names[index] for index in info.hashed], [self.hashes[index] for index in info.hashed]
        )
        for index in indexes:
            value, steps = self._preprocessed(
                index, values[index], {"call_order": self._call_order, "call_key": key}, handles.through_hook
            )
            encoded = self._encode(index, value)
            values[index], self.hashes[index] = value, encoded.hash
            self.encoded.append(encoded)
            self.changeable.append((index, encoded))
            self.handles += tuple(steps)

    def _evaluated(self, index: int, item: Any, memo: dict[int, Cell]) -> Any:
        exprs = find_expressions((item,))
        if not exprs:
            return item
        cells = [memo[id(expr)] for expr in exprs]
        sources = gather_sources(cells)
        if sources:
            self._upstream[index] = sources
        return substitute(item, memo)

    def _preprocessed(
        self, index: int, value: Any, arguments: dict[str, Any], apply: Callable[..., Any] = apply_hook
    ) -> Any:
        try:
            return apply("preprocess", value, arguments)
        except FOREIGN_ERRORS as error:  # the user's own method
            reason = describe_error(error)
            raise InvalidValueError(
                f"{self._describe(index)} cannot be prepared: preprocess raised {reason}"
            ) from error

    def _encode(self, index: int, value: Any) -> EncodedValue:
        encoded: EncodedValue = self._guarded(index, encode, value)
        if self._most_bytes is not None and len(encoded.data) > self._most_bytes:
            check_size(encoded, self._most_bytes, self._describe(index))
        return encoded

    def _guarded(self, index: int, encoder: Callable[[Any], Any], value: Any) -> Any:
        try:
            return encoder(value)
        except InvalidArgumentError:
            raise
        except InvalidValueError as error:
            raise InvalidValueError(f"{self._describe(index)}: {error}") from error

    def _describe(self, index: int) -> str:
        if self._info.fullname == ROOT:
            return "what was given to run()"
        return f"argument {self._info.names[index]!r} of {self._info.fullname}"

    def records(self) -> tuple[Argument, ...]:
        """The arguments as they are recorded."""
        upstream = self._upstream
        return tuple(
            [
                Argument(name, value_hash, upstream.get(index, ()))
                for index, (name, value_hash) in enumerate(zip(self._info.names, self.hashes, strict=True))
                if value_hash
            ]
        )

    def hash(self) -> bytes:
        """The hash of those that count: not `config_args`, not `JobInfo`."""
        info = self._info
        hasher = _ARGS.copy()
        hasher.update(info.names_prefix)
        hasher.update(b"".join([self.hashes[index] for index in info.hashed]))
        return hasher.digest()
