"""Promises: settled once, called back in order, on no stack."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from redun.promise import Promise, wait_promises


def test_the_first_settling_counts() -> None:
    promise: Promise[int] = Promise()
    assert promise.is_pending
    promise.do_resolve(1)
    promise.do_resolve(2)
    promise.do_reject(ValueError())
    assert promise.is_fulfilled
    assert promise.value == 1


def test_values_and_errors_pass_along_a_chain() -> None:
    start: Promise[int] = Promise()
    end = start.then(lambda x: x + 1).catch(lambda error: 0).then(lambda x: x * 10)
    start.do_resolve(1)
    assert end.value == 20
    failing: Promise[int] = Promise()
    recovered = failing.then(lambda x: x + 1).catch(lambda error: f"was {error}")
    failing.do_reject(ValueError("bad"))
    assert recovered.value == "was bad"


def test_a_callback_that_raises_rejects_the_next_promise() -> None:
    promise: Promise[int] = Promise(lambda resolve, reject: resolve(0))
    failed = promise.then(lambda x: 1 / x)
    assert failed.is_rejected
    assert isinstance(failed.error, ZeroDivisionError)
    assert failed.value is failed.error


def test_a_promise_for_a_promise_follows_it() -> None:
    inner: Promise[int] = Promise()
    outer = Promise(lambda resolve, reject: resolve(inner))
    assert outer.is_pending
    inner.do_resolve(5)
    assert outer.value == 5


def test_a_constructor_that_raises_rejects() -> None:
    def fail(resolve: Any, reject: Any) -> None:
        raise KeyError("k")

    assert isinstance(Promise(fail).error, KeyError)


def test_all_gathers_values_in_order_and_fails_with_the_first_error() -> None:
    first, second = Promise[int](), Promise[int]()
    both = Promise.all([first, second])
    second.do_resolve(2)
    assert both.is_pending
    first.do_resolve(1)
    assert both.value == [1, 2]
    assert Promise.all([]).value == []
    third, fourth = Promise[int](), Promise[int]()
    either = Promise.all([third, fourth])
    fourth.do_reject(ValueError("x"))
    assert either.is_rejected


def test_wait_promises_waits_for_every_end() -> None:
    first, second = Promise[int](), Promise[int]()
    settled = wait_promises([first, second])
    first.do_reject(ValueError())
    assert settled.is_pending
    second.do_resolve(1)
    assert [promise.is_fulfilled for promise in settled.value] == [False, True]


def test_value_and_error_of_a_pending_promise_are_refused() -> None:
    with pytest.raises(ValueError, match="pending"):
        _ = Promise[int]().value
    with pytest.raises(ValueError, match="not rejected"):
        _ = Promise[int]().error


def test_a_chain_of_any_length_uses_no_stack() -> None:
    start: Promise[int] = Promise()
    end = start
    for _ in range(20_000):
        end = end.then(lambda x: x + 1)
    start.do_resolve(0)
    assert end.value == 20_000


def test_promises_nested_in_each_other_use_no_stack() -> None:
    promises = [Promise[int]() for _ in range(20_000)]
    for outer, inner in pairwise(promises):
        outer.do_resolve(inner)
    promises[-1].do_resolve(7)
    assert promises[0].value == 7
