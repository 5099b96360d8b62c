"""Hashing as code of users' own does it: texts, bytes, streams and structures, and what a value may be known by."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redun import Scheduler, task
from redun.bcoding import bdecode, bencode
from redun.hashing import Hash, hash_bytes, hash_stream, hash_struct, hash_tag_bytes, hash_text
from redun.value import Value

redun_namespace = "test_hashes"

texts = st.text() | st.binary() | st.integers()
structs = st.recursive(texts, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(structs)
def test_bencode_is_read_back(value: Any) -> None:
    assert bencode(bdecode(bencode(value))) == bencode(value)


@given(structs, structs)
def test_other_content_has_another_bencoding_and_hash(first: Any, second: Any) -> None:
    assert (bencode(first) == bencode(second)) is (hash_struct(first) == hash_struct(second))


def test_bencode_has_the_published_form() -> None:
    assert bencode({"b": [1, -2, "é"], "a": b"\xff"}) == b"d1:a1:\xff1:bli1ei-2e2:\xc3\xa9ee"
    assert bdecode(b"d1:a1:\xff1:bli1ei-2e2:\xc3\xa9ee") == {"a": b"\xff", "b": [1, -2, "é"]}


@pytest.mark.parametrize("value", [True, None, 1.5, {1: 2}, [{"a": {1}}]])
def test_what_has_no_bencoding_is_refused_by_name(value: Any) -> None:
    with pytest.raises(TypeError, match="no bencoding"):
        bencode(value)
    with pytest.raises(TypeError, match="no bencoding"):
        hash_struct(value)


@pytest.mark.parametrize("data", [b"", b"e", b"i1", b"li1e", b"5:ab", b"d1:ae", b"di1e1:ae", b"i1ei2e", b"x"])
def test_what_is_no_bencoding_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="bencoding"):
        bdecode(data)


def test_the_hashes_that_users_make_have_40_hex_digits_and_never_change() -> None:
    assert hash_text("a") == "0a33b97382d1eaa447ef3234417720c731af5ba2"
    assert hash_struct(["a"]) == "f1dd30a0b48bfa6fbad38a350f9de728a04bc9d9"
    assert hash_tag_bytes("t", b"a") == "0f73cb39a9bdd666370e71d8d402ff6a639a9fb6"


@given(st.binary(), st.integers(1, 9))
def test_the_same_bytes_have_the_same_hash_however_they_come(data: bytes, size: int) -> None:
    pieces = Hash()
    for start in range(0, len(data), size):
        pieces.update(data[start : start + size])
    assert (
        hash_bytes(data) == hash_stream(io.BytesIO(data), size) == hash_stream(io.BytesIO(data)) == pieces.hexdigest()
    )


def test_a_tag_tells_the_same_bytes_apart() -> None:
    assert len({hash_tag_bytes("a", b"bc"), hash_tag_bytes("ab", b"c"), hash_bytes(b"abc")}) == 3
    assert Hash(length=8).hexdigest() == Hash().hexdigest()[:8]


class Version(Value):
    """A value with a hash of the user's."""

    type_name = "test_hashes.Version"

    def __init__(self, text: str, note: str = "") -> None:
        self.text, self.note = text, note

    def get_hash(self, data: bytes | None = None) -> str:
        return hash_struct(["Version", self.text])

    def __getstate__(self) -> dict[str, str]:
        return {"text": self.text, "note": self.note}

    def __setstate__(self, state: dict[str, str]) -> None:
        self.__dict__.update(state)


measured: list[str] = []


@task
def measure(version: Version) -> int:
    measured.append(version.note)
    return len(version.text)


def test_a_value_may_be_known_by_such_a_hash(scheduler: Scheduler) -> None:
    measured.clear()
    assert [scheduler.run(measure(Version("1.0", note))) for note in ("first", "second")] == [3, 3]
    assert measured == ["first"]
