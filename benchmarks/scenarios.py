"""What is measured, one function for each question. Every function returns rows for the table."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dummy_plugins import install_plugins
from environments import DOIT, OURS, REFERENCE, WITH_TABLES, Contestant, make_environment
from measure import Sample, measure

# Settings of the user's, and what would keep Python from storing compiled modules.
IGNORED_VARIABLES = ("REDUN_", "PYTHONDONTWRITEBYTECODE")

PLUGINS = 30
PLUGIN_ROUNDS = 15
"""Differences of some milliseconds need more rounds than ratios do."""

WORKFLOWS = Path(__file__).resolve().parent / "workflows"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line asks for."""

    contestants: tuple[Contestant, ...]
    environments: Path
    scratch: Path
    rounds: int
    sizes: tuple[int, int]
    reference_sizes: tuple[int, int]
    whole_size: int
    depth: int
    large: int
    timeout: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a question, and the answer of each contestant in order, as text or as a number."""

    question: str
    unit: str
    answers: Mapping[str, float | str]


class BenchmarkError(Exception):
    """A command that is measured did not do what it should."""


@contextmanager
def fresh_folder(plan: Plan) -> Iterator[Path]:
    """A folder with the workflows and no repository."""
    folder = Path(tempfile.mkdtemp(dir=plan.scratch))
    try:
        for file in WORKFLOWS.glob("*.py"):
            shutil.copy(file, folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(plan: Plan, contestant: Contestant, folder: Path, *arguments: str, **variables: str) -> Sample:
    """Run a contestant's program."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(IGNORED_VARIABLES)}
    command = [contestant.command(plan.environments), *arguments]
    return measure(command, folder, environment=environment | variables, timeout=plan.timeout)


def run_expecting(plan: Plan, contestant: Contestant, folder: Path, expected: str, *arguments: str) -> Sample:
    """Run a workflow whose result must be the last line of the output that is not the log's."""
    sample = run(plan, contestant, folder, *arguments)
    if sample.exit_code or expected not in sample.output.splitlines():
        shown = "\n".join(sample.output.splitlines()[-15:])
        raise BenchmarkError(f"{contestant.name} {' '.join(arguments)}: exit code {sample.exit_code}\n{shown}")
    return sample


