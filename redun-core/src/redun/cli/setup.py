"""`setup_scheduler`: a function of the user's that makes the scheduler, with arguments from `--setup key=value`."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.cli.annotations import Argument, arguments_of, as_python_passes_them
from redun.cli.workflow_script import import_script, user_failure
from redun.errors import ConfigError, UsageError
from redun.log_lines import logger
from redun.short_repr import short_repr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redun.config import Config
    from redun.scheduler import Scheduler


def make_scheduler(config: Config, setup: Sequence[str], observers: Sequence[Any] = ()) -> Scheduler:
    """The scheduler that the configuration asks for.

    setup: `key=value` arguments for the configured function.

    Raises ConfigError when the function cannot be found, UsageError for arguments that it does not take, CommandExit
    with the user's traceback when it fails.
    """
    from redun.scheduler import Scheduler

    function = configured_function(config)
    if function is None:
        if setup:
            raise UsageError("--setup needs a function: set setup_scheduler in the section [scheduler] of redun.ini")
        return Scheduler(config=config, observers=observers)
    scheduler = _call(function, config, _read_setup(function, setup))
    if not isinstance(scheduler, Scheduler):
        raise UsageError(f"setup_scheduler must return a Scheduler, but returned {short_repr(scheduler)}")
    scheduler.observers.extend(observers)
    return scheduler


def _call(function: Callable[..., Any], config: Config, arguments: dict[str, Any]) -> Any:
    args, kwargs = as_python_passes_them(inspect.signature(function), arguments, skip=1)
    try:
        return function(config, *args, **kwargs)
    except SystemExit as error:
        raise UsageError(f"setup_scheduler ended Python (exit code {error.code})") from error
    except Exception as error:
        raise user_failure("setup_scheduler failed", error) from error


def configured_function(config: Config) -> Callable[..., Any] | None:
    """The function that `setup_scheduler` in the section `[scheduler]` names, or None.

    Raises ConfigError when there is no such function.
    """
    from redun.config.build import scheduler_settings

    reference = scheduler_settings(config).setup_scheduler
    if not reference:
        return None
    place, _, name = reference.partition("::")
    module = import_script(str(_find_file(place, config)) if place.endswith(".py") else place)
    function: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(function):
        raise ConfigError(f"setup_scheduler = {reference}: there is no function {name!r} in {place}")
    return function


def describe_setup(config: Config) -> str:
    """The text for `--setup-help`."""
    function = configured_function(config)
    if function is None:
        return "No setup_scheduler is configured, so --setup takes no arguments."
    lines = ["Arguments for --setup:"]
    for argument in _arguments(function):
        default = "required" if argument.is_required else f"default: {argument.default_text()}"
        lines.append(f"  {argument.name}={argument.metavar}  ({default})")
    if len(lines) == 1:
        lines = ["setup_scheduler takes no arguments from --setup."]
    return "\n".join(lines)


def _find_file(place: str, config: Config) -> Path:
    beside_config = Path(config.configdir or ".") / place
    if beside_config.is_file():
        return beside_config
    if Path(place).is_file():
        logger.warning(
            "setup_scheduler: %s is taken from the working directory. It should be relative to redun.ini (%s)",
            place,
            Path(config.configdir or ".").absolute(),
        )
        return Path(place)
    raise ConfigError(f"setup_scheduler: no file {str(beside_config)!r}. The path is relative to redun.ini")


def _arguments(function: Callable[..., Any]) -> list[Argument]:
    # The first parameter is the configuration.
    return arguments_of(function, inspect.signature(function), skip=1)


def _read_setup(function: Callable[..., Any], setup: Sequence[str]) -> dict[str, Any]:
    arguments = {argument.name: argument for argument in _arguments(function)}
    texts: dict[str, list[str]] = {}
    for pair in setup:
        key, equals, text = pair.partition("=")
        name = key.replace("-", "_")
        if not equals:
            raise UsageError(f"--setup {pair!r} should have the form key=value")
        if name not in arguments:
            from difflib import get_close_matches

            near = get_close_matches(name, arguments, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"It takes: {', '.join(arguments) or 'none'}"
            raise UsageError(f"--setup: setup_scheduler has no argument {key!r}. {hint}")
        texts.setdefault(name, []).append(text)
    missing = [name for name, argument in arguments.items() if argument.is_required and name not in texts]
    if missing:
        raise UsageError(f"setup_scheduler needs --setup {' --setup '.join(f'{name}=...' for name in missing)}")
    return {name: arguments[name].read(values, f"--setup {name}") for name, values in texts.items()}
