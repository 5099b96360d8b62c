"""One virtual environment for each contestant, made on first use."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Contestant:
    """Something that is measured: a name for the tables, and what pip installs for it."""

    name: str
    requirements: tuple[str, ...]
    program: str

    def command(self, environments: Path) -> str:
        """The path of the program, once `make_environment` has run."""
        return str(environments / self.name / "bin" / self.program)


OURS = Contestant(
    "redun-core",
    tuple(
        argument
        for package in ("redun-core", "redun-backend-sql", "redun-executor-local")
        for argument in ("--editable", str(CHECKOUT / package))
    ),
    "redun",
)
REFERENCE = Contestant("redun-0.44.1", ("redun==0.44.1",), "redun")
DOIT = Contestant("doit", ("doit",), "doit")

WITH_TABLES = Contestant(
    "redun-core-with-tables", (*OURS.requirements, "numpy", "pandas", "polars", "pyarrow"), "python"
)


def make_environment(contestant: Contestant, environments: Path) -> None:
    """Make the contestant's environment, unless a finished one is there."""
    folder = environments / contestant.name
    finished = folder / "finished"
    if finished.exists():
        return
    print(f"making the environment of {contestant.name} in {folder}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *contestant.requirements], check=True)
    finished.touch()
