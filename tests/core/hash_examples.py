"""Values whose hashes are pinned. Run as a script, by any Python: prints their hashes as JSON."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import ipaddress
import json
import operator
import pathlib
import pickle
import random
import re
import sys
import types
import typing
import uuid
import zoneinfo

import redun.value
from redun.value import Value, hash_value


class Colour(enum.Enum):
    RED = 1
    GREEN = {"nested", "set", "of", "words"}  # noqa: RUF012


class Level(enum.IntEnum):
    LOW = 1


class Mode(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass
class Point:
    x: int
    y: object


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    words: frozenset[str]
    number: float = 1.5


class Pair(typing.NamedTuple):
    left: object
    right: object


class Plain:
    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


class Words(set):
    pass


class Numbers(list):
    pass


class Named(dict):
    pass


class MyError(ValueError):
    pass


class Tree:
    def __init__(self, name: str) -> None:
        self.name = name
        self.parent: Tree | None = None
        self.children: set[Tree] = set()

    def add(self, child: Tree) -> Tree:
        child.parent = self
        self.children.add(child)
        return child


class Sample(Value):
    def __init__(self, words: set[str]) -> None:
        self.words = words


class Labelled(Value):
    type_name = "examples.Labelled"

    def __init__(self, label: str) -> None:
        self.label = label

    def get_hash(self, data: bytes | None = None) -> str:
        return f"label {self.label}"


def double(x: int) -> int:
    return x * 2


def words(prefix: str, count: int = 40) -> set[str]:
    return {f"{prefix}{number}" for number in range(count)}


def family() -> Tree:
    root = Tree("root")
    for name in ("a", "b", "c", "d"):
        child = root.add(Tree(name))
        for number in range(5):
            child.add(Tree(f"{name}{number}"))
    return root


def ring() -> list[object]:
    made: list[object] = [1, {"words": words("ring")}]
    made.append((made, "again"))
    return made


def doubled(times: int) -> list[object]:
    made: list[object] = ["x"]
    for _ in range(times):
        made = [made, made]
    return made


def nested(depth: int) -> list[object]:
    made: list[object] = []
    for _ in range(depth):
        made = [made]
    return made


def plain_examples() -> dict[str, object]:
    return {
        "none": None,
        "true": True,
        "one": 1,
        "one as float": 1.0,
        "minus one": -1,
        "large int": 1 << 31,
        "huge int": -(7**500),
        "zero": 0.0,
        "minus zero": -0.0,
        "infinity": float("inf"),
        "nan": float("nan"),
        "complex": complex(1.5, -0.0),
        "empty text": "",
        "text": "gr\u00fc\u00df dich \u4e16\u754c \U0001f642",
        "lone surrogate": "a\udc80b",
        "long text": "text" * 100_000,
        "bytes": b"\x00\xff",
        "long bytes": b"\x00\xff" * 100_000,
        "bytearray": bytearray(b"\x00\xff"),
        "list": [1, "a", None, 2.5],
        "tuple": (1, "a", None, 2.5),
        "dict": {"b": 1, "a": [2, {"c": (3,)}]},
        "dict the other way": {"a": [2, {"c": (3,)}], "b": 1},
        "set": words("set"),
        "frozenset": frozenset(words("set")),
        "sets in data": {"a": [words("a"), {"b": (frozenset(words("b")), words("c"))}]},
        "sets in sets": {frozenset({frozenset({frozenset({frozenset(words("deep"))})}), 1}), 2},
        "set of tuples": {(word, frozenset(words(word, 5))) for word in words("t", 20)},
        "mixed set": {1, "a", None, 2.5, b"x", (1, 2)},
        "doubled": doubled(80),
        "nested": nested(20_000),
        "wide": list(range(300_000)),
        "wide rows": [{"number": number, "text": str(number)} for number in range(50_000)],
        "shared text": ["0123456789" * 200] * 1000,
        "ring": ring(),
    }


def instance_examples() -> dict[str, object]:
    return {
        "enum": Colour.RED,
        "enum of a set": Colour.GREEN,
        "int enum": Level.LOW,
        "flag": Mode.READ | Mode.WRITE,
        "dataclass": Point(1, {"words": words("p")}),
        "slotted dataclass": Slotted(frozenset(words("s"))),
        "namedtuple": Pair(1, words("pair")),
        "object": Plain(b=1, a=words("o")),
        "set subclass": Words(words("w")),
        "list subclass": Numbers([1, 2, words("n")]),
        "dict subclass": Named(a=1, b=words("n")),
        "error": MyError("wrong", words("e")),
        "function": double,
        "built-in function": len,
        "method of a built-in": [].append.__class__,
        "partial": functools.partial(double, x=3),
        "getter": operator.itemgetter(1, 2),
        "class": Point,
        "built-in class": dict,
        "generic alias": list[int],
        "module": json,
        "ellipsis": ...,
        "range": range(1, 10, 2),
        "slice": slice(1, 2),
        "path": pathlib.Path("/a/b c"),
        "pure path": pathlib.PureWindowsPath("C:/a"),
        "paths in data": {"paths": {pathlib.Path("a"), pathlib.Path("b"), pathlib.Path("c")}},
        "date": datetime.date(2024, 2, 29),
        "datetime": datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
        "datetime in a zone": datetime.datetime(2024, 2, 29, 12, 30, tzinfo=zoneinfo.ZoneInfo("UTC")),
        "timedelta": datetime.timedelta(days=1, microseconds=3),
        "decimal": decimal.Decimal("1.50"),
        "fraction": fractions.Fraction(3, 7),
        "uuid": uuid.UUID(int=5),
        "address": ipaddress.ip_address("127.0.0.1"),
        "pattern": re.compile("a+", re.IGNORECASE),
        "array": array.array("i", [1, 2, 3]),
        "deque": collections.deque([1, 2], maxlen=3),
        "counter": collections.Counter("abca"),
        "ordered dict": collections.OrderedDict(b=1, a=2),
        "defaultdict": collections.defaultdict(list, a=[1]),
        "namespace": types.SimpleNamespace(b=1, a=2),
        "random state": random.Random(7),
        "buffer": pickle.PickleBuffer(b"abc"),
        "value": Sample(words("v")),
        "value with a hash": Labelled("one"),
        "values in data": [Labelled("one"), {"a": Sample(words("v"))}],
        "family": family(),
    }


def examples() -> dict[str, object]:
    return {**plain_examples(), **instance_examples()}


if __name__ == "__main__":
    sys.modules["hash_examples"] = sys.modules["__main__"]
    for made in list(vars().values()):
        if getattr(made, "__module__", None) == "__main__":
            made.__module__ = "hash_examples"
    assert redun.value
    json.dump({name: hash_value(value).hex() for name, value in examples().items()}, sys.stdout)
