"""Making executors and the backend from a configuration, and what is said when that is wrong."""

from __future__ import annotations

import pytest
from config_texts import problem_of, read
from redun.config import (
    Config,
    executor_names,
    make_backend,
    make_executor,
)
from redun.config.check import find_problems
from redun.plugins import Plugins, use_plugins
from redun.plugins.discovery import Entry, Origin

PLUGIN = """
from typing import Literal

from pydantic import AliasChoices, Field

from redun.config.settings import JsonTexts, Settings, ShellWords, Words
from redun.plugins import BackendType, ConfigSection, ExecutorType, hookimpl

REDUN_PLUGIN_API = (1, 0)


class FooSettings(Settings):
    image: str
    workers: int = Field(default=20, validation_alias=AliasChoices("workers", "max_workers"))
    debug: bool = False
    mode: Literal["a", "b"] = "a"
    labels: JsonTexts = {}
    includes: ShellWords = ("**/*.py",)
    api_token: int = 0


class DbSettings(Settings):
    db_uri: str = ""
    retries: int = 3


class Made:
    def __init__(self, name, **options):
        self.name, self.options = name, options
        if options.get("image") == "broken":
            raise OSError("no such image")


def backend(config_dir, **options):
    if options.get("db_uri", "").endswith("unreachable"):
        raise OSError(f"no route to {options['db_uri']}")
    made = Made(str(config_dir), **options)
    made.is_durable = True
    return made


@hookimpl
def redun_register_executors():
    here = __name__
    return [
        ExecutorType("foo", f"{here}:Made", settings=f"{here}:FooSettings"),
        ExecutorType("bare", f"{here}:Made"),
        ExecutorType("local", f"{here}:Made", settings=f"{here}:FooSettings"),
        ExecutorType("unbuilt", f"{here}:Made", settings=f"{here}:NotThere"),
    ]


@hookimpl
def redun_register_backends():
    return [BackendType("sql", ("sqlite", "postgresql"), f"{__name__}:backend", f"{__name__}:DbSettings")]


@hookimpl
def redun_register_config_sections():
    return [ConfigSection("foo_site", f"{__name__}:DbSettings"), ConfigSection("foos.*", f"{__name__}:DbSettings")]
"""


@pytest.fixture(scope="module")
def plugin_module(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "config_build_plugin.py").write_text(PLUGIN)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield Entry("foo", "config_build_plugin", Origin(name="redun-executor-foo", version="1"))


@pytest.fixture
def with_plugin(plugin_module):
    with use_plugins(Plugins.load([plugin_module], disabled=frozenset())) as plugins:
        yield plugins


@pytest.fixture
def core_alone():
    with use_plugins(Plugins.load([], disabled=frozenset())) as plugins:
        yield plugins


# -- executors --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("with_plugin")
def test_the_factory_gets_the_options_that_the_section_sets_parsed_by_its_model():
    config = read("""
        [executors.batch]
        type = foo
        image = img:1
        max_workers = 3
        debug = yes
        labels = {"a": "b"}
        includes = a.py 'b c.py'
    """)
    made = make_executor(config, "batch")
    assert made.name == "batch"
    assert made.options == {
        "image": "img:1",
        "workers": 3,
        "debug": True,
        "labels": {"a": "b"},
        "includes": ("a.py", "b c.py"),
    }


@pytest.mark.usefixtures("with_plugin")
def test_local_threads_and_processes_exist_without_configuration_and_can_be_replaced():
    assert executor_names(Config()) == ["default", "process"]
    assert make_executor(Config(), "default").options == {}
    assert make_executor(Config(), "process").options == {"mode": "process"}
    config = read("[executors.default]\ntype = bare\n[executors.x.y]\ntype = bare\n")
    assert executor_names(config) == ["default", "process", "x.y"]
    assert make_executor(config, "default").options == {}


@pytest.mark.usefixtures("core_alone")
def test_without_the_local_plugin_the_default_executor_is_inline():
    from redun.executors.inline import InlineExecutor

    assert executor_names(Config()) == ["default"]
    assert isinstance(make_executor(Config(), "default"), InlineExecutor)


