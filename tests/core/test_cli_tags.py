"""Tags as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redun.tags import format_tag_key_value, format_tag_value, parse_tag_key_value, parse_tag_value

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("null", None),
        ("true", True),
        ("false", False),
        ("10", 10),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("[1, 2]", [1, 2]),
        ('{"a": null}', {"a": None}),
        ('"10"', "10"),
        ("acme", "acme"),
        ("nan", "nan"),
        ("1_000", "1_000"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_a_tag_value_is_read_by_what_it_looks_like(text, value):
    parsed = parse_tag_value(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize("text", ["[1,", '{"a"}', '"open'])
def test_what_begins_like_json_must_be_json(text):
    with pytest.raises(ValueError, match="not"):
        parse_tag_value(text)


@given(json_values | st.sampled_from(["", "10", "1.5", "true", "null", "[", '"a"', "{}", "plain"]))
def test_formatting_is_the_inverse_of_parsing(value):
    parsed = parse_tag_value(format_tag_value(value))
    assert parsed == value
    assert type(parsed) is type(value)


def test_a_pair_needs_a_key_and_an_equals_sign():
    assert parse_tag_key_value("a=b=c") == ("a", "b=c")
    for text in ("a", "=b"):
        with pytest.raises(ValueError, match="key=value"):
            parse_tag_key_value(text)


def test_listings_cut_long_keys_and_values():
    text = format_tag_key_value("k" * 99, "v" * 99)
    key, _, value = text.partition("=")
    assert (len(key), len(value)) == (50, 50)
