"""Whether an output that is there already may be used: as a result from the repository might be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun import nested
from redun.errors import FOREIGN_ERRORS
from redun.executors.transport import Returned, decode_outcome
from redun.expression import Expression
from redun.value import is_valid

if TYPE_CHECKING:
    from redun.remote.frames import Frame


def reusable(full_name: str, frame: Frame) -> Returned | None:
    """The result in an output, if every value in it says that it is valid, such as a `File` that is unchanged.

    None if it may not be used: also for expressions, which do not speak for what is in them.
    """
    outcome = decode_outcome(full_name, frame.payload)
    return outcome if isinstance(outcome, Returned) and _holds(outcome.value) else None


def _holds(value: Any) -> bool:
    try:
        return not any(isinstance(leaf, Expression) for leaf in nested.iter_leaves(value)) and is_valid(value)
    except FOREIGN_ERRORS:  # a user's own method, or a handle, which only the scheduler knows
        return False
