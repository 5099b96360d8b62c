"""Tasks that another repository publishes, called by the name of their entry point.

`federated_task` runs one from within a workflow. `rest_federated_task` and `lambda_federated_task` ask a proxy for it,
which does what `launch_federated_task` does, and do not wait for the result.
"""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from redun.cache_options import CacheScope
from redun.errors import ConfigError, InvalidValueError, RedunError, UsageError
from redun.expression import TaskExpression
from redun.file import File
from redun.scheduler.subrun import subrun
from redun.task import scheduler_task, task
from redun.types import pickling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from redun.config import Config
    from redun.expression import SchedulerExpression
    from redun.promise import Promise
    from redun.scheduler import Job, Scheduler

_SECTIONS = "federated_tasks."
_REQUIRED = ("namespace", "task_name", "load_module", "executor", "config_dir")
_FOR_READERS = ("task_signature", "description")
SECONDS_TO_ANSWER = 60
"""How long a proxy may take to accept a request."""


class FederatedTaskError(ConfigError, AssertionError):
    """The configuration has no such entry point, or not all of its options.

    An AssertionError as well, because callers may expect one.
    """


class InvocationException(RedunError):  # noqa: N818 - the name that callers catch
    """A proxy did not accept a request to launch a federated task."""


# -- entry points ------------------------------------------------------------------------------------------------------


class EntryPoint(NamedTuple):
    """What a section `[federated_tasks.<name>]` says."""

    full_name: str
    load_module: str
    executor: str
    config_dir: str
    new_execution: bool
    task_options: dict[str, Any]


def find_entry_point(config: Config, name: str) -> EntryPoint:
    """The entry point of this name.

    Raises `FederatedTaskError` when there is none, or when options are missing or wrong.
    """
    section = config.section(f"{_SECTIONS}{name}")
    if section is None:
        known = ", ".join(known.removeprefix(_SECTIONS) for known in config.section_names(_SECTIONS)) or "none"
        raise FederatedTaskError(f"there is no federated task {name!r}: no section [{_SECTIONS}{name}]. Known: {known}")
    where = config.parser.describe(f"{_SECTIONS}{name}")
    own = {option: section[option] for option in config.parser.own_values(f"{_SECTIONS}{name}")}
    options = {**{option: section[option] for option in _REQUIRED if option in section}, **own}
    missing = [option for option in _REQUIRED if option not in options]
    if missing:
        raise FederatedTaskError(f"{where}: a federated task needs the options {', '.join(missing)}")
    try:
        new_execution = section.getboolean("new_execution", fallback=False)
    except ValueError:
        given = options["new_execution"]
        raise FederatedTaskError(f"{where}: new_execution is {given!r}, but must be true or false") from None
    namespace, task_name = options["namespace"].strip(), options["task_name"].strip()
    others = {*_REQUIRED, *_FOR_READERS, "new_execution"}
    return EntryPoint(
        f"{namespace}.{task_name}" if namespace else task_name,
        options["load_module"],
        options["executor"],
        _config_dir(config, name, options["config_dir"]),
        new_execution,
        {option: _parsed(text) for option, text in options.items() if option not in others},
    )


def _config_dir(config: Config, name: str, text: str) -> str:
    """The configuration directory of an entry point. It may be relative to the file that names it."""
    if "://" in text:
        return text
    place = config.parser.places.get((f"{_SECTIONS}{name}", "config_dir"))
    folder = Path(place.source).parent if place is not None and Path(place.source).is_file() else Path(config.configdir)
    return str((folder / Path(text).expanduser()).resolve())


def _parsed(text: str) -> Any:
    """Numbers and the like as what they are: task options have types."""
    try:
        return json.loads(text)
    except ValueError:
        return text


# -- from within a workflow --------------------------------------------------------------------------------------------


@scheduler_task(namespace="redun", version="1")
def federated_task(
    scheduler: Scheduler,
    parent_job: Job,
    sexpr: SchedulerExpression[Any],
    entrypoint: str,
    *args: Any,
    **kwargs: Any,
) -> Promise[Any]:
    """The result of a task that another repository publishes: see `[federated_tasks.<entrypoint>]` in redun.ini.

    It runs as a sub-run (`subrun`) with the configuration that the entry point names. The arguments may be lazy; they
    are evaluated here. What it does is cached there, so here it is looked up anew in every execution.
    """

    def start(evaluated: tuple[Any, ...]) -> Any:
        name, given_args, given_kwargs = evaluated
        entry = find_entry_point(scheduler.config, name)
        expr: TaskExpression[Any] = TaskExpression(entry.full_name, tuple(given_args), given_kwargs)
        options = {**entry.task_options, **sexpr._redun_options, "cache_scope": CacheScope.CSE}
        called = subrun(
            expr,
            executor=entry.executor,
            config_dir=entry.config_dir,
            new_execution=entry.new_execution,
            load_modules=[entry.load_module],
            **options,
        )
        return scheduler.evaluate(called, parent_job=parent_job)

    evaluated: Promise[Any] = scheduler.evaluate((entrypoint, args, kwargs), parent_job=parent_job)
    return evaluated.then(start)


