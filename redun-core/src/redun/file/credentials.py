"""Passwords of file servers: never in a URL, which is recorded and logged, but in the user's netrc file."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from redun.file.errors import PasswordInPathError


def path_without_password(path: str | os.PathLike[str]) -> str:
    """The path as text.

    Raises `PasswordInPathError` for a URL with a password, and TypeError for what is no path.
    """
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"the path of a file is a text, not bytes: {text!r}")
    if "@" in text and "://" in text:
        parts = urlsplit(text)
        if parts.password is not None:
            host = parts.hostname or ""
            raise PasswordInPathError(
                f"the URL of a file on {host} holds a password, which would be recorded in the repository. Leave name"
                f" and password out, and write into ~/.netrc: machine {host} login {parts.username} password ..."
            )
    return text


def with_netrc(options: dict[str, Any]) -> dict[str, Any]:
    """Connection options with `username` and `password` as the user's netrc file has them for the host.

    Unchanged where there is no such file, or no entry for the host and, if one is given, this user name. Of the file,
    which `NETRC` may name, the rules are those of Python's `netrc` module.
    """
    import netrc

    try:
        file = netrc.netrc(os.environ.get("NETRC"))
    except FileNotFoundError:
        return options
    found = file.authenticators(options.get("host", ""))
    if found is None or options.get("username") not in (None, found[0]):
        return options
    return {**options, "username": found[0], "password": found[2]}