@pytest.mark.usefixtures("with_plugin")
@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        (["imagee = x"], ["imagee: there is no such option; did you mean image?", "image: this option is required"]),
        (["image = x", "Image = x"], ["Image: there is no such option; did you mean image?"]),
        (["image = x", "quux = 1"], ["quux: there is no such option"]),
        (
            ["image = x", "workers = many"],
            ['workers = "many": Input should be a valid integer, unable to parse string as an integer'],
        ),
        (["image = x", "mode = c"], ["mode = \"c\": Input should be 'a' or 'b'"]),
        (["image = x", "labels = {"], ['labels = "{": it is not valid JSON: Expecting property name']),
        (["image = x", 'labels = {"a": 1}'], ["Input should be a valid string (at a)"]),
        (["image = ${missing_one}"], ["image: '${missing_one}' refers to neither an option nor an environment"]),
    ],
)
def test_a_wrong_option_is_reported_with_file_line_and_nearest_name(lines, problems):
    config = read("\n".join(["[executors.batch]", "type = foo", *lines]) + "\n")
    found = problem_of(make_executor, config, "batch")
    assert len(found) == len(problems)
    for text, part in zip(found, problems, strict=True):
        assert text.startswith("redun.ini:")
        assert "[executors.batch]" in text
        assert part in text


@pytest.mark.usefixtures("with_plugin")
def test_the_line_is_that_of_the_wrong_option():
    config = read("[executors.batch]\ntype = foo\n# a note\nimage = x\nworkers =\n  many\n")
    assert problem_of(make_executor, config, "batch")[0].startswith("redun.ini:5: [executors.batch] workers = ")


@pytest.mark.usefixtures("with_plugin")
def test_options_of_the_default_section_and_those_that_references_use_are_known():
    config = read("""
        [DEFAULT]
        bucket = s3://b
        debug = True
        [executors.batch]
        type = foo
        image = ${registry}/img
        registry = example.org
        [executors.other]
        type = foo
        image = ${executors.batch:tag}
        [mine]
        x = 1
    """)
    assert make_executor(config, "batch").options == {"image": "example.org/img", "debug": True}
    assert "tag: there is no such option" not in str(find_problems(config))
    wrong = read("[executors.batch]\ntype = foo\nimage = i\nregistry = example.org\n")
    assert "registry: there is no such option" in problem_of(make_executor, wrong, "batch")[0]


@pytest.mark.usefixtures("with_plugin")
def test_an_executor_type_without_a_model_takes_no_options():
    config = read("[executors.x]\ntype = bare\ncolour = red\n")
    assert problem_of(make_executor, config, "x") == ["redun.ini:3: [executors.x] colour: there is no such option"]


@pytest.mark.usefixtures("with_plugin")
def test_a_type_that_nobody_provides_is_a_warning_until_it_is_selected(caplog):
    config = read("[executors.batch]\ntype = aws_batch\nimage = x\n[executors.fine]\ntype = bare\n")
    message = (
        'redun.ini:2: [executors.batch] type = "aws_batch": no installed plugin provides it. '
        "Try: pip install redun-executor-batch. Installed: alias, bare, foo, inline, local, unbuilt."
    )
    assert executor_names(config) == ["default", "process", "batch", "fine"]
    assert caplog.messages == [message]
    assert make_executor(config, "fine").name == "fine"
    assert problem_of(make_executor, config, "batch") == [message]
    assert [(one.is_error, one.message) for one in find_problems(config)] == [(True, message)]


@pytest.mark.usefixtures("with_plugin")
def test_the_options_of_all_executors_are_checked_before_work_begins():
    config = read("[executors.a]\ntype = foo\nimage = x\ncolour = red\n[executors.b]\ntype = foo\n")
    assert problem_of(executor_names, config) == [
        "redun.ini:4: [executors.a] colour: there is no such option",
        "redun.ini:5: [executors.b] image: this option is required",
    ]


@pytest.mark.usefixtures("with_plugin")
def test_a_section_without_a_type_says_what_there_is():
    assert problem_of(make_executor, read("[executors.a]\nimage = x\n"), "a") == [
        "redun.ini:1: [executors.a]: the option 'type' is missing. Installed: alias, bare, foo, inline, local, unbuilt."
    ]


@pytest.mark.usefixtures("with_plugin")
def test_an_executor_that_is_not_configured_says_which_are():
    config = read("[executors.batch]\ntype = bare\n")
    (message,) = problem_of(make_executor, config, "bach")
    assert message.startswith('there is no executor "bach"; did you mean batch? Known: default, process, batch.')


@pytest.mark.usefixtures("with_plugin")
def test_an_executor_whose_factory_fails_names_its_section():
    config = read("[executors.a]\ntype = foo\nimage = broken\n")
    assert problem_of(make_executor, config, "a") == [
        'redun.ini:1: [executors.a]: an executor of type "foo" cannot be made: OSError: no such image'
    ]


