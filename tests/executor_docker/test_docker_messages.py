"""What docker and podman say is understood, in the words that they use."""

from __future__ import annotations

import pytest
from redun_executor_docker.options import ContainerOptions, parse_volumes
from redun_executor_docker.start_failures import is_unavailable, why_failed, why_not_started

OPTIONS = ContainerOptions("image:1", volumes=parse_volumes([["/nowhere", "/data"]]))
REDUN = ("redun", "oneshot")

NO_IMAGE = "There is no image image:1"
NO_VOLUME = "A volume cannot be mounted"

NOT_HERE = "Unable to find image 'image:1' locally\n"
FETCHED = f"{NOT_HERE}1: Pulling from library/image\nStatus: Downloaded newer image for image:1\n"
NO_SOURCE = (
    'docker: Error response from daemon: invalid mount config for type "bind": bind source path does not exist: /no'
    "\n\nRun 'docker run --help' for more information\n"
)
NO_PROGRAM = (
    'docker: Error response from daemon: failed to create task for container: exec: "redun": executable file not found '
    "in $PATH: unknown\n"
)


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        (125, f"{NOT_HERE}docker: Error response from daemon: pull access denied\n", NO_IMAGE),
        (125, f"{NOT_HERE}docker: Error response from daemon: dial tcp: no such host\n", NO_IMAGE),
        (125, 'Error: short-name "image:1" did not resolve to an alias\n', NO_IMAGE),
        (125, "Error: initializing source docker://localhost/image:1: pinging container registry\n", NO_IMAGE),
        (125, NO_SOURCE, NO_VOLUME),
        (125, FETCHED + NO_SOURCE, NO_VOLUME),
        (125, "Error: statfs /nowhere: no such file or directory\n", NO_VOLUME),
        (127, NO_PROGRAM, "Image image:1 has no command redun"),
        (127, FETCHED + NO_PROGRAM, "Image image:1 has no command redun"),
        (126, "docker: permission denied: unknown\n", "redun cannot be executed in image image:1"),
        (125, "docker: Error response from daemon: Range of CPUs is from 0.01 to 2.00\n", "Range of CPUs"),
        (125, "", "it does not say why"),
    ],
)
def test_a_start_that_fails_is_explained(code, said, expected):
    text = why_not_started(code, said, OPTIONS, REDUN)
    assert expected in text
    assert "Run 'docker" not in text


@pytest.mark.parametrize(
    "said",
    [
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        "permission denied while trying to connect to the Docker daemon socket",
        "Cannot connect to Podman. Please verify your connection to the Linux system",
        "Error: unable to connect to Podman socket",
    ],
)
def test_a_service_that_does_not_answer_is_noticed(said):
    assert is_unavailable(said)
    assert not is_unavailable(NO_SOURCE)


def test_a_container_that_an_earlier_scheduler_started_is_explained_without_its_options():
    assert "ran out of memory" in why_failed(137, True, "", None, ())
    assert why_failed(127, False, "", None, ()) == "The container ended with exit code 127."


def test_a_shell_in_the_container_that_does_not_find_redun_raises_the_question():
    text = why_failed(127, False, "", OPTIONS, REDUN)
    assert text.endswith("is redun-core installed in image image:1?")
    assert "redun-core" not in why_failed(127, False, "", OPTIONS, ("bash", "-c"))
