"""Which of our own packages provides what is not installed.

A fixed table on purpose: a hint that were made from the name in somebody's configuration could send the user to a
package that a stranger has published under that name.
"""

from __future__ import annotations

EXECUTOR_PACKAGES = {
    "aws_batch": "redun-executor-batch",
    "aws_glue": "redun-executor-glue",
    "docker": "redun-executor-docker",
    "local": "redun-executor-local",
}

BACKEND_PACKAGES = {
    "sql": "redun-backend-sql",
    "sqlite": "redun-backend-sql",
    "postgresql": "redun-backend-sql",
    "postgres": "redun-backend-sql",
}

OUR_PACKAGES = frozenset({"redun-core", "redun-aws", *EXECUTOR_PACKAGES.values(), *BACKEND_PACKAGES.values()})
"""The distributions that are developed and released with this core."""


def install_hint(package: str | None) -> str:
    """` Try: pip install <package>.`, or nothing for a name that none of our packages provides."""
    return f" Try: pip install {package}." if package else ""
