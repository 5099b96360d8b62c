"""What was really made from what, where files go through containers and through calls that only pass them on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redun.provenance.derivation import producers

if TYPE_CHECKING:
    from provenance_bench import Bench

TASKS = """
from typing import NamedTuple


class Pair(NamedTuple):
    one: File
    other: File


@task
def src(path):
    file = File(path)
    file.write(path)
    return file


@task
def copy(file, path):
    made = File(path)
    made.write(file.read())
    return made


@task
def copies(files):
    return [copy(file, f"copy_{file.path}") for file in files]


@task
def keep(files):
    return [files[0]]


@task
def pick(files, i):
    return files[i]


@task
def pair(file):
    return Pair(file, File("extra.txt"))


@task
def first_of(pair):
    return {"file": pair.one, "n": 1}


@task
def read(files):
    made = File("read.txt")
    made.write(str(files))
    return made
"""


def run(bench: Bench, body: str, *before: str) -> None:
    """Run a task `main` with this body, where these files are there before."""
    for path in before:
        Path(path).write_text(path)
    bench.write(f"{TASKS}\n\n@task\ndef main():\n    {body}\n")
    bench.run("main")


def upstream(bench: Bench, path: str) -> list[str]:
    """The calls, with the files and other things that nobody made."""
    steps = bench.repository.file(path)[0].upstream()
    return [step.value.preview() if step.call is None else name_of(step) for step in steps]


def name_of(step: object) -> str:
    job = step.job  # type: ignore[attr-defined]
    return str(job.task_name).removeprefix("bench.")


def makers(bench: Bench, path: str) -> list[str]:
    return [name_of(use) for use in producers(bench.backend, bench.repository.file(path)[0].value_hash)]


def downstream(bench: Bench, path: str) -> list[str]:
    return [name_of(use) for use in bench.repository.file(path)[0].downstream()]


def made_from(bench: Bench, path: str) -> list[str]:
    return sorted(file.path for use in bench.repository.file(path)[0].downstream() for file in use.made)


@pytest.mark.parametrize("body", ["copies([src('a'), src('b')])", "copies([src('a'), src('b')])[1]"])
def test_a_file_comes_from_the_part_of_the_container_that_it_was_made_from(bench: Bench, body: str) -> None:
    run(bench, f"return {body}")
    assert upstream(bench, "copy_b") == ["copy", "src", "'b'", "'copy_b'"]
    assert upstream(bench, "copy_a") == ["copy", "src", "'a'", "'copy_a'"]


def test_what_was_made_from_another_part_of_the_container_does_not_count(bench: Bench) -> None:
    run(bench, "return copies([src('a'), src('b')])")
    assert made_from(bench, "a") == ["copy_a"]
    assert made_from(bench, "b") == ["copy_b"]


def test_a_part_of_a_result_leads_to_the_call_that_made_this_part(bench: Bench) -> None:
    run(bench, "return read(copies([src('a'), src('b')])[1])")
    assert upstream(bench, "read.txt") == ["read", "copy", "src", "'b'", "'copy_b'"]
    assert made_from(bench, "b") == ["copy_b", "read.txt"]
    assert made_from(bench, "a") == ["copy_a"]
    assert "read" not in downstream(bench, "a")


def test_all_of_a_container_counts_where_all_of_it_was_used(bench: Bench) -> None:
    run(bench, "return read(copies([src('a'), src('b')]))")
    assert upstream(bench, "read.txt").count("src") == 2
    assert made_from(bench, "a") == ["copy_a", "read.txt"]


def test_a_file_among_very_many_is_found_as_well(bench: Bench) -> None:
    run(bench, "return copies([src(f'f{i}') for i in range(1100)])")
    assert upstream(bench, "copy_f7") == ["copy", "src", "'f7'", "'copy_f7'"]


def test_who_passes_a_file_on_has_not_made_it(bench: Bench) -> None:
    run(bench, "return keep([File('x'), File('y')])", "x", "y")
    assert makers(bench, "x") == []
    assert upstream(bench, "x") == [bench.repository.file("x")[0].preview()]
    assert made_from(bench, "y") == made_from(bench, "x") == []
    assert downstream(bench, "y") == ["keep", "main"]


def test_a_file_was_made_by_the_first_that_returned_it_however_many_passed_it_on(bench: Bench) -> None:
    run(bench, "made = [src('a'), src('b')]\n    return [pick([*made, i], 0) for i in range(40)]")
    assert makers(bench, "a") == ["src"]
    assert upstream(bench, "a") == ["src", "'a'"]


def test_a_file_that_a_call_above_was_given_was_not_made_below_it(bench: Bench) -> None:
    bench.write(
        f"{TASKS}\n\n@task\ndef again(path):\n    return File(path)\n\n\n@task\ndef by_name(file):\n"
        "    return again(file.path)\n\n\n@task\ndef main():\n    return by_name(src('a'))\n"
    )
    bench.run("main")
    assert makers(bench, "a") == ["src"]
    assert made_from(bench, "a") == []


def test_a_file_that_is_passed_on_leads_to_its_own_maker_only(bench: Bench) -> None:
    run(bench, "return read(pick([src('a'), src('b')], 1))")
    assert upstream(bench, "read.txt") == ["read", "pick", "src", "'b'", "1"]
    assert made_from(bench, "a") == []
    assert made_from(bench, "b") == ["read.txt"]


def test_a_file_beside_another_is_not_made_from_it(bench: Bench) -> None:
    run(
        bench,
        "a = src('a')\n    p = first_of(pair(a))\n    return [copy(a, 'c'), read(p['n'])]",
        "extra.txt",
    )
    assert downstream(bench, "extra.txt") == ["first_of", "read", "main"]
    assert made_from(bench, "extra.txt") == ["read.txt"]
    assert makers(bench, "a") == ["src"]


def test_what_a_call_made_of_a_file_without_passing_it_on_was_made_from_it(bench: Bench) -> None:
    bench.write(
        f"{TASKS}\n\n@task\ndef all_in(listing):\n    return [src(path) for path in listing.read().split()]\n\n\n"
        "@task\ndef main():\n    return read(all_in(File('list'))[0])\n"
    )
    Path("list").write_text("a b")
    bench.run("main")
    assert made_from(bench, "list") == ["a", "b", "read.txt"]


def test_a_file_of_a_folder_that_was_given_is_not_made(bench: Bench) -> None:
    bench.write(
        f"from redun import Dir\n{TASKS}\n\n@task\ndef one_of(folder):\n    return sorted(folder, key=str)[0]\n\n\n"
        "@task\ndef main():\n    return one_of(Dir('d'))\n"
    )
    Path("d").mkdir()
    Path("d/a").write_text("a")
    bench.run("main")
    assert makers(bench, "d/a") == []
    assert made_from(bench, "d") == []


def test_no_call_is_told_twice_after_a_file_was_edited(bench: Bench) -> None:
    bench.write(
        "@task\ndef use(file=File('in.txt')):\n    return len(file.read())\n\n\n@task\ndef main():\n    return use()\n"
    )
    for text in ("1", "22", "333"):
        Path("in.txt").write_text(text)
        bench.write(bench.source)
        bench.run("main")
    states = bench.repository.file("in.txt")
    assert len(states) == 3
    for state in states:
        assert [name_of(use) for use in state.downstream()] == ["use", "main"]
