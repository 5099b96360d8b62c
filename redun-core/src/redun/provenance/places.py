"""Where two values differ: the places inside them, written as one would reach them in Python.

Values are compared as `preview.safe_decode` gives them, so nothing that they bring along is run.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from redun.provenance.preview import MAX_DECODED, ErrorStub, Stub, Words, safe_decode
from redun.short_repr import short_repr

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redun.backends.records import StoredValue

SHORT = 80
_MOST_COMPARED = 100_000
"""How many pairs of parts are looked at."""
_MOST_LINES = 8
_MOST_TEXT = 100_000
_AROUND = 20

HIDDEN = "what differs lies beyond what can be shown"
_SEQUENCES = (list, tuple, deque)


class _TooLargeError(Exception):
    pass


def places(before: StoredValue | None, after: StoredValue | None, name: str) -> list[str]:
    """Lines that say where two stored values differ; none where that cannot be told.

    name: what the path of each place begins with.
    """
    old, new = _decoded(before), _decoded(after)
    if old is _UNKNOWN or new is _UNKNOWN:
        return []
    lines: list[str] = []
    walk = _Walk()
    try:
        for line in walk.lines(old, new, name):
            if len(lines) == _MOST_LINES:
                return [*lines, "and more"]
            lines += line
    except _TooLargeError:
        return [*lines, "and perhaps more"] if lines else []
    except Exception:  # a stored expression that is damaged
        return lines
    return lines


def is_same_error(before: StoredValue | None, after: StoredValue | None) -> bool:
    """Whether two recorded failures are of one error: where it was raised does not count."""
    old, new = _decoded(before), _decoded(after)
    if not isinstance(old, ErrorStub) or not isinstance(new, ErrorStub):
        return False
    try:
        return _Walk().is_same(old, new)
    except _TooLargeError:
        return False


_UNKNOWN: Any = object()


def _decoded(value: StoredValue | None) -> Any:
    if value is None or len(value.data) > MAX_DECODED:
        return _UNKNOWN
    try:
        return safe_decode(value)
    except Exception:  # damaged, or of a class that does not want to be shown
        return _UNKNOWN


class _Walk:
    """Goes down two values at once, with an explicit stack: they may be of any depth."""

    def __init__(self) -> None:
        self._left = _MOST_COMPARED

    def is_same(self, old: Any, new: Any) -> bool:
        return next(self.lines(old, new, ""), None) is None

    def lines(self, old: Any, new: Any, name: str) -> Iterator[list[str]]:
        stack: list[tuple[str, Any, Any]] = [(name, old, new)]
        while stack:
            path, before, after = stack.pop()
            self._left -= 1
            if self._left < 0:
                raise _TooLargeError
            if before is after or (is_leaf(before) and is_leaf(after) and _is_same_leaf(before, after)):
                continue
            pairs = self._pairs(path, before, after)
            if pairs is None:
                yield _leaf_lines(path, before, after, is_whole=path == name)
                continue
            inside, lone = pairs
            if lone:
                yield lone
            stack.extend(reversed(inside))

    def _pairs(self, path: str, old: Any, new: Any) -> tuple[list[tuple[str, Any, Any]], list[str]] | None:
        """What is compared with what inside of two values, and lines about what only one of them has.

        None for values that are compared as they are.
        """
        if isinstance(old, ErrorStub) and isinstance(new, ErrorStub):
            return [(path, old.error, new.error)], []
        if isinstance(old, Stub) and isinstance(new, Stub) and old.short_repr_name == new.short_repr_name:
            return _by_key(path, _fields(old), _fields(new))
        if isinstance(old, BaseException) and type(old) is type(new):
            return self._in_order(f"{path}.args", old.args, new.args)
        if type(old) is not type(new):
            return None
        if isinstance(old, dict):
            keyed = ({f"[{short_repr(key, SHORT)}]": item for key, item in each.items()} for each in (old, new))
            return _by_key(path, *keyed)
        if isinstance(old, _SEQUENCES):
            return self._in_order(path, old, new)
        if isinstance(old, (set, frozenset)):
            gone, come = (sorted(short_repr(item, SHORT) for item in each) for each in (old - new, new - old))
            return [], _lone(path, gone, come)
        return None

    def _in_order(
        self, path: str, old: Sequence[Any], new: Sequence[Any]
    ) -> tuple[list[tuple[str, Any, Any]], list[str]]:
        count = min(len(old), len(new))
        if len(old) == len(new):
            return [(f"{path}[{i}]", old[i], new[i]) for i in range(count)], []
        start = end = 0
        while start < count and self.is_same(old[start], new[start]):
            start += 1
        while end < count - start and self.is_same(old[-1 - end], new[-1 - end]):
            end += 1
        both = range(start, count - end)
        gone = [f"[{i}]: {short_repr(old[i], SHORT)}" for i in range(count - end, len(old) - end)]
        come = [f"[{i}]: {short_repr(new[i], SHORT)}" for i in range(count - end, len(new) - end)]
        lines = [f"{path}{each} is there no more" for each in gone] + [f"{path}{each} is new" for each in come]
        return [(f"{path}[{i}]", old[i], new[i]) for i in both], lines


def is_leaf(value: Any) -> bool:
    """Whether a value has no parts to be compared."""
    return not isinstance(value, (dict, set, frozenset, Stub, BaseException, *_SEQUENCES))


def _is_same_leaf(old: Any, new: Any) -> bool:
    if type(old) is not type(new):
        return False
    if isinstance(old, float):
        return repr(old) == repr(new)
    if isinstance(old, Words):
        return repr(old) == repr(new)
    return bool(old == new)


def _fields(stub: Stub) -> dict[str, Any]:
    named: dict[str, Any] = {}
    parts = list(stub.short_repr_parts())
    if stub.short_repr_name.endswith(".PackedExpression"):
        from redun.provenance.packed import opened

        data = dict(parts).get("_data")
        parts = [("expression", opened(data, safe_decode) if isinstance(data, bytes) else None)]
    for position, (name, item) in enumerate(parts):
        named[f"({position})" if name is None else f".{name}"] = item
    return named


def _by_key(path: str, old: dict[str, Any], new: dict[str, Any]) -> tuple[list[tuple[str, Any, Any]], list[str]]:
    inside = [(f"{path}{key}", old[key], new[key]) for key in new if key in old]
    gone = [f"{path}{key}: {short_repr(old[key], SHORT)} is there no more" for key in old if key not in new]
    come = [f"{path}{key}: {short_repr(new[key], SHORT)} is new" for key in new if key not in old]
    return inside, [*gone, *come]


def _lone(path: str, gone: list[str], come: list[str]) -> list[str]:
    return [*(f"{path}: {each} is there no more" for each in gone), *(f"{path}: {each} is new" for each in come)]


def _leaf_lines(path: str, old: Any, new: Any, *, is_whole: bool) -> list[str]:
    texts = [repr(each) if isinstance(each, (str, bytes)) else short_repr(each, _MOST_TEXT) for each in (old, new)]
    if max(map(len, texts)) <= SHORT:
        return [f"{path}: {texts[0]} became {texts[1]}"] if texts[0] != texts[1] else [f"{path}: {HIDDEN}"]
    lines = text_difference(*texts)
    return list(lines) if is_whole else [f"{path}:", *(f"  {line}" for line in lines)]


def text_difference(before: str, after: str) -> tuple[str, str]:
    """The parts of two long texts that differ, with some of what stands around them."""
    start = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        start += 1
    end = 0
    for one, other in zip(reversed(before[start:]), reversed(after[start:]), strict=False):
        if one != other:
            break
        end += 1
    old, new = (_around(text, start - _AROUND, len(text) - end + _AROUND) for text in (before, after))
    return f"- {old}", f"+ {new}"


def _around(text: str, start: int, end: int) -> str:
    start, end = max(start, 0), min(end, len(text))
    shown = text[start:end] if end - start <= 3 * SHORT else text[start : start + 3 * SHORT] + "..."
    return f"{'...' if start else ''}{shown}{'...' if end < len(text) else ''}"
