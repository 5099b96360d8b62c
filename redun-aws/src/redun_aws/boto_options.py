"""`[scheduler] boto_config`: the user's options for the clients of AWS services.

The run that begins says what they are. They are kept in the environment, because the processes that are started from
this one use the same options; what runs outside of a run finds them in the configuration file.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.errors import ConfigError

if TYPE_CHECKING:
    from botocore.config import Config

BOTO_CONFIG_ENV = "REDUN_BOTO_CONFIG"
_OPTION = "[scheduler] boto_config"
_DEFAULTS: dict[str, Any] = {
    "retries": {"mode": "standard"},
    # Of the default, a minute, each attempt would wait as long where no network is.
    "connect_timeout": 10,
    # Those of transfers, beside those of the caller.
    "max_pool_connections": 20,
}


_of_run: str | None = None


def set_boto_config(text: str | None) -> None:
    """Have clients made with these options from now on, also in processes that are started later.

    text: a JSON object, or None for no options. It is looked at when a client is made.
    """
    global _of_run
    _of_run = text or ""
    if text:
        os.environ[BOTO_CONFIG_ENV] = text
    else:
        os.environ.pop(BOTO_CONFIG_ENV, None)


def boto_config_text() -> str:
    """The options that are in effect, as the user wrote them; empty where there are none.

    Raises `ConfigError` for a configuration file that cannot be read.
    """
    if _of_run is not None:
        return _of_run
    inherited = os.environ.get(BOTO_CONFIG_ENV)
    return inherited if inherited is not None else _configured(str(Path.cwd()), os.environ.get("REDUN_CONFIG"))


@lru_cache(maxsize=8)
def _configured(cwd: str, config_dir: str | None) -> str:  # noqa: ARG001 - `REDUN_CONFIG`, on which the answer depends
    """What the configuration file says that counts in a working directory."""
    from redun.config.config import Config
    from redun.config.discovery import REDUN_INI_FILE, find_config_dir

    folder = find_config_dir(cwd=Path(cwd))
    path = Path(folder) / REDUN_INI_FILE
    # A remote file might need the very client that this is for.
    if "://" in folder or not path.is_file():
        return ""
    config = Config()
    config.read_path(path)
    section = config.section("scheduler")
    return section.get("boto_config", "") if section is not None else ""


def client_config(text: str, **options: Any) -> Config:
    """The options for a client.

    text: the user's, as `boto_config_text` gives them. options: what counts whatever the user says.

    Raises `ConfigError` for a text that is no JSON object, and for options that botocore does not know or take.
    """
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    given = _read(text)
    if given.get("signature_version") == "unsigned":
        from botocore import UNSIGNED

        given["signature_version"] = UNSIGNED
    if isinstance(given.get("retries"), dict):
        given["retries"] = {**_DEFAULTS["retries"], **given["retries"]}
    try:
        return Config(**{**_DEFAULTS, **given, **options})
    except (TypeError, ValueError, AttributeError, BotoCoreError) as error:
        unknown = [name for name in given if name not in Config.OPTION_DEFAULTS]
        if not unknown:
            raise ConfigError(f"{_OPTION}: {error}") from None
        from redun.config.nearest import did_you_mean

        hint = did_you_mean(unknown[0], Config.OPTION_DEFAULTS)
        raise ConfigError(f"{_OPTION}: botocore's Config has no option {unknown[0]!r}{hint}") from None


def _read(text: str) -> dict[str, Any]:
    from redun.config.secrets import MASK

    if not text.strip():
        return {}
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{_OPTION}: that is no JSON ({error})") from None
    if not isinstance(given, dict):
        raise ConfigError(f'{_OPTION}: write a JSON object, such as {{"retries": {{"max_attempts": 10}}}}')
    if MASK in text:
        raise ConfigError(
            f"{_OPTION} holds a password. Give credentials to a proxy in the environment variable HTTPS_PROXY instead"
        )
    return given
