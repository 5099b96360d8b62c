"""Times every question of the command line on repositories with a million jobs. See README.md beside this file."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from environments import CHECKOUT
from repositories import DATABASES, Kept, opened

FIRST_PAGE = 40
LATER = 2000
"""Lines, as people see them: a page, and where they are when they have read on for a while."""


@dataclass(frozen=True, slots=True)
class Question:
    """A command line, in which names of `ask.py` stand in braces, or a method that `ask.py` knows."""

    text: str
    target: float | None = None
    """Seconds to the first page that are promised."""
    has_pages: bool = False

    @property
    def is_command(self) -> bool:
        return not self.text.endswith((")", "arguments", "of them"))


QUESTIONS = (
    Question("log", 0.3, has_pages=True),
    Question("log {wide first}", 0.3, has_pages=True),
    Question("log {chain}", 0.3, has_pages=True),
    Question("log {wide first} --json", 0.3, has_pages=True),
    Question("log {a job in the middle}", 0.3),
    Question("log {wide first}.1", 0.3),
    Question("log {a file}", 0.3),
    Question("log {a file} --downstream", 0.3),
    Question("log {a made file}", 0.3),
    Question("log {a file of all}", 0.3),
    Question("log {a file of all} --downstream", 0.3),
    Question("log {a rare value}", 0.3),
    Question("log {a common result}", 0.3),
    Question("log {a common result} --downstream", 0.3),
    Question("log past.measure", 0.3),
    Question("log --exec-status FAILED", 0.3),
    Question("log --exec-status LOST", 0.3),
    Question("log --exec-tag workflow=wide", 0.3),
    Question("log --exec-tag env", 0.3),
    Question("log --job", 0.3, has_pages=True),
    Question("log --job-status FAILED", 0.3, has_pages=True),
    Question("log --job-status RUNNING", 0.3),
    Question("log --job-status FAILED {wide first}", 0.3),
    Question("log --job-status FAILED {wide}", 0.3),
    Question("log --job-status CACHED {wide}", 0.3, has_pages=True),
    Question("log --task-name past.measure", 0.3, has_pages=True),
    Question("log --task-name past.measure --job-status FAILED", 0.3),
    Question("log --task-name past.report --exec", 0.3, has_pages=True),
    Question("log --task-name past.nightly --job-status FAILED --exec", 0.3),
    Question("log --result {a common result}", 0.3, has_pages=True),
    Question("log --arg {a common result}", 0.3, has_pages=True),
    Question("log --result {a rare value} --exec", 0.3),
    Question("log --tag sample=7 --job", 0.3, has_pages=True),
    Question("log --tag sample --job", 0.3, has_pages=True),
    Question("log --tag kind=label --job", 0.3, has_pages=True),
    Question("log --tag kind=label --job {labels}", 0.3, has_pages=True),
    Question("log --call-node", 0.3, has_pages=True),
    Question("log --task", 0.3),
    Question("log --value", 0.3, has_pages=True),
    Question("log --value --exec-id {wide first}", 0.3, has_pages=True),
    Question("log --value-type File", 0.3, has_pages=True),
    Question("log --file", 0.3, has_pages=True),
    Question("log --file-path */out/77*", 0.3),
    Question("log --file {files}", 0.3, has_pages=True),
    Question("log --all", 0.3, has_pages=True),
    Question("log --exec --count", None),
    Question("log --job --count", None),
    Question("log --job --count {wide first}", None),
    Question("log --job-status FAILED --count", None),
    Question("log --call-node --count", None),
    Question("log --value --count", None),
    Question("log --file --count", None),
    Question("log --tag sample --job --count", None),
    Question("log --all --count", None),
    Question("explain {a job in the middle}", 0.5),
    Question("explain {a cached job}", 0.5),
    Question("explain {a report}", 0.5),
    Question("explain {a failed execution}", 0.5),
    Question("explain {wide}", 0.5),
    Question("diff {nightly before} {nightly}", None),
    Question("diff {variants first} {variants}", None),
    Question("diff {wide first} {wide}", None),
    Question("viz {nightly}", None),
    Question("viz {wide first}", None),
    Question("viz {nightly} --graph data", None),
    Question("viz {wide first} --graph data", None),
    Question("tag list", None),
    Question("tag list --values", None),
    Question("tag list sample=7", None),
    Question("db info", None),
    Question("executions()", 0.3),
    Question("execution(ID).jobs(), 50 of them", 0.3),
    Question("execution(ID).task_counts()", 0.3),
    Question("execution(ID).diff(other)", None),
    Question("job(ID).call.arguments", 0.3),
    Question("job(ID).explain()", 0.5),
    Question("file(PATH)[0].upstream()", 0.3),
    Question("file(PATH)[0].downstream()", 0.3),
    Question("value(HASH).producers()", 0.3),
    Question("tasks(NAME)[0].jobs()", 0.3),
    Question("copy_records(to one that has all)", 1.0),
)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--size", type=int, default=1_000_000, help="about how many jobs a repository has")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--rounds", type=int, default=3, help="how often; the quickest is shown")
    parser.add_argument("--only", nargs="+", metavar="TEXT", default=[""], help="questions with one of these in them")
    parser.add_argument("--folder", type=Path, default=CHECKOUT / ".benchmarks", help="where repositories are kept")
    return parser.parse_args(arguments)


def ask(kept: Kept, question: Question, names: dict[str, str]) -> tuple[float, float]:
    """Seconds to the first page, and until the reader has had enough."""
    if not question.is_command:
        words = ["method", question.text]
    else:
        most = LATER if question.has_pages else 1_000_000
        shown = question.text
        for name, text in names.items():
            shown = shown.replace(f"{{{name}}}", text)
        words = ["command", str(most), str(FIRST_PAGE), *shown.split()]
    first, last = json.loads(kept.python("ask.py", *words).splitlines()[-1])
    return float(first), float(last)


def format_row(question: Question, seconds: Sequence[tuple[float, float] | None]) -> str:
    cells = []
    for each in seconds:
        if each is None:
            cells += ["failed", ""]
            continue
        first, last = each
        is_late = question.target is not None and first > question.target
        cells += [f"{first:.3f} s{' !' if is_late else ''}", f"{last:.2f} s" if question.has_pages else ""]
    return f"| `{question.text}` | {' | '.join(cells)} |"


def table(repositories: Sequence[Kept], questions: Sequence[Question], rounds: int) -> Iterator[str]:
    """The rows of the table, as they come."""
    names = [json.loads(kept.python("ask.py", "names")) for kept in repositories]
    heads = [f"{kept.database}, first page | {kept.database}, {LATER} lines" for kept in repositories]
    yield f"| | {' | '.join(heads)} |"
    yield "|---" * (1 + 2 * len(repositories)) + "|"
    for question in questions:
        quickest: list[tuple[float, float] | None] = []
        for kept, its_names in zip(repositories, names, strict=True):
            try:
                samples = [ask(kept, question, its_names) for _ in range(rounds)]
            except subprocess.CalledProcessError:
                quickest.append(None)
            else:
                # Whatever else runs makes an answer come later, never sooner.
                first, last = (min(column) for column in zip(*samples, strict=True))
                quickest.append((first, last))
        yield format_row(question, quickest)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    questions = [each for each in QUESTIONS if any(text in each.text for text in options.only)]
    with opened(options.databases, options.folder.resolve(), options.size) as repositories:
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, the quickest of {options.rounds} rounds\n")
        for line in table(repositories, questions, options.rounds):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
