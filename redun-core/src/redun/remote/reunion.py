"""Finding again what a scheduler that is gone has submitted.

Before anything is submitted, a file in the scratch folder says what will be: its *intent*. It is removed when the
results are there. So a scheduler that starts finds in these files what others have in flight, or had when they died,
and need not ask for anything else: neither the service for all of its jobs, nor the scratch folder for each output.
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from redun.remote.errors import ScratchError
from redun.remote.scratch import JobFiles, list_folder, read_file, remove_file, write_file
from redun.remote.units import Shipment, Unit, new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from redun.remote.interface import InFlightJob
    from redun.remote.scratch import Scratch

FORGOTTEN_AFTER = timedelta(days=30)
"""The age from which on intents are removed that nobody came back for."""
_FORM = 1
_STAMP = "%Y%m%dT%H%M%S"


@dataclass(eq=False, slots=True)
class Intent:
    """The file about some shipments, and how many of their jobs have not ended."""

    path: str
    pending: int


@dataclass(slots=True)
class Reunion:
    """What others have submitted, by evaluation hash."""

    running: dict[bytes, Unit] = field(default_factory=dict)
    """Units, without calls, whose jobs the service knows."""
    maybe_done: set[bytes] = field(default_factory=set)
    """Calls that were submitted, whose jobs have ended or never began. There may be an output."""


def write_intent(scratch: Scratch, shipments: list[Shipment]) -> None:
    """Say what is about to be submitted, if somebody else could make use of it.

    Raises `ScratchError`.
    """
    told = [shipment for shipment in shipments if shipment.calls[0].shares_output]
    if not told:
        return
    stamp = datetime.now(UTC).strftime(_STAMP)
    intent = Intent(f"{scratch.submissions}/{stamp}-{new_id()}", sum(len(shipment.units) for shipment in told))
    content = {"form": _FORM, "shipments": [_describe(shipment) for shipment in told]}
    write_file(intent.path, json.dumps(content).encode())
    for shipment in told:
        shipment.intent = intent


def _describe(shipment: Shipment) -> dict[str, Any]:
    return {
        "name": shipment.name,
        "prefix": shipment.prefix,
        "order": shipment.order,
        "folder": shipment.files.folder,
        "plan": shipment.is_plan,
        "script": shipment.is_script,
        "units": [[item.call.eval_hash.hex() for item in unit.calls] for unit in shipment.units],
    }


def find_earlier(
    scratch: Scratch,
    list_in_flight: Callable[[str], Iterable[InFlightJob]],
    child_id: Callable[[str, int], str],
    in_parallel: Callable[[Callable[[Any], None], Iterable[Any]], None],
) -> Reunion:
    """What others have submitted.

    list_in_flight: asks the service for the jobs whose names begin with a prefix.
    child_id: makes the id of a job of an array.
    in_parallel: calls a function with each of some items, several at a time.

    Raises `ScratchError`, and what `list_in_flight` raises.
    """
    reunion = Reunion()
    described = _read_intents(scratch, in_parallel)
    if not described:
        return reunion
    ids: dict[str, str] = {}
    for prefix in sorted({one["prefix"] for one in described}):
        ids.update((job.name, job.remote_id) for job in list_in_flight(prefix))
    for one in described:
        remote_id = ids.get(one["name"])
        shipment = _shipment(one, remote_id or "")
        for unit, hashes in zip(shipment.units, one["units"], strict=True):
            keys = [bytes.fromhex(text) for text in hashes]
            if remote_id is None:
                reunion.maybe_done.update(keys)
                continue
            unit.remote_id = child_id(remote_id, unit.index) if shipment.is_array else remote_id
            unit.is_reunited = True
            reunion.running.update((key, unit) for key in keys)
    return reunion


def _shipment(one: dict[str, Any], remote_id: str) -> Shipment:
    units = [Unit([], index=index) for index in range(len(one["units"]))]
    files = JobFiles(one["folder"])
    shipment = Shipment(one["name"], one["order"], files, units, one["plan"], one["script"], remote_id=remote_id)
    for unit in units:
        unit.shipment = shipment
    return shipment


def _read_intents(
    scratch: Scratch, in_parallel: Callable[[Callable[[Any], None], Iterable[Any]], None]
) -> list[dict[str, Any]]:
    paths = list_folder(scratch.submissions)
    oldest = (datetime.now(UTC) - FORGOTTEN_AFTER).strftime(_STAMP)
    described: list[dict[str, Any]] = []
    lock = threading.Lock()

    def read(path: str) -> None:
        if path.rpartition("/")[2] < oldest:
            with suppress(ScratchError):
                remove_file(path)
            return
        data = read_file(path)
        with suppress(ValueError, KeyError, TypeError, AttributeError):  # half a file, or one of another version
            content = json.loads(data or b"{}")
            if content["form"] == _FORM:
                with lock:
                    described.extend(content["shipments"])

    in_parallel(read, paths)
    return described


def claim_file(scratch: Scratch, unit: Unit) -> str:
    """The file that says that another scheduler waits for a job, too."""
    assert unit.shipment is not None
    return f"{scratch.reunited}/{unit.shipment.order}.{unit.index}"


def claimed(scratch: Scratch, units: Iterable[Unit]) -> set[Unit]:
    """Those of these jobs that other schedulers wait for. Raises `ScratchError`."""
    names = {path.rpartition("/")[2] for path in list_folder(scratch.reunited)}
    return {unit for unit in units if claim_file(scratch, unit).rpartition("/")[2] in names} if names else set()
