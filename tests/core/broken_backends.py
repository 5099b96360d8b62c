"""Backends that each break one promise, with the test of the suite that must notice.

Not collected by itself: `test_suites_notice.py` runs it and expects every test in here to fail.
"""

from dataclasses import replace

import pytest
from redun.backends.memory import MemoryBackend
from redun.backends.records import Status
from redun.errors import BackendError
from redun.testing import BackendSuite

CAUGHT_BY = {}


def caught_by(*names):
    """Make a suite of a backend, of which these tests are run."""

    def make(backend_class):
        body = {"backend": pytest.fixture(lambda self: backend_class())}
        suite = type(f"Test{backend_class.__name__}", (BackendSuite,), body)
        globals()[suite.__name__] = suite
        CAUGHT_BY[suite.__name__] = names
        return backend_class

    return make


@caught_by("test_a_refused_batch_leaves_nothing_behind")
class WritesHalfABatch(MemoryBackend):
    def record(self, batch):
        for value in batch.values:
            self._add_value(value)
        super().record(batch)


@caught_by(
    "test_a_record_that_names_something_unknown_is_refused[executions]", "test_a_job_of_an_unknown_call_is_refused"
)
class LetsThingsDangle(MemoryBackend):
    def _refuse_dangling(self, batch):
        pass


@caught_by("test_the_newest_evaluation_wins", "test_the_newest_of_one_batch_wins")
class FirstOneWins(MemoryBackend):
    def _add_evaluation(self, eval_hash, raw_hash, time):
        super()._add_evaluation(eval_hash, raw_hash, -time)


@caught_by("test_an_older_evaluation_that_is_written_later_does_not_win")
class LastWriterWins(MemoryBackend):
    clock = 0

    def _add_evaluation(self, eval_hash, raw_hash, time):
        self.clock += 1
        super()._add_evaluation(eval_hash, raw_hash, self.clock)


@caught_by("test_an_end_and_a_beginning_in_one_batch_are_an_end", "test_counters_follow_a_job_from_running_to_its_end")
class TakesEndsBack(MemoryBackend):
    def _add_job(self, job):
        if job.status is Status.RUNNING:
            self._jobs[job.execution_id].pop(job.number, None)
        super()._add_job(job)


@caught_by("test_the_same_batch_twice_changes_nothing")
class CountsTwice(MemoryBackend):
    def _add_job(self, job):
        super()._add_job(job)
        self._counts[job.execution_id][job.task_hash, Status.DONE] += 1


@caught_by("test_what_raised_is_not_found_again")
class ReusesErrors(MemoryBackend):
    def _add_call(self, call):
        super()._add_call(call._replace(is_error=False))


@caught_by("test_a_call_is_found_only_under_its_context")
class ForgetsContexts(MemoryBackend):
    def find_calls(self, eval_hashes, context_hash):
        return {**super().find_calls(eval_hashes, context_hash), **super().find_calls(eval_hashes, b"")}


@caught_by("test_a_missing_value_is_left_out_with_a_warning", "test_a_call_may_name_a_value_that_is_not_there")
class RaisesForMissingValues(MemoryBackend):
    def load_values(self, value_hashes):
        if any(value_hash not in self._values for value_hash in value_hashes):
            raise BackendError("missing")
        return super().load_values(value_hashes)


@caught_by("test_look_ups_take_any_number_of_hashes")
class LooksUpAFew(MemoryBackend):
    def find_evaluations(self, eval_hashes):
        return super().find_evaluations(eval_hashes[:999])


@caught_by("test_a_value_comes_back_as_it_was[100000]", "test_a_value_may_be_large_and_is_written_once")
class CutsValues(MemoryBackend):
    def _add_value(self, value):
        super()._add_value(value._replace(data=value.data[:65_536]))


