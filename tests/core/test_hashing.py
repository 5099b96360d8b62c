"""The hash function: 20 bytes, told apart by kind and by where parts end."""

from __future__ import annotations

import hashlib

import pytest
from redun.hashing import HASH_SIZE, hash_data, hash_parts, new_hasher


def test_hash_is_personalised_blake2b_of_20_bytes():
    expected = hashlib.blake2b(b"data", digest_size=20, person=b"redun.value").digest()
    assert hash_data("value", b"data") == expected
    assert len(expected) == HASH_SIZE


def test_kinds_are_told_apart():
    assert hash_data("value", b"data") != hash_data("task", b"data")


def test_new_hasher_starts_empty_every_time():
    first = new_hasher("value")
    first.update(b"something")
    second = new_hasher("value")
    second.update(b"data")
    assert second.digest() == hash_data("value", b"data")


def test_where_parts_end_counts():
    hashes = {
        hash_parts("args", parts)
        for parts in ([b"ab", b"c"], [b"a", b"bc"], [b"abc"], [b"abc", b""], [b"", b"abc"], [])
    }
    assert len(hashes) == 6


def test_parts_may_be_any_iterable():
    assert hash_parts("args", iter((b"a", b"b"))) == hash_parts("args", [b"a", b"b"])


@pytest.mark.parametrize("kind", ["", "a kind that is far too long"])
def test_impossible_kind_is_refused(kind: str):
    with pytest.raises(ValueError, match="hash kind"):
        hash_data(kind, b"")


def test_pinned():
    assert hash_data("value", b"").hex() == "d10756c9269808aa0e00f586ca551471499747c6"
    assert hash_parts("args", [b"a", b""]).hex() == "d006f13443d722d791915e4067a9961ed443f4c3"