# -- by way of a proxy -------------------------------------------------------------------------------------------------


@scheduler_task(namespace="redun", version="1")
def rest_federated_task(
    scheduler: Scheduler,
    parent_job: Job,
    _sexpr: SchedulerExpression[Any],
    config_name: str,
    entrypoint: str,
    url: str,
    scratch_prefix: str,
    dryrun: bool,
    *args: Any,
    cache: bool = True,
    **kwargs: Any,
) -> Promise[tuple[str, dict[str, Any]]]:
    """Ask a proxy, by HTTP, to launch a federated task. Gives the id of its execution and what was asked for.

    Nobody waits for the result: look it up in the other repository, by the id of the execution.

    config_name: which of the proxy's configurations has the entry point.
    url: where to POST, as form data, `config_name`, `entrypoint`, `input_path`, `execution_id` and `cache`.
    scratch_prefix: a folder or URL that both sides reach; the arguments go to `<prefix>/execution/<id>/input`.
    dryrun: write the arguments, and ask nobody.

    Raises `InvocationException` when the proxy does not accept it.
    """
    given = (config_name, entrypoint, url, scratch_prefix, dryrun, cache)
    return _by_proxy(scheduler, parent_job, "rest", given, args, kwargs)


@scheduler_task(namespace="redun", version="1")
def lambda_federated_task(
    scheduler: Scheduler,
    parent_job: Job,
    _sexpr: SchedulerExpression[Any],
    config_name: str,
    entrypoint: str,
    lambda_function_name: str,
    scratch_prefix: str,
    dryrun: bool,
    *args: Any,
    cache: bool = True,
    **kwargs: Any,
) -> Promise[tuple[str, dict[str, Any]]]:
    """As `rest_federated_task`, by a function of AWS Lambda, which is sent the same as a JSON object."""
    given = (config_name, entrypoint, lambda_function_name, scratch_prefix, dryrun, cache)
    return _by_proxy(scheduler, parent_job, "lambda", given, args, kwargs)


