"""Containers are started, looked at and removed as they should be, on a stand-in for the command docker."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from redun.remote import JobState
from redun.testing.task_calls import Meeting, within
from redun_executor_docker.containers import Containers
from redun_executor_docker.engine import Engine
from redun_executor_docker.errors import EngineUnavailableError
from redun_executor_docker.options import ContainerOptions, parse_volumes

SECONDS = 60
PLAIN = ContainerOptions("image", include_aws_env=False)


@pytest.fixture
def make(stand_in, tmp_path):
    made = []

    def make(max_workers=4, scratch="/scratch", environment=dict, **more):
        containers = Containers(Engine([stand_in.command]), scratch, max_workers, environment, **more)
        made.append(containers)
        return containers

    yield make
    for containers in made:
        containers.cancel([job.remote_id for job in containers.in_flight("")])
        containers.close()


def wait_for(containers, names, states=(JobState.SUCCEEDED, JobState.FAILED)):
    """Look until all of these are in one of these states."""

    def look():
        while True:
            reports = containers.describe(names)
            if all(name in reports and reports[name].state in states for name in names):
                return reports

    return within(SECONDS, "the end of the containers", look)


def run(containers, *command, options=PLAIN, name="job-a"):
    container = containers.submit(name, command, options)
    return container, wait_for(containers, [container])[container]


def held(tmp_path, name):
    """A command that runs until it is let go."""
    meeting = Meeting(tmp_path, name, SECONDS)
    return meeting, ["sh", "-c", f"echo started > {meeting.started}; exec cat {meeting.release}"]


def test_a_container_that_succeeds_is_reported_and_removed(make, stand_in):
    _, report = run(make(), "true")
    assert (report.state, report.exit_code) == (JobState.SUCCEEDED, 0)
    assert stand_in.containers == []


def test_a_container_that_fails_has_its_exit_code_and_last_lines_and_is_removed(make, stand_in):
    containers = make()
    container, report = run(containers, "sh", "-c", "seq 200; echo went wrong >&2; exit 3")
    assert (report.state, report.exit_code) == (JobState.FAILED, 3)
    assert "exit code 3" in report.reason
    assert list(containers.log(container))[-2:] == ["200", "went wrong"]
    assert len(containers.log(container)) == 100
    assert stand_in.containers == []


def test_what_has_ended_can_be_asked_again_without_asking_the_engine(make, stand_in):
    containers = make()
    container, report = run(containers, "false")
    questions = len(stand_in.calls)
    assert containers.describe([container]) == {container: report}
    assert len(stand_in.calls) == questions


def test_failed_containers_are_kept_on_demand_and_are_not_in_flight(make, stand_in):
    containers = make(keep_failed=True)
    container, _ = run(containers, "false")
    run(containers, "true")
    assert stand_in.containers == [container]
    assert containers.in_flight("job") == []


def test_an_image_that_there_is_none_of_is_said_to_be_missing(make, stand_in):
    _, report = run(make(), "redun", options=ContainerOptions("missing"))
    assert report.state is JobState.FAILED
    assert "There is no image missing" in report.reason
    assert "pull access denied" in report.reason
    assert stand_in.containers == []


def test_an_image_without_redun_is_said_to_have_none_and_nothing_is_left_behind(make, stand_in):
    _, report = run(make(), "redun", "oneshot", options=ContainerOptions("bare"))
    assert report.state is JobState.FAILED
    assert "Image bare has no command redun" in report.reason
    assert "pip install redun-core" in report.reason
    assert stand_in.containers == []


def test_a_volume_that_is_not_there_is_named(make, stand_in, tmp_path):
    options = ContainerOptions("image", volumes=parse_volumes([[f"{tmp_path}/nowhere", "/data"]]))
    _, report = run(make(), "true", options=options)
    assert "A volume cannot be mounted" in report.reason
    assert f"{tmp_path}/nowhere as /data" in report.reason


def test_running_out_of_memory_is_told_as_such(make):
    containers = make()
    container, report = run(containers, "redun", options=ContainerOptions("too-small", memory=2))
    assert (report.state, report.exit_code) == (JobState.FAILED, 137)
    assert "ran out of memory" in report.reason
    assert "memory = 2" in report.reason
    assert containers.log(container) == ["more and more"]


def test_a_killed_container_may_have_run_out_of_memory(make):
    _, report = run(make(), "sh", "-c", "kill -9 $$")
    assert "killed (exit code 137)" in report.reason
    assert "memory = 4" in report.reason


def test_there_are_never_more_containers_than_workers_and_the_others_follow(make, stand_in, tmp_path):
    containers = make(max_workers=2)
    first, command = held(tmp_path, "first")
    second, other = held(tmp_path, "second")
    names = [containers.submit(f"job-{number}", words, PLAIN) for number, words in enumerate([command, other])]
    for meeting in (first, second):
        meeting.wait_until_started()
    names += [containers.submit(f"job-{number}", ["true"], PLAIN) for number in range(2, 10)]
    assert {report.state for report in containers.describe(names[2:]).values()} == {JobState.WAITING}
    assert len(stand_in.containers) == 2
    for meeting in (first, second):
        meeting.let_go()
    assert {report.state for report in wait_for(containers, names).values()} == {JobState.SUCCEEDED}
    assert stand_in.containers == []


def test_many_containers_are_looked_at_with_one_question(make, stand_in, tmp_path):
    containers = make(max_workers=10)
    meetings, commands = zip(*(held(tmp_path, str(number)) for number in range(10)), strict=True)
    names = [containers.submit(f"job-{number}", command, PLAIN) for number, command in enumerate(commands)]
    for meeting in meetings:
        meeting.wait_until_started()
    wait_for(containers, names, [JobState.RUNNING])
    before = len(stand_in.calls_of("inspect"))
    assert set(containers.describe(names)) == set(names)
    assert len(stand_in.calls_of("inspect")) == before + 1


def test_what_waits_and_what_runs_can_be_cancelled(make, stand_in, tmp_path):
    containers = make(max_workers=1)
    meeting, command = held(tmp_path, "meeting")
    running = containers.submit("job-1", command, PLAIN)
    meeting.wait_until_started()
    waiting = containers.submit("job-2", ["true"], PLAIN)
    containers.cancel([running, waiting, "job-unknown"])
    assert stand_in.containers == []
    assert len(stand_in.calls_of("run")) == 1
    assert {report.state for report in containers.describe([running, waiting]).values()} == {JobState.FAILED}
    assert run(containers, "true")[1].state is JobState.SUCCEEDED


def test_containers_of_a_scheduler_that_is_gone_are_found_counted_and_removed(make, stand_in, tmp_path):
    meeting, command = held(tmp_path, "meeting")
    gone = make()
    container = gone.submit("job-1", command, PLAIN)
    meeting.wait_until_started()
    wait_for(gone, [container], [JobState.RUNNING])
    done = gone.submit("job-2", ["true"], PLAIN)
    wait_for(make(), [done], [JobState.SUCCEEDED])

    later = make(max_workers=1)
    assert [(job.name, job.remote_id) for job in later.in_flight("job")] == [("job-1", container)]
    assert later.in_flight("other") == []
    assert later.describe([container])[container].state is JobState.RUNNING
    last_moment = tmp_path / "last_moment"
    other = later.submit("job-3", ["test", "-e", str(last_moment)], PLAIN)
    run(make(), "true")  # takes longer than the other one would need to begin
    assert later.describe([other])[other].state is JobState.WAITING
    last_moment.touch()
    meeting.let_go()
    # There was no room for the other one before.
    assert {report.state for report in wait_for(later, [container, other]).values()} == {JobState.SUCCEEDED}
    assert stand_in.containers == []


def test_containers_of_other_scratch_folders_are_none_of_its_business(make, tmp_path):
    meeting, command = held(tmp_path, "meeting")
    make(scratch="/elsewhere").submit("job-1", command, PLAIN)
    meeting.wait_until_started()
    assert make().in_flight("job") == []


def test_what_was_left_behind_long_ago_is_removed(make, stand_in):
    containers = make()
    labels = {"redun.job": "job-1", "redun.scratch": "/scratch"}
    stand_in.leave_behind("old", labels, "2020-01-02T00:00:00.5+02:00")
    stand_in.leave_behind("kept", {**labels, "redun.keep": "true"}, "2020-01-02T00:00:00.123456789Z")
    assert containers.in_flight("job") == []
    assert stand_in.containers == ["kept"]


def test_a_container_that_somebody_else_removes_is_unknown_and_leaves_its_place(make, stand_in, tmp_path):
    containers = make(max_workers=1)
    meeting, command = held(tmp_path, "meeting")
    container = containers.submit("job-1", command, PLAIN)
    meeting.wait_until_started()
    wait_for(containers, [container], [JobState.RUNNING])
    Engine([stand_in.command]).remove([container])
    assert containers.describe([container]) == {}
    assert run(containers, "true")[1].state is JobState.SUCCEEDED


def test_values_of_variables_reach_the_container_and_no_command_line(make, stand_in, tmp_path):
    containers = make(environment=lambda: {"AWS_SECRET_ACCESS_KEY": "hush-hush"})
    command = ["sh", "-c", f'echo "$AWS_SECRET_ACCESS_KEY" > {tmp_path}/{{}}']
    for name, options in (("with", ContainerOptions("image")), ("without", PLAIN)):
        run(containers, *(word.replace("{}", name) for word in command), options=options)
    assert (tmp_path / "with").read_text() == "hush-hush\n"
    assert (tmp_path / "without").read_text() == "\n"
    assert "hush-hush" not in json.dumps(stand_in.calls)


def test_interactive_containers_run_one_at_a_time_in_the_foreground(make, stand_in, tmp_path):
    containers = make()
    options = ContainerOptions("image", interactive=True, include_aws_env=False)
    first, command = held(tmp_path, "first")
    second, other = held(tmp_path, "second")
    names = [containers.submit("job-1", command, options)]
    first.wait_until_started()
    names.append(containers.submit("job-2", other, options))
    wait_for(containers, names[:1], [JobState.RUNNING])
    run(containers, "true")  # takes longer than the second one would need to begin
    assert len(stand_in.containers) == 1
    first.let_go()
    second.wait_until_started()
    second.let_go()
    assert {report.state for report in wait_for(containers, names).values()} == {JobState.SUCCEEDED}
    assert [call[1] for call in stand_in.calls_of("run")] == ["-i", "-d", "-i"]
    assert run(containers, "sh", "-c", "exit 126", options=options)[1].exit_code == 126


def test_an_interactive_container_can_be_cancelled(make, stand_in, tmp_path):
    containers = make()
    meeting, command = held(tmp_path, "meeting")
    options = ContainerOptions("image", interactive=True, include_aws_env=False)
    container = containers.submit("job-1", command, options)
    meeting.wait_until_started()
    within(SECONDS, "the return of cancel", lambda: containers.cancel([container]))
    assert stand_in.containers == []
    assert run(containers, "true", options=options)[1].state is JobState.SUCCEEDED


def test_an_interactive_container_that_cannot_start_says_so(make):
    options = ContainerOptions("missing", interactive=True, include_aws_env=False)
    _, report = run(make(), "true", options=options)
    assert report.state is JobState.FAILED
    assert "cannot be started from image missing" in report.reason


def test_closing_starts_nothing_any_more_and_leaves_what_runs(make, stand_in, tmp_path):
    containers = make(max_workers=1)
    meeting, command = held(tmp_path, "meeting")
    containers.submit("job-1", command, PLAIN)
    meeting.wait_until_started()
    containers.submit("job-2", ["true"], PLAIN)
    within(SECONDS, "the end", containers.close)
    assert len(stand_in.containers) == 1
    assert len(stand_in.calls_of("run")) == 1
    assert not [thread for thread in threading.enumerate() if thread.name == "redun-docker-start"]


def test_a_service_that_cannot_be_reached_is_told_as_such(make, stand_in):
    containers = make()
    stand_in.take_down()
    container = containers.submit("job-1", ["true"], PLAIN)

    def look():
        while True:
            containers.describe([container])

    with pytest.raises(EngineUnavailableError, match=r"does not reach its service.*Is the docker daemon running"):
        within(SECONDS, "an error", look)
    with pytest.raises(EngineUnavailableError):
        Engine([stand_in.command]).check()
    stand_in.bring_up()


def test_docker_is_taken_before_podman_and_podman_where_there_is_no_docker(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineUnavailableError, match="docker and podman, and neither is on the PATH"):
        Engine()
    for name in ("podman", "docker"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {name} version 1\n")
        program.chmod(0o755)
        assert Engine().command == (name,)
    assert not Engine().is_podman
    assert Engine(["podman"]).is_podman


def test_a_command_that_is_not_there_is_named():
    with pytest.raises(EngineUnavailableError, match="command = sea-shanty: there is no program sea-shanty"):
        Engine(["sea-shanty"])


def test_credentials_of_the_environment_are_passed_on(monkeypatch, tmp_path):
    from redun_executor_docker.aws_environment import aws_environment

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert aws_environment() == {}
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert aws_environment() == {"AWS_ACCESS_KEY_ID": "id", "AWS_REGION": "eu-west-1"}


def test_credentials_of_a_profile_are_passed_on_where_botocore_is_installed(monkeypatch, tmp_path):
    pytest.importorskip("botocore", reason="needs botocore: pip install boto3")
    from redun_executor_docker.aws_environment import aws_environment

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    file = Path(tmp_path / "credentials")
    file.write_text("[work]\naws_access_key_id = id\naws_secret_access_key = hush\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    assert aws_environment() == {}  # there is none for the profile that counts
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert aws_environment() == {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "hush",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
