"""How the local executor is configured and found."""

import inspect
import subprocess
import sys
from types import SimpleNamespace

import pydantic
import pytest
from redun.errors import ConfigError
from redun.executors.worker_processes import describe_exit
from redun_executor_local.executor import LocalExecutor
from redun_executor_local.settings import LocalSettings, LocalTaskOptions
from redun_executor_local.worker_process import spare_command_line


def test_the_defaults_of_the_settings_are_those_of_the_constructor():
    parameters = inspect.signature(LocalExecutor).parameters
    settings = {name: field.default for name, field in LocalSettings.model_fields.items()}
    assert settings == {name: parameters[name].default for name in parameters if name != "name"}
    assert settings == {"mode": "thread", "max_workers": 20, "start_method": "forkserver", "scratch": None}


@pytest.mark.parametrize("model", [LocalSettings, LocalTaskOptions])
@pytest.mark.parametrize(("word", "mode"), [("threads", "thread"), ("processes", "process"), ("process", "process")])
def test_older_words_for_modes_are_understood(model, word, mode):
    assert model(mode=word).mode == mode
    assert LocalExecutor("x", mode=word).mode == mode


@pytest.mark.parametrize(
    "wrong", [{"mode": "cluster"}, {"max_workers": 0}, {"max_workers": "many"}, {"start_method": "forks"}]
)
def test_wrong_options_are_refused_by_settings_and_constructor(wrong):
    with pytest.raises(pydantic.ValidationError):
        LocalSettings(**wrong)
    [(name, value)] = wrong.items()
    with pytest.raises(ConfigError, match=f"{name} = {value!r}"):
        LocalExecutor("x", **wrong)


def test_an_option_nobody_knows_is_refused():
    with pytest.raises(pydantic.ValidationError):
        LocalSettings(workers=3)


def test_what_it_can_do_depends_on_the_mode():
    threads, processes = LocalExecutor("t"), LocalExecutor("p", mode="process", max_workers=3)
    assert (threads.capabilities.in_process, threads.capabilities.cancel, threads.slots) == (True, False, 20)
    assert (processes.capabilities.in_process, processes.capabilities.cancel, processes.slots) == (False, True, 3)


def test_the_plugin_offers_the_type_local():
    from redun_executor_local import plugin

    [kind] = plugin.redun_register_executors()
    assert (kind.name, plugin.REDUN_PLUGIN_API) == ("local", (1, 0))


def test_the_plugin_module_imports_nothing_heavy():
    program = (
        "import sys, redun_executor_local.plugin;"
        "print(*sorted({'multiprocessing', 'pydantic', 'subprocess', 'sqlalchemy', 'redun.task'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_an_explicit_fork_is_warned_about_once(context, sink, caplog):
    from redun.testing import tasks
    from redun.testing.task_calls import make_call

    executor = LocalExecutor("forked", mode="process", start_method="fork")
    for number in range(2):
        executor.start(context, sink)
        executor.submit([make_call(number, tasks.add, 1)])
        sink.wait([number])
        executor.stop()
    assert [record.message for record in caplog.records if "start_method = fork" in record.message] == [
        "executors.forked: start_method = fork copies a process that has threads, which may deadlock; "
        "forkserver is the safe choice."
    ]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with exit code 0: the task, or a library that it uses, has ended the process"),
        (-15, "was ended by SIGTERM: somebody, or a system that shuts down"),
        (-9, "was ended by SIGKILL: often the system has run out of memory"),
        (-11, "was ended by SIGSEGV: compiled code, such as that of an extension module, has crashed"),
        (-64, "was ended by SIGRTMAX"),
        (-70, "was ended by signal 70"),
    ],
)
def test_exit_codes_in_words(code, words):
    assert describe_exit(code).startswith(words)


def command_line():
    """Stands for the entry point of the command line."""


command_line.__module__ = "redun.cli.entry"


@pytest.mark.parametrize(
    ("file", "main", "spared"),
    [
        ("/venv/bin/redun", command_line, True),
        ("/home/me/redun.py", lambda: None, False),
        ("/home/me/workflow.py", command_line, False),
        (None, None, False),
    ],
)
def test_only_the_command_line_is_not_imported_by_workers(monkeypatch, file, main, spared):
    module = SimpleNamespace(__spec__=None, __file__=file, main=main)
    monkeypatch.setitem(sys.modules, "__main__", module)
    spare_command_line()
    assert (module.__spec__ is not None) == spared
