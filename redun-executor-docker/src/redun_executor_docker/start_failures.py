"""Why a container did not start or has failed, in words that say what to do.

Docker's and podman's own words are looked for here, and nowhere else but in `redun_executor_docker.engine`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun_executor_docker.options import ContainerOptions

# `docker run` exits with these where the container itself has no exit code:
# https://docs.docker.com/engine/containers/run/#exit-status
REFUSED = 125
NOT_EXECUTABLE = 126
NOT_FOUND = 127
KILLED = 137
"""128 + SIGKILL."""

_UNAVAILABLE = (
    "cannot connect to the docker daemon",
    "is the docker daemon running",
    "permission denied while trying to connect",
    "error during connect",
    "cannot connect to podman",
    "unable to connect to podman",
    "failed to connect to the docker api",
)
_HAD_TO_FETCH = "unable to find image"
_HAS_FETCHED = ("downloaded newer image", "image is up to date")
_NO_IMAGE = (
    "pull access denied",
    "repository does not exist",
    "manifest unknown",
    "no such image",
    "image not known",
    "initializing source",
    "short-name",
    "invalid reference format",
    "reading manifest",
)
_NO_VOLUME = ("bind source path does not exist", "statfs", "invalid mount", "mount path", "mounts denied")


def is_unavailable(text: str) -> bool:
    """Whether the command says that it does not reach its service."""
    lower = text.lower()
    return any(words in lower for words in _UNAVAILABLE)


def why_not_started(exit_code: int, text: str, options: ContainerOptions, command: Sequence[str]) -> str:
    """What is wrong where `docker run` has failed before the command ran.

    text: what it wrote to stderr.
    """
    said = _last_line(text)
    if exit_code in (NOT_FOUND, NOT_EXECUTABLE):
        return f"{_why_no_program(exit_code, options.image, command)} ({said})"
    if _lacks_image(text.lower(), said.lower()):
        return (
            f"There is no image {options.image}, here or where it could be fetched from. Build it, or set the option "
            f"image to one that there is. ({said})"
        )
    if any(words in said.lower() for words in _NO_VOLUME):
        given = ", ".join(f"{volume.source} as {volume.target}" for volume in options.volumes)
        return (
            "A volume cannot be mounted: each needs a file or folder on the machine where containers run, and a place "
            f"for it in the container. Given were {given}. ({said})"
        )
    return f"The container cannot be started from image {options.image}: {said}"


def why_failed(
    exit_code: int, out_of_memory: bool, error: str, options: ContainerOptions | None, command: tuple[str, ...]
) -> str:
    """What is to be said of a container that has ended with another exit code than 0.

    options, command: None and empty for a container that an earlier scheduler has started.
    """
    limit = f" memory = {options.memory:g} (GiB)" if options is not None and options.memory is not None else " memory"
    if out_of_memory:
        return f"The container ran out of memory: it needs more than the option{limit} gives it."
    if exit_code == KILLED:
        return (
            f"The container was killed (exit code {KILLED}). Nobody but the kernel may have done that, because the job "
            f"needs more than the option{limit} gives it, or than this machine has."
        )
    text = f"The container ended with exit code {exit_code}{f': {error}' if error else ''}."
    if exit_code in (NOT_FOUND, NOT_EXECUTABLE) and options is not None and command[:1] == ("redun",):
        return f"{text} A shell says so of a command that is missing: is redun-core installed in image {options.image}?"
    return text


def _why_no_program(exit_code: int, image: str, command: Sequence[str]) -> str:
    program = command[0] if command else "the command"
    if exit_code == NOT_EXECUTABLE:
        return f"{program} cannot be executed in image {image}, or its entry point cannot."
    if program == "redun":
        return (
            f"Image {image} has no command redun on its PATH, or its entry point is missing. Install redun-core in it: "
            "pip install redun-core."
        )
    return f"Image {image} has no command {program} on its PATH, or its entry point is missing."


def _lacks_image(text: str, last_line: str) -> bool:
    # What it says first of an image that is not there stays in the text when the image was fetched.
    could_not_fetch = _HAD_TO_FETCH in text and not any(words in text for words in _HAS_FETCHED)
    return could_not_fetch or any(words in last_line for words in _NO_IMAGE)


def _last_line(text: str) -> str:
    # Docker ends with a hint where its help is.
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("See 'docker", "Run 'docker"))]
    return telling[-1] if telling else "it does not say why"
