"""States of handles as they are stored, and which later call rolled one back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from redun.hashing import hash_parts
from redun.provenance.preview import safe_decode

if TYPE_CHECKING:
    from redun.backends.records import StoredValue

_MARK = b"_reopen"
"""What every stored handle has in its bytes, near the beginning."""
_NEAR = 200


class HandleState(NamedTuple):
    """A state of a handle. States are known by hashes of their own, which are not those of the values."""

    fullname: str
    type_name: str
    """Of the class."""
    fork_of: bytes | None
    """Of a fork: the state before."""
    eval_hash: bytes | None
    """Of a state that a call returned: the evaluation hash of that call."""
    before: tuple[bytes, ...]
    """Of a fork: the states out of which the one before came by forks and merges, without a call."""

    def value_hash(self, state: bytes) -> bytes:
        """The hash, as a value, of another state of this handle."""
        return hash_parts("value", [b"value", self.type_name.encode(), state.hex().encode()])


def handle_state(value: StoredValue | None) -> HandleState | None:
    """What a stored value says about the handle that it is; None if it is none. Nothing is opened."""
    if value is None or value.codec != "pickle" or _MARK not in value.data[:_NEAR]:
        return None
    try:
        state: Any = getattr(safe_decode(value), "handle_state", None)
        came_from = bytes.fromhex(state["call_hash"])
        is_fork, fullname = bool(state["key"]), str(state["fullname"])
        steps = [[item for _, item in each.short_repr_parts()] for each in state.get("transitions", ())]
        before = tuple(bytes.fromhex(parent) for _, _, _, parents in steps for parent in parents)
    except Exception:  # damaged, or something else with the same word in it
        return None
    eval_hash = None if is_fork or not came_from else came_from
    return HandleState(fullname, value.type_name, came_from if is_fork else None, eval_hash, before)
