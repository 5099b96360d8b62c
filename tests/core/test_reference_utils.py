"""The small helpers that workflows import beside the language: nested values, texts, tables, import paths."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from redun import Scheduler, utils


def test_nested_values_are_walked_and_rebuilt() -> None:
    nested = {"a": [1, (2, {3})]}
    assert sorted(map(str, utils.iter_nested_value(nested))) == ["1", "2", "3", "a"]
    assert utils.map_nested_value(str, nested) == {"a": ["1", ("2", {"3"})]}


def test_dicts_are_merged_deeply_and_stay_as_they_are() -> None:
    dicts = [{"a": {"x": 1, "z": 0}}, {"a": {"y": 2, "z": 3}}, {"b": 1}]
    assert utils.merge_dicts(dicts) == {"a": {"x": 1, "y": 2, "z": 3}, "b": 1}
    assert dicts[0] == {"a": {"x": 1, "z": 0}}
    assert utils.merge_dicts([]) == {}


def test_values_become_texts_and_bytes_that_stay_the_same() -> None:
    assert utils.json_dumps({"b": 1, "a": [1, 2]}) == '{"a":[1,2],"b":1}'
    stream = io.BytesIO()
    utils.pickle_dump([1, "a"], stream)
    assert stream.getvalue() == utils.pickle_dumps([1, "a"])
    assert stream.getvalue()[:2] == b"\x80\x03"
    assert utils.pickle_loads(stream.getvalue()) == [1, "a"]


def test_texts_are_cut_with_a_mark() -> None:
    assert utils.trim_string("a" * 50, 10) == "aaaaaaa..."
    assert utils.trim_string("abc", 3) == "abc"
    with pytest.raises(ValueError, match="max_length=2"):
        utils.trim_string("abc", 2)


def test_a_table_has_a_heading_and_columns() -> None:
    table = [["NAME", "N"], ["aaa", 12], ["b", 3]]
    assert list(utils.format_table(table, "lr")) == ["NAME   N", "", "aaa   12", "b      3"]
    assert list(utils.format_table(table, "rl", 5)) == [" NAME  N    ", "", "  aaa  12   ", "    b  3    "]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00:00.00"),
        (59.999, "0:00:59.99"),
        (3725.5, "1:02:05.50"),
        (2 * 86400 + 1, "48:00:01.00"),
        (-61, "-0:01:01.00"),
    ],
)
def test_a_duration_is_hours_minutes_and_seconds(seconds: float, text: str) -> None:
    assert utils.format_timedelta(timedelta(seconds=seconds)) == text


def test_a_time_is_shown_in_the_zone_that_is_asked_for() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert utils.format_timestamp(moment, timezone(timedelta(hours=2))) == "2026-01-02 05:04:05"
    assert utils.format_timestamp(moment) == f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
    assert utils.utcnow().tzinfo is UTC


def test_booleans_are_true_or_false() -> None:
    assert [utils.str2bool(text) for text in ("true", "True", "false")] == [True, True, False]
    for text in ("yes", "1", ""):
        with pytest.raises(ValueError, match="no boolean"):
            utils.str2bool(text)


def test_a_multi_map_keeps_every_value_of_a_key() -> None:
    found = utils.MultiMap([("a", 1), ("b", 3)])
    found.add("a", 2)
    assert found["a"] == found.get("a") == [1, 2]
    assert (found.get("z"), found.get("z", None), "z" in found, len(found)) == ([], None, False, 3)
    assert list(found) == list(found.items()) == [("a", 1), ("a", 2), ("b", 3)]
    assert (list(found.keys()), list(found.values())) == (["a", "b"], [1, 2, 3])
    assert found.has_item("a", 2)
    assert not found.has_item("b", 2)
    assert found.as_dict() == {"a": [1, 2], "b": [3]}
    assert found == utils.MultiMap([("a", 1), ("a", 2), ("b", 3)]) != utils.MultiMap()
    assert repr(found) == "MultiMap([('a', 1), ('a', 2), ('b', 3)])"
    with pytest.raises(KeyError):
        found["z"]


def test_import_paths_come_first_and_are_remembered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", sys.path[:])
    utils.add_import_path(str(tmp_path))
    assert sys.path[0] == str(tmp_path)
    assert utils.get_import_paths() == [str(tmp_path)]
    utils.clear_import_paths()
    assert utils.get_import_paths() == []
    assert str(tmp_path) in Scheduler().import_paths