@caught_by(
    "test_a_value_larger_than_the_limit_is_refused",
    "test_a_value_as_large_as_the_limit_is_kept_and_a_refused_one_leaves_nothing",
)
class KnowsNoLimit(MemoryBackend):
    max_value_size = property(lambda self: None, lambda self, value: None)


@caught_by("test_jobs_come_in_pages_by_number", "test_a_large_execution_is_read_in_pages")
class RepeatsPages(MemoryBackend):
    def jobs(self, execution_id, *, parent=None, after=0, limit=1000):
        return super().jobs(execution_id, parent=parent, after=max(0, after - 1), limit=limit) if after < 2400 else []


@caught_by("test_executions_come_newest_first")
class OldestFirst(MemoryBackend):
    def executions(self, *, limit, skip=0):
        return super().executions(limit=100)[::-1][skip : skip + limit]


@caught_by("test_a_batch_is_not_kept")
class KeepsTheBatch(MemoryBackend):
    latest = None

    def record(self, batch):
        super().record(batch)
        self.latest = batch

    def executions(self, *, limit, skip=0):
        return self.latest.executions[skip : skip + limit]


@caught_by("test_answers_belong_to_who_asked")
class HandsOutItsOwnLists(MemoryBackend):
    def tags(self, kind, entity_ids):
        return {name: self._tags[kind, name] for name in entity_ids if (kind, name) in self._tags}


@caught_by("test_tags_belong_to_one_kind_of_thing")
class MixesKinds(MemoryBackend):
    def tags(self, kind, entity_ids):
        ids = set(entity_ids)
        found = {}
        for (_, name), tags in self._tags.items():
            if name in ids:
                found.setdefault(name, []).extend(tags)
        return found


@caught_by("test_producers_and_consumers_of_a_value[0]")
class SeesNoContainers(MemoryBackend):
    def _add_value(self, value):
        super()._add_value(value._replace(children=()))


@caught_by("test_an_id_is_found_by_its_first_characters")
class FindsWholeIdsOnly(MemoryBackend):
    def find_ids(self, prefix, limit=20):
        return [ref for ref in super().find_ids(prefix, limit) if ref.id == prefix]


@caught_by("test_a_search_finds_what_looking_at_everything_finds[Kind.JOB]")
class TakesTrueForOne(MemoryBackend):
    def _has_tags(self, kind, entity_id, wanted):
        tags = self._tags.get((kind, entity_id), ())
        return all(any(t.key == w.key and (w.any_value or t.value == w.value) for t in tags) for w in wanted)


@caught_by("test_executions_and_jobs_are_found_newest_first")
class FindsTheOldestFirst(MemoryBackend):
    def search_executions(self, query):
        return reversed(list(super().search_executions(query)))


@caught_by("test_tags_are_added_replaced_and_removed", "test_a_removed_tag_is_not_found_and_can_be_added_again")
class RemovesNoTags(MemoryBackend):
    def edit_tags(self, edits):
        return super().edit_tags([edit._replace(remove_keys=(), remove=()) for edit in edits])


@caught_by("test_a_filter_that_says_nothing_about_a_kind_is_refused")
class LeavesFiltersOut(MemoryBackend):
    def search_tasks(self, query):
        return super().search_tasks(replace(query, value_types=(), paths=()))


@caught_by("test_every_extension_has_job_numbers_of_its_own")
class GivesEveryExtensionTheSameNumbers(MemoryBackend):
    def extend_job(self, execution_id, number):
        known = super().extend_job(execution_id, number)
        return None if known is None else 1_000_000_000


@caught_by("test_what_is_unknown_is_not_extended")
class ExtendsWhatIsUnknown(MemoryBackend):
    def extend_job(self, execution_id, number):
        return super().extend_job(execution_id, number) or 1_000_000_000


