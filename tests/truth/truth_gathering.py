"""The part of the interpreter that evaluates `catch_all`, and what recovers from errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import truth_runtime as runtime
import truth_values
from truth_frames import Frame
from truth_options import Options
from truth_outcomes import Outcome, Unfit, then
from truth_programs import Node, Program, TaskDef, is_lazy, wraps


class Gathering:
    """Evaluates every expression in a nested value, although some of them fail."""

    program: Program
    used: set[str]

    def do_catch_all(self, node: Node, frame: Frame) -> Outcome:
        [part] = node.parts
        terms = dict(self._terms(part, frame))
        trace = tuple(step for outcome in terms.values() for step in outcome.trace)
        failed = [outcome for outcome in terms.values() if outcome.errors]
        if not failed:
            return self.evaluate(part, frame)
        self.used.add("gathered errors")
        first = self._first_not_recovered(node, failed)
        if first is not None:
            return Outcome(errors=first, trace=trace)
        if any(len(outcome.errors) > 1 for outcome in failed):
            raise Unfit
        value = then(Outcome(trace=trace), lambda _: self._gathered(part, frame, terms))
        return value if value.errors else self.recover(node.data[1], value.value, frame).after(trace)

    @staticmethod
    def _first_not_recovered(node: Node, failed: list[Outcome]) -> list[Exception] | None:
        """The errors of which one is raised, once all has ended; None where all are recovered from."""
        if node.data is None:
            return list(failed[0].errors.values())
        classes = tuple(runtime.CLASSES[name] for name in node.data[0] or ("Exception",))
        for outcome in failed:
            others = [error for error in outcome.errors.values() if not isinstance(error, classes)]
            if others and len(others) < len(outcome.errors):
                raise Unfit
            if others:
                return others
        return None

    def recover(self, number: int, value: Any, frame: Frame) -> Outcome:
        """Call a task with an error, or with a nested value that holds errors."""
        task = self.program.tasks[number]
        key = ((number, (), (), task.name), (("value", runtime.canon(value, self.code)),))
        return self.call(task, {task.parameters[0].name: value}, (), frame, key)

    def _terms(self, node: Node, frame: Frame) -> Iterator[tuple[int, Outcome]]:
        """The expressions in a nested value, in the order in which they stand, with what they come to."""
        if node.kind == "var" and not (frame.task and frame.task.has_awaited(node.data)):
            yield from self._terms(frame.let(node), frame)
        elif is_lazy(node, frame.task):
            yield id(node), self.evaluate(node, frame)
        elif node.kind == "unpack":
            for index, outcome in enumerate(self.unpacked(node, frame)):
                yield id(node) + index + 1, outcome
        elif node.kind in truth_values.BUILDERS:
            found = [self._terms_of_part(node, position, frame) for position in _order(node)]
            if node.kind == "set" and sum(outcome.errors != {} for terms in found for _, outcome in terms) > 1:
                raise Unfit  # which of them comes first is not said
            for terms in found:
                yield from terms

    def _terms_of_part(self, node: Node, position: int, frame: Frame) -> list[tuple[int, Outcome]]:
        part = node.parts[position]
        if wraps(node, position, frame.task):
            return [(id(part), self.evaluate(part, frame))]
        return list(self._terms(part, frame))

    def _gathered(self, node: Node, frame: Frame, terms: dict[int, Outcome]) -> Any:
        """The nested value, with errors in place of what failed."""
        if id(node) in terms:
            return _value_or_error(terms[id(node)])
        if node.kind == "var" and not (frame.task and frame.task.has_awaited(node.data)):
            return self._gathered(frame.let(node), frame, terms)
        if node.kind == "unpack":
            return [_value_or_error(terms[id(node) + index + 1]) for index in range(self.unpacked_length(node))]
        if node.kind in truth_values.BUILDERS:
            return truth_values.BUILDERS[node.kind]([self._gathered(part, frame, terms) for part in node.parts])
        return self.evaluate(node, frame).value

    # -- what the other parts of the interpreter do -------------------------------------------------------------------

    def evaluate(self, node: Node, frame: Frame) -> Outcome:
        raise NotImplementedError

    def unpacked(self, node: Node, frame: Frame) -> list[Outcome]:
        raise NotImplementedError

    def unpacked_length(self, node: Node) -> int:
        raise NotImplementedError

    def code(self, name: str) -> Any:
        raise NotImplementedError

    def call(self, task: TaskDef, values: dict[str, Any], options: Options, frame: Frame, key: Any) -> Outcome:
        raise NotImplementedError


def _value_or_error(outcome: Outcome) -> Any:
    return next(iter(outcome.errors.values()), outcome.value)


def _order(node: Node) -> list[int]:
    """In which order the parts of a display are looked at: of a dictionary first the keys."""
    positions = list(range(len(node.parts)))
    return [*positions[::2], *positions[1::2]] if node.kind == "dict" else positions
