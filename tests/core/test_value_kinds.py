"""Values of the standard library, of pydantic and attrs, functions, and `Value` classes of all shapes."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import functools
import sys
import types
import uuid
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import pytest
import redun.value
from hypothesis import given, settings
from hypothesis import strategies as st
from redun import File, Scheduler, task
from redun.errors import InvalidValueError, RedunError
from redun.types import register_value_type
from redun.types.builtin import parse_arg
from redun.value import (
    FileCache,
    ProxyValue,
    TypeRegistry,
    Value,
    decode,
    each_inside,
    encode,
    hash_value,
    is_unknown_function,
    is_valid,
    use_type_registry,
)

redun_namespace = "test_value_kinds"

examples = settings(deadline=datetime.timedelta(seconds=20))


def back(value: Any) -> Any:
    encoded = encode(value)
    return decode(encoded.codec, encoded.data, encoded.type_name)


class Color(enum.Enum):
    RED = 1
    BLUE = (2, "b")


class Flags(enum.Flag):
    A = 1
    B = 2


class Point(NamedTuple):
    x: Any
    y: Any = 0


@dataclasses.dataclass
class Record:
    a: Any
    b: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: Any
    b: Any = None


@dataclasses.dataclass(eq=True)
class WithExtras:
    a: Any
    derived: Any = dataclasses.field(init=False, default=None)


class Tags(dict):
    pass


class Words(list):
    pass


class Slotted:
    __slots__ = ("held",)

    def __init__(self, held: Any) -> None:
        self.held = held


class Holder:
    def __init__(self, held: Any) -> None:
        self.held = held


plain = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.binary(max_size=5)
)
zones = st.sampled_from([None, datetime.UTC, datetime.timezone(datetime.timedelta(hours=5, minutes=30))])
leaves = st.one_of(
    plain,
    st.sampled_from([*Color, Flags.A | Flags.B]),
    st.datetimes(timezones=zones),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.uuids(),
    st.text(alphabet="ab/.", min_size=1, max_size=5).map(PurePosixPath),
    st.text(alphabet="ab/.", min_size=1, max_size=5).map(Path),
    st.builds(range, st.integers(-9, 9), st.integers(-9, 9)),
    st.complex_numbers(allow_nan=False),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Point, inner, inner),
        st.builds(Record, inner, inner),
        st.builds(Frozen, inner, inner),
        st.builds(WithExtras, inner),
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.lists(inner, max_size=3).map(Words),
        st.lists(inner, max_size=3).map(collections.deque),
        st.dictionaries(plain, inner, max_size=3),
        st.dictionaries(plain, inner, max_size=3).map(Tags),
        st.dictionaries(plain, inner, max_size=3).map(collections.OrderedDict),
        st.frozensets(leaves, max_size=3),
        st.sets(leaves, max_size=3),
    ),
    max_leaves=8,
)


def exact(value: Any) -> Any:
    """What two values must agree in to be equal: classes and content, whatever the order of sets."""
    kind = type(value)
    if dataclasses.is_dataclass(value):
        return kind, [exact(getattr(value, field.name)) for field in dataclasses.fields(value)]
    if isinstance(value, dict):
        return kind, [(exact(key), exact(item)) for key, item in value.items()]
    if isinstance(value, set | frozenset):
        return kind, sorted(repr(exact(item)) for item in value)
    if isinstance(value, list | tuple | collections.deque):
        return kind, [exact(item) for item in value]
    return kind, repr(value)


@examples
@given(values)
def test_every_value_comes_back_as_it_was(value: Any) -> None:
    made = back(value)
    assert exact(made) == exact(value)
    assert hash_value(made) == hash_value(value) == encode(value).hash
    assert is_valid(made)


@examples
@given(values, values)
def test_values_hash_equal_exactly_if_they_are_equal(one: Any, other: Any) -> None:
    assert (hash_value(one) == hash_value(other)) == (exact(one) == exact(other))


class Both(Value):
    def __init__(self, *parts: Any) -> None:
        self.parts = parts


@pytest.mark.parametrize("levels", [30, 300])
def test_values_that_hold_each_other_crosswise_are_encoded_once_each(levels: int, scheduler: Scheduler) -> None:
    class Crossed(Value):
        type_name = "tests.Crossed"

        def __init__(self, name: str, *parts: Any) -> None:
            self.name, self.parts = name, parts

        def get_hash(self, data: bytes | None = None) -> str:
            return self.name

        def serialize(self) -> bytes:
            return self.name.encode()

        @classmethod
        def deserialize(cls, raw_type: Any, data: bytes) -> Any:
            return cls(data.decode())

        def iter_subvalues(self) -> Any:
            return iter(self.parts)

    one, other = Crossed("a"), Crossed("b")
    for level in range(levels):
        one, other = Crossed(f"a{level}", one, other), Crossed(f"b{level}", other, one)
    encoded = encode(one)
    assert len(list(each_inside(encoded))) == 2 * levels + 1
    assert scheduler.run(give.options(executor="default")(one)).name == one.name


@task
def give(value: Any) -> Any:
    return value


def test_values_with_state_that_cross_are_encoded_once_each() -> None:
    one, other = Both(1), Both(2)
    for _ in range(30):
        one, other = Both(one, other), Both(other, one)
    encoded = encode([one, other])
    assert len(list(each_inside(encoded))) == 63
    assert [child.hash for child in encoded.children] == [hash_value(one), hash_value(other)]


# -- functions --------------------------------------------------------------------------------------------------------


def doubled(x: int) -> int:
    return 2 * x


@pytest.fixture
def elsewhere() -> Any:
    """A module whose functions come and go."""
    module = types.ModuleType("functions_elsewhere")
    sys.modules[module.__name__] = module
    exec("def f(x):\n    return x + 1\n", vars(module))
    yield module
    del sys.modules[module.__name__]


def test_a_function_is_known_by_name_and_source_and_comes_back(elsewhere: Any) -> None:
    assert back(doubled) is doubled
    assert back({"k": [doubled]})["k"][0] is doubled
    assert hash_value(doubled) != hash_value(exact)
    before = hash_value(elsewhere.f)
    exec("def f(x):\n    return x + 2\n", vars(elsewhere))
    assert hash_value(elsewhere.f) != before


def test_a_function_that_is_gone_is_not_valid_and_says_so_when_called(elsewhere: Any) -> None:
    encoded = encode(elsewhere.f)
    assert not is_unknown_function(decode("value", encoded.data, encoded.type_name))
    del elsewhere.f
    gone = decode("value", encoded.data, encoded.type_name)
    assert is_unknown_function(gone)
    assert not is_valid(gone)
    assert not is_valid([gone])
    with pytest.raises(ValueError, match=r"functions_elsewhere\.f"):
        gone(1)


@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: {"k": [f]}, Record])
def test_lambdas_and_nested_functions_are_refused_with_their_place(wrap: Any) -> None:
    def nested_function() -> None:
        pass

    for function, word in ((lambda: 0, "lambda"), (nested_function, "inside a function")):
        with pytest.raises(InvalidValueError, match=word) as caught:
            encode(wrap(function))
    if wrap({}) == {"k": [{}]}:
        assert "value['k'][0]" in str(caught.value)


# -- what is valid ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: [x],
        lambda x: (x,),
        lambda x: {"k": x},
        lambda x: {x: 1},
        lambda x: {x},
        lambda x: frozenset({x}),
        Point,
        Record,
        Frozen,
        lambda x: Tags(k=x),
        lambda x: Words([x]),
        lambda x: collections.OrderedDict(k=x),
        lambda x: collections.defaultdict(list, k=[x]),
        lambda x: collections.deque([x]),
        lambda x: types.SimpleNamespace(k=x),
        Holder,
        Slotted,
        lambda x: Holder({"k": [Slotted(Tags(k=(x,)))]}),
        lambda x: Holder([Point(x)]),
        lambda x: functools.partial(sorted, [x]),
        lambda x: functools.partial(sorted, key=x),
        lambda x: KeyError(x),
    ],
)
def test_one_value_that_does_not_hold_makes_the_whole_invalid(wrap: Any, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("1")
    made = back(wrap(File(str(path))))
    assert is_valid(made)
    path.unlink()
    assert not is_valid(made)


def test_objects_that_hold_each_other_are_asked_once() -> None:
    loop = Holder(None)
    loop.held = [loop, {"k": loop}]
    assert is_valid(loop)


# -- proxies ----------------------------------------------------------------------------------------------------------


class Thing:
    def __init__(self, text: str) -> None:
        self.text = text


class ThingProxy(ProxyValue, register=False):
    type_name = "tests.Thing"

    def serialize(self) -> bytes:
        return self.instance.text.encode()

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:
        return raw_type(data.decode())


def test_a_proxy_registered_by_name_is_given_the_class_itself() -> None:
    with use_type_registry(TypeRegistry()) as registry:
        register_value_type(f"{__name__}.Thing", ThingProxy)
        registry.register(ThingProxy)
        assert back(Thing("x")).text == "x"
        assert back([Thing("x")])[0].text == "x"


def test_what_is_no_proxy_is_refused_with_the_error_that_workflows_know() -> None:
    with use_type_registry(TypeRegistry()):
        register_value_type(f"{__name__}.Thing", f"{__name__}:doubled")
        with pytest.raises(redun.value.TypeError, match="give a ProxyValue class"):
            encode(Thing("x"))
    assert issubclass(redun.value.TypeError, RedunError)


class Model:
    def __init__(self, weights: list[int]) -> None:
        self.weights = weights


def test_a_file_cache_keeps_the_data_in_a_file_and_the_path_in_the_repository(tmp_path: Path) -> None:
    with use_type_registry(TypeRegistry()):

        class ModelCache(FileCache):
            type = Model
            base_path = str(tmp_path / "models")

        encoded = encode(Model([1, 2]))
        [file] = (tmp_path / "models").iterdir()
        assert encoded.data == str(file).encode()
        assert back(Model([1, 2])).weights == [1, 2]
        assert len(list((tmp_path / "models").iterdir())) == 1
        file.write_bytes(b"damaged")
        with pytest.raises(InvalidValueError, match="damaged"):
            decode("value", encoded.data, encoded.type_name)
        file.unlink()
        with pytest.raises(InvalidValueError, match="gone"):
            decode("value", encoded.data, encoded.type_name)


# -- models of other libraries ----------------------------------------------------------------------------------------


def test_pydantic_models_and_attrs_classes_come_back_and_count_by_content() -> None:
    pytest.importorskip("pydantic", reason="needs pydantic: pip install pydantic")
    pytest.importorskip("attr", reason="needs attrs: pip install attrs")
    from value_models import Attrs, FrozenAttrs, Model

    for cls in (Attrs, FrozenAttrs, Model):
        one, other = cls(name="a", tags={"x", "y"}), cls(name="b", tags={"x", "y"})
        assert back(one) == one
        assert type(back([one])[0]) is cls
        assert (
            hash_value(back(one)) == hash_value(one) == hash_value(cls(name="a", tags={"y", "x"})) != hash_value(other)
        )


# -- texts of the command line ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw_type", "text", "value"),
    [
        (bool, "TRUE", True),
        (Color, "RED", Color.RED),
        (Color, "Color.BLUE", Color.BLUE),
        (datetime.datetime, "2024-05-31 17:30", datetime.datetime(2024, 5, 31, 17, 30)),
        (datetime.date, "2024-05-31", datetime.date(2024, 5, 31)),
        (datetime.time, "17:30", datetime.time(17, 30)),
        (Decimal, "1.50", Decimal("1.50")),
        (Fraction, "1/3", Fraction(1, 3)),
        (uuid.UUID, "12345678123456781234567812345678", uuid.UUID(int=0x12345678123456781234567812345678)),
        (Path, "a/b", Path("a/b")),
    ],
)
def test_a_text_becomes_a_value_of_the_annotated_class(raw_type: Any, text: str, value: Any) -> None:
    assert exact(parse_arg(raw_type, text)) == exact(value)


def test_a_date_in_words_is_understood_where_dateutil_is_installed() -> None:
    pytest.importorskip("dateutil", reason="needs python-dateutil")
    assert parse_arg(datetime.datetime, "May 31 2024 5pm") == datetime.datetime(2024, 5, 31, 17)


@pytest.mark.parametrize("raw_type", [bool, Color, datetime.datetime, datetime.date, datetime.time, Decimal])
def test_another_text_is_refused_by_name(raw_type: Any) -> None:
    with pytest.raises(ValueError, match="'neither nor'"):
        parse_arg(raw_type, "neither nor")
