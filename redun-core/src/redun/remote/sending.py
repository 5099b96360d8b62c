"""From calls to jobs: what is written to the scratch folder before a job is submitted, and the submission."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.errors import RedunError, describe_error
from redun.executors.calls import exit_error, find_task, run_task
from redun.executors.transport import encode_call
from redun.remote.errors import RemoteJobError
from redun.remote.frames import CALL, Frame, Part, Plan, pack, pack_plan
from redun.remote.interface import Submission
from redun.remote.scratch import write_file
from redun.remote.script_command import script_command
from redun.shell import get_task_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from redun.executors.base import ExecutorContext, TaskTarget
    from redun.remote.asking import Asking
    from redun.remote.polling import PollingExecutor
    from redun.remote.scratch import Scratch
    from redun.remote.units import RemoteCall, Shipment

OLDEST_WORKER = "0.1"
"""The first version of redun that has the command `redun oneshot`."""
MOST_INLINE = 16_000
"""Bytes up to which the call of a job of an array stands in the plan, which each job of the array reads."""


class Sender:
    """Prepares and submits shipments. Its methods are called on several threads."""

    def __init__(
        self,
        executor: PollingExecutor,
        context: ExecutorContext,
        scratch: Scratch,
        asking: Asking,
        in_parallel: Callable[[Callable[[Any], None], Iterable[Any]], None],
    ) -> None:
        """Make one.

        in_parallel: calls a function with each of some items, several at a time, and waits until that is done.
        """
        self._executor = executor
        self._context = context
        self._scratch = scratch
        self._asking = asking
        self._in_parallel = in_parallel
        self._folder = Path.cwd()
        self._code_lock = threading.Lock()
        self._code: str | None = None
        self._has_code = False

    def encode(self, shipments: list[Shipment]) -> list[tuple[RemoteCall, BaseException]]:
        """Make the messages of all calls. Takes out, and returns, those that cannot be sent, with what is wrong."""
        failures: list[tuple[RemoteCall, BaseException]] = []
        for shipment in shipments:
            for unit in shipment.units:
                for item in list(unit.calls):
                    try:
                        self._encode(item)
                    except BaseException as error:  # as for any body of a task, this ends one call
                        failures.append((item, error))
                        unit.calls.remove(item)
            shipment.units = [unit for unit in shipment.units if unit.calls]
            for index, unit in enumerate(shipment.units):
                unit.index = index
        return failures

    def _encode(self, item: RemoteCall) -> None:
        """Make the message of a call. Raises whatever is wrong with it."""
        call = item.call
        if call.target.is_async:
            run_task(call.target, (), {})  # which says that this is not supported
        if call.target.is_script:
            try:
                text = get_task_command(find_task(call.target), call.args, call.kwargs)
            except SystemExit as error:
                raise exit_error(call.target, error) from error
            item.message = text.encode(errors="surrogateescape")
        else:
            target = replace(call.target, import_paths=self._import_paths(call.target))
            item.message = encode_call(call._replace(target=target))

    def send(self, shipment: Shipment) -> str:
        """Bring everything that a shipment needs to where it is needed, submit it, and return its remote id.

        Raises `ExecutorError`, and what the executor raises.
        """
        code = None if shipment.is_script else self._code_path()
        try:
            self._write_input(shipment)
        finally:
            text = shipment.calls[0].message.decode(errors="surrogateescape") if shipment.is_script else ""
            for item in shipment.calls:
                item.message = b""
        submission = self._submission(shipment, code, text)
        return self._asking.ask(self._executor.submit_job, submission)

    def _write_input(self, shipment: Shipment) -> None:
        if not shipment.is_plan:
            item = shipment.calls[0]
            data = item.message if shipment.is_script else pack(Frame(CALL, shipment.order, item.message))
            write_file(shipment.files.input, data)
            return
        large = [item for item in shipment.calls if len(item.message) > MOST_INLINE]
        self._in_parallel(
            lambda item: write_file(item.files.input, pack(Frame(CALL, shipment.order, item.message))), large
        )
        units = tuple(tuple(_part(item) for item in unit.calls) for unit in shipment.units)
        plan = Plan(units, shipment.bundle_seconds, shipment.files.progress)
        write_file(shipment.files.input, pack_plan(shipment.order, plan))

    def _submission(self, shipment: Shipment, code: str | None, script: str) -> Submission:
        calls = tuple(item.call for item in shipment.calls)
        first = calls[0]
        tags = {
            "redun_task_name": first.target.full_name,
            "redun_execution_id": self._context.execution_id,
            "redun_project": self._context.project,
        }
        if len(calls) == 1:
            tags["redun_job_id"] = first.job_name
        if shipment.is_script:
            command = script_command(script, shipment.files, shipment.order)
        else:
            command = self._command(shipment, first.target, code)
        size = len(shipment.units) if shipment.is_array else 0
        return Submission(shipment.name, command, size, calls, first.options, shipment.is_script, tags)

    def _command(self, shipment: Shipment, target: TaskTarget, code: str | None) -> tuple[str, ...]:
        words = [*self._executor.worker_command, "--check-version", f">={OLDEST_WORKER}", "oneshot", target.load_module]
        for path in self._import_paths(target):
            words += ["--import-path", path]
        if code is not None:
            words += ["--code", code]
        if shipment.is_array:
            words.append("--array-job")
        if not shipment.calls[0].shares_output:
            words.append("--no-cache")
        files = shipment.files
        words += ["--input", files.input, "--output", files.output, "--error", files.error, target.full_name]
        return tuple(words)

    def _import_paths(self, target: TaskTarget) -> tuple[str, ...]:
        """Those below the working directory relative to it, as the package of code has them."""
        return tuple(self._relative(path) for path in target.import_paths)

    def _relative(self, path: str) -> str:
        relative = os.path.relpath(path or ".", self._folder)
        return path if relative.split(os.sep, 1)[0] == os.pardir else relative

    def _code_path(self) -> str | None:
        with self._code_lock:
            if not self._has_code:
                from redun.remote.code_package import send_code

                options = self._executor.remote
                self._code = send_code(
                    self._scratch, options.code_package, options.code_includes, options.code_excludes, self._folder
                )
                self._has_code = True
            return self._code


def _part(item: RemoteCall) -> Part:
    inline = item.message if len(item.message) <= MOST_INLINE else None
    return Part(inline, item.files.input, item.files.output, item.files.error)


def submission_failed(executor_name: str, shipment: Shipment, error: BaseException) -> BaseException:
    """What the calls of a shipment fail with that could not be submitted."""
    if isinstance(error, RedunError):
        return error
    task = shipment.calls[0].call.target.full_name
    failure = RemoteJobError(
        f"Executor {executor_name!r} cannot submit job {shipment.name} for task {task}: {describe_error(error)}"
    )
    failure.__cause__ = error
    return failure
