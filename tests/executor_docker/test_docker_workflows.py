"""Workflows whose tasks run in containers, with the real command `redun` and a stand-in for `docker`."""

from __future__ import annotations

import signal

import pytest
from redun.testing.task_calls import Meeting

SECONDS = 60


@pytest.fixture
def project(project, stand_in):
    project.configure(image="image", command=stand_in.command, max_workers=4)
    return project


def test_tasks_and_scripts_run_in_containers_with_the_code_of_the_workflow(project, stand_in):
    code, output = project.run("several")
    assert code == 0, output
    # Each has a working folder of its own, into which the package of code was unpacked.
    assert output.count("stand_in/redun-job-") >= 3
    assert "HELLO" in output
    assert len(stand_in.calls_of("run")) == 4
    assert stand_in.containers == []


def test_small_calls_may_share_a_container(project, stand_in):
    project.configure(image="image", command=stand_in.command, bundle_size=10)
    code, output = project.run("several")
    assert code == 0, output
    assert len(stand_in.calls_of("run")) == 2, "one for the calls of a task, one for the script"


def test_containers_have_the_scratch_folder_where_it_is_and_labels_that_say_what_runs_in_them(project, stand_in):
    assert project.run("where", "--number", "1")[0] == 0
    call = stand_in.calls_of("run")[0]
    labels = dict(call[number + 1].split("=", 1) for number, word in enumerate(call) if word == "--label")
    assert labels["redun_task_name"] == "containers.where"
    assert labels["redun_job_id"].startswith(labels["redun_execution_id"])
    scratch = str(project.folder / "scratch")
    assert labels["redun.scratch"] == scratch
    assert labels["redun.job"].startswith("redun-job-")
    assert f"type=bind,source={scratch},target={scratch}" in call


def test_a_script_that_fails_says_what_it_wrote(project):
    code, output = project.run("fall")
    assert code == 1
    assert "it fell" in output


def test_a_missing_image_is_one_clear_message(project, stand_in):
    project.configure(image="missing", command=stand_in.command)
    code, output = project.run("where", "--number", "1")
    assert code == 1
    assert "There is no image missing, here or where it could be fetched from." in output


def test_a_service_that_cannot_be_reached_ends_the_run_with_one_message(project, stand_in):
    stand_in.take_down()
    code, output = project.run("where", "--number", "1")
    assert code == 1
    assert output.count("does not reach its service") == 1, output


def test_a_command_that_is_not_there_ends_the_run_with_one_message(project):
    project.configure(image="image", command="sea-shanty")
    code, output = project.run("where", "--number", "1")
    assert code == 1
    assert output.count("there is no program sea-shanty") == 1, output


def test_a_run_takes_up_the_containers_of_a_scheduler_that_was_killed(project, stand_in, tmp_path):
    meetings = [Meeting(tmp_path, str(number), SECONDS) for number in range(3)]
    words = ["meetings", "--folder", str(tmp_path), "--count", "3"]
    with project.start(*words) as killed:
        for meeting in meetings:
            meeting.wait_until_started()
        killed.send_signal(signal.SIGKILL)
    assert len(stand_in.containers) == 3
    with project.start(*words) as later:
        for number, meeting in enumerate(meetings):
            meeting.let_go(f"word {number}")
        output = later.communicate(timeout=SECONDS)[0]
    assert later.returncode == 0, output
    assert "word 0" in output
    assert "word 2" in output
    assert len(stand_in.calls_of("run")) == 3
    assert stand_in.containers == []


def test_an_interrupted_run_leaves_no_container(project, stand_in, tmp_path):
    meeting = Meeting(tmp_path, "0", SECONDS)
    with project.start("meetings", "--folder", str(tmp_path), "--count", "1") as process:
        meeting.wait_until_started()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)
    assert process.returncode != 0
    assert stand_in.containers == []


def test_containers_outlive_an_interrupted_run_where_that_is_wanted(project, stand_in, tmp_path):
    project.configure(image="image", command=stand_in.command, on_cancel="leave")
    meeting = Meeting(tmp_path, "0", SECONDS)
    words = ["meetings", "--folder", str(tmp_path), "--count", "1"]
    with project.start(*words) as process:
        meeting.wait_until_started()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)
    assert len(stand_in.containers) == 1
    with project.start(*words) as later:
        meeting.let_go("at last")
        output = later.communicate(timeout=SECONDS)[0]
    assert "at last" in output
    assert len(stand_in.calls_of("run")) == 1
