"""Executors that a workflow brings along, and executors found by name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redun import Scheduler, register_executor, task
from redun.config import Config, ConfigError
from redun.config.check import find_problems
from redun.errors import ExecutorError, PluginError, UsageError
from redun.executors.alias import AliasExecutor
from redun.executors.base import (
    Executor,
    get_executor_class,
    get_executor_from_config,
    get_executors_from_config,
    load_task_module,
)
from redun.executors.inline import InlineExecutor
from redun.plugins import ExecutorType, Plugins, use_plugins

redun_namespace = "test_register_executor"

MODULE = """
from pydantic import BaseModel, ConfigDict
from redun.executors.base import register_executor
from redun.executors.inline import InlineExecutor

class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int = 1

@register_executor("sized", settings="{name}:Settings")
class SizedExecutor(InlineExecutor):
    def __init__(self, name, size=1):
        super().__init__(name)
        self.size = size
"""


@pytest.fixture(autouse=True)
def plugins() -> Iterator[Plugins]:
    """Plugins that these tests may add to."""
    with use_plugins(Plugins.load([], disabled=frozenset())) as plugins:
        yield plugins


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with an executor of its own."""
    name = f"executors_of_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MODULE.replace("{name}", name))
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


@task
def one() -> int:
    return 1


def config(**options: str) -> Config:
    return Config({"executors.default": {"type": "sized", **options}})


def test_a_registered_class_is_what_its_type_means(module: str) -> None:
    __import__(module)
    scheduler = Scheduler(config=config(size="3"))
    assert scheduler.run(one()) == 1
    executor: Any = scheduler.executors["default"]
    assert type(executor) is sys.modules[module].SizedExecutor is get_executor_class("sized")
    assert executor.size == 3
    assert find_problems(config()) == []


def test_its_options_are_checked_as_those_of_every_executor(module: str) -> None:
    __import__(module)
    with pytest.raises(ConfigError, match=r"siz: there is no such option; did you mean size\?"):
        Scheduler(config=config(siz="3"))


def test_a_class_that_is_named_is_imported_when_it_is_needed(module: str) -> None:
    register_executor("sized", f"{module}.SizedExecutor")
    scheduler = Scheduler(config=config())
    assert module not in sys.modules
    assert scheduler.run(one()) == 1
    assert module in sys.modules


def test_the_latest_class_counts_and_an_installed_type_cannot_be_taken(plugins: Plugins) -> None:
    register_executor("mine", "redun.executors.alias.AliasExecutor")
    register_executor("mine", "redun.executors.inline.InlineExecutor")
    assert get_executor_class("mine") is InlineExecutor
    assert plugins.conflicts() == []
    with pytest.raises(PluginError, match='"inline" is provided by redun-core'):
        register_executor("inline", "redun.executors.alias.AliasExecutor")
    assert get_executor_class("inline") is InlineExecutor


def test_what_cannot_be_an_executor_is_refused_when_it_is_registered() -> None:
    class OfTheReference(Executor):
        def submit(self, job: Any) -> None:
            pass

    class Local(InlineExecutor):
        pass

    for cls, words in [
        (OfTheReference, "lacks start, stop"),
        (Local, "top level"),
        (int, "does not derive"),
    ]:
        with pytest.raises(UsageError, match=words):
            register_executor("mine")(cls)
    with pytest.raises(UsageError, match=r"package\.module\.Class"):
        register_executor("mine", "Class")


def test_executors_are_made_of_sections_by_name() -> None:
    sections = Config({"executors.a": {"type": "inline"}, "executors.b": {"type": "alias", "target": "a"}})["executors"]
    first, second = get_executors_from_config(sections)
    assert isinstance(first, InlineExecutor)
    assert isinstance(second, AliasExecutor)
    assert (first.name, second.name, second.target) == ("a", "b", "a")
    assert get_executor_from_config(sections, "b").name == "b"
    with pytest.raises(ExecutorError, match=r'no executor "c"\. Known: a, b'):
        get_executor_from_config(sections, "c")
    for section, words in [({}, "no option"), ({"type": "docker"}, "pip install redun-executor-docker")]:
        with pytest.raises(ExecutorError, match=words):
            get_executor_from_config({"c": section}, "c")
    with pytest.raises(ConfigError, match="target"):
        get_executor_from_config({"c": {"type": "alias"}}, "c")


def test_a_class_is_found_by_its_type() -> None:
    assert get_executor_class("alias") is AliasExecutor
    assert get_executor_class("docker", required=False) is None
    with pytest.raises(ExecutorError, match="pip install redun-executor-docker"):
        get_executor_class("docker")


