"""The container engine of this machine, if it has one, and an image whose programs are those of this machine."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import uuid
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Also for machines that are containers themselves: no limits are raised, and the network is that of the machine.
CONFIGURATION = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
cgroupns = "host"
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""
HOW_TO_GET = "no container engine answers here: apt install podman runc, and be root; or start docker"


class RealEngine:
    """Docker or podman, with two images: `image`, and `bare`, which has no command redun on its PATH."""

    def __init__(self, command: str, folder: Path) -> None:
        self.command = command
        self.image = f"localhost/redun-test-{uuid.uuid4().hex[:12]}"
        self.bare = f"{self.image}-bare"
        archive = folder / "image.tar"
        archive.write_bytes(_root_folder())
        for image, path in ((self.image, f"{Path(sys.executable).parent}:/usr/bin:/bin"), (self.bare, "/usr/bin:/bin")):
            self.call("import", "--change", f"ENV PATH={path}", str(archive), image)

    def call(self, *words: str) -> str:
        answer = subprocess.run([self.command, *words], capture_output=True, text=True, timeout=120)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    def remove_images(self) -> None:
        self.call("rmi", "-f", self.image, self.bare)

    def containers(self, scratch: Path) -> list[str]:
        """The ids of the containers that belong to a scratch folder."""
        return self.call("ps", "-aq", "--filter", f"label=redun.scratch={scratch}").split()

    def volumes(self, *more: Path) -> str:
        """The option `volumes` by which containers have the programs of this machine, and some folders to write to."""
        programs = dict.fromkeys(["/usr", sys.base_prefix, sys.prefix, str(ROOT)])
        pairs = [[path, path, "ro"] for path in programs] + [[str(path), str(path)] for path in more]
        return json.dumps(pairs)


def find_command(folder: Path) -> str | None:
    """The command of an engine that runs containers; None if there is none."""
    if os.geteuid() == 0 and "CONTAINERS_CONF" not in os.environ and shutil.which("runc"):
        (folder / "containers.conf").write_text(CONFIGURATION)
        os.environ["CONTAINERS_CONF"] = str(folder / "containers.conf")
    for command in ("docker", "podman"):
        if shutil.which(command) and not subprocess.run([command, "ps"], capture_output=True, timeout=60).returncode:
            return command
    return None


def _root_folder() -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in ("usr", "tmp", "etc", "proc", "sys", "dev", "root", "var", "run"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(entry)
        for name in ("bin", "lib", "lib64", "sbin"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(entry)
    return archive.getvalue()
