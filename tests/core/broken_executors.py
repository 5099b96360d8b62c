"""Executors that each break one rule, with the test of the suite that must notice.

Not collected by itself: `test_suites_notice.py` runs it and expects every test in here to fail.
"""

import dataclasses
import threading

import pytest
from redun.errors import ExecutorError
from redun.executors.async_calls import run_async_call
from redun.executors.base import Capabilities
from redun.executors.calls import find_task, run_call
from redun.testing import ExecutorSuite
from small_executors import AsyncioExecutor, ProcessPerCall, ScriptExecutor, SmallExecutor, ThreadPerCall

CAUGHT_BY = {}


def caught_by(*names, **attributes):
    """Make a suite of an executor, of which these tests are run."""

    def make(executor_class):
        def executor(self):
            return executor_class("broken")

        body = {"executor": pytest.fixture(executor), "wait_seconds": 0.3, "many_calls": 40, **attributes}
        suite = type(f"Test{executor_class.__name__}", (ExecutorSuite,), body)
        globals()[suite.__name__] = suite
        CAUGHT_BY[suite.__name__] = names
        return executor_class

    return make


@caught_by("test_a_call_is_done_with_what_its_task_returns", "test_every_call_of_a_large_batch_ends_once")
class ReportsTwice(ThreadPerCall):
    def run(self, call, sink):
        super().run(call, sink)
        sink.done(call.job_id, None)


@caught_by("test_many_small_batches_are_like_a_large_one", "test_every_call_of_a_large_batch_ends_once")
class LosesOne(ThreadPerCall):
    def begin(self, call):
        if call.job_id != 2:
            super().begin(call)


@caught_by("test_a_call_of_an_unknown_task_fails_alone", "test_a_module_that_cannot_be_imported_is_named")
class RaisesInSubmit(ThreadPerCall):
    def begin(self, call):
        find_task(call.target)
        super().begin(call)


@caught_by("test_submit_does_not_wait_for_the_calls")
class BlocksInSubmit(SmallExecutor):
    capabilities = Capabilities(in_process=True)

    def begin(self, call):
        self.sink.done(call.job_id, run_call(call))


@caught_by("test_stop_ends_what_waits_and_abandons_or_ends_what_runs")
class ReportsAfterStop(ThreadPerCall):
    capabilities = Capabilities(in_process=True, abandons_running=True)

    def stop(self):
        self.sink = None


@caught_by("test_stop_waits_for_what_runs")
class StopsTooSoon(ThreadPerCall):
    def stop(self):
        self.sink = None


@caught_by("test_a_call_that_runs_can_be_cancelled")
class CancelsNothing(ThreadPerCall):
    capabilities = Capabilities(in_process=True, cancel=True)


@caught_by("test_a_call_that_runs_can_be_cancelled")
class SaysCancelledAndGoesOn(ThreadPerCall):
    capabilities = Capabilities(in_process=True, cancel=True)

    def cancel(self, job_ids):
        for job_id in job_ids:
            self.sink.cancelled(job_id)


@caught_by("test_a_call_that_runs_can_be_cancelled", "test_everything_can_be_cancelled_at_once_and_again")
class KillsTheWrongOne(ProcessPerCall):
    def cancel(self, job_ids):
        super().cancel([job_id + 1 for job_id in job_ids])


@caught_by("test_calls_before_start_are_refused", "test_calls_after_stop_are_refused")
class TakesCallsAtAnyTime(ThreadPerCall):
    def submit(self, calls):
        for call in calls:
            if self.sink is not None:
                self.begin(call)


@caught_by("test_a_stopped_executor_can_be_started_again")
class StartsOnce(ThreadPerCall):
    def start(self, context, sink):
        if not hasattr(self, "first"):
            self.first = self.sink = sink


@caught_by("test_a_task_that_exits_fails_its_own_call_only", "test_an_unusual_error_fails_its_own_call_only[outside]")
class CatchesExceptionsOnly(ThreadPerCall):
    def run(self, call, sink):
        try:
            value = find_task(call.target).func(*call.args)
        except Exception as error:
            sink.failed(call.job_id, error)
        else:
            sink.done(call.job_id, value)


