"""What is in effect, and where it comes from: for `redun config show` and `redun config schema`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from redun.config.parser import references, split_reference
from redun.config.secrets import SecretMask
from redun.config.section_types import BACKEND, EXECUTORS, section_type
from redun.config.validation import option_names, settings_model
from redun.errors import ConfigError, PluginError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

    from redun.config.config import Config

_ALWAYS_SHOWN = ("scheduler", BACKEND)


class OptionReport(NamedTuple):
    """One option in effect."""

    name: str
    value: str | None
    """Its text, with secrets masked; None for an option that is not set and has no default."""
    origin: str
    """`file:line`, `default`, and the environment variables that it took values from."""


class SectionReport(NamedTuple):
    """One section in effect."""

    name: str
    options: list[OptionReport]
    note: str = ""
    """Why the options could not be completed with their defaults."""


def effective_sections(config: Config) -> list[SectionReport]:
    """The sections of a configuration with the defaults of what they do not set, secrets masked."""
    mask = SecretMask(config)
    names = [name for name in _ALWAYS_SHOWN if config.section(name) is None] + config.section_names()
    inherited = _written(config, mask, config.parser.default_section, set())
    reports = [SectionReport(config.parser.default_section, inherited)] if inherited else []
    reports += [_section_report(config, mask, name) for name in names]
    return reports + _default_executors(config, mask)


def _section_report(config: Config, mask: SecretMask, section: str) -> SectionReport:
    try:
        kind = section_type(config, section)
        model = settings_model(kind.settings) if kind is not None else None
    except (ConfigError, PluginError) as error:
        return SectionReport(section, _written(config, mask, section, set()), mask.text(str(error)))
    written = _written(config, mask, section, set(option_names(model)) if model else set())
    return SectionReport(section, written + (_defaults(model, {one.name for one in written}) if model else []))


def _default_executors(config: Config, mask: SecretMask) -> list[SectionReport]:
    """The executors that exist although nobody configured them, as the sections that would describe them."""
    from redun.config.build import default_executors
    from redun.config.config import Config as NewConfig

    reports = []
    for name, options in default_executors().items():
        section = f"{EXECUTORS}{name}"
        if config.section(section) is None:
            assumed = _section_report(NewConfig({section: options}), mask, section)
            as_default = [option._replace(origin="default") for option in assumed.options]
            reports.append(SectionReport(section, as_default, assumed.note))
    return reports


def _written(config: Config, mask: SecretMask, section: str, known: set[str]) -> list[OptionReport]:
    """The options that a section sets, and those that it inherits and knows."""
    own = config.parser.own_values(section) if config.parser.knows(section) else {}
    reports = []
    for name, raw in config.parser.raw_values(section).items():
        if name not in own and (name not in known or not own):
            continue
        place = config.parser.place(section, name)
        origins = [str(place) if place else "given by the program"]
        try:
            value = config.parser.get(section, name)
        except ConfigError:  # reported by `redun config check`
            value, origins = raw, [*origins, "cannot be replaced"]
        origins += [f"environment {variable}" for variable in sorted(_variables(config, section, raw))]
        reports.append(OptionReport(name, mask.option(name, value), ", ".join(origins)))
    return reports


def _variables(config: Config, section: str, raw: str, depth: int = 0) -> set[str]:
    """The environment variables that a value takes texts from, through other options too."""
    found: set[str] = set()
    for name in references(raw):
        other, option = split_reference(name, section)
        values = config.parser.raw_values(other)
        if option in values:
            # A circle of references is somebody else's to report.
            found |= _variables(config, other, values[option], depth + 1) if depth < 10 else set()
        elif name in os.environ:
            found.add(name)
    return found


def _defaults(model: type[BaseModel], written: set[str]) -> list[OptionReport]:
    names = option_names(model)
    reports = []
    for field_name, field in model.model_fields.items():
        spellings = [name for name, sets in names.items() if sets == field_name]
        if written.isdisjoint(spellings):
            origin = "required, not set" if field.is_required() else "default"
            reports.append(OptionReport(spellings[0], default_text(field), origin))
    return reports


def default_text(field: FieldInfo) -> str | None:
    """The default of an option as it would be written in the file; None when there is none."""
    if field.is_required():
        return None
    return option_text(field.get_default(call_default_factory=True))


def option_text(value: Any) -> str | None:
    """A parsed value as it would be written in the file; None for what would not be written."""
    if value is None or value == () or value == {}:
        return None
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(map(str, value))
    return str(value)


# -- JSON Schema ------------------------------------------------------------------------------------------------------


def json_schema() -> dict[str, Any]:
    """A JSON Schema of the configuration as options by section, for the plugins that are installed.

    Its shape is that of `Config` as a mapping: dotted section names nest.
    """
    from redun.plugins import get_plugins

    plugins = get_plugins()
    properties: dict[str, Any] = {}
    for one in plugins.config_sections().unambiguous():
        schema = _schema(one.settings, one.summary)
        if one.name.endswith(".*"):
            properties[one.name.removesuffix(".*")] = {"type": "object", "additionalProperties": schema}
        else:
            properties[one.name] = schema
    properties[BACKEND] = {
        "anyOf": [_schema(one.settings, one.summary) for one in plugins.backend_types().unambiguous()]
    }
    executors = []
    for executor in plugins.executor_types().unambiguous():
        schema = _schema(executor.settings, executor.summary)
        schema["properties"] = {"type": {"const": executor.name}, **schema.get("properties", {})}
        schema["required"] = ["type", *schema.get("required", [])]
        executors.append(schema)
    properties["executors"] = {"type": "object", "additionalProperties": {"anyOf": executors}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "redun.ini",
        "type": "object",
        "properties": dict(sorted(properties.items())),
    }


def _schema(settings: str | None, summary: str) -> dict[str, Any]:
    try:
        model = settings_model(settings)
    except PluginError as error:
        return {"type": "object", "description": f"{summary} (its options are unknown: {error})"}
    if model is None:
        return {"type": "object", "description": summary, "properties": {}, "additionalProperties": False}
    return {**model.model_json_schema(), "description": summary}
