"""The containers of one executor: submitted, looked at, ended and removed."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from redun.remote import InFlightJob, JobReport, JobState

from redun_executor_docker.errors import EngineError, EngineUnavailableError
from redun_executor_docker.launcher import Launcher, Order, Stage
from redun_executor_docker.run_command import KEEP_LABEL, NAME_LABEL, SCRATCH_LABEL
from redun_executor_docker.start_failures import why_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from redun_executor_docker.engine import ContainerFacts, Engine
    from redun_executor_docker.options import ContainerOptions

LOG_LINES = 100
"""How many of its last lines are kept of a container that has failed."""

_MOST_REMEMBERED = 10_000
"""Containers that have ended and been removed, of which it may be asked again."""

_LEFT_BEHIND = timedelta(hours=1)
"""After this time nobody waits for a container that has ended, or was never started: its scheduler was killed."""


class Containers:
    """Makes a container of each submission, and removes it when it has ended.

    scratch: the folder whose containers these are.
    max_workers: how many there may be at once; the others wait here.
    environment: makes the variables that a container gets, by name.
    keep_failed: whether those of failed jobs are left for people to look into.
    """

    def __init__(
        self,
        engine: Engine,
        scratch: str,
        max_workers: int,
        environment: Callable[[], Mapping[str, str]],
        *,
        keep_failed: bool = False,
    ) -> None:
        self._engine = engine
        self._scratch = scratch
        self._keep_failed = keep_failed
        self._launcher = Launcher(engine, max_workers, environment)
        self._reports: OrderedDict[str, JobReport] = OrderedDict()
        self._logs: dict[str, list[str]] = {}

    def submit(
        self, name: str, command: Sequence[str], options: ContainerOptions, labels: Mapping[str, str] | None = None
    ) -> str:
        """Run a command in a container, as soon as there is room, and return the name of the container.

        name: what it is found by later (`in_flight`). options: with absolute paths of volumes.
        """
        container = f"{name}-{uuid.uuid4().hex[:12]}"
        marks = {**(labels or {}), NAME_LABEL: name, SCRATCH_LABEL: self._scratch}
        if self._keep_failed:
            marks[KEEP_LABEL] = "true"
        self._launcher.put(Order(container, tuple(command), options, marks))
        return container

    def describe(self, containers: Iterable[str]) -> dict[str, JobReport]:
        """What is known of these, with one question for all of them. Removes those that have ended."""
        reports: dict[str, JobReport] = {}
        asked = []
        for container in containers:
            known = self._known(container)
            if known is None:
                asked.append(container)
            else:
                reports[container] = known
        found = self._engine.inspect(asked)
        ended: dict[str, ContainerFacts] = {}
        strange = []
        for container in asked:
            facts = found.get(container)
            order = self._launcher.order(container)
            if facts is not None and facts.has_ended:
                ended[container] = facts
            elif facts is not None and facts.is_running:
                reports[container] = JobReport(JobState.RUNNING)
                if order is None:
                    strange.append(container)
            elif order is not None and order.stage is not Stage.STARTED:
                reports[container] = JobReport(JobState.WAITING)
        self._launcher.adopt(strange)
        reports.update({container: self._end(container, facts) for container, facts in ended.items()})
        gone = [container for container in asked if container not in reports]
        self._launcher.ended(gone)
        self._remove_ended(ended)
        return reports

    def _known(self, container: str) -> JobReport | None:
        """What can be said without asking the engine."""
        report = self._reports.get(container)
        if report is not None:
            return report
        order = self._launcher.order(container)
        if order is None or order.stage is Stage.STARTED:
            return None
        if order.stage is Stage.FAILED:
            if isinstance(order.error, EngineUnavailableError):
                raise order.error
            report = JobReport(JobState.FAILED, str(order.error))
            self._remember(container, report)
            self._launcher.ended([container])
            return report
        if order.stage is Stage.STARTING and order.options.interactive:
            return None  # it runs in the foreground, and is being started until it ends
        return JobReport(JobState.WAITING)

    def _end(self, container: str, facts: ContainerFacts) -> JobReport:
        order = self._launcher.order(container)
        if facts.exit_code == 0 and not facts.error:
            report = JobReport(JobState.SUCCEEDED, exit_code=0)
        else:
            options, command = (order.options, order.command) if order is not None else (None, ())
            reason = why_failed(facts.exit_code, facts.out_of_memory, facts.error, options, command)
            report = JobReport(JobState.FAILED, reason, facts.exit_code)
            self._logs[container] = self._read_log(container)
        self._remember(container, report)
        return report

    def _read_log(self, container: str) -> list[str]:
        try:
            return self._engine.logs(container, LOG_LINES)
        except EngineError as error:  # as with log drivers that cannot be read
            return [f"(there is no log: {error})"]

    def _remember(self, container: str, report: JobReport) -> None:
        self._reports[container] = report
        while len(self._reports) > _MOST_REMEMBERED:
            forgotten, _ = self._reports.popitem(last=False)
            self._logs.pop(forgotten, None)

    def _remove_ended(self, ended: Mapping[str, ContainerFacts]) -> None:
        failed = {name for name in ended if self._reports[name].state is JobState.FAILED}
        kept = failed if self._keep_failed else frozenset()
        self._launcher.ended(ended)  # first, so that others need not wait for the removal
        self._engine.remove([container for container in ended if container not in kept])

    def log(self, container: str) -> Sequence[str]:
        """The last lines that a container has written."""
        if container in self._logs:
            return self._logs[container]
        return [] if container in self._reports else self._read_log(container)

    def in_flight(self, prefix: str) -> list[InFlightJob]:
        """The containers of this scratch folder that run or have succeeded, whoever has started them.

        Removes what a scheduler that was killed has left behind some time ago.

        prefix: what the names of their submissions begin with.
        """
        found = list(self._engine.find(SCRATCH_LABEL, self._scratch).values())
        self._engine.remove([facts.name for facts in found if _is_left_behind(facts)])
        return [
            InFlightJob(facts.labels[NAME_LABEL], facts.name)
            for facts in found
            # What has failed is no result to wait for, and may be kept for people.
            if (facts.is_running or (facts.has_ended and facts.exit_code == 0))
            and facts.labels.get(NAME_LABEL, "").startswith(prefix)
        ]

    def cancel(self, containers: Sequence[str]) -> None:
        """End and remove these containers. When it returns, nothing of them runs."""
        never_started = self._launcher.cancel(containers)
        unknown = [name for name in containers if name not in never_started and name not in self._reports]
        self._engine.remove(unknown)
        for container in containers:
            if container not in self._reports:
                self._remember(container, JobReport(JobState.FAILED, "The container was cancelled."))
        self._launcher.ended(containers)

    def close(self) -> None:
        """Start nothing any more. What runs goes on."""
        self._launcher.close()


def _is_left_behind(facts: ContainerFacts) -> bool:
    if facts.is_running or (KEEP_LABEL in facts.labels and facts.exit_code != 0):
        return False
    return datetime.now(UTC) - facts.last_change > _LEFT_BEHIND
