"""Small executors that keep the rules of the interface, each in a way of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
import subprocess
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from redun.errors import ExecutorError
from redun.executors.async_calls import start_async_call
from redun.executors.base import Capabilities, Executor
from redun.executors.calls import find_task, run_call
from redun.executors.scripts import ScriptError
from redun.executors.transport import Returned, decode_outcome, encode_call, run_encoded_call
from redun.shell import get_task_command

FROM_STDIN = 'f=$(mktemp) && trap \'rm "$f"\' EXIT && cat > "$f" && chmod +x "$f" && "$f" < /dev/null'
NOT_RUNNING = "was given calls before it was started or after it was stopped"


class SmallExecutor(Executor):
    """What the executors below share: they know their sink, and refuse calls without one."""

    def __init__(self, name="small"):
        super().__init__(name)
        self.sink = None

    def start(self, context, sink):
        self.sink = sink

    def submit(self, calls):
        if self.sink is None:
            raise ExecutorError(f"Executor {self.name!r} {NOT_RUNNING}.")
        for call in calls:
            self.begin(call)

    def begin(self, call):
        raise NotImplementedError

    def stop(self):
        self.sink = None


class ThreadPerCall(SmallExecutor):
    """A thread for each call, at once. `stop` waits for all of them, `cancel` leaves a wish."""

    capabilities = Capabilities(in_process=True)

    def __init__(self, name="threads"):
        super().__init__(name)
        self.threads = set()
        self.unwanted = set()

    def begin(self, call):
        thread = threading.Thread(target=self.run, args=(call, self.sink), daemon=True)
        self.threads.add(thread)
        thread.start()

    def run(self, call, sink):
        sink.started(call.job_id)
        try:
            value = run_call(call)
        except BaseException as error:
            self.report(call, sink.failed, error)
        else:
            self.report(call, sink.done, value)
        self.threads.discard(threading.current_thread())

    def report(self, call, report, outcome):
        if call.job_id in self.unwanted:
            self.unwanted.discard(call.job_id)
            self.sink.cancelled(call.job_id)
        else:
            report(call.job_id, outcome)

    def cancel(self, job_ids):
        if self.threads:
            self.unwanted.update(job_ids)

    def stop(self):
        for thread in list(self.threads):
            thread.join()
        self.unwanted.clear()
        super().stop()


class Shuffled(SmallExecutor):
    """Two threads of the standard library; another one collects what has ended and reports it in any order."""

    capabilities = Capabilities(in_process=True)
    slots = 2

    def __init__(self, name="shuffled", seed=1):
        super().__init__(name)
        self.random = random.Random(seed)
        self.pool = None
        self.ended = None
        self.futures = {}

    def begin(self, call):
        if self.pool is None:
            self.pool = ThreadPoolExecutor(self.slots)
            self.ended = deque()
            self.wake = threading.Semaphore(0)
            self.reporter = threading.Thread(target=self.report_all, args=(self.sink,))
            self.reporter.start()
        future = self.pool.submit(run_call, call)
        self.futures[future] = call.job_id
        future.add_done_callback(self.note)

    def note(self, future):
        self.ended.append(future)
        self.wake.release()

    def report_all(self, sink):
        while True:
            self.wake.acquire()
            batch = [self.ended.popleft()]
            while self.wake.acquire(blocking=False):
                batch.append(self.ended.popleft())
            self.random.shuffle(batch)
            for future in batch:
                if future is not None:
                    self.report(future, sink)
            if None in batch:
                return

    def report(self, future, sink):
        job_id = self.futures.pop(future)
        if future.cancelled():
            sink.cancelled(job_id)
        elif future.exception() is not None:
            sink.failed(job_id, future.exception())
        else:
            sink.done(job_id, future.result())

    def cancel(self, job_ids):
        for future, job_id in list(self.futures.items()):
            if job_id in job_ids:
                future.cancel()

    def stop(self):
        super().stop()
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)
            self.note(None)
            self.reporter.join()
            self.pool = None


class AsyncioExecutor(SmallExecutor):
    """Async tasks on an event loop of its own; what is not async runs in threads that the loop waits for."""

    capabilities = Capabilities(in_process=True, async_tasks=True)
    slots = 3

    def __init__(self, name="asyncio"):
        super().__init__(name)
        self.lock = threading.Lock()
        self.loop = None

    def submit(self, calls):
        if self.sink is None:
            raise ExecutorError(f"Executor {self.name!r} {NOT_RUNNING}.")
        with self.lock:
            if self.loop is None:
                self.loop = asyncio.new_event_loop()
                self.running = {}
                self.pool = ThreadPoolExecutor(self.slots)
                self.thread = threading.Thread(target=self.run_loop)
                self.thread.start()
        for call in calls:
            self.loop.call_soon_threadsafe(self.begin, call)

    def begin(self, call):
        if call.target.is_async:
            running = start_async_call(call, self.sink)
        else:
            future = self.pool.submit(outcome_of, call)
            running = asyncio.wrap_future(future, loop=self.loop)
            running.add_done_callback(partial(report_future, call.job_id, self.sink))
        self.running[call.job_id] = running
        running.add_done_callback(lambda _: self.running.pop(call.job_id))

    def run_loop(self):
        while True:
            try:
                self.loop.run_forever()
                return
            except (KeyboardInterrupt, SystemExit):
                continue

    def cancel(self, job_ids):
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.cancel_here, list(job_ids))

    def cancel_here(self, job_ids):
        for job_id in job_ids:
            if job_id in self.running:
                self.running[job_id].cancel()

    async def finish(self):
        """Wait for what runs."""
        while self.running:
            await asyncio.wait([getattr(one, "task", one) for one in self.running.values()])

    def stop(self):
        super().stop()
        if self.loop is not None:
            asyncio.run_coroutine_threadsafe(self.finish(), self.loop).result()
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
            self.loop.close()
            self.pool.shutdown()
            self.loop = None


def report_future(job_id, sink, future):
    """Report a call that `outcome_of` has run, or that was cancelled before."""
    if future.cancelled():
        sink.cancelled(job_id)
        return
    kind, payload = future.result()
    (sink.done if kind == "done" else sink.failed)(job_id, payload)


def outcome_of(call):
    """How a call ends, as a value: a future cannot hold every error."""
    try:
        return "done", run_call(call)
    except BaseException as error:
        return "failed", error


class ScriptExecutor(ThreadPerCall):
    """Gives a script to a shell's standard input, and kills that shell when the call is cancelled."""

    capabilities = Capabilities(in_process=True, scripts=True)

    def __init__(self, name="scripts"):
        super().__init__(name)
        self.lock = threading.Lock()
        self.shells = {}

    def run(self, call, sink):
        if not call.target.is_script:
            super().run(call, sink)
            return
        try:
            text = get_task_command(find_task(call.target), call.args, call.kwargs)
            output = self.run_shell(call, text)
        except BaseException as error:
            self.report(call, sink.failed, error)
        else:
            self.report(call, sink.done, output)
        self.threads.discard(threading.current_thread())

    def run_shell(self, call, text):
        with self.lock:
            shell = subprocess.Popen(
                ["bash", "-c", FROM_STDIN],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            self.shells[call.job_id] = shell
        output, errors = shell.communicate(text.encode())
        if shell.returncode:
            raise ScriptError(errors, shell.returncode)
        return output

    def cancel(self, job_ids):
        super().cancel(job_ids)
        with self.lock:
            for job_id in job_ids:
                shell = self.shells.get(job_id)
                if shell is not None and shell.returncode is None:
                    os.killpg(shell.pid, signal.SIGKILL)


class ProcessPerCall(SmallExecutor):
    """A fresh process for each call, four at a time; `cancel` kills it."""

    capabilities = Capabilities(cancel=True, abandons_running=True)
    slots = 4

    def __init__(self, name="processes"):
        super().__init__(name)
        self.context = multiprocessing.get_context("fork")
        self.lock = threading.Lock()
        self.starting = threading.Lock()
        self.waiting = deque()
        self.running = {}
        self.threads = set()

    def begin(self, call):
        with self.lock:
            self.waiting.append(call)
            if len(self.threads) < self.slots:
                thread = threading.Thread(target=self.work, args=(self.sink,), daemon=True)
                self.threads.add(thread)
                thread.start()

    def work(self, sink):
        while True:
            with self.lock:
                if not self.waiting:
                    self.threads.discard(threading.current_thread())
                    return
                call = self.waiting.popleft()
                self.running[call.job_id] = None
            self.run(call, sink)

    def run(self, call, sink):
        try:
            message = encode_call(call)
        except ExecutorError as error:
            with self.lock:
                del self.running[call.job_id]
            sink.failed(call.job_id, error)
            return
        with self.starting:  # otherwise another process gets a copy of `theirs`, and its end goes unnoticed
            ours, theirs = self.context.Pipe()
            process = self.context.Process(target=run_one, args=(theirs,))
            process.start()
            theirs.close()
        with self.lock:
            was_cancelled = self.running[call.job_id] == "cancelled"
            self.running[call.job_id] = process
        if was_cancelled:
            process.kill()
        try:
            ours.send_bytes(message)
            answer = ours.recv_bytes()
        except (EOFError, OSError):
            answer = None
        ours.close()
        process.join()
        with self.lock:
            was_cancelled = was_cancelled or self.running[call.job_id] == "cancelled"
            del self.running[call.job_id]
        self.report(call, answer, was_cancelled, sink)

    def report(self, call, answer, was_cancelled, sink):
        if self.sink is not sink:
            return
        if was_cancelled:
            sink.cancelled(call.job_id)
        elif answer is None:
            sink.failed(call.job_id, ExecutorError(f"The process that ran task {call.target.full_name} died."))
        else:
            outcome = decode_outcome(call.target.full_name, answer)
            if isinstance(outcome, Returned):
                sink.done(call.job_id, outcome.value)
            else:
                sink.failed(call.job_id, outcome.error, outcome.traceback)

    def cancel(self, job_ids):
        chosen = set(job_ids)
        with self.lock:
            dropped = [call for call in self.waiting if call.job_id in chosen]
            self.waiting = deque(call for call in self.waiting if call.job_id not in chosen)
            for job_id in chosen & self.running.keys():
                process, self.running[job_id] = self.running[job_id], "cancelled"
                if hasattr(process, "kill"):
                    process.kill()
            sink = self.sink
        for call in dropped:
            sink.cancelled(call.job_id)

    def stop(self):
        with self.lock:
            everything = [call.job_id for call in self.waiting] + list(self.running)
            threads = list(self.threads)
        if self.sink is not None:
            self.cancel(everything)
        for thread in threads:
            thread.join()
        super().stop()


def run_one(connection):
    """The whole life of a process of `ProcessPerCall`."""
    connection.send_bytes(run_encoded_call(connection.recv_bytes()))
