"""Classes that decide themselves how they are hashed, stored and checked."""

from __future__ import annotations

import sys
import types
from copy import copy

import pytest
from redun.errors import InvalidValueError
from redun.types import register_value_type
from redun.value import (
    ProxyValue,
    TypeRegistry,
    Value,
    decode,
    encode,
    get_type_registry,
    hash_value,
    is_valid,
    use_type_registry,
)


def back(value):
    encoded = encode(value)
    return decode(encoded.codec, encoded.data, encoded.type_name)


class Simple(Value):
    def __init__(self, words):
        self.words = words


class Slotted(Value):
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b


class Chosen(Value):
    type_name = "tests.Chosen"

    def __init__(self, label, noise=0):
        self.label, self.noise = label, noise

    def get_hash(self, data=None):
        return self.label

    def __getstate__(self):
        return {"label": self.label}

    def __setstate__(self, state):
        self.label, self.noise = state["label"], -1


class Lookalike(Chosen):
    type_name = "tests.Lookalike"


class Upper(Value):
    type_name = "tests.Upper"

    def __init__(self, text):
        self.text = text

    def serialize(self):
        return self.text.upper().encode()

    @classmethod
    def deserialize(cls, raw_type, data):
        if data == b"GONE":
            raise InvalidValueError("it is gone")
        assert raw_type is cls
        return cls(data.decode())


class Parent(Value):
    def __init__(self, *parts):
        self.parts = parts

    def get_hash(self, data=None):
        return "parent"

    def iter_subvalues(self):
        return iter(self.parts)


def test_class_is_registered_when_it_is_defined():
    registry = get_type_registry()
    assert registry.get_class("tests.Chosen") is Chosen
    assert Simple.type_name.endswith("test_value_protocol.Simple")
    assert registry.get_class(Simple.type_name) is Simple


def test_class_may_ask_not_to_be_registered():
    class ByAttribute(Value):
        type_name = "tests.ByAttribute"
        register = False

    class ByKeyword(Value, register=False):
        type_name = "tests.ByKeyword"

    class Below(ByAttribute):
        type_name = "tests.Below"

    registry = get_type_registry()
    assert registry.get_class("tests.ByAttribute") is None
    assert registry.get_class("tests.ByKeyword") is None
    assert registry.get_class("tests.Below") is Below
    assert ByKeyword


def test_default_hash_is_that_of_type_and_state():
    assert Simple({"a", "b"}).get_hash() == hash_value(Simple({"b", "a"})).hex()
    assert len(Simple(1).get_hash()) == 40
    hashes = {hash_value(x) for x in (Simple(1), Simple(2), Slotted(1, 2), Slotted(2, 1), Simple(Simple(1)))}
    assert len(hashes) == 5


def test_default_state_comes_back():
    assert back(Simple({"a"})).words == {"a"}
    made = back(Slotted(1, [2]))
    assert (made.a, made.b) == (1, [2])


def test_hash_of_given_bytes_depends_on_type_and_bytes():
    one = Simple(1)
    assert one.get_hash(b"x") == Simple(2).get_hash(b"x") != one.get_hash(b"y")
    assert one.get_hash(b"x") != Slotted(1, 2).get_hash(b"x")


def test_own_hash_decides():
    assert hash_value(Chosen("a", 1)) == hash_value(Chosen("a", 2)) != hash_value(Chosen("b"))
    assert hash_value([Chosen("a", 1)]) == hash_value([Chosen("a", 2)]) != hash_value([Chosen("b")])
    assert len(hash_value(Chosen("a"))) == 20


def test_equal_own_hashes_of_different_types_are_told_apart():
    assert hash_value(Chosen("a")) != hash_value(Lookalike("a"))


def test_own_state_is_what_is_stored():
    assert back(Chosen("a", 7)).noise == -1