def test_a_conflict_hurts_only_the_executor_that_needs_the_type(plugin_module):
    other = Entry("fork", "redun_test_conflicting_fork", Origin(name="acme-foo", version="9"))
    import sys
    import types

    module = types.ModuleType(other.module)
    text = PLUGIN.replace('"unbuilt", f', '"sole", f').replace('"bare", f', '"sole2", f')
    exec(compile(text, "fork", "exec"), module.__dict__)
    sys.modules[other.module] = module
    try:
        with use_plugins(Plugins.load([plugin_module, other], disabled=frozenset())):
            config = read("[executors.a]\ntype = foo\n[executors.b]\ntype = bare\n")
            assert make_executor(config, "b").name == "b"
            (message,) = problem_of(make_executor, config, "a")
            assert message.startswith(
                'redun.ini:2: [executors.a] type = "foo": executor type "foo" is provided by both '
            )
            assert "acme-foo 9" in message
            assert "redun-executor-foo 1" in message
            assert any(one.is_error and "acme-foo 9" in one.message for one in find_problems(Config()))
            assert executor_names(read("[executors.b]\ntype = bare\n")) == ["default", "process", "b"]
            (message,) = problem_of(make_executor, Config(), "default")
            assert message.startswith('the default executor "default": executor type "local" is provided by both ')
    finally:
        del sys.modules[other.module]


# -- backend ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("with_plugin")
def test_the_scheme_selects_the_backend_and_the_factory_gets_the_directory_and_the_options_set(tmp_path):
    config = read("[backend]\ndb_uri = postgresql+psycopg://host/db\nretries = 5\n", tmp_path)
    made = make_backend(config)
    assert made.name == str(tmp_path)
    assert made.options == {"db_uri": "postgresql+psycopg://host/db", "retries": 5}
    assert make_backend(Config()).options == {}
    assert type(make_backend(read("[backend]\ndb_uri = memory://\n"))).__name__ == "MemoryBackend"


@pytest.mark.usefixtures("with_plugin")
def test_a_backend_whose_factory_fails_names_its_section_and_shows_no_credentials():
    config = read("[backend]\ndb_uri = postgresql://u:swordfish@h/unreachable\n")
    assert problem_of(make_backend, config) == [
        'redun.ini:1: [backend]: the backend "sql" cannot be made: OSError: no route to postgresql://***@h/unreachable'
    ]


@pytest.mark.usefixtures("core_alone")
def test_without_the_sql_plugin_results_are_kept_in_memory_which_is_said_with_what_to_install(caplog):
    assert make_backend(Config()).is_durable is False
    assert caplog.messages == [
        "Results are not kept after this run: no SQL backend is loaded. Try: pip install redun-backend-sql."
    ]
    caplog.clear()
    make_backend(read("[backend]\ndb_uri = memory://\n"))
    assert caplog.messages == [], "who asks for it is not told"


@pytest.mark.usefixtures("core_alone")
@pytest.mark.parametrize(
    ("line", "given"),
    [("db_uri = sqlite:///redun.db", "db_uri = sqlite://..."), ("db_uri = mysql://u:p@h/d", "db_uri = mysql://...")],
)
def test_a_database_that_nobody_serves_says_what_to_install_and_shows_no_credentials(line, given):
    (message,) = problem_of(make_backend, read(f"[backend]\n{line}\n"))
    assert message.startswith(f"redun.ini:2: [backend] {given}: no installed plugin provides it.")
    assert ("pip install redun-backend-sql" in message) == line.startswith("db_uri = sqlite")
    assert "u:p" not in message


@pytest.mark.usefixtures("core_alone")
def test_a_secret_for_the_database_needs_the_sql_plugin_too():
    (message,) = problem_of(make_backend, read("[backend]\ndb_aws_secret_name = s\n"))
    assert message.startswith(
        "redun.ini:2: [backend] db_aws_secret_name: no installed plugin provides it. Try: pip install"
    )


# -- all of it ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("with_plugin")
def test_check_lists_everything_at_once_and_leaves_the_users_own_sections_alone():
    config = read("""
        [mine]
        anything = 1
        dollar = 5$
        [limits]
        db = x
        [foo_site]
        retries = x
        [foos.a]
        retry = 1
        [repos.other]
        dir = x
        [federated_tasks.t]
        namespace = n
        task_name = t
        load_module = m
        executor = e
        config_dir = c
        memory = 4
        [backend]
        db_url = memory://
        [executors.u]
        type = unbuilt
    """)
    found = find_problems(config)
    errors = [one.message.split(": ", 1)[1] for one in found if one.is_error]
    assert [error.split(":")[0] for error in errors] == [
        '[limits] db = "x"',
        '[foo_site] retries = "x"',
        "[foos.a] retry",
        "[repos.other] dir",
        "[repos.other] config_dir",
        "[backend] db_url",
        "[executors.u]",
    ]
    assert [one.message.split(": ")[1] for one in found if not one.is_error] == ["[mine] dollar"]
