"""The second half of `redun run SCRIPT TASK ...`: a command that is built from the signature of the task."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from redun.cli.annotations import Argument, arguments_of
from redun.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import click

    from redun.task import Task

_VARIADIC = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
_NEGATIVE_NUMBER = re.compile(r"-\.?[0-9].*")


@dataclass(slots=True)
class TaskWords:
    """What the words after SCRIPT TASK say."""

    arguments: dict[str, Any] = field(default_factory=dict)
    """Values for the task's parameters, by name."""
    run_words: list[str] = field(default_factory=list)
    """Options of `redun run` among them."""
    wants_help: bool = False


class TaskCommand:
    """Reads the arguments of one task from the command line, and explains them."""

    def __init__(self, task: Task[..., Any], run_options: dict[str, bool], path: str) -> None:
        """Make one.

        run_options: the long options of `redun run`, and whether each takes a value.
        path: the words of the command line up to the task.
        """
        self.task = task
        self._path = path
        self.arguments = arguments_of(task.signature_function, task.signature)
        parameters = task.signature.parameters.values()
        self._variadic = [_VARIADIC[one.kind] + one.name for one in parameters if one.kind in _VARIADIC]
        self._by_flag = {argument.flag: argument for argument in reversed(self.arguments)}
        self._run_options = {name: takes for name, takes in run_options.items() if name not in self._by_flag}

    def read(self, words: Sequence[str]) -> TaskWords:
        """Read all words.

        Raises UsageError for an unknown option, a wrong or missing value.
        """
        result = TaskWords()
        texts: dict[str, list[str]] = {}
        run_options = self._run_options
        index = 0
        while index < len(words):
            word = words[index]
            index += 1
            flag, equals, text = word.partition("=")
            argument = self._by_flag.get(flag)
            if argument is not None:
                values = [text] if equals else self._values(argument, words[index:], run_options)
                index += 0 if equals else len(values)
                texts.setdefault(argument.name, []).extend(values)
            elif flag in run_options:
                result.run_words.append(word)
                if run_options[flag] and not equals:
                    result.run_words += words[index : index + 1]
                    index += 1
            elif word in ("--help", "-h"):
                result.wants_help = True
            elif word == "--":
                # After it, everything belongs to the task.
                run_options = {}
            else:
                raise UsageError(self._unknown(word, flag))
        if not result.wants_help:
            result.arguments = self._convert(texts)
        return result

    def _values(self, argument: Argument, words: Sequence[str], run_options: dict[str, bool]) -> list[str]:
        values: list[str] = []
        for word in words:
            flag = word.partition("=")[0]
            is_option = flag in self._by_flag or flag in run_options or flag in ("--", "--help", "-h")
            if argument.collect is not None and word.startswith("-") and word != "-":
                is_option = is_option or _NEGATIVE_NUMBER.fullmatch(word) is None
            if is_option:
                break
            values.append(word)
            if argument.collect is None:
                break
        if not values:
            needs = "one or more values" if argument.collect is not None else "a value"
            raise UsageError(f"{self.task.fullname} {argument.flag} needs {needs} ({argument.metavar})")
        return values

    def check_complete(self, values: Mapping[str, Any]) -> None:
        """Raise UsageError where a value for a parameter without default is missing."""
        missing = [one.flag for one in self.arguments if one.is_required and one.name not in values]
        if missing:
            raise UsageError(
                f"{self.task.fullname} needs {' and '.join(missing)}. See its arguments with: {self._path} help"
            )

    def _convert(self, texts: dict[str, list[str]]) -> dict[str, Any]:
        by_name = {argument.name: argument for argument in self.arguments}
        return {
            name: by_name[name].read(values, f"{self.task.fullname} {by_name[name].flag}")
            for name, values in texts.items()
        }

    def _unknown(self, word: str, flag: str) -> str:
        name = self.task.fullname
        if not word.startswith("-"):
            return f"{name}: unexpected {word!r}. Arguments are given by name: {self._usage()}"
        if not word.startswith("--"):
            return f"{name}: {word!r} is no argument of the task. Short options of `redun run` go before the script"
        if any(flag.strip("-") == one.strip("*") for one in self._variadic):
            return f"{name}: {self._about_variadic('', '')}"
        from difflib import get_close_matches

        near = get_close_matches(flag.replace("_", "-").lower(), [*self._by_flag, *self._run_options], n=1)
        hint = f"Did you mean {near[0]}?" if near else f"It takes: {self._usage()}"
        return f"{name} has no argument {flag}. {hint}{self._about_variadic(' (', ')')}"

    def _about_variadic(self, before: str, after: str) -> str:
        if not self._variadic:
            return ""
        return f"{before}{' and '.join(self._variadic)} cannot be given on the command line{after}"

    def _usage(self) -> str:
        return " ".join(f"{one.flag} {one.metavar}" for one in self.arguments) or "none"

    def help_text(self) -> str:
        """What `--help` after the task shows."""
        import click

        options: list[click.Parameter] = [_help_option(argument) for argument in self.arguments]
        epilog = (
            self._about_variadic("", ". ") + "Long options of `redun run` may follow as well: see `redun run --help`."
        )
        doc = self.task.signature_function.__doc__
        command = click.Command(self.task.fullname, params=options, help=doc, epilog=epilog)
        return command.get_help(click.Context(command, info_name=self._path))


def _help_option(argument: Argument) -> click.Option:
    import click

    if argument.is_required:
        text = "[required]"
    elif argument.default is None:
        text = ""
    else:
        text = f"[default: {argument.default_text()}]"
    return click.Option([argument.flag, "value"], metavar=argument.metavar, help=text)