def test_own_format_is_what_is_stored():
    encoded = encode(Upper("shout"))
    assert (encoded.codec, encoded.type_name, encoded.data) == ("value", "tests.Upper", b"SHOUT")
    assert back(Upper("shout")).text == "SHOUT"
    with pytest.raises(InvalidValueError, match="it is gone"):
        back(Upper("gone"))


def test_error_in_own_format_is_reported():
    with pytest.raises(InvalidValueError, match=r"tests\.Upper cannot be serialized: AttributeError"):
        encode(Upper(7))


def test_type_name_that_is_not_registered_is_an_invalid_value():
    with pytest.raises(InvalidValueError, match=r"tests\.Nowhere"):
        decode("value", b"", "tests.Nowhere")


def test_error_in_own_hash_is_reported():
    class Careless(Value):
        type_name = "tests.Careless"

        def get_hash(self, data=None):
            return self.missing

    with pytest.raises(InvalidValueError, match=r"tests\.Careless.*missing"):
        hash_value([Careless()])


@pytest.mark.parametrize("made", [5, b"abc", None])
def test_own_hash_that_is_no_text_is_reported(made):
    class Odd(Value):
        type_name = "tests.Odd"

        def get_hash(self, data=None):
            return made

    with pytest.raises(InvalidValueError, match=r"get_hash of a tests\.Odd must return a text"):
        encode(Odd())


class Senseless:
    """Its pickle is made of whatever it is given."""

    def __init__(self, made):
        self.made = made

    def __reduce_ex__(self, protocol):
        return self.made


@pytest.mark.parametrize("made", [5, (list, (), None, 7), (list, (), None, None, 7), (list, 5)])
def test_what_pickling_makes_no_sense_of_is_reported(made):
    with pytest.raises(InvalidValueError, match=r"Senseless cannot be hashed or stored"):
        encode([Senseless(made)])


def test_error_in_the_hash_of_a_proxy_is_reported():
    class Foreign:
        pass

    with use_type_registry(TypeRegistry()):

        class ForeignProxy(ProxyValue):
            type = Foreign

            def get_hash(self, data=None):
                return self.missing

        with pytest.raises(InvalidValueError, match=r"Foreign cannot be worked out: AttributeError.*missing"):
            encode([Foreign()])


def test_subvalues_are_children():
    encoded = encode(Parent(Chosen("a"), Chosen("b"), Chosen("a")))
    assert [child.hash for child in encoded.children] == [hash_value(Chosen("a")), hash_value(Chosen("b"))]


def test_subclass_can_forbid_being_a_child():
    class Silent(Simple):
        type_name = "tests.Silent"
        _redun_is_recorded = False

    assert [child.type_name for child in encode([Chosen("a"), (Silent.type_name, Chosen("b"))]).children] == [
        "tests.Chosen"
    ] * 2
    assert Silent._redun_is_recorded is False


class Celsius:
    def __init__(self, degrees, note=""):
        self.degrees, self.note = degrees, note


class Below(Celsius):
    pass


class CelsiusProxy(ProxyValue):
    type = Celsius
    type_name = "tests.Celsius"

    def get_hash(self, data=None):
        return f"{self.instance.degrees:.1f}"

    def is_valid(self):
        return self.instance.degrees < 100

    def serialize(self):
        return str(self.instance.degrees).encode()

    @classmethod
    def deserialize(cls, raw_type, data):
        return raw_type(float(data), "stored")


class Fahrenheit:
    def __init__(self, degrees):
        self.degrees = degrees


class FahrenheitProxy(ProxyValue):
    type = Fahrenheit


def test_proxy_speaks_for_a_class_and_its_subclasses():
    assert hash_value(Celsius(20, "a")) == hash_value(Celsius(20.01, "b")) != hash_value(Celsius(21))
    assert hash_value([Celsius(20, "a")]) == hash_value([Below(20.01, "b")])
    encoded = encode(Celsius(20))
    assert (encoded.type_name, encoded.codec, encoded.data) == ("tests.Celsius", "value", b"20")
    assert back(Celsius(20)).note == "stored"
    assert is_valid([Celsius(20)])
    assert not is_valid([Below(120)])


