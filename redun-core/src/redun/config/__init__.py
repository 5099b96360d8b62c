"""The configuration: finding `redun.ini`, reading it, checking it, and making what it describes.

- `Config` is what users' code sees.
- `find_config_dir`, `create_config_dir` and `load_config` say where it comes from.
- `redun.config.build` makes executors, the backend, limits and settings from it.
- `redun.config.check` lists what is wrong with it, `redun.config.report` what is in effect.

Options are described by pydantic models (`redun.config.sections` for the core's, plugins bring their own), which are
imported when a section that has options is used.
"""

from __future__ import annotations

from configparser import SectionProxy

from redun.config.build import (
    executor_names,
    limits,
    make_backend,
    make_executor,
    scheduler_settings,
)
from redun.config.config import Config
from redun.config.discovery import (
    REDUN_CONFIG_DIR,
    REDUN_CONFIG_ENV,
    REDUN_INI_FILE,
    create_config_dir,
    find_config_dir,
    load_config,
)
from redun.config.parser import RedunConfigParser, Section, create_config_section
from redun.config.scheduler_settings import SchedulerSettings
from redun.errors import ConfigError

__all__ = [
    "REDUN_CONFIG_DIR",
    "REDUN_CONFIG_ENV",
    "REDUN_INI_FILE",
    "Config",
    "ConfigError",
    "RedunConfigParser",
    "SchedulerSettings",
    "Section",
    "SectionProxy",
    "create_config_dir",
    "create_config_section",
    "executor_names",
    "find_config_dir",
    "limits",
    "load_config",
    "make_backend",
    "make_executor",
    "scheduler_settings",
]
