"""Expressions: lazy operators, canonical graphs, and their stored form."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redun.errors import InvalidValueError
from redun.expression import (
    Expression,
    QuotedExpression,
    SchedulerExpression,
    SimpleExpression,
    TaskExpression,
    ValueExpression,
    get_lazy_operation,
    lazy_operation,
    quote,
)
from redun.expression_graph import decode_graph, encode_graph
from redun.value import encode


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass
class Box:
    content: Any


def call(name: str, *args: Any, **kwargs: Any) -> Any:
    return TaskExpression(name, args, kwargs)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5)
leaves = scalars | st.builds(lambda x: call("leaf", x), scalars)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.builds(Point, inner, inner)
        | st.builds(Box, inner)
        | st.builds(lambda a, b: call("f", a, b=b), inner, inner)
        | st.builds(lambda a: TaskExpression("g", (a,), {}, {"memory": a}, ("memory",), 2), inner)
        | st.builds(lambda a: SchedulerExpression("s", (a,), {}), inner)
        | st.builds(lambda a: SimpleExpression("add", (a, 1)), inner)
        | st.builds(ValueExpression, inner)
        | st.builds(quote, inner)
    )


graphs = st.recursive(leaves, _containers, max_leaves=10)


@given(graphs)
def test_a_graph_comes_back_from_its_bytes_as_it_was(value: Any) -> None:
    encoded = encode_graph(value)
    again = encode_graph(decode_graph(encoded.data))
    assert again.hash == encoded.hash
    assert again.data == encoded.data


@given(graphs)
def test_equal_graphs_hash_equal_whatever_they_share(value: Any) -> None:
    unshared = decode_graph(encode_graph([value, value]).data)
    separate = [decode_graph(encode_graph(value).data), decode_graph(encode_graph(value).data)]
    assert encode_graph(unshared).hash == encode_graph(separate).hash


@given(st.tuples(scalars, scalars))
def test_different_arguments_give_different_hashes(pair: tuple[Any, Any]) -> None:
    first, second = pair
    same_value = encode(first).hash == encode(second).hash
    assert (call("f", first).get_hash() == call("f", second).get_hash()) == same_value


@pytest.mark.parametrize(
    "other",
    [
        call("g", 1),
        call("f", 2),
        call("f", True),
        call("f", 1.0),
        call("f", x=1),
        call("f", 1, 1),
        TaskExpression("f", (1,), {}, {"memory": 1}),
        TaskExpression("f", (1,), {}, {"memory": 1}, ("memory",)),
        SchedulerExpression("f", (1,), {}),
        SimpleExpression("f", (1,)),
        ValueExpression(1),
    ],
)
def test_whatever_differs_in_a_call_differs_in_its_hash(other: Expression[Any]) -> None:
    assert other.get_hash() != call("f", 1).get_hash()


def test_a_hundred_thousand_levels_are_hashed_stored_and_pickled_without_recursion() -> None:
    expr = call("f", 0)
    for _ in range(100_000):
        expr = call("f", expr)
    encoded = encode_graph(expr)
    assert encode_graph(decode_graph(encoded.data)).hash == encoded.hash
    assert pickle.loads(pickle.dumps(expr)).get_hash() == expr.get_hash()


def test_a_shared_expression_is_one_node() -> None:
    x = call("f", 1)
    for _ in range(80):
        x = call("add", x, x)
    assert len(encode_graph(x).data) < 10_000


def test_the_order_of_a_set_does_not_count() -> None:
    forwards = {call("f", i) for i in range(50)}
    backwards = {call("f", i) for i in reversed(range(50))}
    assert encode_graph(forwards).hash == encode_graph(backwards).hash


def test_a_container_that_holds_itself_is_refused() -> None:
    items: list[Any] = [call("f", 1)]
    items.append(items)
    with pytest.raises(InvalidValueError, match="holds itself"):
        encode_graph(items)


def test_damaged_data_is_an_invalid_value() -> None:
    data = encode_graph([call("f", 1), {"a": call("g", 2)}]).data
    from redun.value import decode

    for end in range(len(data)):
        with pytest.raises(InvalidValueError):
            decode("expression", data[:end], "redun.Expression")


def test_copies_are_the_same_expression() -> None:
    expr = call("f", 1)
    assert copy.copy(expr) is expr
    assert copy.deepcopy([expr])[0] is expr


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (bool, "its truth is not known"),
        (len, "its length is not known"),
        (list, "its length is not known"),
        (lambda x: x[1:], "a slice of .* needs a stop"),
        (lambda x: x // 2, "unsupported operand"),
        (lambda x: -x, "bad operand"),
    ],
)
def test_what_cannot_be_lazy_says_so(use: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        use(call("f", 1))


def test_operators_can_be_added() -> None:
    @lazy_operation("test_triple")
    def triple(x: int) -> int:
        return 3 * x

    assert get_lazy_operation("test_triple")(2) == 6


def test_a_quote_gives_its_expression_back() -> None:
    expr = call("f", 1)
    quoted = quote(expr)
    assert isinstance(quoted, QuotedExpression)
    assert quoted.eval() is expr
    assert pickle.loads(pickle.dumps(quoted)).eval().get_hash() == expr.get_hash()