def _by_proxy(
    scheduler: Scheduler, parent_job: Job, kind: str, given: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Promise[tuple[str, dict[str, Any]]]:
    def send(evaluated: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
        (config_name, entrypoint, target, scratch_prefix, dryrun, cache), given_args, given_kwargs = evaluated
        execution_id = str(uuid.uuid4())
        payload = {
            "config_name": config_name,
            "entrypoint": entrypoint,
            "input_path": write_input(scratch_prefix, execution_id, given_args, given_kwargs),
            "execution_id": execution_id,
            "cache": cache,
        }
        if not dryrun and not parent_job.run.is_dry:
            interrupts = parent_job.run.interrupts
            interrupts.may_strike = True
            try:
                _transports[kind](target, payload)
            finally:
                interrupts.may_strike = False
        return execution_id, payload

    evaluated: Promise[Any] = scheduler.evaluate((given, args, kwargs), parent_job=parent_job)
    return evaluated.then(send)


def write_input(scratch_prefix: str, execution_id: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """Write arguments as `redun run --input` reads them, and return the path.

    Nobody else on this machine may read them.

    Raises `InvalidValueError`, and writes nothing, for an argument that cannot be stored.
    """
    try:
        data = pickling.dump([tuple(args), dict(kwargs)])
    except InvalidValueError as error:
        raise InvalidValueError(f"the arguments of a federated task, [positional, by name]: {error}") from error
    path = f"{scratch_prefix.rstrip('/')}/execution/{execution_id}/input"
    if "://" not in path:
        Path(path).parent.mkdir(mode=0o700, parents=True)
    with File(path).open("wb") as stream:
        stream.write(data)
    return path


def post_form(url: str, fields: Mapping[str, Any]) -> None:
    """POST form data. Raises `InvocationException` when it is not accepted."""
    from urllib.error import URLError
    from urllib.parse import urlencode, urlsplit
    from urllib.request import Request, urlopen

    parts = urlsplit(url)
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"  # without credentials and query
    if parts.scheme not in ("http", "https"):
        raise InvocationException(f"a federated task is launched by http or https, not by {parts.scheme or url!r}")
    try:
        request = Request(url, urlencode(fields).encode())  # noqa: S310 - the scheme is known
        with urlopen(request, timeout=SECONDS_TO_ANSWER) as answer:  # noqa: S310
            answer.read()
    except (URLError, OSError) as error:
        raise InvocationException(
            f"{shown} did not accept the request for {fields['entrypoint']!r}: {error}"
        ) from error


def invoke_lambda(function_name: str, payload: Mapping[str, Any], client: Any = None) -> None:
    """Invoke a function of AWS Lambda. Raises `InvocationException` when it does not succeed.

    client: of boto3, for `lambda`; None makes one, with the credentials of the environment.
    """
    if client is None:
        client = _lambda_client()
    answer = client.invoke(FunctionName=function_name, Payload=json.dumps(payload).encode())
    if answer.get("StatusCode") != 200 or answer.get("FunctionError"):
        why = answer.get("FunctionError") or f"status {answer.get('StatusCode')}"
        raise InvocationException(
            f"the function {function_name!r} did not accept the request for {payload['entrypoint']!r}: {why}"
        )


def _lambda_client() -> Any:
    from importlib import import_module

    try:
        boto3 = import_module("boto3")
    except ImportError as error:
        raise InvocationException("lambda_federated_task needs boto3: pip install boto3") from error
    return boto3.client("lambda")


_transports: dict[str, Callable[[str, Mapping[str, Any]], None]] = {"rest": post_form, "lambda": invoke_lambda}


@contextmanager
def use_transport(kind: str, send: Callable[[str, Mapping[str, Any]], None]) -> Iterator[None]:
    """While entered, have requests to proxies sent in another way: with a session of one's own, or in a test.

    kind: `rest` or `lambda`; send: is given the URL, or the name of the function, and what to send.
    """
    before = _transports[kind]
    _transports[kind] = send
    try:
        yield
    finally:
        _transports[kind] = before


# -- the proxy's side --------------------------------------------------------------------------------------------------


@task(namespace="redun", version="1", script=True)
def launch_command(words: list[str]) -> list[str]:
    """A command, to be run by an executor."""
    return words


def launch_federated_task(
    federated_config_path: str,
    entrypoint: str,
    task_args: tuple[Any, ...] | None = None,
    task_kwargs: dict[str, Any] | None = None,
    input_path: str | None = None,
    execution_id: str | None = None,
    cache: bool = True,
) -> str:
    """Start a federated task as an execution of its own, and return the id of that execution at once.

    `redun run` is given as a script to the executor of the entry point, where the command `redun` has to be installed.

    federated_config_path: the configuration directory that has the entry point.
    task_args, task_kwargs: the arguments; or input_path: where they are already, as `write_input` writes them.
    execution_id: a UUID, where the caller wants to choose it.
    cache: False ignores what earlier executions have left.

    Raises `UsageError` for arguments that contradict each other, `ConfigError` for a wrong or missing configuration.
    """
    from redun.config.discovery import REDUN_INI_FILE, load_config
    from redun.scheduler.launching import launch

    if input_path is not None and (task_args or task_kwargs):
        raise UsageError("launch_federated_task() takes input_path, or task_args and task_kwargs, not both")
    if "://" not in federated_config_path and not Path(federated_config_path, REDUN_INI_FILE).is_file():
        raise ConfigError(f"there is no {Path(federated_config_path, REDUN_INI_FILE)}")
    config = load_config(federated_config_path)
    entry = find_entry_point(config, entrypoint)
    try:
        execution = str(uuid.uuid4() if execution_id is None else uuid.UUID(execution_id))
    except ValueError:
        raise UsageError(f"the execution id {execution_id!r} must be a UUID, such as {uuid.uuid4()}") from None
    if input_path is None:
        input_path = write_input(_scratch(config, entry.executor), execution, task_args or (), task_kwargs or {})
    words = ["redun", "-c", entry.config_dir, "run", "--input", input_path, "--execution-id", execution]
    words += [*([] if cache else ["--no-cache"]), entry.load_module, entry.full_name]
    launch(config, entry.executor, launch_command, words, entry.task_options, execution)
    return execution


def _scratch(config: Config, executor: str) -> str:
    """Where an executor's jobs find files: what its section says, or a folder beside the configuration."""
    section: Any = config.section(f"executors.{executor}") or {}
    for option in ("s3_scratch", "gcs_scratch_prefix", "scratch"):
        if section.get(option):
            text = str(section[option])
            return text if "://" in text else str(Path(config.configdir, text))
    return str(Path(config.configdir, "federated"))