@caught_by("test_a_call_fails_with_the_error_that_its_task_raises")
class TellsNoErrors(ThreadPerCall):
    def report(self, call, report, outcome):
        if isinstance(outcome, BaseException):
            outcome = ExecutorError("it failed")
        super().report(call, report, outcome)


@caught_by("test_a_value_comes_back_as_it_was[text]", "test_a_value_comes_back_as_it_was[object]")
class ReturnsText(ThreadPerCall):
    def report(self, call, report, outcome):
        super().report(call, report, ascii(outcome))


@caught_by("test_an_expression_is_a_result")
class EvaluatesByItself(ThreadPerCall):
    def report(self, call, report, outcome):
        from redun.testing.plain_evaluation import evaluate_plainly

        super().report(call, report, evaluate_plainly(outcome))


@caught_by("test_options_of_others_do_no_harm")
class ChangesOptions(ThreadPerCall):
    def begin(self, call):
        call.options["mine"] = True
        super().begin(call)


@caught_by("test_equal_calls_are_calls_of_their_own")
class SharesEqualCalls(ThreadPerCall):
    seen = frozenset()

    def begin(self, call):
        if call.eval_hash not in self.seen:
            super().begin(call)
        self.seen = {*self.seen, call.eval_hash}


@caught_by("test_no_more_calls_run_than_there_are_slots")
class TooManyAtOnce(ThreadPerCall):
    slots = 2


@caught_by("test_calls_run_side_by_side_and_end_in_any_order")
class OneAfterTheOther(ThreadPerCall):
    slots = 2
    turn = threading.Lock()

    def run(self, call, sink):
        with self.turn:
            super().run(call, sink)


@caught_by("test_a_task_runs_where_the_executor_says")
class LiesAboutProcesses(ThreadPerCall):
    capabilities = Capabilities(in_process=False)


@caught_by("test_an_idle_executor_leaves_no_thread_behind")
class LeavesAThread(ThreadPerCall):
    def start(self, context, sink):
        super().start(context, sink)

    def stop(self):
        super().stop()
        threading.Thread(target=threading.Event().wait, daemon=True).start()


@caught_by("test_starting_an_executor_runs_nothing_yet")
class StartsEagerly(ThreadPerCall):
    def start(self, context, sink):
        super().start(context, sink)
        threading.Thread(target=threading.Event().wait, daemon=True).start()


@caught_by("test_open_files_do_not_add_up")
class LeavesFilesOpen(ThreadPerCall):
    opened = ()

    def start(self, context, sink):
        super().start(context, sink)
        self.opened = (*self.opened, open("/dev/null"))  # noqa: SIM115 - the point


@caught_by("test_other_code_than_the_scheduler_has_is_not_run")
class RunsAnyCode(ProcessPerCall):
    def begin(self, call):
        super().begin(call._replace(target=dataclasses.replace(call.target, hash=b"")))


@caught_by("test_a_failing_script_fails_its_call")
class IgnoresExitCodes(ScriptExecutor):
    def run_shell(self, call, text):
        return super().run_shell(call, text.replace("exit 3", ""))


@caught_by("test_a_script_is_done_with_what_it_writes")
class DecodesOutput(ScriptExecutor):
    def run_shell(self, call, text):
        return super().run_shell(call, text).decode(errors="replace")


@caught_by("test_a_script_that_runs_can_be_cancelled")
class LetsScriptsRun(ScriptExecutor):
    def cancel(self, job_ids):
        pass


@caught_by("test_an_async_task_fails_where_it_is_not_supported")
class ReturnsCoroutines(ThreadPerCall):
    def run(self, call, sink):
        sink.done(call.job_id, find_task(call.target).func(*call.args))


@caught_by("test_calls_that_await_do_not_block_each_other_or_a_slot")
class OneEventLoopEach(ThreadPerCall):
    """A thread and a slot for each async call."""

    capabilities = Capabilities(in_process=True, async_tasks=True)
    room = threading.Semaphore(10)

    def run(self, call, sink):
        import asyncio

        if not call.target.is_async:
            super().run(call, sink)
            return
        with self.room:
            sink.done(call.job_id, asyncio.run(run_async_call(call, sink)))


@caught_by("test_a_call_can_be_cancelled_before_it_begins", "test_a_call_that_awaits_can_be_cancelled")
class NeverCancelsAsync(AsyncioExecutor):
    def cancel(self, job_ids):
        pass
