"""Where workflows import the executor of AWS Glue from. The executor itself is a plugin's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.executors.by_type import installed_class

if TYPE_CHECKING:
    from redun.executors.by_type import AWSGlueExecutor as AWSGlueExecutor


def __getattr__(name: str) -> Any:
    return installed_class(__name__, "AWSGlueExecutor", name)