def test_proxy_without_methods_leaves_hash_and_pickle_as_they_are():
    assert FahrenheitProxy.type_name.endswith("Fahrenheit")
    assert back(Fahrenheit(451)).degrees == 451
    assert hash_value(Fahrenheit(451)) == hash_value(Fahrenheit(451)) != hash_value(Fahrenheit(1))


def test_registry_can_be_replaced():
    outer = get_type_registry()
    with use_type_registry(TypeRegistry()) as registry:
        assert get_type_registry() is registry

        class Inside(Value):
            type_name = "tests.Inside"

        class Other(ProxyValue):
            type = Celsius
            type_name = "tests.OtherCelsius"

        assert registry.get_class("tests.Inside") is Inside
        assert registry.get_proxy(Celsius) is Other
        assert encode(Celsius(1)).type_name == "tests.OtherCelsius"
    assert outer.get_class("tests.Inside") is None
    assert encode(Celsius(1)).type_name == "tests.Celsius"


class Table:
    def __init__(self, cells, cache=None):
        self.cells, self.cache = cells, cache


class Wide(Table):
    pass


class TableProxy(ProxyValue, register=False):
    type = Table
    type_name = "tests.Table"

    def get_hash(self, data=None):
        return hash_value([len(self.instance.cells), memoryview(self.instance.cells)]).hex()

    def serialize(self):
        return self.instance.cells

    @classmethod
    def deserialize(cls, raw_type, data):
        return raw_type(data, "stored")

    def is_valid(self):
        return b"bad" not in self.instance.cells


@pytest.fixture
def elsewhere(monkeypatch):
    """A library with a class that can be found under a shorter name, and a module with a proxy for it."""
    library, inner, plugin = (types.ModuleType(name) for name in ("a_library", "a_library.inner", "a_plugin"))
    exec("class Table:\n    def __init__(self, cells): self.cells = cells", inner.__dict__)
    inner.Table.__module__ = "a_library.inner"
    library.Table = inner.Table
    plugin.imported = []

    def proxy_on_demand(name):
        plugin.imported.append(name)

        class LibraryProxy(TableProxy):
            type = inner.Table
            type_name = "a_library.inner.Table"

        return LibraryProxy

    plugin.__getattr__ = proxy_on_demand
    for module in (library, inner, plugin):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    outer = get_type_registry()
    with use_type_registry(TypeRegistry()) as registry:
        vars(registry).update({name: copy(known) for name, known in vars(outer).items()})
        register_value_type("a_library.Table", "a_plugin:Proxy")
        yield plugin


def test_proxy_registered_by_name_is_imported_when_an_instance_is_met(elsewhere):
    table = sys.modules["a_library"].Table
    hash_value([Wide(b"abc")])
    assert elsewhere.imported == []
    encoded = encode(table(b"abc"))
    assert (encoded.type_name, encoded.codec, encoded.data) == ("a_library.inner.Table", "value", b"abc")
    assert hash_value([table(b"abc")]) != hash_value([table(b"abd")])
    assert not is_valid({"a": (table(b"bad"),)})
    assert elsewhere.imported == ["Proxy"]


def test_proxy_registered_by_name_is_imported_when_a_stored_value_is_met(elsewhere):
    with pytest.raises(InvalidValueError, match=r"other\.Thing"):
        decode("value", b"abc", "other.Thing")
    assert elsewhere.imported == []
    with pytest.raises(InvalidValueError, match="positional"):  # it did come to the class
        decode("value", b"abc", "a_library.inner.Table")
    assert elsewhere.imported == ["Proxy"]


def test_proxy_can_hash_memory_without_copying_it():
    assert TableProxy(Table(b"abc", 1)).get_hash() == TableProxy(Wide(b"abc", 2)).get_hash()
    assert TableProxy(Table(b"abc")).get_hash() != TableProxy(Table(b"abd")).get_hash()
