"""The form of the files that schedulers and workers exchange: one line that says what follows, and that.

The line has the number of the protocol and the version of redun that wrote it, so that a worker of another version
says what is wrong instead of misunderstanding it; and length and digest of the rest, so that half a file, or a spoilt
one, is no file, whatever the filesystem does.
"""

from __future__ import annotations

import hashlib
import pickle
from typing import TYPE_CHECKING, NamedTuple

from redun.remote.errors import ScratchError, WorkerVersionError
from redun.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

PROTOCOL = 1
"""Raised whenever what is in the files, or on the command line of a worker, changes its meaning."""

CALL = "call"
"""An encoded call follows."""
PLAN = "plan"
"""What the jobs of an array, or a bundle, have to do follows."""
OUTCOME = "outcome"
"""The encoded outcome of a call follows."""
REST = "rest"
"""Nothing follows: the job has ended before it came to the call."""

_MAGIC = b"redun-remote"
_LONGEST_LINE = 1000
_ADVICE = (
    "Scheduler and worker need the same version of redun, or one with the same protocol: rebuild the image, or install "
    "that version where the jobs run."
)


class Frame(NamedTuple):
    """What is in a file."""

    kind: str
    order: str
    """The id of the submission that it belongs to."""
    payload: bytes
    seconds: float = 0.0
    """How long it took to make, where that is of interest."""
    version: str = __version__
    """The redun that wrote it."""


class Part(NamedTuple):
    """One call in a plan. `message` is None where it stands in the file `input`."""

    message: bytes | None
    input: str
    output: str
    error: str


class Plan(NamedTuple):
    """What the jobs of an array have to do, each with its own calls, one after the other."""

    units: tuple[tuple[Part, ...], ...]
    seconds: float | None
    """No call is begun later than so many seconds after the job's first one."""
    progress: str
    """The file, to be followed by `.<index>`, that a job of several calls writes as soon as it begins."""


def pack(frame: Frame) -> bytes:
    """The content of a file."""
    digest = hashlib.blake2b(frame.payload, digest_size=16).hexdigest()
    words = (
        PROTOCOL,
        frame.version,
        frame.kind,
        frame.order or "-",
        f"{frame.seconds:.6f}",
        len(frame.payload),
        digest,
    )
    return b"%s %s\n%s" % (_MAGIC, " ".join(map(str, words)).encode(), frame.payload)


def unpack(path: str, data: bytes) -> Frame:
    """What is in a file.

    path: whose content it is, for messages.

    Raises `WorkerVersionError` if another version of redun wrote it, whose protocol is another one, and `ScratchError`
    if it is incomplete, spoilt, or something else.
    """
    line = data[:_LONGEST_LINE].partition(b"\n")[0]
    magic, _, rest = line.partition(b" ")
    words = rest.decode(errors="replace").split(" ")
    if magic != _MAGIC or len(words) < 2:
        raise ScratchError(
            f"{path} was not written by this redun, nor by one that it understands: it begins with {line[:40]!r}"
        )
    protocol, version = words[:2]
    if protocol != str(PROTOCOL):
        raise WorkerVersionError(
            f"{path} was written by redun {version}, which speaks protocol {protocol}, and is read by redun "
            f"{__version__}, which speaks protocol {PROTOCOL}. {_ADVICE}"
        )
    try:
        kind, order, seconds, length, digest = words[2:]
        payload = memoryview(data)[len(line) + 1 :]
        is_whole = len(payload) == int(length) and hashlib.blake2b(payload, digest_size=16).hexdigest() == digest
        if is_whole:
            return Frame(kind, order.removeprefix("-"), bytes(payload), float(seconds), version)
    except ValueError:
        pass
    raise ScratchError(f"{path} is incomplete or spoilt: it has {len(data)} bytes, and not those that were written")


def pack_plan(order: str, plan: Plan) -> bytes:
    """The content of the file that tells the jobs of an array, or a bundle, what to do."""
    plain = (tuple(tuple(map(tuple, unit)) for unit in plan.units), plan.seconds, plan.progress)
    return pack(Frame(PLAN, order, pickle.dumps(plain, 5)))


def unpack_plan(frame: Frame) -> Plan:
    """The plan that a frame of that kind holds."""
    units, seconds, progress = pickle.loads(frame.payload)
    return Plan(_parts(units), seconds, progress)


def _parts(units: Sequence[Sequence[Sequence[object]]]) -> tuple[tuple[Part, ...], ...]:
    return tuple(tuple(Part(*part) for part in unit) for unit in units)  # type: ignore[arg-type]