@caught_by("test_a_rollback_reaches_everything_that_came_out_of_a_state", "test_a_long_line_is_rolled_back")
class RollsBackOneStep(MemoryBackend):
    def roll_back(self, states):
        known = [state for state in states if state in self._handles]
        met = {*known, *(child for state in known for child in self._handle_children.get(state, ()))}
        for state in met:
            self._handles[state] = self._handles[state]._replace(is_valid=False)
        return met


@caught_by("test_a_rollback_stops_where_it_was_rolled_back_before")
class RollsBackWhatWasRolledBack(MemoryBackend):
    def roll_back(self, states):
        met = set()
        while states:
            new = super().roll_back(states) - met
            met |= new
            states = list(new)
        return met


@caught_by("test_a_state_is_valid_as_it_was_last_recorded", "test_a_state_holds_again_when_it_is_recorded_again")
class NeverTrustsAStateAgain(MemoryBackend):
    def record(self, batch):
        batch.handles = [each for each in batch.handles if not (each.is_valid and each.hash in self._handles)]
        super().record(batch)


@caught_by("test_branches_are_the_forks_and_merges")
class TakesResultsForBranches(MemoryBackend):
    def handle_branches(self, states):
        return {state: dict(self._handle_children[state]) for state in states if state in self._handle_children}


@caught_by("test_an_edge_of_an_unknown_state_is_refused")
class LetsEdgesDangle(MemoryBackend):
    def _refuse_dangling(self, batch):
        edges, batch.handle_edges = batch.handle_edges, []
        super()._refuse_dangling(batch)
        batch.handle_edges = edges


@caught_by("test_the_calls_of_an_evaluation_are_all_its_outcomes")
class ForgetsFailures(MemoryBackend):
    def calls_of_evaluation(self, eval_hash, limit=20):
        return [call for call in super().calls_of_evaluation(eval_hash, limit) if not call.is_error]


@caught_by("test_jobs_before_another_come_newest_first")
class CountsTheJobItselfAsEarlier(MemoryBackend):
    def jobs_of_call_before(self, call_hash, execution_id, number, limit=20):
        return super().jobs_of_call_before(call_hash, execution_id, number + 1, limit)


@caught_by("test_the_newest_job_of_a_call_is_rather_one_that_ran")
class TakesTheNewestForTheMaker(MemoryBackend):
    def newest_jobs_of_calls(self, call_hashes):
        found = {each: self.jobs_of_call(each, 1) for each in call_hashes}
        return {each: jobs[0] for each, jobs in found.items() if jobs}


@caught_by("test_a_value_tells_its_path_and_what_it_holds")
class ForgetsWhatIsInside(MemoryBackend):
    def value_links(self, value_hashes):
        return {each: link._replace(children=()) for each, link in super().value_links(value_hashes).items()}


@caught_by("test_the_options_of_jobs_are_told_apart_by_their_hash")
class MixesOptionsUp(MemoryBackend):
    def options_hashes(self, execution_id, numbers):
        return {each + 1: options for each, options in super().options_hashes(execution_id, numbers).items()}


@caught_by("test_removals_are_taken_from_a_copy", "test_the_same_change_twice_changes_nothing")
class AddsEveryTag(MemoryBackend):
    def _record_tag(self, tag):
        super()._record_tag(tag._replace(edits=None))


@caught_by("test_a_removed_tag_is_removed_there")
class KnowsCurrentTagsOnly(MemoryBackend):
    def _history(self, kind, entity_id):
        return [tag for tag in super()._history(kind, entity_id) if tag.edits % 2]


@caught_by("test_a_removal_that_was_taken_counts_as_one_of_ours", "test_all_have_the_same_tags_in_the_end")
class CountsOwnRemovalsOnly(MemoryBackend):
    def _record_tag(self, tag):
        counts = dict(self._removed_tags[tag.entity_kind, tag.entity_id])
        super()._record_tag(tag)
        self._removed_tags[tag.entity_kind, tag.entity_id].clear()
        self._removed_tags[tag.entity_kind, tag.entity_id].update(counts)
