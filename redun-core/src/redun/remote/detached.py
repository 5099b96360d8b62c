"""Jobs for whose results nobody waits."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from redun.plugins.connect import connect_filesystems
from redun.remote.asking import Asking
from redun.remote.sending import Sender, submission_failed
from redun.remote.units import make_shipment, remote_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from redun.executors.base import ExecutorContext, TaskCall
    from redun.remote.polling import PollingExecutor
    from redun.remote.scratch import Scratch


def submit_detached(executor: PollingExecutor, context: ExecutorContext, scratch: Scratch, call: TaskCall) -> str:
    """Submit a call as a single job, and return its remote id. Raises `ExecutorError`."""
    connect_filesystems()
    prefix = call.options.get("job_name_prefix") or executor.remote.job_name_prefix
    shipment = make_shipment(scratch, prefix, [[remote_call(scratch, call)]], None)
    sender = Sender(executor, context, scratch, Asking(executor.error_kind, threading.Event()), _one_by_one)
    for _, error in sender.encode([shipment]):
        raise error
    executor.open()
    try:
        return sender.send(shipment)
    except Exception as error:
        raise submission_failed(executor.name, shipment, error) from error
    finally:
        executor.close()


def _one_by_one(function: Callable[[Any], None], items: Iterable[Any]) -> None:
    for item in items:
        function(item)
