"""Keeping secrets out of what is displayed, logged or handed to plugins."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING

from redun.config.parser import references
from redun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from redun.config.config import Config

MASK = "***"

_WORDS = r"(?:passw(?:or)?d|passphrase|secret|token|credential|(?:api|access|private)_?key)"
_SECRET = re.compile(_WORDS, re.IGNORECASE)
# Such options hold the name of a secret or of an environment variable, not the secret.
_NAME_OF_SECRET = re.compile(r"_(env|env_vars|name|path|file|arn)$", re.IGNORECASE)
# Up to the last `@`, because a password may contain anything, an `@` or a `/` included.
_URL_CREDENTIALS = re.compile(r"(?<=://)\S*(?=@)")
_QUERY_CREDENTIALS = re.compile(rf"([?&][^=&\s]*{_WORDS}[^=&\s]*=)[^&\s]+", re.IGNORECASE)
_JSON_CREDENTIALS = re.compile(rf'("[^"]*{_WORDS}[^"]*"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Whether an option or environment variable of this name is taken to hold a secret."""
    return bool(_SECRET.search(name)) and not _NAME_OF_SECRET.search(name)


class SecretMask:
    """Hides the secrets of one configuration in texts.

    Secret are the values of options and environment variables with a telling name (`password`, `token`, ...), wherever
    interpolation carries them to, and credentials within URLs and JSON objects.
    """

    def __init__(self, config: Config) -> None:
        self._secrets = sorted(set(_secret_values(config)), key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        text = _URL_CREDENTIALS.sub(MASK, text)
        text = _QUERY_CREDENTIALS.sub(rf"\g<1>{MASK}", text)
        return _JSON_CREDENTIALS.sub(rf'\g<1>"{MASK}"', text)

    def option(self, name: str, value: str) -> str:
        """The value of an option without secrets."""
        return MASK if value and is_secret_name(name) else self.text(value)


def masked_view(config: Config) -> Mapping[str, Mapping[str, str]]:
    """The options by full section name, interpolated, without secrets, for reading only: what hooks are given.

    An option whose interpolation fails is shown as it is written.
    """
    mask = SecretMask(config)
    return MappingProxyType(
        {
            section: MappingProxyType(
                {name: mask.option(name, value) for name, value in _interpolated_or_raw(config, section)}
            )
            for section in config.section_names()
        }
    )


def _interpolated_or_raw(config: Config, section: str) -> Iterator[tuple[str, str]]:
    for name, raw in config.parser.raw_values(section).items():
        try:
            yield name, config.parser.get(section, name)
        except ConfigError:
            yield name, raw


def _secret_values(config: Config) -> Iterator[str]:
    for section in [*config.section_names(), config.parser.default_section]:
        for name, raw in config.parser.raw_values(section).items():
            for reference in references(raw):
                if is_secret_name(reference) and reference in os.environ:
                    yield from _worth_masking(os.environ[reference])
            if is_secret_name(name):
                yield from _worth_masking(raw)
                if section != config.parser.default_section:
                    with suppress(ConfigError):
                        yield from _worth_masking(config.parser.get(section, name))


def _worth_masking(value: str) -> Iterator[str]:
    # `true` or `1` in every other text would be masked too.
    if len(value) > 4:
        yield value
