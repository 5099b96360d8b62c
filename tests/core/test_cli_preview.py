"""Stored values shown without running their code."""

from __future__ import annotations

import datetime
import decimal
import os
import pathlib
import pickle
import sys
from collections import OrderedDict, deque
from typing import Any

import pytest
from redun.backends.records import StoredValue
from redun.provenance.preview import preview, safe_decode


def stored(data: bytes, codec: str = "pickle") -> StoredValue:
    return StoredValue(b"h" * 20, "some.Type", codec, data)


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (os.system, ("touch {}",)),
        (eval, ("open('{}', 'w')",)),
        (exec, ("open('{}', 'w')",)),
        (open, ("{}", "w")),
        (os.mkdir, ("{}",)),
        (pathlib.Path.touch, ("{}",)),
    ],
)
def test_no_function_that_a_pickle_names_is_called(tmp_path, function, args):
    victim = tmp_path / "touched"
    data = pickle.dumps(Calls(function, *(arg.format(victim) for arg in args)))
    assert preview(stored(data))
    assert not victim.exists()


def test_no_module_that_a_pickle_names_is_imported(tmp_path, monkeypatch):
    (tmp_path / "noticed_module.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    data = b"cnoticed_module\nThing\n."
    assert "Thing" in preview(stored(data))
    assert "noticed_module" not in sys.modules


def test_an_unknown_class_shows_how_it_was_made_and_its_state():
    data = b"cacme.models\nSample\n(K\x01tR}(X\x04\x00\x00\x00nameX\x01\x00\x00\x00aub."
    assert preview(stored(data)) == "acme.models.Sample(1, name='a')"


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize(
    "value",
    [
        [1, (2.5, None), {"a": {True}}],
        frozenset({1}),
        b"bytes",
        bytearray(b"bytes"),
        complex(1, 2),
        range(3),
        datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
        datetime.timedelta(seconds=1),
        pathlib.PurePosixPath("/a/b"),
        decimal.Decimal("1.50"),
        OrderedDict(a=1),
        deque([1]),
    ],
)
def test_harmless_types_come_back_as_they_are(value, protocol):
    found = safe_decode(stored(pickle.dumps(value, protocol=protocol)))
    # Those that can be made to eat memory come back as their plain relatives.
    relative = {bytearray: bytes, OrderedDict: dict, deque: list}.get(type(value))
    expected = relative(value) if relative else value
    assert found == expected


def test_errors_of_python_come_back_and_those_of_users_as_stubs():
    error = safe_decode(stored(pickle.dumps(ValueError("bad"))))
    assert repr(error) == "ValueError('bad')"
    assert preview(stored(b"cacme\nBroken\n(X\x03\x00\x00\x00badtR.")) == "acme.Broken('bad')"


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset, bytearray])
def test_a_small_pickle_cannot_make_a_huge_container(kind):
    data = pickle.dumps(Calls(kind, range(10**12)))
    assert "unreadable" in preview(stored(data))


def test_showing_takes_no_longer_however_often_parts_are_shared_or_contain_themselves():
    # Each level names the one below twice: written out, this would have 2 ** 100 parts.
    for callee in (b"cacme\nNode\n", b"cbuiltins\nValueError\n"):
        data = b"N" + b"q\x00" + b"".join(callee + b"h\x00h\x00\x86Rq\x000" + b"h\x00" for _ in range(100)) + b"."
        assert len(preview(stored(data), 500)) < 1000
    itself = b"cacme\nNode\n)Rq\x00h\x00h\x00\x86b."
    assert len(preview(stored(itself), 500)) < 1000


def test_damaged_data_is_described_and_never_raises():
    for data in (b"", b"garbage", pickle.dumps([1, 2])[:-3]):
        assert "unreadable" in preview(stored(data))
    assert "unreadable" in preview(stored(b"\xff", "plain"))
    assert preview(None) == "<not in the repository>"


def test_huge_values_are_described_by_size():
    assert preview(stored(pickle.dumps("x" * 3_000_000))) == "<some.Type, 3.0 MB>"


def test_plain_data_and_bytes_are_shown():
    from redun.value import encode

    for value in (1, "a", [1, {"b": None}], b"raw"):
        encoded = encode(value)
        assert encoded.codec in ("plain", "bytes")
        assert preview(StoredValue(encoded.hash, encoded.type_name, encoded.codec, encoded.data)) == repr(value)


def test_a_recorded_error_keeps_its_error_and_traceback():
    from redun.scheduler.errors import ErrorValue
    from redun.traceback import Traceback
    from redun.value import encode

    encoded = encode(ErrorValue(ValueError("bad"), Traceback((), 0, "detail")))
    error = safe_decode(StoredValue(encoded.hash, encoded.type_name, encoded.codec, encoded.data))
    assert repr(error.error) == "ValueError('bad')"
    assert error.traceback.format()[-1] == "detail"
    assert repr(error) == "ErrorValue(ValueError('bad'))"


def test_a_recorded_file_is_shown_as_a_file(tmp_path):
    from redun.file import File
    from redun.value import encode

    path = tmp_path / "a.txt"
    path.write_text("a")
    encoded = encode(File(str(path)))
    path.unlink()
    assert str(path) in preview(StoredValue(encoded.hash, encoded.type_name, encoded.codec, encoded.data), 300)
