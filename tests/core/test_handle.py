"""Handles as values: what they keep, how they are told apart, and how they come back."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from redun import Handle
from redun.backends.records import StoredValue
from redun.errors import InvalidValueError, NoCurrentScheduler, RedunError
from redun.handle import get_handle_class, merge_states
from redun.provenance.preview import preview
from redun.value import Value, decode, encode, hash_value

redun_namespace = "test_handle"
opened: list[str] = []


class Store(Handle):
    """Counts how often it is opened."""

    def __init__(self, name: str, path: str, mode: str = "r", namespace: str | None = None) -> None:
        self.path = path
        opened.append(path)
        self.instance = {"path": path}


class Bare(Handle):
    type_name = "test_handle.Bare"


@pytest.fixture(autouse=True)
def nothing_opened() -> None:
    opened.clear()


def again(handle: Any) -> Any:
    encoded = encode(handle)
    return decode(encoded.codec, encoded.data, encoded.type_name)


def test_the_info_says_how_a_handle_was_made() -> None:
    info = Store("db", "file", mode="w").__handle__
    assert (info.name, info.namespace, info.fullname) == ("db", "test_handle", "test_handle.db")
    assert (info.args, info.kwargs) == (("file",), {"mode": "w"})
    assert info.class_name == Store.type_name == f"{__name__}.Store"
    assert (info.call_hash, info.key, info.is_recorded, info.fork_parent) == ("", "", False, None)
    assert Store("db", "file", namespace="other").__handle__.fullname == "other.db"
    assert Store(path="file", name="db").__handle__.name == "db"
    assert repr(Store("db", "file")).startswith(f"{__name__}.Store(fullname=test_handle.db, hash=")


def test_the_hash_is_that_of_name_and_arguments() -> None:
    one = Store("db", "file").get_hash()
    assert one == Store("db", "file").get_hash() == Store("db", "file").__handle__.hash
    others = [
        Store("db", "another"),
        Store("bd", "file"),
        Store("db", "file", namespace="other"),
        Store("db", "file", "r"),
        Store("db", "file", mode="r"),
        Store("db", "file").fork("a"),
        Store("db", "file").fork("b"),
        Store("db", "file").fork("a").fork("b"),
        Store("db", "file").apply_call("00" * 20),
        Store("db", "file").fork("a").apply_call("11" * 20),
    ]
    assert len({one, *(other.get_hash() for other in others)}) == 11
    assert hash_value([Store("db", "file")]) == hash_value([Store("db", "file")])


def test_only_arguments_and_history_are_stored_and_it_is_opened_again() -> None:
    handle = Store("db", "file", namespace="other").apply_call("00" * 20)
    handle.extra = "not stored"
    back = again(handle)
    assert opened == ["file", "file"]
    assert back.get_hash() == handle.get_hash()
    assert back.__handle__.call_hash == "00" * 20
    assert back.__handle__.namespace == "other"
    assert not hasattr(back, "extra")
    assert pickle.loads(pickle.dumps({"nested": [handle]}))["nested"][0].get_hash() == handle.get_hash()


def test_a_handle_without_a_constructor_of_its_own_comes_back() -> None:
    handle = Bare("db", 1, namespace="n", key="value")
    assert again(handle).__handle__.kwargs == {"key": "value"}
    assert again(handle.fork("a")).__handle__.key == "a"


def test_what_cannot_be_opened_again_cannot_be_brought_back(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = encode(Store("db", "file"))

    def refuse(self: Any, *args: Any, **kwargs: Any) -> None:
        raise OSError("no such host")

    monkeypatch.setattr(Store, "__init__", refuse)
    with pytest.raises(InvalidValueError, match="OSError: no such host"):
        decode(encoded.codec, encoded.data, encoded.type_name)


def test_missing_attributes_are_those_of_the_instance() -> None:
    handle = Store("db", "file")
    assert handle.get("path") == "file"
    with pytest.raises(AttributeError, match="nope"):
        handle.nope  # noqa: B018
    with pytest.raises(AttributeError, match="'Bare' object has no attribute 'nope'"):
        Bare("db").nope  # noqa: B018


def test_states_of_one_handle_share_what_is_open() -> None:
    handle = Store("db", "file")
    assert handle.fork("a").instance is handle.apply_call("00" * 20).instance is handle.instance
    assert opened == ["file"]
    assert handle.fork("a").__handle__.fork_parent is handle
    assert handle.__handle__.key == ""


def test_the_hooks_fork_and_apply_the_call() -> None:
    handle = Store("db", "file")
    assert handle.preprocess({"call_order": 2}).__handle__.key == "2"
    assert handle.fork("mine").preprocess({"call_order": 2}).__handle__.key == "mine"
    assert (
        handle.preprocess({"call_order": 2, "call_key": "k"}).get_hash()
        == handle.preprocess({"call_order": 7, "call_key": "k"}).get_hash()
    )
    after = handle.fork("mine").postprocess({"pre_call_hash": "ab" * 20}).__handle__
    assert (after.key, after.call_hash) == ("", "ab" * 20)


def test_a_merge_comes_after_all_of_them_in_any_order() -> None:
    base = Store("db", "file")
    one, two, three = (base.apply_call(f"{n:040}") for n in range(3))
    merged = merge_states([one, two])
    assert merged.get_hash() == merge_states([two, one, two]).get_hash() != merge_states([one, three]).get_hash()
    assert merged.get_hash() not in (one.get_hash(), two.get_hash())
    assert merge_states([one]) is one
    assert merge_states([one, again(one)]) is one


@pytest.mark.parametrize(
    ("handles", "message"),
    [
        ([], "at least one"),
        ([Store("a", ""), Store("b", "")], "test_handle.a, test_handle.b"),
        ([Store("a", ""), 1], "given a int"),
    ],
)
def test_what_cannot_be_merged_is_refused(handles: list[Any], message: str) -> None:
    with pytest.raises(RedunError, match=message):
        merge_states(handles)


@pytest.mark.parametrize("name", [None, "", 5])
def test_a_handle_needs_a_name(name: Any) -> None:
    with pytest.raises(InvalidValueError, match="needs a name"):
        Store(name, "file")


def test_a_long_line_of_forks_is_stored_in_one_go() -> None:
    handle: Any = Bare("db")
    for number in range(3000):
        handle = handle.fork(str(number))
    assert [step.key for step in again(handle).__handle__.transitions()] == [str(n) for n in range(3000)]


def test_without_a_scheduler_nobody_knows_whether_a_handle_is_valid() -> None:
    with pytest.raises(NoCurrentScheduler, match="running scheduler"):
        Store("db", "file").is_valid()


def test_handle_classes_are_found_by_name() -> None:
    assert get_handle_class("test_handle.Bare") is Bare
    with pytest.raises(TypeError, match="nope"):
        get_handle_class("nope")
    with pytest.raises(TypeError, match="redun"):
        get_handle_class("redun.File")
    assert issubclass(Bare, Value)


def test_a_handle_is_shown_without_opening_it() -> None:
    encoded = encode([Store("db", "file", mode="secret").fork("a")])
    opened.clear()
    shown = preview(StoredValue(encoded.hash, encoded.type_name, encoded.codec, encoded.data))
    assert shown.startswith("[")
    assert "Store(fullname=test_handle.db, hash=" in shown
    assert "secret" not in shown
    assert opened == []
