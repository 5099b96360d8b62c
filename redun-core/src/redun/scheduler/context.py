"""The contexts of jobs, as the engine sees them: a nested dict and its hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from redun.errors import InvalidValueError, SchedulerError
from redun.nested import merge_dicts
from redun.value import encode

if TYPE_CHECKING:
    from redun.value import EncodedValue


class Context:
    """What `get_context` finds below a job. Never changed: a call that changes it gets another one."""

    __slots__ = ("encoded", "hash", "is_recorded", "value")

    def __init__(self, value: Mapping[str, Any]) -> None:
        """Raises `SchedulerError` for a context that is no dict, or that cannot be stored."""
        if not isinstance(value, Mapping):
            raise SchedulerError(f"a context must be a dict, not {value!r}")
        self.value = value
        self.hash = b""
        """Empty for the empty context."""
        self.encoded: EncodedValue | None = None
        self.is_recorded = True
        if value:
            try:
                self.encoded = encode(dict(value))
            except InvalidValueError as error:
                raise SchedulerError(f"the context cannot be stored: {error}") from error
            self.hash = self.encoded.hash
            self.is_recorded = False

    def updated(self, changes: Mapping[str, Any]) -> Context:
        """The context with some changes, merged deeply. Raises `SchedulerError` as making one does."""
        if not isinstance(changes, Mapping):
            raise SchedulerError(f"a context must be a dict, not {changes!r}")
        return Context(merge_dicts(self.value, changes)) if changes else self


NO_CONTEXT = Context({})
