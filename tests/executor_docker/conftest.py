"""Something that takes the words of `docker`, and real containers where there are some."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redun.testing.remote_cluster import LocalCluster


class StandIn:
    """A command that does as docker does, and what it was called with."""

    def __init__(self, folder: Path, cluster: LocalCluster) -> None:
        self.folder = folder
        self.cluster = cluster
        (folder / "containers").mkdir(parents=True)
        (folder / "socket").write_text(cluster.socket)
        (folder / "bin").mkdir()
        self.command = str(folder / "bin" / "docker")
        script = shlex.join([sys.executable, "-IS", str(Path(__file__).with_name("stand_in_docker.py"))])
        Path(self.command).write_text(f'#!/bin/sh\nSTAND_IN={folder} exec {script} "$@"\n')
        Path(self.command).chmod(0o755)

    @property
    def calls(self) -> list[list[str]]:
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def calls_of(self, verb: str) -> list[list[str]]:
        return [call for call in self.calls if call[0] == verb]

    @property
    def containers(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "containers").iterdir())

    def take_down(self) -> None:
        """From now on the service cannot be reached."""
        (self.folder / "down").touch()


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(slots=60) as cluster:
        yield cluster


@pytest.fixture
def stand_in(tmp_path: Path, cluster: LocalCluster) -> StandIn:
    return StandIn(tmp_path / "stand_in", cluster)
