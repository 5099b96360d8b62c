"""Configurations as tests write them."""

from __future__ import annotations

import textwrap

import pytest
from redun.config import Config, ConfigError


def read(text: str, configdir=None) -> Config:
    config = Config(configdir=configdir)
    config.read_string(textwrap.dedent(text).lstrip(), "redun.ini")
    return config


def problem_of(function, *arguments) -> list[str]:
    with pytest.raises(ConfigError) as error:
        function(*arguments)
    return str(error.value).splitlines()
