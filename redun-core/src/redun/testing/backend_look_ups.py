"""Look-ups on the run path: evaluations, calls, values and task sets, many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from redun.backends.records import TaskRecord, TaskSetRecord
from redun.testing.backend_fixtures import MANY, BackendFixtures
from redun.testing.backend_records import Story, hash_of

if TYPE_CHECKING:
    from redun.backends.base import Backend


class LookUps(BackendFixtures):
    """What a scheduler asks while it runs."""

    def test_an_evaluation_is_found_while_its_calls_are_open(self, backend: Backend, story: Story) -> None:
        """A run that was cut off is continued from here."""
        eval_hash = story.evaluation("f", "expression")
        backend.record(story.take())
        hit = backend.find_evaluations([eval_hash])[eval_hash]
        assert (hit.raw_hash, hit.call_hash) == (hash_of("expression"), None)
        assert backend.find_calls([eval_hash], b"") == {}
        assert backend.load_values([hit.raw_hash])[hit.raw_hash].data == b"expression"

    def test_a_completed_call_completes_its_evaluation(self, backend: Backend, story: Story) -> None:
        """Whether it comes later or in the same batch."""
        eval_hash = story.evaluation("f", "expression")
        backend.record(story.take())
        call = story.call("f", "result", raw="expression", time=1001.0)
        other_hash = story.evaluation("g", "another expression")
        other = story.call("g", "result", raw="another expression", time=1001.0)
        backend.record(story.take())
        hits = backend.find_evaluations([eval_hash, other_hash])
        assert hits[eval_hash][::2] == (hash_of("expression"), call.call_hash)
        assert hits[other_hash][::2] == (hash_of("another expression"), other.call_hash)
        [hit] = backend.find_calls([eval_hash], b"")[eval_hash]
        assert (hit.call_hash, hit.value_hash, hit.raw_hash) == (call.call_hash, hash_of("result"), call.raw_hash)
        assert hit.task_set_hash == story.task_set_hash

    def test_the_newest_evaluation_wins(self, backend: Backend, story: Story) -> None:
        """And the calls of older ones are still found by their hash."""
        first = story.call("f", "first", time=1000.0)
        backend.record(story.take())
        second = story.call("f", "second", time=1001.0)
        backend.record(story.take())
        assert backend.find_evaluations([first.eval_hash])[first.eval_hash].raw_hash == hash_of("second")
        assert backend.find_calls([first.eval_hash], b"")[first.eval_hash][0].call_hash == second.call_hash
        assert backend.call(first.call_hash) == first

        story.evaluation("f", "third", time=1002.0)
        backend.record(story.take())
        assert backend.find_evaluations([first.eval_hash])[first.eval_hash][::2] == (hash_of("third"), None)
        assert backend.find_calls([first.eval_hash], b"")[first.eval_hash][0].call_hash == second.call_hash

    def test_earlier_calls_come_after_the_newest(self, backend: Backend, story: Story) -> None:
        """One of them fits when a task below was edited and the edit taken back."""
        calls = [story.call("f", f"result {time}", time=1000.0 + time) for time in range(4)]
        story.call("f", "failed", is_error=True, time=2000.0)
        backend.record(story.take())
        hits = backend.find_calls([calls[0].eval_hash], b"")[calls[0].eval_hash]
        assert [hit.call_hash for hit in hits] == [call.call_hash for call in reversed(calls)]

    def test_an_earlier_result_that_comes_again_is_the_newest(self, backend: Backend, story: Story) -> None:
        """A file that changed back, say."""
        first = story.call("f", "first", time=1000.0)
        story.call("f", "second", time=1001.0)
        backend.record(story.take())
        story.call("f", "first", time=1002.0)
        backend.record(story.take())
        assert backend.find_evaluations([first.eval_hash])[first.eval_hash].raw_hash == hash_of("first")
        assert backend.find_calls([first.eval_hash], b"")[first.eval_hash][0].value_hash == hash_of("first")

    def test_what_raised_is_not_found_again(self, backend: Backend, story: Story) -> None:
        """A failed call is kept, and never reused; where its body had returned, that still is."""
        raised = story.call("f", "error", is_error=True)
        failed_below = story.call("g", "error", raw="expression", is_error=True)
        backend.record(story.take())
        hashes = [raised.eval_hash, failed_below.eval_hash]
        assert backend.find_calls(hashes, b"") == {}
        assert list(backend.find_evaluations(hashes)) == [failed_below.eval_hash]
        assert backend.call(raised.call_hash) == raised
        assert backend.call(failed_below.call_hash) == failed_below

    def test_a_call_is_found_only_under_its_context(self, backend: Backend, story: Story) -> None:
        """An empty context is one of its own."""
        without = story.call("f", "plain")
        within = story.call("f", "special", context=hash_of("context"))
        backend.record(story.take())
        eval_hash = without.eval_hash
        assert backend.find_calls([eval_hash], b"")[eval_hash][0].call_hash == without.call_hash
        assert backend.find_calls([eval_hash], hash_of("context"))[eval_hash][0].call_hash == within.call_hash
        assert backend.find_calls([eval_hash], hash_of("another context")) == {}

    def test_an_older_evaluation_that_is_written_later_does_not_win(self, backend: Backend, story: Story) -> None:
        """Two schedulers may write in any order: the time counts."""
        newer = story.call("f", "newer", time=1002.0)
        backend.record(story.take())
        older = story.call("f", "older", time=1001.0)
        story.evaluation("f", "oldest", time=1000.0)
        backend.record(story.take())
        assert backend.find_evaluations([newer.eval_hash])[newer.eval_hash].raw_hash == hash_of("newer")
        assert backend.find_calls([newer.eval_hash], b"")[newer.eval_hash][0].call_hash == newer.call_hash
        assert backend.call(older.call_hash) == older

    def test_the_newest_of_one_batch_wins(self, backend: Backend, story: Story) -> None:
        """In whatever order they stand in it."""
        newest = story.call("f", "newest", time=1003.0)
        story.call("f", "older", time=1001.0)
        backend.record(story.take())
        assert backend.find_evaluations([newest.eval_hash])[newest.eval_hash].raw_hash == hash_of("newest")
        assert backend.find_calls([newest.eval_hash], b"")[newest.eval_hash][0].call_hash == newest.call_hash

    def test_a_failure_after_a_success_leaves_the_success(self, backend: Backend, story: Story) -> None:
        """What raised is never reused, and hides nothing."""
        good = story.call("f", "result", time=1000.0)
        backend.record(story.take())
        story.call("f", "error", is_error=True, time=1001.0)
        backend.record(story.take())
        assert backend.find_evaluations([good.eval_hash])[good.eval_hash].raw_hash == hash_of("result")
        assert backend.find_calls([good.eval_hash], b"")[good.eval_hash][0].call_hash == good.call_hash

    def test_look_ups_take_any_number_of_hashes(self, backend: Backend, story: Story) -> None:
        """Known and unknown ones, and the same one twice."""
        calls = [
            story.call(f"f{i}", f"result {i}".ljust(100 * (i % 2), "."), arguments=[f"argument {i}"])
            for i in range(MANY)
        ]
        backend.record(story.take())
        unknown = [hash_of(f"unknown {i}") for i in range(MANY)]
        asked = [call.eval_hash for call in calls] + unknown + [calls[0].eval_hash]
        evaluations = backend.find_evaluations(asked)
        assert {key: hit.raw_hash for key, hit in evaluations.items()} == {c.eval_hash: c.raw_hash for c in calls}
        assert len(backend.find_calls(asked, b"")) == MANY
        values = backend.load_values([call.value_hash for call in calls] + unknown)
        assert len(values) == MANY
        for call in calls:
            inline = evaluations[call.eval_hash].value
            assert inline is None or inline == values[call.value_hash]
        arguments = backend.load_values([call.arguments[0].value_hash for call in calls])
        assert sorted(value.data for value in arguments.values()) == sorted(b"argument %d" % i for i in range(MANY))
        assert not backend.find_evaluations([])
        assert not backend.load_values([])
        assert not backend.load_task_sets([])

    @pytest.mark.parametrize("size", [0, 63, 64, 65, 100_000])
    def test_a_value_comes_back_as_it_was(self, backend: Backend, story: Story, size: int) -> None:
        """Whatever its size, and whatever refers to it."""
        story.value("alone", size=size)
        backend.record(story.take())
        stored = backend.load_values([hash_of("alone")])[hash_of("alone")]
        assert stored == (hash_of("alone"), "suite.Value", "plain", b"alone".ljust(size, b"."))

    def test_a_missing_value_is_left_out_with_a_warning(
        self, backend: Backend, story: Story, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is a cache miss, never a crash."""
        story.value("there")
        backend.record(story.take())
        caplog.clear()
        assert list(backend.load_values([hash_of("there"), hash_of("gone")])) == [hash_of("there")]
        assert len(caplog.records) == 1
        assert hash_of("gone").hex() in caplog.text

    def test_task_sets_come_back(self, backend: Backend, story: Story) -> None:
        """By hash; unknown ones are left out."""
        backend.record(story.take())
        found = backend.load_task_sets([story.task_set_hash, hash_of("unknown")])
        assert found == {story.task_set_hash: frozenset([story.task_hash])}

    def test_a_call_may_name_a_value_that_is_not_there(
        self, backend: Backend, story: Story, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Its bytes were lost, or never came: the look-up finds the call, and no value."""
        call = story.call("f", "result")
        batch = story.take()
        batch.values = []
        backend.record(batch)
        hit = backend.find_evaluations([call.eval_hash])[call.eval_hash]
        assert (hit.raw_hash, hit.value) == (hash_of("result"), None)
        assert backend.find_calls([call.eval_hash], b"")[call.eval_hash][0].value is None
        assert backend.load_values([hash_of("result")]) == {}
        assert hash_of("result").hex() in caplog.text

    def test_a_value_may_be_any_bytes_of_any_type(self, backend: Backend, story: Story) -> None:
        """Types and codecs are names, content is content."""
        story.value("v")
        record = story.batch.values[0]._replace(data=bytes(range(256)) * 200, type_name="a.b.Ç", codec="own")
        story.batch.values[:] = [record]
        backend.record(story.take())
        assert backend.load_values([record.hash])[record.hash] == record[:4]

    def test_a_value_may_be_large_and_is_written_once(self, backend: Backend, story: Story) -> None:
        """A hash stands for one content: whoever writes it again writes the same."""
        for _ in range(2):
            story.value("large", size=20_000_000)
            backend.record(story.take())
        assert len(backend.load_values([hash_of("large")] * 3)[hash_of("large")].data) == 20_000_000

    def test_task_sets_may_be_large(self, backend: Backend, story: Story) -> None:
        """A workflow may have any number of tasks."""
        hashes = tuple(sorted(hash_of(f"task {number}") for number in range(MANY)))
        story.batch.tasks.extend(TaskRecord(each, each.hex(), "many", None, "") for each in hashes)
        story.batch.task_sets.append(TaskSetRecord(hash_of("set"), hashes))
        backend.record(story.take())
        assert backend.load_task_sets([hash_of("set")]) == {hash_of("set"): frozenset(hashes)}
