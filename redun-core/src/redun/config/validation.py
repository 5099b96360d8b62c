"""Checking the options of a section with its settings model."""

from __future__ import annotations

from configparser import SectionProxy
from typing import TYPE_CHECKING, Any, NamedTuple

from redun.config.nearest import did_you_mean
from redun.config.parser import references, split_reference
from redun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pydantic import BaseModel, ValidationError

    from redun.config.config import Config


class Checked(NamedTuple):
    """The result of checking a section."""

    options: dict[str, Any]
    """The parsed values of the options that the section sets."""
    problems: list[str]
    """What is wrong with it, each with its place. The options mean nothing when there are any."""


def section_options(
    config: Config, section: str, settings: str | None, *, beside: Collection[str] = ()
) -> dict[str, Any]:
    """The options that a section sets, parsed and validated. Empty for a section that does not exist.

    settings: names the pydantic model (`"module:attribute"`); None when the section takes no options.
    beside: options of the section that the model does not know, such as `type`.

    Raises `ConfigError` with everything that is wrong with the section, one problem a line.
    """
    checked = check_section(config, section, settings, beside=beside)
    if checked.problems:
        raise ConfigError("\n".join(checked.problems))
    return checked.options


def check_section(config: Config, section: str, settings: str | None, *, beside: Collection[str] = ()) -> Checked:
    """As `section_options`, with the problems in the result."""
    if config.section(section) is None:
        return Checked({}, [])
    model = settings_model(settings)
    names = option_names(model) if model is not None else {}
    takes_any = model is not None and model.model_config.get("extra") == "allow"
    texts, problems = _texts(config, section, names, beside, takes_any)
    if model is None:
        return Checked({}, problems)

    from pydantic import ValidationError

    try:
        validated = model.model_validate(texts)
    except ValidationError as error:
        return Checked({}, problems + _validation_problems(config, section, error, texts))
    return Checked({name: getattr(validated, name) for name in validated.model_fields_set}, problems)


def check_options(
    where: str, settings: str | None, config: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Options that stand in no file, parsed and validated by the model that `settings` names.

    where: what they are options of, for messages.
    config: a section or a mapping of texts; `type`, and what a section inherits and the model does not know, is left
    out. options: texts or values, which win.

    Raises `ConfigError` with everything that is wrong, one problem a line. Values are not shown: they may be secrets.
    """
    model = settings_model(settings)
    names = option_names(model) if model is not None else {}
    inherited = config.parser.defaults() if isinstance(config, SectionProxy) else {}
    texts = {name: text for name, text in config.items() if name != "type" and (name in names or name not in inherited)}
    given = {**texts, **options}
    unknown = [] if model is not None and model.model_config.get("extra") == "allow" else [*given.keys() - names.keys()]
    problems = [f"{where}: there is no option {name}{did_you_mean(name, names)}" for name in sorted(unknown)]
    if model is None or problems:
        if problems:
            raise ConfigError("\n".join(problems))
        return {}

    from pydantic import ValidationError

    try:
        validated = model.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise ConfigError("\n".join(f"{where}: {_described(one, given)}" for one in found)) from None
    return {name: getattr(validated, name) for name in validated.model_fields_set}


def _described(error: Any, given: Mapping[str, Any]) -> str:
    from redun.config.secrets import MASK, is_secret_name

    option = str(error["loc"][0]) if error["loc"] else ""
    message = str(error["msg"])
    if is_secret_name(option) and given.get(option):
        message = message.replace(str(given[option]), MASK)  # of a validator that says what it was given
    return f"{'.'.join(map(str, error['loc']))}: {message}".removeprefix(": ")


def option_names(model: type[BaseModel]) -> dict[str, str]:
    """The names under which options are written, with the name of the field that each sets."""
    from pydantic import AliasChoices

    names = {}
    for field_name, field in model.model_fields.items():
        alias = field.validation_alias or field.alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
        written = [choice for choice in choices if isinstance(choice, str)]
        if not written or model.model_config.get("populate_by_name") or model.model_config.get("validate_by_name"):
            written.append(field_name)
        names.update(dict.fromkeys(written, field_name))
    return names


def settings_model(settings: str | None) -> type[BaseModel] | None:
    """The pydantic model that a descriptor names, if it names one."""
    if settings is None:
        return None
    from redun.plugins import resolve

    model: type[BaseModel] = resolve(settings)
    return model


def _texts(
    config: Config, section: str, names: Mapping[str, str], beside: Collection[str], takes_any: bool
) -> tuple[dict[str, str], list[str]]:
    """The interpolated texts of the options that the model knows, and the problems on the way there."""
    texts = {}
    problems = []
    own = config.parser.own_values(section)
    for option in config.parser.raw_values(section):
        if option in beside:
            continue
        if option not in names and not (takes_any and option in own):
            # What is inherited is there for other sections, and what a reference uses is there for that.
            if option in own and (section, option) not in _referenced(config):
                where = config.parser.describe(section, option)
                problems.append(f"{where}: there is no such option{did_you_mean(option, [*names, *beside])}")
            continue
        try:
            texts[option] = config.parser.get(section, option)
        except ConfigError as error:
            problems.append(str(error))
    return texts, problems


def _referenced(config: Config) -> set[tuple[str, str]]:
    """The (section, option) pairs that the references in any value may name."""
    found: set[tuple[str, str]] = set()
    for section in [config.parser.default_section, *config.section_names()]:
        for value in config.parser.own_values(section).values():
            for name in references(value):
                other, option = split_reference(name, section)
                if other == config.parser.default_section:
                    # A reference in `[DEFAULT]` is looked up in whichever section inherits it.
                    found.update((each, option) for each in config.section_names())
                found.add((other, option))
    return found


def _validation_problems(config: Config, section: str, error: ValidationError, texts: Mapping[str, str]) -> list[str]:
    from redun.config.secrets import SecretMask

    mask = SecretMask(config)
    problems = []
    # Neither the input nor the context are asked for: they would hold secrets.
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        location = [str(part) for part in one["loc"]]
        option = location[0] if location else ""
        where = config.parser.describe(section, option)
        message = one["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        if one["type"] == "missing" and len(location) == 1:
            # One that is there and has no text has been reported when its references were followed.
            if option not in config.parser.raw_values(section):
                problems.append(f"{where}: this option is required")
        elif option in texts:
            given = mask.option(option, texts[option])
            message = mask.text(message.replace(texts[option], given) if texts[option] else message)
            inside = f" (at {'.'.join(location[1:])})" if len(location) > 1 else ""
            problems.append(f'{where} = "{given}": {message}{inside}')
        else:
            problems.append(f"{where}: {mask.text(message)}")
    return problems
