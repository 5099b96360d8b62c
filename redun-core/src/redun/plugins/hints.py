"""Which of our own packages provides what is not installed.

A fixed table on purpose: a hint that were made from the name in somebody's configuration could send the user to a
package that a stranger has published under that name.
"""

from __future__ import annotations

from redun.plugins.discovery import AUTOLOAD_ENV, is_autoload_off

EXECUTOR_PACKAGES = {
    "aws_batch": "redun-executor-batch",
    "aws_glue": "redun-executor-glue",
    "docker": "redun-executor-docker",
    "local": "redun-executor-local",
}

# By the scheme of `db_uri`.
BACKEND_PACKAGES = {
    "sqlite": "redun-backend-sql",
    "postgresql": "redun-backend-sql",
    "postgres": "redun-backend-sql",
}

# By the name of the command.
COMMAND_PACKAGES = {"aws": "redun-aws"}

OUR_PACKAGES = frozenset(
    {"redun-core", *EXECUTOR_PACKAGES.values(), *BACKEND_PACKAGES.values(), *COMMAND_PACKAGES.values()}
)
"""The distributions that are developed and released with this core."""


def install_hint(package: str | None) -> str:
    """` Try: pip install <package>.`, or nothing for a name that none of our packages provides.

    A package that is installed, and whose plugin an environment variable leaves out, is said to be just that.
    """
    if not package:
        return ""
    if is_autoload_off() and _is_installed(package):
        return f" {package} is installed, but {AUTOLOAD_ENV}=0 leaves out all plugins."
    return f" Try: pip install {package}."


def _is_installed(package: str) -> bool:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
