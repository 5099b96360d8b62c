"""Exceptions as values: brought back as they were, whatever their constructor takes, and handed on to recoveries."""

from __future__ import annotations

import io
import urllib.error
from email.message import Message
from typing import Any

import pytest
from redun import Scheduler, catch, task
from redun.errors import InvalidValueError, describe_error
from redun.executors import transport
from redun.scheduler import catch_all
from redun.types import pickling

redun_namespace = "test_types_exceptions"


class BadSample(Exception):
    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"{name} is bad ({code})")
        self.name, self.code = name, code


class TwiceTold(ValueError):
    def __init__(self, text: str) -> None:
        super().__init__(f"told: {text}")


class Lost(OSError):
    def __init__(self, path: str) -> None:
        super().__init__(2, "is lost", path)


class Slotted(Exception):
    __slots__ = ("part",)

    def __init__(self, part: int, whole: int) -> None:
        super().__init__(part, whole, 0)
        self.part = part


class Named(Exception):
    """Takes a keyword, so that by itself it cannot be unpickled."""

    def __init__(self, *, name: str) -> None:
        super().__init__(name)


class Undecoded(UnicodeDecodeError):
    """Its built-in class refuses what this one keeps in `args`."""

    def __init__(self, text: str) -> None:
        super().__init__("utf-8", b"x", 0, 1, text)
        self.args = (text,)


class Connected(Exception):
    def __init__(self, text: str, file: Any) -> None:
        super().__init__(text, file)
        self.file, self.text = file, text


@pytest.mark.parametrize(
    "error",
    [
        BadSample("s", 3),
        TwiceTold("once"),
        Lost("/there"),
        Slotted(1, 2),
        Named(name="n"),
        ValueError("plain", 1),
        ImportError("gone", name="m", path="p"),
        ExceptionGroup("several", [BadSample("s", 3), KeyError("k")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_exception_is_brought_back_as_it_was(error: BaseException) -> None:
    back = pickling.load(pickling.dump([error]))[0]
    assert (type(back), str(back), repr(back)) == (type(error), str(error), repr(error))
    assert vars(back) == vars(error)
    assert getattr(back, "part", None) == getattr(error, "part", None)
    assert getattr(back, "filename", None) == getattr(error, "filename", None)


def test_a_built_in_class_may_refuse_the_arguments_that_are_kept() -> None:
    assert pickling.load(pickling.dump(Undecoded("why"))).args == ("why",)


@task
def fetch(url: str) -> str:
    raise urllib.error.HTTPError(url, 404, "Not Found", Message(), io.BufferedReader(io.BytesIO()))  # type: ignore[arg-type]


@task
def connect() -> None:
    raise Connected("no answer", open(__file__))  # noqa: SIM115 - to be held by the error


@task
def fail_locally() -> None:
    class LocalError(Exception):
        pass

    raise LocalError("very local")


class Refusing(Exception):
    def __reduce__(self) -> Any:
        raise RuntimeError("no copies, please")


@task
def refuse() -> None:
    raise Refusing("x")


class OwnGroup(ExceptionGroup[Exception]):
    pass


def group(cls: type[ExceptionGroup[Exception]], held: Any) -> ExceptionGroup[Exception]:
    class LocalError(Exception):
        pass

    inner = ExceptionGroup("inner", [Connected("again", held), BadSample("s", 3)])
    return cls("several", [OSError(2, "no"), ValueError(held), LocalError("here"), inner])


@task
def fail_together(cls: Any) -> None:
    raise group(cls, open(__file__))  # noqa: SIM115 - to be held by the error


@task
def parts(error: Any) -> Any:
    return describe_parts(error)


def describe_parts(error: Any) -> Any:
    if isinstance(error, ExceptionGroup):
        return type(error).__name__, error.message, [describe_parts(one) for one in error.exceptions]
    return type(error).__name__


@task
def fail_badly() -> None:
    raise BadSample("s", 3)


@task
def code_and_text(error: Any) -> Any:
    return type(error).__name__, error.code, str(error)


@task
def text_and_file(error: Any) -> Any:
    return error.text, error.file, "BufferedReader" in error.args[1] or "TextIOWrapper" in error.args[1]


@task
def texts(values: list[Any]) -> Any:
    return [str(value) for value in values]


def test_a_recovery_is_given_the_error_without_what_cannot_be_stored(scheduler: Scheduler) -> None:
    expected = ("HTTPError", 404, "HTTP Error 404: Not Found")
    assert scheduler.run(catch(fetch("http://x"), urllib.error.HTTPError, code_and_text)) == expected
    assert scheduler.run(catch(connect(), Connected, text_and_file)) == ("no answer", None, True)
    assert scheduler.run(catch_all([fetch("http://x"), 1], urllib.error.HTTPError, texts)) == [expected[2], "1"]


PARTS = ["FileNotFoundError", "ValueError", "RuntimeError", ("ExceptionGroup", "inner", ["Connected", "BadSample"])]


@pytest.mark.parametrize("cls", [ExceptionGroup, OwnGroup])
def test_of_a_group_each_error_is_handed_on_as_far_as_it_can_be_stored(scheduler: Scheduler, cls: type) -> None:
    told = scheduler.run(catch(fail_together(cls), ExceptionGroup, parts))
    assert told == (cls.__name__, "several", PARTS)


@pytest.mark.parametrize("cls", [ExceptionGroup, OwnGroup])
def test_a_group_comes_out_of_another_process_as_a_group(cls: type) -> None:
    message = transport._encode_error(group(cls, io.TextIOWrapper(io.BytesIO())))
    outcome = transport.decode_outcome("any", message)
    assert isinstance(outcome, transport.Raised)
    assert describe_parts(outcome.error) == (cls.__name__, "several", PARTS)


def test_an_error_whose_class_refuses_is_shown_with_that_reason(scheduler: Scheduler) -> None:
    with pytest.raises(InvalidValueError, match=r"class .*Refusing .* because it cannot be stored: .*no copies, plea"):
        scheduler.run(catch(refuse(), Refusing, parts))


def read(error: Any) -> Any:
    return error.file.readline()


def test_a_plain_function_is_given_the_error_itself(scheduler: Scheduler) -> None:
    assert scheduler.run(catch(connect(), Connected, read)).startswith('"""Exceptions as values')


def test_the_error_itself_comes_out_of_the_run(scheduler: Scheduler) -> None:
    with pytest.raises(Connected) as caught:
        scheduler.run(connect())
    assert caught.value.file.name == __file__


def test_a_recorded_error_can_be_taken_out_again(scheduler: Scheduler) -> None:
    for _ in range(2):
        assert scheduler.run(catch(fail_badly(), BadSample, code_and_text)) == ("BadSample", 3, "s is bad (3)")


def test_an_error_of_a_class_that_cannot_be_stored_is_shown_with_the_reason(scheduler: Scheduler) -> None:
    with pytest.raises(InvalidValueError, match=r"no task can be given an error of class .*LocalError") as caught:
        scheduler.run(catch(fail_locally(), Exception, code_and_text))
    assert str(caught.value.__cause__) == "very local"


def test_an_error_is_described_even_if_its_own_text_fails() -> None:
    class Speechless(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert describe_error(ValueError("x")) == "ValueError: x"
    assert describe_error(Speechless()) == "Speechless: (its text cannot be made)"
