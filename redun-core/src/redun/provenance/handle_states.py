"""States of handles as they are stored, and which later call rolled one back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redun.provenance.preview import safe_decode

if TYPE_CHECKING:
    from redun.backends.records import StoredValue

_MARK = b"_reopen"
"""What every stored handle has in its bytes, near the beginning."""
_NEAR = 200


class HandleState(NamedTuple):
    """A state of a handle."""

    fullname: str
    fork_of: bytes | None
    """Of a fork: the state before."""
    eval_hash: bytes | None
    """Of a state that a call returned: the evaluation hash of that call."""


def handle_state(value: StoredValue | None) -> HandleState | None:
    """What a stored value says about the handle that it is; None if it is none. Nothing is opened."""
    if value is None or value.codec != "pickle" or _MARK not in value.data[:_NEAR]:
        return None
    try:
        state = getattr(safe_decode(value), "handle_state", None)
        came_from = bytes.fromhex(state["call_hash"])
        is_fork, fullname = bool(state["key"]), str(state["fullname"])
    except Exception:  # damaged, or something else with the same word in it
        return None
    return HandleState(fullname, came_from if is_fork else None, None if is_fork else came_from or None)
