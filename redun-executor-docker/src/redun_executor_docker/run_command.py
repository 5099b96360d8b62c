"""The command line that starts a container."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from redun_executor_docker.options import ContainerOptions, Volume

NAME_LABEL = "redun.job"
"""The label with the name of the submission."""
SCRATCH_LABEL = "redun.scratch"
"""The label with the scratch folder, which tells apart what belongs to executors of other projects."""
KEEP_LABEL = "redun.keep"
"""The label of containers that stay when their jobs have failed."""

_MIB_IN_GIB = 1024


def run_words(
    container: str,
    command: Iterable[str],
    options: ContainerOptions,
    labels: Mapping[str, str],
    environment: Iterable[str] = (),
    *,
    is_podman: bool = False,
    has_terminal: bool = False,
) -> list[str]:
    """What follows the word `docker` to start a container.

    container: its name. command: the words to run in it.
    options: with absolute paths of volumes.
    environment: the names of variables that `docker` itself finds in its environment: values would be seen by everybody
        who lists the processes of this machine.
    has_terminal: whether an interactive container can have the terminal of this process.
    """
    words = ["run", *_foreground(options.interactive, has_terminal), "--name", container]
    for key, value in labels.items():
        words += ["--label", f"{key}={value}"]
    for name in environment:
        words += ["-e", name]
    if options.vcpus is not None:
        words.append(f"--cpus={options.vcpus:g}")
    if options.memory is not None:
        words.append(f"--memory={_mebibytes(options.memory)}")
    if options.shared_memory is not None:
        words.append(f"--shm-size={_mebibytes(options.shared_memory)}")
    if options.gpus:
        words += ["--device", "nvidia.com/gpu=all"] if is_podman else ["--gpus", "all"]
    for volume in dict.fromkeys(options.volumes):
        words += ["--mount", _mount(volume)]
    return [*words, options.image, *command]


def _foreground(interactive: bool, has_terminal: bool) -> list[str]:
    if not interactive:
        return ["-d"]
    return ["-i", "-t"] if has_terminal else ["-i"]


def _mebibytes(gibibytes: float) -> str:
    return f"{max(1, round(gibibytes * _MIB_IN_GIB))}m"


def _mount(volume: Volume) -> str:
    """A bind mount. Other than `-v` it takes any path, and is refused where there is nothing, instead of making it."""
    row = ["type=bind", f"source={volume.source}", f"target={volume.target}"]
    if volume.mode == "ro":
        row.append("readonly")
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(row)
    return line.getvalue()
