"""Calls that are submitted together, as arrays of jobs, and calls that share a job."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
import remote_fixtures
import remote_tasks
from redun import Scheduler, task
from redun.backends.memory import MemoryBackend
from redun.executors import encode_call, run_encoded_call
from redun.remote import RemoteJobError
from redun.remote.asking import Pace
from redun.remote.frames import OUTCOME, Frame, pack
from redun.remote.grouping import Grouping
from redun.remote.options import RemoteOptions
from redun.remote.scratch import Scratch, write_file
from redun.remote.units import remote_call as as_remote
from redun.testing import make_call, tasks
from remote_fixtures import held, make_executor, remote_call

if TYPE_CHECKING:
    from pathlib import Path

    from redun.testing.remote_cluster import LocalCluster
    from remote_fixtures import Start

cluster = remote_fixtures.cluster
start = remote_fixtures.start
ARRAYS = {"min_array_size": 2, "max_array_size": 100, "job_stale_time": 0.2}


# -- arrays -----------------------------------------------------------------------------------------------------------


def test_equal_calls_become_arrays_and_each_has_its_own_result(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start(**ARRAYS)
    executor.submit([make_call(number, tasks.add, number) for number in range(120)])
    assert [end.value for end in sink.wait(range(120))] == list(range(1, 121))
    assert cluster.requests["submit"] == 2
    assert all(name.endswith("-array") for name in cluster.names)


def test_a_thousand_jobs_take_requests_by_the_hundred(cluster: LocalCluster, start: Start, tmp_path: Path) -> None:
    executor, sink = start(**{**ARRAYS, "max_array_size": 1000, "job_monitor_interval": 1.0})
    calls = [make_call(number, tasks.add, number) for number in range(1000)]
    for call in calls:  # running them is not what this is about
        output = Scratch(str(tmp_path / "remote")).job(call.eval_hash).output
        write_file(output, pack(Frame(OUTCOME, "", run_encoded_call(encode_call(call)))))
    cluster.fault(pretend=True)
    executor.submit(calls)
    assert [end.value for end in sink.wait(range(1000))] == list(range(1, 1001))
    requests = cluster.requests
    assert requests.pop("submit") == 1
    assert requests.pop("describe") <= 30
    assert requests == {}


def test_jobs_are_looked_at_less_often_the_longer_nothing_changes_and_the_more_requests_that_takes() -> None:
    now = 0.0
    pace = Pace(10.0, lambda: now)
    looks = []
    while now < 100:
        now = pace.due
        looks.append(now)
        pace.looked(1)
    steps = [after - before for before, after in pairwise(looks)]
    assert steps[0] == 1.0
    assert steps == sorted(steps)
    assert steps[-1] == 10.0
    pace.changed()
    assert pace.due == now + 1.0
    pace.looked(8)
    pace.changed()
    assert pace.due == now + 8.0


def test_few_calls_are_submitted_singly(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start(**{**ARRAYS, "min_array_size": 4})
    executor.submit([make_call(number, tasks.add, number) for number in range(3)])
    sink.wait(range(3))
    assert not any(name.endswith("-array") for name in cluster.names)


def test_calls_of_other_tasks_or_with_other_options_are_kept_apart(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start(**ARRAYS)
    calls = [make_call(number, tasks.add, number, options={"memory": number // 4}) for number in range(8)]
    calls += [make_call(number, tasks.echo, number) for number in range(8, 12)]
    calls += [make_call(number, tasks.script, "echo x") for number in range(12, 14)]
    executor.submit(calls)
    sink.wait(range(14))
    assert sorted(name.rpartition("-")[2] == "array" for name in cluster.names) == [False, False, True, True, True]


def test_calls_that_must_run_are_kept_apart_from_those_whose_output_may_be_there(
    cluster: LocalCluster, start: Start
) -> None:
    executor, sink = start(**ARRAYS)
    calls = [make_call(number, tasks.add, number) for number in range(6)]
    executor.submit([call._replace(cache_scope="NONE") if call.job_id % 2 else call for call in calls])
    sink.wait(range(6))
    assert cluster.requests["submit"] == 2


def test_in_an_array_one_call_may_fail(start: Start, tmp_path: Path) -> None:
    executor, sink = start(**ARRAYS)
    file = str(tmp_path / "notes")
    executor.submit([remote_call(number, remote_tasks.note_and_fail_at, file, number, 2) for number in range(5)])
    ends = sink.wait(range(5))
    assert [end.kind for end in ends] == ["done", "done", "failed", "done", "done"]
    assert type(ends[2].error) is tasks.PlainError


def test_what_cannot_be_sent_fails_by_itself(start: Start) -> None:
    executor, sink = start(**ARRAYS)
    executor.submit([make_call(number, tasks.echo, threading.Lock() if number == 1 else number) for number in range(4)])
    ends = sink.wait(range(4))
    assert [end.value for end in ends] == [0, None, 2, 3]
    assert "Argument 'value' of task redun_testing.echo" in str(ends[1].error)


def test_large_arguments_are_not_read_by_every_job_of_an_array(start: Start, tmp_path: Path) -> None:
    executor, sink = start(**ARRAYS)
    executor.submit([make_call(number, tasks.size, bytes(100_000 + number)) for number in range(4)])
    assert [end.value for end in sink.wait(range(4))] == [100_000 + number for number in range(4)]
    plans = list((tmp_path / "remote" / "array_jobs").glob("*/input"))
    assert len(plans) == 1
    assert plans[0].stat().st_size < 10_000


def test_cancelling_a_whole_array_is_one_request(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start(**{**ARRAYS, "max_array_size": 150})
    with held(cluster):
        executor.submit([make_call(number, tasks.add, number) for number in range(150)])
        cluster.wait_for("submitted", 150)
        executor.cancel(list(range(150)))
        assert {end.kind for end in sink.wait(range(150))} == {"cancelled"}
    assert cluster.requests["cancel"] == 1


def test_a_group_waits_until_nothing_is_added_any_more() -> None:
    grouping = Grouping(RemoteOptions(min_array_size=2, job_stale_time=3.0), Scratch("/scratch"), 1000)
    for number, now in enumerate([0.0, 2.0, 4.0]):
        grouping.add(as_remote(Scratch("/scratch"), make_call(number, tasks.add, number)), True, now)
        assert grouping.release(now) == []
    assert grouping.next_deadline() == 7.0
    assert grouping.release(6.9) == []
    (shipment,) = grouping.release(7.0)
    assert len(shipment.units) == 3
    assert grouping.next_deadline() is None


def test_a_group_that_is_full_waits_for_nothing() -> None:
    grouping = Grouping(RemoteOptions(min_array_size=2, max_array_size=3), Scratch("/scratch"), 1000)
    for number in range(7):
        grouping.add(as_remote(Scratch("/scratch"), make_call(number, tasks.add, number)), True, 0.0)
    assert [len(shipment.units) for shipment in grouping.release(0.0)] == [3, 3]
    assert [len(shipment.units) for shipment in grouping.release(100.0)] == [1]


# -- bundles ----------------------------------------------------------------------------------------------------------


def test_bundled_calls_run_in_one_process_and_end_each_for_itself(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start(bundle_size=5, job_stale_time=0.2)
    executor.submit([remote_call(number, remote_tasks.process_and, number) for number in range(12)])
    ends = sink.wait(range(12))
    assert [end.value[1] for end in ends] == list(range(12))
    assert len({end.value[0] for end in ends}) == 3
    assert cluster.requests["submit"] == 3


def test_bundles_combine_with_arrays(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start(**{**ARRAYS, "bundle_size": 10})
    executor.submit([remote_call(number, remote_tasks.process_and, number) for number in range(100)])
    ends = sink.wait(range(100))
    assert [end.value[1] for end in ends] == list(range(100))
    assert cluster.requests["submit"] == 1
    assert cluster.started == 10


def test_a_task_may_have_a_bundle_size_of_its_own(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start(job_stale_time=0.2)
    executor.submit([make_call(number, tasks.add, number, options={"bundle_size": 4}) for number in range(8)])
    sink.wait(range(8))
    assert cluster.started == 2


def test_in_a_bundle_one_call_may_fail(cluster: LocalCluster, start: Start, tmp_path: Path) -> None:
    executor, sink = start(bundle_size=5, job_stale_time=0.2)
    file = tmp_path / "notes"
    executor.submit([remote_call(number, remote_tasks.note_and_fail_at, str(file), number, 1) for number in range(5)])
    assert [end.kind for end in sink.wait(range(5))] == ["done", "failed", "done", "done", "done"]
    assert file.read_text().split() == ["0", "1", "2", "3", "4"]
    assert cluster.started == 1


def test_a_bundle_that_is_killed_halfway_costs_only_the_call_that_ran(
    cluster: LocalCluster, start: Start, tmp_path: Path
) -> None:
    executor, sink = start(bundle_size=5, job_stale_time=0.2)
    file = tmp_path / "notes"
    calls = [remote_call(number, remote_tasks.note_and_perhaps_die, str(file), number, 2) for number in range(5)]
    executor.submit(calls)
    ends = sink.wait(range(5))
    assert [end.kind for end in ends] == ["done", "done", "failed", "done", "done"]
    assert isinstance(ends[2].error, RemoteJobError)
    assert file.read_text().split() == ["0", "1", "2", "3", "4"]
    assert cluster.started == 2


def test_a_bundle_that_cannot_start_fails_all_of_its_calls(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start(bundle_size=3, job_stale_time=0.2)
    cluster.fault(not_started=1)
    executor.submit([make_call(number, tasks.add, number) for number in range(3)])
    assert {type(end.error) for end in sink.wait(range(3))} == {RemoteJobError}


def test_a_bundle_begins_no_call_after_its_time(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start(bundle_size=3, job_stale_time=0.2)
    calls = [
        make_call(number, tasks.add, number, options={"bundle_size": 3, "bundle_seconds": 1e-9}) for number in (1, 2)
    ]
    executor.submit(calls)
    assert [end.value for end in sink.wait([1, 2])] == [2, 3]
    assert cluster.started == 2


def test_bundles_are_as_large_as_fits_their_time() -> None:
    scratch = Scratch("/scratch")
    grouping = Grouping(RemoteOptions(min_array_size=0, bundle_seconds=10.0), scratch, 1000)
    sizes = []
    for seconds in (None, 0.5, 0.5):
        if seconds is not None:
            for _ in range(30):
                grouping.learn("redun_testing.add", seconds)
        for number in range(40):
            grouping.add(as_remote(scratch, make_call(number, tasks.add, number)), True, 0.0)
        sizes.append([len(shipment.calls) for shipment in grouping.release(100.0)])
    assert sizes[0] == [10, 10, 10, 10]
    assert sizes[1] == [20, 20]


@pytest.mark.parametrize("size", [1, 7])
def test_a_workflow_with_bundles_gives_what_it_gives_without(
    cluster: LocalCluster, tmp_path: Path, backend: MemoryBackend, size: int
) -> None:
    scheduler = Scheduler(backend=backend)
    options = {**ARRAYS, "min_array_size": 5, "bundle_size": size}
    scheduler.add_executor(make_executor(cluster, tmp_path, **options))
    adding = tasks.add.options(executor="cluster")

    @task(namespace="remote_groups", name=f"main_{size}", executor="inline", version="1")
    def main(count: int) -> list[int]:
        return [adding(number, 5) for number in range(count)]

    assert scheduler.run(main(300 if size > 1 else 40)) == [number + 5 for number in range(300 if size > 1 else 40)]
    first = cluster.started
    assert scheduler.run(main.options(check_valid="full")(20)) == [number + 5 for number in range(20)]
    assert cluster.started == first, "cached calls ran again"
