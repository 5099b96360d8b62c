"""What came before a call, and what a value holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.lineage import ValueLinks
from redun.backends.records import Status
from redun.testing.backend_fixtures import MANY, BackendFixtures
from redun.testing.backend_records import Story, hash_of

if TYPE_CHECKING:
    from redun.backends.base import Backend


class Lineage(BackendFixtures):
    """What explanations and derivations ask."""

    def test_the_calls_of_an_evaluation_are_all_its_outcomes(self, backend: Backend, story: Story) -> None:
        """Newest first: failed ones too, and those under other contexts; what has not ended is no call."""
        failed = story.call("f", "error", is_error=True, time=1.0)
        done = story.call("f", "result", time=3.0)
        elsewhere = story.call("f", "other result", context=hash_of("context"), time=2.0)
        story.call("g", "result", time=9.0)
        story.evaluation("f", "unfinished", time=8.0)
        backend.record(story.take())
        assert backend.calls_of_evaluation(hash_of("eval f")) == [done, elsewhere, failed]
        assert backend.calls_of_evaluation(hash_of("eval f"), limit=1) == [done]
        assert backend.calls_of_evaluation(hash_of("eval of nothing")) == []

    def test_jobs_before_another_come_newest_first(self, backend: Backend) -> None:
        """Of a call or of a task: those of earlier executions, and lower numbers of the same one."""
        ids = [f"{i}0000000-0000-4000-8000-000000000000" for i in range(3)]
        for i, execution_id in enumerate(ids):
            story = Story(execution_id, time=1000.0 + i).begin()
            call = story.call("f", "result")
            for number in range(1, 5):
                story.job(number, call if number % 2 else story.call("g", "result"))
            backend.record(story.take())
        before = [(job.execution_id, job.number) for job in backend.jobs_of_call_before(call.call_hash, ids[1], 3)]
        assert before == [(ids[1], 1), (ids[0], 3), (ids[0], 1)]
        of_task = backend.jobs_of_task_before(story.task_hash, ids[1], 3)
        expected = [(ids[1], 2), (ids[1], 1), *((ids[0], number) for number in (4, 3, 2, 1))]
        assert [(job.execution_id, job.number) for job in of_task] == expected
        assert of_task[0] == backend.job(ids[1], 2)
        assert backend.jobs_of_task_before(story.task_hash, ids[1], 3, limit=2) == of_task[:2]
        assert backend.jobs_of_call_before(call.call_hash, ids[0], 1) == []
        assert backend.jobs_of_call_before(hash_of("unknown"), ids[1], 3) == []
        assert backend.jobs_of_task_before(hash_of("unknown"), ids[1], 3) == []
        assert backend.jobs_of_task_before(story.task_hash, "unknown", 3) == []

    def test_the_newest_job_of_a_call_is_rather_one_that_ran(self, backend: Backend) -> None:
        """Also where later ones had it from the cache; where all had, the newest. However many calls are asked for."""
        ids = [f"{i}0000000-0000-4000-8000-000000000000" for i in range(3)]
        for i, execution_id in enumerate(ids):
            story = Story(execution_id, time=1000.0 + i).begin()
            is_first = i == 0
            calls = [story.call(f"f{number}", "result") for number in range(1, MANY)]
            for number, call in enumerate(calls, start=1):
                story.job(number, call, status=Status.DONE if is_first and number % 2 else Status.CACHED)
            story.job(MANY, calls[0], status=Status.CACHED)
            backend.record(story.take())
        found = backend.newest_jobs_of_calls([*(call.call_hash for call in calls), hash_of("unknown")])
        expected = {
            call.call_hash: backend.job(ids[0] if number % 2 else ids[2], number)
            for number, call in enumerate(calls, start=1)
        }
        assert found == expected

    def test_a_value_tells_its_path_and_what_it_holds(self, backend: Backend, story: Story) -> None:
        """However many are asked for."""
        story.value("list", size=100, children=["one", "two"])
        for name in [*(f"file {number}" for number in range(MANY)), "one"]:
            story.value(name, path=f"folder/{name}")
        backend.record(story.take())
        asked = [hash_of("list"), hash_of("unknown"), *(hash_of(f"file {number}") for number in range(MANY))]
        links = backend.value_links(asked)
        assert links.pop(hash_of("list")) == ValueLinks("suite.Value", None, (hash_of("one"), hash_of("two")))
        assert links == {
            hash_of(f"file {number}"): ValueLinks("suite.Value", f"folder/file {number}", ()) for number in range(MANY)
        }

    def test_a_small_value_that_is_no_file_holds_nothing(self, backend: Backend, story: Story) -> None:
        """Whether the backend leaves it out or not."""
        story.job(1, story.call("f", "result", arguments=["small"]))
        backend.record(story.take())
        links = backend.value_links([hash_of("small"), hash_of("result")])
        assert {(each.path, each.children) for each in links.values()} <= {(None, ())}

    def test_the_options_of_jobs_are_told_apart_by_their_hash(self, backend: Backend, story: Story) -> None:
        """Jobs without any are left out."""
        call = story.call("f", "result")
        jobs = [story.job(number, call) for number in range(1, MANY)]
        options = {job.number: hash_of(f"options {job.number % 3}") for job in jobs if job.number % 2}
        story.batch.jobs[:] = [job._replace(options_hash=options.get(job.number)) for job in jobs]
        backend.record(story.take())
        assert backend.options_hashes(story.execution_id, [0, *range(1, MANY), MANY + 7]) == options
        assert backend.options_hashes(story.execution_id, [2]) == {}
        assert backend.options_hashes("unknown", [1]) == {}