def fan_out(plan: Plan, contestant: Contestant, folder: Path, size: int) -> Sample:
    """One run of the fan-out under any of the contestants."""
    if contestant is DOIT:
        sample = run(plan, contestant, folder, BENCH_SIZE=str(size))
        if sample.exit_code:
            raise BenchmarkError(f"doit: exit code {sample.exit_code}\n{sample.output[-2000:]}")
        return sample
    expected = str(size * (size + 1) // 2)
    return run_expecting(plan, contestant, folder, expected, "run", "bench.py", "fan_out", "--size", str(size))


def warm_up(plan: Plan) -> None:
    """Run everything once, so that modules are compiled and files in the system's cache."""
    for contestant in plan.contestants:
        with fresh_folder(plan) as folder:
            fan_out(plan, contestant, folder, 10)


def interleaved(
    plan: Plan, contestants: Sequence[Contestant], once: Callable[[Contestant], list[float]]
) -> dict[str, list[float]]:
    """Let the contestants take turns, so that a busy moment of the machine hits all of them, and take medians."""
    samples: dict[str, list[list[float]]] = {contestant.name: [] for contestant in contestants}
    for _ in range(plan.rounds):
        for contestant in contestants:
            samples[contestant.name].append(once(contestant))
    return {
        name: [statistics.median(column) for column in zip(*rounds, strict=True)] for name, rounds in samples.items()
    }


def chosen(plan: Plan, *wanted: Contestant) -> list[Contestant]:
    return [contestant for contestant in wanted if contestant in plan.contestants]


def rows(questions: Sequence[tuple[str, str]], medians: Mapping[str, Sequence[float]]) -> list[Row]:
    return [
        Row(question, unit, {name: columns[index] for name, columns in medians.items()})
        for index, (question, unit) in enumerate(questions)
    ]


def measure_help(plan: Plan) -> list[Row]:
    """How long it takes until `--help` is there."""

    def once(contestant: Contestant) -> list[float]:
        return [run(plan, contestant, plan.scratch, "--help").seconds]

    return rows([("--help", "s")], interleaved(plan, chosen(plan, OURS, REFERENCE), once))


def measure_fixed_cost(plan: Plan) -> list[Row]:
    """What `redun run` costs when there is next to nothing to do."""

    def once(contestant: Contestant) -> list[float]:
        with fresh_folder(plan) as folder:
            first = run_expecting(plan, contestant, folder, "1", "run", "bench.py", "one")
            cached = run_expecting(plan, contestant, folder, "1", "run", "bench.py", "one")
            cold = run_expecting(plan, contestant, folder, "1", "run", "--no-cache", "bench.py", "one")
            return [first.seconds, cold.seconds, cached.seconds, cold.megabytes]

    questions = [
        ("one task, new repository", "s"),
        ("one task, cold", "s"),
        ("one task, cached", "s"),
        ("one task, peak memory", "MB"),
    ]
    return rows(questions, interleaved(plan, chosen(plan, OURS, REFERENCE), once))


def measure_plugins(plan: Plan) -> list[Row]:
    """What installed plugins cost a command that uses none of them: the difference of medians with and without them."""
    if OURS not in plan.contestants:
        return []
    result = []
    with fresh_folder(plan) as folder:
        site = folder / "site"
        install_plugins(site, PLUGINS)
        for question, words in (("--help", ["--help"]), ("one task, cached", ["run", "bench.py", "one"])):
            times: dict[str, list[tuple[float, float]]] = {"": [], str(site): []}
            for _ in range(1 + max(plan.rounds, PLUGIN_ROUNDS)):
                for path, measured in times.items():
                    sample = run(plan, OURS, folder, *words, PYTHONPATH=path)
                    if sample.exit_code:
                        raise BenchmarkError(
                            f"{' '.join(words)}: exit code {sample.exit_code}\n{sample.output[-2000:]}"
                        )
                    measured.append((1000 * sample.seconds, 1000 * sample.cpu_seconds))
            for column, kind in enumerate(("", ", processor time")):
                # The first of each fills caches.
                without, with_them = (statistics.median(one[column] for one in taken[1:]) for taken in times.values())
                answer = f"{with_them - without:+.1f} ms on {without:.0f} ms"
                result.append(Row(f"{PLUGINS} unused plugins, {question}{kind}", "ms", {OURS.name: answer}))
    return result


def measure_slope(plan: Plan) -> list[Row]:
    """What one more task costs: the difference between two sizes, so that start-up does not count."""

    def once(contestant: Contestant) -> list[float]:
        small, large = plan.reference_sizes if contestant is REFERENCE else plan.sizes
        samples = []
        for size in (small, large):
            with fresh_folder(plan) as folder:
                samples.append([fan_out(plan, contestant, folder, size) for _ in ("cold", "cached")])
        milliseconds = [
            1000 * (after.seconds - before.seconds) / (large - small) for before, after in zip(*samples, strict=True)
        ]
        return [*milliseconds, samples[1][0].megabytes]

    sizes = (
        f"{plan.sizes[0]:,} to {plan.sizes[1]:,}; reference {plan.reference_sizes[0]:,} to {plan.reference_sizes[1]:,}"
    )
    questions = [
        (f"one more task, cold ({sizes})", "ms"),
        (f"one more task, cached ({sizes})", "ms"),
        ("the larger of these, peak memory", "MB"),
    ]
    return rows(questions, interleaved(plan, chosen(plan, OURS, REFERENCE), once))


def measure_whole_process(plan: Plan) -> list[Row]:
    """A whole run beside doit's, which keeps no provenance."""

    def once(contestant: Contestant) -> list[float]:
        with fresh_folder(plan) as folder:
            return [fan_out(plan, contestant, folder, plan.whole_size).seconds for _ in ("cold", "cached")]

    questions = [(f"{plan.whole_size:,} tasks, {state}", "s") for state in ("cold", "cached")]
    return rows(questions, interleaved(plan, chosen(plan, OURS, DOIT), once))


def measure_depth(plan: Plan) -> list[Row]:
    """A chain and a self-call far deeper than Python's recursion limit. The reference is only asked for the chain."""
    result = []
    for task, expected, wanted in (("chain", plan.depth, (OURS, REFERENCE)), ("descend", 0, (OURS,))):
        answers: dict[str, float | str] = {}
        memory: dict[str, float | str] = {}
        for contestant in chosen(plan, *wanted):
            with fresh_folder(plan) as folder:
                sample = run(plan, contestant, folder, "run", "bench.py", task, "--depth", str(plan.depth))
            if "RecursionError" in sample.output:
                answers[contestant.name] = "RecursionError"
            elif sample.exit_code or str(expected) not in sample.output.splitlines():
                answers[contestant.name] = f"exit code {sample.exit_code}"
            else:
                answers[contestant.name] = sample.seconds
                memory[contestant.name] = sample.megabytes
        result += [
            Row(f"{task} {plan.depth:,} deep, cold", "s", answers),
            Row(f"{task} {plan.depth:,} deep, peak memory", "MB", memory),
        ]
    return result


def measure_large(plan: Plan) -> list[Row]:
    """One very large execution of ours, once, and the questions asked of it afterwards."""
    tenth = large_run(plan, plan.large // 10)
    whole = large_run(plan, plan.large)
    rows = [Row(f"{plan.large:,} tasks, {question}", unit, {OURS.name: answer}) for question, unit, answer in whole]
    for (question, unit, before), (_, _, after) in zip(tenth, whole, strict=True):
        if unit == "s" and question != "redun log":
            rows.append(
                Row(f"a task of these against one of a tenth, {question}", "x", {OURS.name: after / before / 10})
            )
    return rows


def large_run(plan: Plan, size: int) -> list[tuple[str, str, float]]:
    """Ten calls that make a tenth of the calls each: cold, cached, and looked at."""
    command = ["run", "bench.py", "stretches", "--count", "10", "--size", str(size // 10)]
    expected = str(size * (size + 1) // 2)
    with fresh_folder(plan) as folder:
        cold = run_expecting(plan, OURS, folder, expected, *command)
        repository = sum(file.stat().st_size for file in (folder / ".redun").rglob("*") if file.is_file())
        cached = run_expecting(plan, OURS, folder, expected, *command)
        log = run(plan, OURS, folder, "log")
    return [
        ("cold", "s", cold.seconds),
        ("cold, peak memory", "MB", cold.megabytes),
        ("repository", "MB", repository / 1e6),
        ("cached", "s", cached.seconds),
        ("cached, peak memory", "MB", cached.megabytes),
        ("redun log", "s", log.seconds),
    ]


def measure_values(plan: Plan) -> list[Row]:
    """How fast arrays and tables are hashed, beside BLAKE2b alone and the hash of a pickle."""
    make_environment(WITH_TABLES, plan.environments)
    script = Path(__file__).resolve().parent / "measure_values.py"
    sample = run(plan, WITH_TABLES, plan.scratch, str(script), str(plan.rounds))
    if sample.exit_code:
        raise BenchmarkError(f"measure_values.py: exit code {sample.exit_code}\n{sample.output[-2000:]}")
    result = []
    for name, ours, blake2b, pickled in json.loads(sample.output.splitlines()[-1]):
        answer = f"{ours:.2f} GB/s; BLAKE2b alone {blake2b:.2f}, pickle and BLAKE2b {pickled:.2f}"
        result.append(Row(f"hash of a {name}", "GB/s", {OURS.name: answer}))
    return result


SCENARIOS: dict[str, Callable[[Plan], list[Row]]] = {
    "help": measure_help,
    "fixed": measure_fixed_cost,
    "plugins": measure_plugins,
    "slope": measure_slope,
    "whole": measure_whole_process,
    "depth": measure_depth,
    "large": measure_large,
    "values": measure_values,
}
ON_REQUEST = frozenset({"large", "values"})
