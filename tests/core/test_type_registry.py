"""The registry of types answers for values of any kind, as classes of users ask it about what they hold."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from redun import File, Scheduler, task
from redun.value import InvalidValueError, TypeError, Value, get_type_registry, hash_value  # noqa: A004

redun_namespace = "type_registry"


class Pair(Value):
    """Hashed by its members, as values of users are."""

    type_name = "type_registry.Pair"

    def __init__(self, left: Any, right: Any) -> None:
        self.left, self.right = left, right

    def get_hash(self, data: bytes | None = None) -> str:
        registry = get_type_registry()
        return registry.get_hash([registry.get_hash(self.left), registry.get_hash(self.right)])

    def is_valid(self) -> bool:
        return bool(self.left != "gone")

    def iter_subvalues(self) -> Any:
        return (part for part in (self.left, self.right) if isinstance(part, Value))

    def preprocess(self, preprocess_args: dict[str, Any]) -> Any:
        return (self.left, self.right)

    def postprocess(self, postprocess_args: dict[str, Any]) -> Any:
        return postprocess_args


class Named(Value):
    """With a format of its own."""

    type_name = "type_registry.Named"

    def __init__(self, name: str) -> None:
        self.name = name

    def serialize(self) -> bytes:
        return self.name.encode()

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:
        return cls(data.decode())

    def get_serialization_format(self) -> str:
        return "text/plain"


@dataclasses.dataclass
class Plain:
    x: int


@task
def pairs() -> Any:
    return Pair(1, "two")


@task
def left_of(pair: Any) -> Any:
    return pair[0]


def test_values_that_hash_by_their_members_run_in_workflows(scheduler: Scheduler) -> None:
    assert scheduler.run(left_of(Pair(1, "two"))) == 1
    assert get_type_registry().get_hash(Pair(1, 2)) != get_type_registry().get_hash(Pair(1, 3))


@pytest.mark.parametrize("value", [5, "text", [1, {"a": (2.5, None)}], Plain(3), {1, 2}, Path("x"), len])
def test_the_hash_is_the_one_of_the_engine_and_what_is_serialized_comes_back(value: Any) -> None:
    registry = get_type_registry()
    assert registry.get_hash(value) == hash_value(value).hex()
    assert registry.deserialize(registry.get_type_name(type(value)), registry.serialize(value)) == value
    assert registry.get_serialization_format(value) == "application/python-pickle"


def test_a_format_of_its_own_is_used() -> None:
    registry = get_type_registry()
    assert registry.serialize(Named("bob")) == b"bob"
    assert registry.deserialize("type_registry.Named", b"bob").name == "bob"
    assert registry.get_serialization_format(Named("bob")) == "text/plain"
    with pytest.raises(InvalidValueError, match="cannot be brought back"):
        registry.deserialize("builtins.list", b"no pickle")


def test_validity_is_asked_of_the_value_and_of_what_it_holds() -> None:
    registry = get_type_registry()
    assert registry.is_valid(5)
    assert registry.is_valid(Pair(1, 2))
    assert not registry.is_valid(Pair("gone", 2))
    assert registry.is_valid_nested([{"a": Pair(1, 2)}])
    assert not registry.is_valid_nested([{"a": Pair("gone", 2)}])


def test_the_hooks_and_the_values_inside_are_those_of_the_class() -> None:
    registry = get_type_registry()
    assert registry.preprocess(Pair(1, 2), {}) == (1, 2)
    assert registry.postprocess(Pair(1, 2), {"k": 1}) == {"k": 1}
    assert registry.preprocess(5, {}) == registry.postprocess(5, {}) == 5
    assert [file.path for file in registry.iter_subvalues(Pair(File("a"), 1))] == ["a"]
    assert list(registry.iter_subvalues([File("a")])) == []


def test_texts_are_parsed_and_type_names_found() -> None:
    registry = get_type_registry()
    assert registry.parse_arg(int, "5") == 5
    with pytest.raises(ValueError, match="not a number"):
        registry.parse_arg(int, "five")
    assert registry.parse_type_name("builtins.int") is int
    assert registry.parse_type_name("type_registry.Pair") is Pair
    assert registry.parse_type_name("pathlib.Path") is Path
    assert registry.parse_type_name(registry.get_type_name(File)) is File
    for unknown in ("no.such", "nothing", "os.path.join"):
        with pytest.raises(TypeError, match="there is no class with the type name"):
            registry.parse_type_name(unknown)
