"""Measures this project beside redun 0.44.1 and doit. See README.md beside this file."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from environments import CHECKOUT, DOIT, OURS, REFERENCE, make_environment
from scenarios import ON_REQUEST, SCENARIOS, BenchmarkError, Plan, Row, warm_up

CONTESTANTS = {contestant.name: contestant for contestant in (OURS, REFERENCE, DOIT)}


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    default_scenarios = [name for name in SCENARIOS if name not in ON_REQUEST]
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=default_scenarios, help="what to measure")
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--rounds", type=int, default=3, help="how often; medians are shown")
    parser.add_argument(
        "--sizes", type=int, nargs=2, default=[1000, 11000], help="fan-outs for the cost of one more task"
    )
    parser.add_argument("--reference-sizes", type=int, nargs=2, default=[100, 600], help="the same for redun 0.44.1")
    parser.add_argument("--whole-size", type=int, default=1000, help="fan-out for the comparison with doit")
    parser.add_argument("--depth", type=int, default=100_000, help="how deep chains and self-calls go")
    parser.add_argument("--large", type=int, default=1_000_000, help="tasks of the scenario `large`")
    parser.add_argument("--timeout", type=float, default=900, help="seconds after which a single run is killed")
    parser.add_argument("--folder", type=Path, default=CHECKOUT / ".benchmarks", help="environments and scratch space")
    parser.add_argument("--json", type=Path, help="write the table to this file as well")
    return parser.parse_args(arguments)


def format_answer(answer: float | str | None, unit: str) -> str:
    if answer is None:
        return ""
    if isinstance(answer, str):
        return answer
    digits = {"s": 2, "ms": 3, "MB": 0, "x": 2}[unit]
    return f"{answer:,.{digits}f} {unit}"


def format_ratio(row: Row) -> str:
    """How many times ours fits into each of the others."""
    ours = row.answers.get(OURS.name)
    if not isinstance(ours, float) or ours <= 0:
        return ""
    others = [(name, answer) for name, answer in row.answers.items() if name != OURS.name and isinstance(answer, float)]
    return ", ".join(f"{answer / ours:.1f} x ({name})" for name, answer in others)


def format_table(table: Sequence[Row], names: Sequence[str]) -> Iterator[str]:
    """The rows as a Markdown table."""
    yield "| | " + " | ".join(names) + " | ratio |"
    yield "|---" * (len(names) + 2) + "|"
    for row in table:
        cells = [format_answer(row.answers.get(name), row.unit) for name in names]
        yield f"| {row.question} | " + " | ".join(cells) + f" | {format_ratio(row)} |"


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    contestants = tuple(CONTESTANTS[name] for name in options.contestants)
    options.folder.mkdir(parents=True, exist_ok=True)
    for contestant in contestants:
        make_environment(contestant, options.folder)

    table: list[Row] = []
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        plan = Plan(
            contestants=contestants,
            environments=options.folder,
            scratch=Path(scratch),
            rounds=options.rounds,
            sizes=tuple(options.sizes),
            reference_sizes=tuple(options.reference_sizes),
            whole_size=options.whole_size,
            depth=options.depth,
            large=options.large,
            timeout=options.timeout,
        )
        warm_up(plan)
        for name in options.only:
            print(f"measuring: {name}", file=sys.stderr, flush=True)
            try:
                table += SCENARIOS[name](plan)
            except BenchmarkError as error:
                print(f"{name}: {error}", file=sys.stderr)
                return 1

    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, medians of {options.rounds} rounds\n")
    print("\n".join(format_table(table, options.contestants)))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in table], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
