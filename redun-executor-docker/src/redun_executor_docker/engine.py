"""The command `docker`, or one that understands the same words: finding it, calling it, and what it answers."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from redun_executor_docker.errors import EngineError, EngineUnavailableError
from redun_executor_docker.start_failures import is_unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COMMANDS = ("docker", "podman")
"""What is looked for on the PATH, the first one first."""

MOST_SECONDS = 120.0
"""How long a question may take. Starting a container may take any time: its image may have to be fetched."""

_FORMAT = (
    '{"name": {{json .Name}}, "state": {{json .State}}, "created": {{json .Created}}, '
    '"labels": {{json .Config.Labels}}}'
)
_MISSING = ("no such container", "no such object", "already in progress")
"""How both commands say that a container is not there, or is being removed."""


class ContainerFacts(NamedTuple):
    """What the engine knows of a container."""

    name: str
    status: str
    """`created`, `running`, `paused`, `exited` and others."""
    exit_code: int
    out_of_memory: bool
    error: str
    labels: Mapping[str, str]
    last_change: datetime
    """When it was made or, where it has ended, when it did."""

    @property
    def has_ended(self) -> bool:
        """Whether it has run, and does not any more."""
        return self.status in ("exited", "stopped", "dead")

    @property
    def is_running(self) -> bool:
        """Whether it has begun and not ended, be it that it is paused."""
        return not self.has_ended and self.status not in ("created", "configured", "initialized", "removing")


class Engine:
    """Calls the command.

    command: its words; by default the first of `COMMANDS` that is there.

    Raises `EngineUnavailableError` if there is none.
    """

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self.command = tuple(command) if command else (_find_command(),)
        if shutil.which(self.command[0]) is None:
            raise EngineUnavailableError(
                f"command = {shlex.join(self.command)}: there is no program {self.command[0]}. Name one that "
                "understands the command line of docker, or install it."
            )
        self.name = shlex.join(self.command)
        self._is_podman: bool | None = None
        self._asking = threading.Lock()

    @property
    def is_podman(self) -> bool:
        """Whether the command is podman, whatever it is called. Asked once."""
        with self._asking:
            if self._is_podman is None:
                self._is_podman = "podman" in self._ask(["--version"]).stdout.lower()
        return self._is_podman

    def check(self) -> None:
        """Raises `EngineUnavailableError` if the service does not answer, and says what to do."""
        self._ask(["ps", "-q"])

    def start(self, words: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
        """Start `docker run -d ...`, which says what it has to say when the container runs.

        environment: variables for it beside those of this process.
        """
        return self._popen(words, environment, subprocess.DEVNULL, subprocess.PIPE)

    def start_foreground(self, words: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
        """Start `docker run` with the terminal of this process. It ends when the container does."""
        return self._popen(words, environment, None, None)

    def _popen(
        self, words: Sequence[str], environment: Mapping[str, str], stdin: int | None, out: int | None
    ) -> subprocess.Popen[str]:
        try:
            return subprocess.Popen(  # noqa: S603 - the user's own command, and no shell
                [*self.command, *words],
                env={**os.environ, **environment},
                stdin=stdin,
                stdout=out,
                stderr=out,
                text=True,
                errors="replace",
                # Ctrl-C is for the scheduler, which removes containers; only who sits at the terminal of a container
                # means that container.
                start_new_session=stdin is not None,
            )
        except OSError as error:
            raise self._cannot_call(error) from error

    def inspect(self, containers: Iterable[str]) -> dict[str, ContainerFacts]:
        """What is known of these containers, by name, with one call. Those that are not there are left out."""
        names = list(containers)
        if not names:
            return {}
        answer = self._ask(["inspect", "--type", "container", "--format", _FORMAT, *names], may_be_missing=True)
        found = (_facts(line) for line in answer.stdout.splitlines() if line.startswith("{"))
        return {facts.name: facts for facts in found}

    def find(self, label: str, value: str) -> dict[str, ContainerFacts]:
        """All containers, running or not, that have this label."""
        answer = self._ask(["ps", "-a", "-q", "--no-trunc", "--filter", f"label={label}={value}"])
        return self.inspect(answer.stdout.split())

    def logs(self, container: str, lines: int) -> list[str]:
        """The last lines that a container has written, to stdout and stderr."""
        return self._ask(["logs", "--tail", str(lines), container], joined=True).stdout.splitlines()

    def remove(self, containers: Iterable[str]) -> None:
        """End and remove these containers, with one call. Those that are not there are no error."""
        names = list(containers)
        if names:
            # Docker kills at once. Podman would first wait for programs that, as most do as process 1, ignore SIGTERM;
            # and would remove none of them where one is missing.
            as_docker = ["--ignore", "--time", "0"] if self.is_podman else []
            self._ask(["rm", "-f", "-v", *as_docker, *names], may_be_missing=True)

    def _ask(
        self, words: Sequence[str], *, may_be_missing: bool = False, joined: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Call the command and wait for it.

        may_be_missing: that some containers are not there is no error. joined: take stderr as stdout.
        """
        try:
            answer = subprocess.run(  # noqa: S603 - as above
                [*self.command, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if joined else subprocess.PIPE,
                text=True,
                errors="replace",
                timeout=MOST_SECONDS,
                start_new_session=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EngineError(f"{self.name} {words[0]} has not answered in {MOST_SECONDS:.0f} seconds") from None
        except OSError as error:
            raise self._cannot_call(error) from error
        if answer.returncode:
            self._look_at_failure(words[0], answer.stdout if joined else answer.stderr, may_be_missing)
        return answer

    def _look_at_failure(self, verb: str, text: str, may_be_missing: bool) -> None:
        if is_unavailable(text):
            raise self.unavailable(text)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if may_be_missing:
            lines = [line for line in lines if not any(word in line.lower() for word in _MISSING)]
            if not lines:
                return
        raise EngineError(f"{self.name} {verb} has failed: {lines[-1] if lines else 'it does not say why'}")

    def unavailable(self, text: str) -> EngineUnavailableError:
        """The error for what the command says when its service does not answer."""
        last = text.strip().splitlines()[-1]
        return EngineUnavailableError(
            f"{self.name} does not reach its service, so that no container can be run: {last} Start the service, give "
            "this user the right to use it, or choose another command with the option command."
        )

    def _cannot_call(self, error: OSError) -> EngineUnavailableError:
        return EngineUnavailableError(f"{self.name} cannot be called: {error.strerror}")


def _find_command() -> str:
    for name in COMMANDS:
        if shutil.which(name) is not None:
            return name
    raise EngineUnavailableError(
        f"Containers need one of the commands {' and '.join(COMMANDS)}, and neither is on the PATH. Install one of "
        "them (Debian: apt install podman), or name it with the option command."
    )


def _facts(line: str) -> ContainerFacts:
    try:
        told: dict[str, Any] = json.loads(line)
        state = told["state"]
        return ContainerFacts(
            told["name"].removeprefix("/"),
            state["Status"],
            int(state.get("ExitCode") or 0),
            bool(state.get("OOMKilled")),
            state.get("Error") or "",
            told["labels"] or {},
            max(_time(told["created"]), _time(state.get("FinishedAt"))),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(f"what docker inspect says cannot be understood: {line[:200]}") from error


def _time(text: str | None) -> datetime:
    """A time as the command gives it; the beginning of time for what has not happened yet."""
    time = datetime.fromisoformat(text) if text else datetime.min
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
