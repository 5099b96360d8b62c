"""What tags are attached to, under the names that workflows know."""

from __future__ import annotations

import enum

from redun.backends.records import EntityKind


class TagEntity(enum.IntEnum):
    """The kinds of thing that can have tags. A member is as good as the `EntityKind` that it equals."""

    Execution = EntityKind.EXECUTION
    Job = EntityKind.JOB
    CallNode = EntityKind.CALL
    Task = EntityKind.TASK
    Value = EntityKind.VALUE
