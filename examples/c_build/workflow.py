"""Builds two C programs and the library that they share: `redun run workflow.py main`."""

import subprocess
from pathlib import Path
from typing import NamedTuple

from redun import File, task

redun_namespace = "c_build"


class Source(NamedTuple):
    """A C file, and the headers that it includes."""

    file: File
    headers: list[File]


def gcc(*arguments: str) -> str:
    """Run the compiler; its warnings and errors go to the terminal."""
    return subprocess.run(["gcc", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


@task
def find_headers(path: str) -> Source:
    """Ask the compiler what a C file includes.

    The result holds the files as they are now, and is valid as long as none of them changes: an edit of a header makes
    redun ask again, for exactly the C files that include it.
    """
    rule = gcc("-MM", path)  # sieve.o: src/sieve.c src/sieve.h
    _, file, *headers = rule.replace("\\\n", " ").split()
    return Source(File(file), [File(header) for header in headers])


@task
def compile_object(source: File, headers: list[File], optimize: int) -> File:
    """Compile one C file. The headers are arguments because an edit of one of them asks for a new object file."""
    target = Path("build", Path(source.path).stem + ".o")
    target.parent.mkdir(exist_ok=True)
    gcc("-Wall", "-Wextra", f"-O{optimize}", "-fPIC", "-c", source.path, "-o", str(target))
    return File(str(target))


@task
def link_library(path: str, objects: list[File]) -> File:
    """Put object files together to a shared library."""
    gcc("-shared", f"-Wl,-soname,{Path(path).name}", *[file.path for file in objects], "-o", path)
    return File(path)


@task
def link_program(path: str, objects: list[File], libraries: list[File]) -> File:
    """Put object files and libraries together to a program, which finds the libraries beside itself."""
    gcc(*[file.path for file in [*objects, *libraries]], "-Wl,-rpath,$ORIGIN", "-o", path)
    return File(path)


def build_object(path: str, optimize: int) -> File:
    """Not a task: a shorter way to write down two calls."""
    file, headers = find_headers(path)
    return compile_object(file, headers, optimize)


@task
def main(optimize: int = 2) -> list[File]:
    """Build everything. Nothing runs here: these are the calls to make, which redun makes in parallel where it can."""
    sieve, statistics, primes, report = [
        build_object(path, optimize) for path in ["src/sieve.c", "src/statistics.c", "src/primes.c", "src/report.c"]
    ]
    library = link_library("build/libnumbers.so", [sieve, statistics])
    return [
        link_program("build/primes", [primes], [library]),
        link_program("build/report", [report], [library]),
    ]
