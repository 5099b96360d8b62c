"""Patterns for keys mean what patterns for local files mean."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redun.file import get_filesystem
from redun.file.remote import _matches
from redun_aws.s3.patterns import is_hidden, key_pattern

NAMES = st.text("ab.-]!^\\", min_size=1, max_size=3).filter(lambda name: name not in (".", ".."))
KEYS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PARTS = st.one_of(
    NAMES,
    st.sampled_from(
        ["*", "**", "?", "a*", "*b", ".*", "[ab]", "[!a]", "[a-b]*", "[b-a]", "[", "[]]", "[!]]", "*.*", "a**"]
    ),
)


@settings(max_examples=200)
@given(st.lists(PARTS, min_size=1, max_size=4), KEYS)
def test_they_match_what_other_filesystems_match(parts: list[str], key: str) -> None:
    pattern = "/".join(parts)
    found = key_pattern(pattern)
    # As for local files, two stars at the end match what is below a folder, and no file that has the folder's name.
    expected = _matches(key.split("/"), [*parts, "*"] if parts[-1] == "**" else parts)
    if found is None:
        assert not re.search(r"[*?\[]", pattern)
    else:
        assert bool(found.matches.match(key)) == expected
        if expected:
            assert key.startswith(found.prefix)
            assert not found.in_one_folder or "/" not in key[len(found.prefix) :]


@given(KEYS)
def test_hidden_is_what_two_stars_leave_out(key: str) -> None:
    assert is_hidden(key) != _matches(key.split("/"), ["**"])


@pytest.mark.parametrize(
    "pattern", ["a/[b-a]x*", "a/[\\]x*", "[&&ab]", "[~~]", "[||]", "[a--b]", "(a|b)*", "a.c*", "a\n*"]
)
def test_odd_characters_are_characters(pattern: str, recwarn: pytest.WarningsRecorder) -> None:
    found = key_pattern(pattern)
    assert found is not None
    for key in ("a/x", "&", "~", "|", "a", "-", "abc", "(a|b)c", "a\nb"):
        assert bool(found.matches.match(key)) == _matches(key.split("/"), pattern.split("/")), key
    assert not recwarn.list


def test_local_files_are_matched_in_the_same_way(tmp_path: Path) -> None:
    for name in ("a", "b/a", "b/.h/a", ".h", "b/c/d.txt", "b/[x]", "b/*"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    files = [str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*") if one.is_file()]
    for pattern in ("*", "**", "b/*", "*/a", "**/a", "**/d.*", "b/[[]x]", "b/[*]", "b/.*/*", ".*", "b/**/*.txt"):
        found = key_pattern(pattern)
        assert found is not None
        local = get_filesystem(str(tmp_path)).glob(f"{tmp_path}/{pattern}")
        assert sorted(key for key in files if found.matches.match(key)) == [
            path[len(str(tmp_path)) + 1 :] for path in local
        ]
