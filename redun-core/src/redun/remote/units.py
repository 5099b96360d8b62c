"""Calls on their way: what is submitted together, what runs in one job, and where its files are."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redun.executors.base import TaskCall
    from redun.remote.reunion import Intent
    from redun.remote.scratch import JobFiles, Scratch


def new_id() -> str:
    """An id that nothing else has."""
    return uuid.uuid4().hex


@dataclass(eq=False, slots=True)
class RemoteCall:
    """A call that has not ended."""

    call: TaskCall
    files: JobFiles
    own: str
    """What sets its files apart from those of other calls with the same evaluation hash; empty if nothing does."""
    unit: Unit | None = None
    """The job that runs it."""
    message: bytes = b""
    """The encoded call or the script, until it is sent."""
    is_cancelled: bool = False
    has_started: bool = False
    losses: int = 0
    """How often its output got lost."""

    @property
    def job_id(self) -> int:
        """By which the scheduler knows it."""
        return self.call.job_id

    @property
    def shares_output(self) -> bool:
        """Whether an output that somebody else has made counts."""
        return not self.own


def remote_call(scratch: Scratch, call: TaskCall) -> RemoteCall:
    """A call that was just submitted.

    Only what may come from the repository may come from the scratch folder, too: it is shared in the same way. And what
    is tried again has failed or was not good enough before.
    """
    own = "" if call.cache_scope == "BACKEND" and call.attempt == 1 else new_id()[:12]
    return RemoteCall(call, scratch.job(call.eval_hash, own), own)


def set_apart(scratch: Scratch, item: RemoteCall) -> None:
    """Give a call files of its own, so that nothing of an earlier submission is taken for its output."""
    item.own = new_id()[:12]
    item.files = scratch.job(item.call.eval_hash, item.own)


@dataclass(eq=False, slots=True)
class Unit:
    """One job elsewhere: a single call, or several that run one after the other."""

    calls: list[RemoteCall]
    remote_id: str = ""
    """Empty until it is submitted."""
    index: int = 0
    shipment: Shipment | None = None
    is_reunited: bool = False
    """Another scheduler has submitted it."""
    has_ended: bool = False
    unknown_since: float | None = None
    tags: set[str] = field(default_factory=set)
    """The tags that were reported."""


@dataclass(eq=False, slots=True)
class Shipment:
    """What one call of `submit_job` submits: a single job or an array of them."""

    name: str
    order: str
    files: JobFiles
    """Of the one call, or of the group."""
    units: list[Unit]
    is_plan: bool
    """Whether its input is a plan, because there are several calls."""
    is_script: bool = False
    bundle_seconds: float | None = None
    prefix: str = ""
    """What its name begins with."""
    remote_id: str = ""
    intent: Intent | None = None

    @property
    def is_array(self) -> bool:
        """Whether it is an array of jobs."""
        return len(self.units) > 1

    @property
    def calls(self) -> list[RemoteCall]:
        """All calls, in order."""
        return [item for unit in self.units for item in unit.calls]

    def error_file(self, unit: Unit) -> str:
        """Where a job of this shipment says why it could not even begin with its calls."""
        return f"{self.files.error}.{unit.index}" if self.is_array else self.files.error

    def progress_file(self, unit: Unit) -> str:
        """What a job of several calls writes as soon as it begins."""
        return f"{self.files.progress}.{unit.index}"


def make_shipment(scratch: Scratch, prefix: str, bundles: list[list[RemoteCall]], seconds: float | None) -> Shipment:
    """Put calls together that are submitted at once.

    bundles: the calls of each job. More than one job makes an array.
    seconds: how long a bundle should take.
    """
    order = new_id()
    first = bundles[0][0]
    units = [Unit(bundle, index=index) for index, bundle in enumerate(bundles)]
    is_plan = len(bundles) > 1 or len(bundles[0]) > 1
    if is_plan:
        name = f"{prefix}-{order}-{'array' if len(bundles) > 1 else 'bundle'}"
        files = scratch.group(order)
    else:
        name = "-".join(filter(None, [prefix, first.call.eval_hash.hex(), first.own]))
        files = first.files
    shipment = Shipment(name, order, files, units, is_plan, first.call.target.is_script, seconds, prefix)
    for unit in units:
        unit.shipment = shipment
        for item in unit.calls:
            item.unit = unit
    return shipment
