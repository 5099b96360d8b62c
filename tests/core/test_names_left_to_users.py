"""Which names are left to users: for attributes of results, and of `Value` classes, all but the documented ones."""

from __future__ import annotations

from typing import Any

import pytest
from redun import Scheduler, catch, cond, task
from redun.expression import Expression, TaskExpression
from redun.value import ProxyValue, Value

redun_namespace = "test_names_left"

OF_VALUES = {
    "deserialize",
    "get_hash",
    "get_serialization_format",
    "is_valid",
    "iter_subvalues",
    "parse_arg",
    "postprocess",
    "preprocess",
    "serialize",
    "type_name",
}
TAKEN_BEFORE = ("has_path", "is_recorded", "as_today", "task_options", "export_names")


class Result:
    def __init__(self) -> None:
        for name in TAKEN_BEFORE:
            setattr(self, name, f"own {name}")


class Track(Value):
    """Uses as names of its own what the engine once asked classes for."""

    is_recorded = False
    as_today = "2020-01-01"
    task_options = ("a",)

    def __init__(self, length: int) -> None:
        self.length = length

    def has_path(self, first: int, last: int) -> bool:
        return first < last <= self.length


class Kilometres(Value):
    """Has a `type`, and speaks for no other class."""

    type = int
    is_builtin = True


class Volume:
    def __init__(self, litres: int) -> None:
        self.litres = litres


class VolumeProxy(ProxyValue):
    type = Volume

    def reduction(self) -> float:
        return 0.5

    def pickled(self) -> str:
        return "cucumbers"

    def private_copy(self) -> str:
        return "not a volume"


@task
def make() -> Result:
    return Result()


@task
def track() -> list[Track]:
    return [Track(3)]


@task
def look(tracks: list[Track]) -> Any:
    return [(one.has_path(1, 2), one.is_recorded, one.as_today, one.task_options) for one in tracks]


@task
def volume(litres: int) -> Volume:
    return Volume(litres)


@task
def litres(one: Volume) -> int:
    return one.litres


@task
def recover(error: Exception) -> str:
    return repr(error)


@pytest.mark.parametrize("name", TAKEN_BEFORE)
def test_every_attribute_of_a_result_is_lazy(name: str, scheduler: Scheduler) -> None:
    attribute = getattr(make(), name)
    assert isinstance(attribute, Expression)
    assert scheduler.run(attribute) == f"own {name}"
    assert scheduler.run(cond(attribute, "right", "wrong")) == "right"


def test_no_public_name_of_an_expression_or_a_value_class_is_undocumented() -> None:
    public = {name for name in dir(Value) if not name.startswith("_")}
    assert public == OF_VALUES
    public = {name for name in dir(TaskExpression) if not name.startswith("_")}
    assert public == {*OF_VALUES, "args", "kwargs", "task_name"}


def test_a_value_class_may_use_any_other_name(scheduler: Scheduler) -> None:
    expected = [(True, False, "2020-01-01", ("a",))]
    for _ in range(2):
        assert scheduler.run(catch(look(track()), Exception, recover)) == expected


def test_a_value_class_with_a_type_of_its_own_is_no_proxy(scheduler: Scheduler) -> None:
    from redun.value import get_type_registry

    assert get_type_registry().get_proxy(int) is not Kilometres
    assert Kilometres.type_name == f"{__name__}.Kilometres"


def test_a_proxy_may_use_any_other_name(scheduler: Scheduler) -> None:
    for _ in range(2):
        assert scheduler.run(litres(volume(7))) == 7
