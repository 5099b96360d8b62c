"""What is set in `redun.ini` and by tasks, and the command line that comes of it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from redun.errors import ConfigError
from redun.executors.docker import DockerExecutor
from redun_executor_docker import executor as executor_module
from redun_executor_docker.options import ContainerOptions, Volume, parse_volumes
from redun_executor_docker.run_command import run_words
from redun_executor_docker.settings import DockerSettings, DockerTaskOptions


def words(options, **more):
    return run_words("name", ["redun", "x"], options, {"redun.job": "j"}, **more)


def pairs(line, option):
    return [line[number + 1] for number, word in enumerate(line) if word == option]


def test_a_container_runs_in_the_background_with_its_limits_and_the_command_last():
    line = words(ContainerOptions("image:1", vcpus=2, memory=0.5, shared_memory=1))
    assert line[:2] == ["run", "-d"]
    assert line[-3:] == ["image:1", "redun", "x"]
    assert {"--cpus=2", "--memory=512m", "--shm-size=1024m"} <= set(line)
    assert pairs(line, "--name") == ["name"]
    assert pairs(line, "--label") == ["redun.job=j"]


def test_without_limits_the_engine_decides():
    line = words(ContainerOptions("image", vcpus=None, memory=None))
    assert not [word for word in line if word.startswith(("--cpus", "--memory", "--shm-size", "--gpus"))]


def test_gpus_are_all_of_them_in_the_words_of_the_command():
    assert pairs(words(ContainerOptions("image", gpus=1)), "--gpus") == ["all"]
    assert pairs(words(ContainerOptions("image", gpus=1), is_podman=True), "--device") == ["nvidia.com/gpu=all"]


def test_an_interactive_container_has_the_terminal_if_there_is_one():
    options = ContainerOptions("image", interactive=True)
    assert words(options, has_terminal=True)[:3] == ["run", "-i", "-t"]
    line = words(options)
    assert line[:2] == ["run", "-i"]
    assert "-t" not in line
    assert "-d" not in line


def test_variables_are_named_and_their_values_are_not_said():
    assert pairs(words(ContainerOptions("image"), environment={"AWS_SECRET_ACCESS_KEY": "hush"}), "-e") == [
        "AWS_SECRET_ACCESS_KEY"
    ]


def test_volumes_are_mounts_whatever_their_paths_are_like():
    options = ContainerOptions(
        "image", volumes=parse_volumes([["/a,b", "/x:y"], ["/c", "/d", "ro"], ["/c", "/d", "ro"]])
    )
    assert pairs(words(options), "--mount") == [
        'type=bind,"source=/a,b",target=/x:y',
        "type=bind,source=/c,target=/d,readonly",
    ]


def test_paths_of_volumes_are_relative_to_the_configuration(tmp_path):
    options = ContainerOptions("image", volumes=parse_volumes([["data", "/data"], ["/opt", "/opt"]]))
    assert options.relative_to(tmp_path).volumes == (Volume(f"{tmp_path}/data", "/data"), Volume("/opt", "/opt"))


def test_a_task_has_options_of_its_own_and_further_volumes():
    options = ContainerOptions("image", memory=4, volumes=parse_volumes([["a", "/a"]]))
    own = options.of_task({"image": "other", "memory": 8, "volumes": [["b", "/b"]], "queue": "of another executor"})
    assert (own.image, own.memory, own.vcpus) == ("other", 8, 1)
    assert [volume.target for volume in own.volumes] == ["/a", "/b"]
    assert options.of_task({"memory": None}) is options


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([["only"]], "not a pair"),
        (["/a:/a"], "not a pair"),
        ([["a", "relative"]], "must begin with /"),
        ([["a", "/a", "rx"]], "rw, ro"),
        ([["", "/a"]], "not a pair"),
    ],
)
def test_volumes_that_are_none_are_refused_with_what_would_be_right(given, said):
    with pytest.raises(ConfigError, match=said) as caught:
        parse_volumes(given)
    assert '[["data", "/data"]' in str(caught.value)


def test_a_section_is_read_as_it_is_written():
    settings = DockerSettings.model_validate(
        {
            "image": "i",
            "scratch": "s",
            "volumes": '[["data", "/data"]]',
            "command": "sudo docker",
            "memory": "2.5",
            "vcpus": "none",
            "interactive": "true",
            "include_aws_env": "no",
        }
    )
    assert settings.volumes == (("data", "/data", "rw"),)
    assert settings.command == ("sudo", "docker")
    assert (settings.memory, settings.vcpus) == (2.5, None)
    assert (settings.interactive, settings.include_aws_env) == (True, False)
    assert settings.job_monitor_interval == 0.2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"image": "i"}, "scratch"),
        ({"scratch": "s"}, "image"),
        ({"image": "i", "scratch": "s", "volumes": "[[1"}, "not valid JSON"),
        ({"image": "i", "scratch": "s", "volumes": "{}"}, "list of pairs"),
        ({"image": "i", "scratch": "s", "memory": "0"}, "memory"),
        ({"image": "i", "scratch": "s", "min_array_size": "3"}, "min_array_size"),
    ],
)
def test_a_wrong_section_is_refused_and_says_which_option_is_wrong(options, said):
    with pytest.raises(ValidationError, match=said):
        DockerSettings.model_validate(options)


def test_options_of_tasks_are_checked():
    assert DockerTaskOptions.model_validate({"volumes": [["a", "/a"]], "vcpus": 2}).vcpus == 2
    with pytest.raises(ValidationError, match="volumes"):
        DockerTaskOptions.model_validate({"volumes": [["a"]]})
    with pytest.raises(ValidationError, match="colour"):
        DockerTaskOptions.model_validate({"colour": "blue"})


def test_workflows_make_the_executor_by_its_class_name():
    made = DockerExecutor("mine", config={"image": "i", "scratch": "s", "volumes": '[["a", "/a"]]'}, memory=8)
    assert isinstance(made, executor_module.DockerExecutor)
    assert made.container_options.volumes == (Volume("a", "/a"),)
    assert made.container_options.memory == 8
    assert made.slots == 20


def test_no_workers_are_refused():
    with pytest.raises(ConfigError, match="max_workers = 0"):
        executor_module.DockerExecutor("mine", "image", "scratch", max_workers=0)
