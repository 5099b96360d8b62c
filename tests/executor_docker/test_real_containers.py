"""Workflows whose tasks run in real containers, where this machine has an engine for them."""

from __future__ import annotations

import signal

import pytest
from real_engine import HOW_TO_GET, RealEngine, find_command
from redun.testing.task_calls import Meeting

SECONDS = 60


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine")
    command = find_command(folder)
    if command is None:
        pytest.skip(HOW_TO_GET)
    engine = RealEngine(command, folder)
    yield engine
    engine.remove_images()


@pytest.fixture
def project(project, engine, tmp_path):
    (project.folder / ".redun" / "data").mkdir()
    (project.folder / ".redun" / "data" / "note").write_text("what stands in the note")
    project.configure(image=engine.image, command=engine.command, volumes=engine.volumes(tmp_path), memory="0.5")
    yield project
    left = engine.containers(project.folder / "scratch")
    if left:
        engine.call("rm", "-f", *left)
    assert left == []


def test_tasks_and_scripts_run_with_volumes_and_credentials(project):
    code, output = project.run("everything")
    assert code == 0, output
    assert "7 in /" in output
    assert "HELLO" in output
    assert "what stands in the note" in output
    assert "key-of-a-test" in output


def test_an_error_comes_back_with_its_type_and_the_last_lines_of_the_container(project):
    code, output = project.run("fail", "--reason", "no luck")
    assert code == 1
    assert "ValueError: no luck" in output
    assert "about to fail" in output


def test_a_task_that_needs_too_much_memory_is_told_so(project):
    code, output = project.run("hoard")
    assert code == 1
    assert "memory = 0.0625 (GiB)" in output


@pytest.mark.parametrize(
    ("image", "said"),
    [("missing", "There is no image localhost:1/nowhere"), ("bare", "has no command redun on its PATH")],
)
def test_an_image_that_cannot_run_the_task_is_told_so(project, engine, image, said):
    name = {"missing": "localhost:1/nowhere", "bare": engine.bare}[image]
    project.configure(image=name, command=engine.command, volumes=engine.volumes())
    code, output = project.run("where", "--number", "1")
    assert code == 1
    assert said in output


def test_a_volume_that_is_not_there_is_named(project, engine, tmp_path):
    project.configure(image=engine.image, command=engine.command, volumes=f'[["{tmp_path}/nowhere", "/data"]]')
    code, output = project.run("where", "--number", "1")
    assert code == 1
    if (tmp_path / "nowhere").exists():
        pytest.skip("this engine makes folders that are not there")
    assert "A volume cannot be mounted" in output
    assert f"{tmp_path}/nowhere" in output


def test_a_run_takes_up_the_containers_of_a_scheduler_that_was_killed(project, engine, tmp_path):
    meetings = [Meeting(tmp_path, str(number), SECONDS) for number in range(2)]
    words = ["meetings", "--folder", str(tmp_path), "--count", "2"]
    with project.start(*words) as killed:
        for meeting in meetings:
            meeting.wait_until_started()
        killed.send_signal(signal.SIGKILL)
    before = engine.containers(project.folder / "scratch")
    assert len(before) == 2
    with project.start(*words) as later:
        for number, meeting in enumerate(meetings):
            meeting.let_go(f"word {number}")
        output = later.communicate(timeout=SECONDS)[0]
    assert later.returncode == 0, output
    assert "word 0" in output
    assert "word 1" in output


def test_an_interrupted_run_leaves_no_container(project, tmp_path):
    meeting = Meeting(tmp_path, "0", SECONDS)
    with project.start("meetings", "--folder", str(tmp_path), "--count", "1") as process:
        meeting.wait_until_started()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)
    assert process.returncode != 0


def test_an_interactive_container_has_what_is_typed(project, engine):
    project.configure(image=engine.image, command=engine.command, volumes=engine.volumes(), interactive=True)
    code, output = project.run("where", "--number", "3")
    assert code == 0, output
    assert "3 in /" in output
