"""Where the parts of a body are evaluated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import truth_values
from truth_options import Exports
from truth_outcomes import Call, Outcome
from truth_programs import Node, TaskDef


@dataclass(eq=False)
class Job:
    """What holds for everything that is evaluated for one call.

    shared: calls that only equal expressions share.
    is_cut_short: whether an error may have come before everything had been evaluated.
    """

    exports: Exports
    context: dict[str, Any]
    shared: dict[Any, Call] = field(default_factory=dict)
    is_cut_short: bool = False


class Frame:
    """The evaluation of one body. values: its arguments."""

    def __init__(self, task: TaskDef | None, values: dict[str, Any], job: Job) -> None:
        self.task = task
        self.values = values
        self.job = job
        self.now: dict[int, Any] = {}
        self.known: dict[int, Outcome] = {}

    def seen_from(self, job: Job) -> Frame:
        """The same, for parts that are evaluated for another call."""
        seen = Frame(self.task, self.values, job)
        seen.now = self.now
        if self.task is not None and self.task.awaits:
            awaited = {id(self.task.lets[index]) for index in self.task.awaits}
            seen.known = {key: outcome for key, outcome in self.known.items() if key in awaited}
        return seen

    def plain(self, node: Node) -> Any:
        """The value of a part that the body has computed itself."""
        if node.kind == "now":
            return self.now[id(node)]
        return self.values[node.data] if node.kind == "arg" else truth_values.constant(node.data)

    def let(self, node: Node) -> Node:
        """What a local variable stands for."""
        assert self.task is not None
        return self.task.lets[node.data]