def test_a_module_of_tasks_that_is_not_there_is_named_with_the_task(tmp_path: Path, monkeypatch: Any) -> None:
    load_task_module("json", "n.f")
    with pytest.raises(ModuleNotFoundError, match=r"'no_such_module'.*n\.f"):
        load_task_module("no_such_module", "n.f")
    name = f"imports_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text("import no_other_module")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_other_module'"):
        load_task_module(name, "n.f")


def test_an_alias_is_made_as_workflows_make_it() -> None:
    inline = InlineExecutor("small")
    scheduler = Scheduler(executor=inline)
    scheduler.add_executor(AliasExecutor("gpu", scheduler, None, inline))
    scheduler.add_executor(AliasExecutor("tiny", scheduler=scheduler, config={"target": "gpu"}))
    assert scheduler.run(one.options(executor="tiny")()) == 1


@pytest.mark.parametrize("name", ["DockerExecutor", "AWSBatchExecutor", "AWSGlueExecutor", "LocalExecutor"])
def test_an_executor_that_is_not_installed_says_what_to_install(name: str) -> None:
    import redun
    from redun.executors.by_type import EXECUTOR_TYPES

    cls = getattr(redun, name)
    assert not isinstance(InlineExecutor("x"), AliasExecutor)
    with pytest.raises(ImportError, match=f"{name}.*no installed plugin provides it. Try: pip install redun-executor-"):
        cls("x")
    module = __import__(f"redun.executors.{EXECUTOR_TYPES[name]}", fromlist=[name])
    with pytest.raises(ImportError, match="Try: pip install redun-executor-"):
        getattr(module, name)


def test_executors_that_nobody_has_made_yet_are_no_import_error_before_they_are_used() -> None:
    from redun import GCPBatchExecutor, K8SExecutor

    for cls, type_name in [(GCPBatchExecutor, "gcp_batch"), (K8SExecutor, "k8s")]:
        with pytest.raises(ImportError, match=f'"{type_name}": no installed plugin provides it'):
            cls("x")


SETTINGS = """
from pydantic import BaseModel, ConfigDict, field_validator
from redun.executors.inline import InlineExecutor

class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int = 1
    labels: dict[str, str] = {}
    api_token: str = ""

    @field_validator("api_token")
    @classmethod
    def long(cls, value):
        if value == "short!":
            raise ValueError(f"{value} is too short")
        return value

class Docker(InlineExecutor):
    def __init__(self, name, **options):
        super().__init__(name)
        self.options = options
"""


@pytest.fixture
def docker(plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class `redun.DockerExecutor`, with a plugin that provides its type."""
    from redun import DockerExecutor

    name = f"docker_of_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(SETTINGS)
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins.add_executor_type(
        ExecutorType("docker", f"{name}:Docker", settings=f"{name}:Settings", task_options="some:Model")
    )
    return DockerExecutor


def test_options_are_texts_of_a_section_or_values(docker: Any) -> None:
    section = Config({"DEFAULT": {"owner": "me"}, "executors.d": {"type": "docker", "size": "3"}})["executors"]["d"]
    assert docker("d", None, section).options == {"size": 3}
    assert docker("d", config=section, size=4, labels={"a": "b"}).options == {"size": 4, "labels": {"a": "b"}}
    made = docker("d", config={"size": "5"}, scheduler=object())
    assert (made.name, made.options, made.task_options) == ("d", {"size": 5}, "some:Model")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"siz": 1}, "siz; did you mean size"),
        ({"config": {"siz": "1"}}, "siz; did you mean size"),
        ({"size": "many"}, "size: .*integer"),
        ({"config": {"size": "many"}, "labels": 3}, "(?s)size.*labels"),
        ({"api_token": "short!"}, r"api_token: Value error, \*\*\* is too short"),
    ],
)
def test_wrong_options_are_reported_as_those_of_a_section(docker: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=f'"d" of type "docker": .*{words}' if "(?s)" not in words else words):
        docker("d", **options)


def test_a_class_stands_for_instances_and_for_a_base_class(docker: Any) -> None:
    class Mine(docker):  # type: ignore[misc]
        pass

    assert isinstance(docker("d"), docker)
    assert isinstance(Mine("d"), docker)
    assert not isinstance(InlineExecutor("d"), docker)
    assert not isinstance("d", docker)
    assert issubclass(Mine, InlineExecutor)
    assert repr(docker) == "<executors of type docker: DockerExecutor>"
