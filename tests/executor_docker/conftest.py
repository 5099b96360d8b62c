"""Something that takes the words of `docker`, and real containers where there are some."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redun.testing.remote_cluster import LocalCluster

sys.path.append(str(Path(__file__).parent))  # support modules are imported by name

from stand_in_docker import StandIn


class Project:
    """A folder with a workflow, run by the real command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".redun").mkdir(parents=True)
        (folder / "workflow.py").write_text(WORKFLOW)

    def configure(self, **options: object) -> None:
        """Describe the executor `containers`."""
        lines = [f"{name} = {value}" for name, value in options.items()]
        text = "\n".join(["[executors.containers]", "type = docker", "scratch = ../scratch", *lines])
        (self.folder / ".redun" / "redun.ini").write_text(text)

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [str(Path(sys.executable).with_name("redun")), "run", "workflow.py", *words]
        return subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment()
        )

    def run(self, *words: str) -> tuple[int, str]:
        """The exit code, and what is shown."""
        with self.start(*words) as process:
            try:
                output = process.communicate(timeout=120)[0]
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            return process.returncode, output


WORKFLOW = """
import os
import sys

from redun import task

redun_namespace = "containers"


@task(executor="containers")
def where(number: int) -> str:
    return f"{number} in {os.getcwd()}"


@task(executor="containers")
def fail(reason: str):
    print("about to fail", file=sys.stderr)
    raise ValueError(reason)


@task(executor="containers")
def meet(started: str, release: str) -> str:
    with open(started, "w") as stream:
        stream.write("started")
    with open(release) as stream:
        return stream.read()


@task(executor="containers", script=True)
def shout(word: str):
    return f"echo {word} | tr a-z A-Z; echo to be seen >&2"


@task(executor="containers", script=True)
def fall():
    return "echo it fell >&2; exit 5"


@task(executor="containers", memory=0.0625)
def hoard() -> int:
    return len(bytearray(os.urandom(1) * 500_000_000))


@task
def several():
    return [where(1), where(2), where(3), shout("hello")]


@task
def meetings(folder: str, count: int):
    return [meet(f"{folder}/{number}.started", f"{folder}/{number}.release") for number in range(count)]


@task(executor="containers", volumes=[["data", "/data", "ro"]])
def look() -> str:
    with open("/data/note") as stream:
        return stream.read()


@task(executor="containers")
def credentials() -> str:
    return os.environ.get("AWS_ACCESS_KEY_ID", "none")


@task
def everything():
    return [where(7), shout("hello"), look(), credentials()]
"""


def environment() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "200", "AWS_ACCESS_KEY_ID": "key-of-a-test"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(slots=60) as cluster:
        yield cluster


@pytest.fixture
def stand_in(tmp_path: Path, cluster: LocalCluster) -> Iterator[StandIn]:
    with StandIn(tmp_path, cluster) as stand_in:
        yield stand_in
