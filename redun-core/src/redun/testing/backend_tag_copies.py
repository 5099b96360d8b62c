"""Copies of tags that are changed on either side: the same tags everywhere in the end, and nothing twice."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from redun.backends.copying import collect_records, copy_records
from redun.backends.memory import MemoryBackend
from redun.backends.records import EntityKind, RecordBatch, Status, TagRecord
from redun.backends.search import TagEdit, tag_text
from redun.errors import BackendError
from redun.testing.backend_fixtures import BackendFixtures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.backends.base import Backend
    from redun.testing.backend_records import Story

_Pairs = tuple[tuple[str, object], ...]
_ROUNDS = 60


class TagCopies(BackendFixtures):
    """What copies promise of tags that come and go. Skipped where copies or changes of tags are not supported."""

    @pytest.fixture
    def tagged(self, backend: Backend, story: Story) -> str:
        """The id of an execution with the tag `state=new`, which the backend has."""
        try:
            backend.execution_states()
            backend.edit_tags([])
        except BackendError as error:
            pytest.skip(str(error))
        story.job(1, story.call("f", "result"))
        story.batch.tags.append(TagRecord(EntityKind.EXECUTION, story.execution_id, "state", "new"))
        batch = story.take()
        batch.executions = [story.execution(Status.DONE, 1500.0)]
        backend.record(batch)
        return story.execution_id

    def test_a_removed_tag_is_removed_there(self, backend: Backend, tagged: str) -> None:
        """Once, and again when it has come back and was removed again."""
        other = MemoryBackend()
        copy_records(backend, other)
        for _ in range(3):
            _edit(backend, tagged, remove=(("state", "new"),))
            assert copy_records(backend, other) == {"tags": 1}
            assert _tags(other, tagged) == []
            assert copy_records(backend, other).total() == 0
            _edit(backend, tagged, add=(("state", "new"),))
            assert copy_records(backend, other) == {"tags": 1}
            assert _tags(other, tagged) == [("state", "new")]
            assert copy_records(backend, other).total() == 0

    @pytest.mark.parametrize("by_id", [False, True])
    def test_a_tag_that_was_removed_there_does_not_come_back(self, backend: Backend, tagged: str, by_id: bool) -> None:
        """Also where one execution alone is copied, and where it is sent anew."""
        other = MemoryBackend()
        copy_records(backend, other)
        _edit(other, tagged, remove=(("state", "new"),))
        assert copy_records(backend, other, [tagged] if by_id else None).total() == 0
        for batch in collect_records(backend):
            other.record(batch)
        assert _tags(other, tagged) == []
        copy_records(other, backend)
        assert _tags(backend, tagged) == []

    def test_removals_are_taken_from_a_copy(self, backend: Backend, tagged: str) -> None:
        """A backend takes what it is sent."""
        other = MemoryBackend()
        copy_records(backend, other)
        for _ in range(2):
            _edit(other, tagged, remove_keys=("state",), add=(("state", "old"),))
            assert copy_records(other, backend) == {"tags": 2}
            assert _tags(backend, tagged) == [("state", "old")]
            _edit(other, tagged, remove_keys=("state",), add=(("state", "new"),))
            assert copy_records(other, backend) == {"tags": 2}
            assert _tags(backend, tagged) == [("state", "new")]
            assert copy_records(other, backend).total() == copy_records(backend, other).total() == 0

    def test_a_removal_that_was_taken_counts_as_one_of_ours(self, backend: Backend, tagged: str) -> None:
        """What is done to the tag afterwards is newer than all that was known elsewhere."""
        other = MemoryBackend()
        copy_records(backend, other)
        _edit(other, tagged, remove=(("state", "new"),))
        _edit(other, tagged, add=(("state", "new"),))
        copy_records(other, backend)
        assert _tags(backend, tagged) == [("state", "new")]
        _edit(backend, tagged, remove=(("state", "new"),))
        assert copy_records(other, backend).total() == 0
        assert copy_records(backend, other) == {"tags": 1}
        assert _tags(other, tagged) == []

    def test_a_tag_that_both_sides_replaced_has_both_values(self, backend: Backend, tagged: str) -> None:
        """Neither is lost, and the old one is gone."""
        other = MemoryBackend()
        copy_records(backend, other)
        _edit(backend, tagged, remove_keys=("state",), add=(("state", "good"),))
        _edit(other, tagged, remove_keys=("state",), add=(("state", "bad"),))
        copy_records(backend, other)
        copy_records(other, backend)
        assert _tags(backend, tagged) == _tags(other, tagged) == [("state", "bad"), ("state", "good")]

    def test_the_same_change_twice_changes_nothing(self, backend: Backend, tagged: str) -> None:
        """A copy may be interrupted after what it sent has arrived."""
        gone, again = (TagRecord(EntityKind.EXECUTION, tagged, "state", "new", edits) for edits in (2, 3))
        for _ in range(2):
            backend.record(RecordBatch(tags=[gone]))
            assert _tags(backend, tagged) == []
        for _ in range(2):
            backend.record(RecordBatch(tags=[gone, again, gone]))
            assert _tags(backend, tagged) == [("state", "new")]
        assert backend.tag_history(EntityKind.EXECUTION, [tagged]) == {tagged: [again]}

    def test_a_tagged_value_that_no_call_names_is_copied(self, backend: Backend, story: Story, tagged: str) -> None:
        """One that was returned within a list, which is a value of its own. With all executions, not with one."""
        value = TagRecord(EntityKind.VALUE, story.value("within").hex(), "sample", 7)
        story.batch.tags.append(value)
        backend.record(story.take())
        other, imported = MemoryBackend(), MemoryBackend()
        copy_records(backend, other, [tagged])
        assert other.missing_values([bytes.fromhex(value.entity_id)])
        copy_records(backend, other)
        assert copy_records(backend, other).total() == 0
        for batch in collect_records(backend):
            imported.record(batch)
        for there in (other, imported):
            assert not there.missing_values([bytes.fromhex(value.entity_id)])
            assert there.tags(EntityKind.VALUE, [value.entity_id]) == {value.entity_id: [value]}

    def test_all_have_the_same_tags_in_the_end(self, backend: Backend, tagged: str) -> None:
        """Whatever was changed where, and in whatever order it was copied."""
        stores: list[Backend] = [backend, MemoryBackend(), MemoryBackend()]
        for other in stores[1:]:
            copy_records(backend, other)
        chosen = random.Random(7)  # noqa: S311
        for _ in range(_ROUNDS):
            pair = (("k", chosen.choice([1, True, "1"])),)
            add, remove = chosen.sample([pair, ()], 2)
            _edit(chosen.choice(stores), tagged, add=add, remove=remove)
            if chosen.random() < 0.5:
                source, target = chosen.sample(stores, 2)
                copy_records(source, target, chosen.choice([None, [tagged]]))
        for _ in range(2):
            for source in stores:
                for target in stores:
                    if source is not target:
                        copy_records(source, target)
        shown = [[(key, tag_text(value)) for key, value in _tags(each, tagged)] for each in stores]
        assert shown[0] == shown[1] == shown[2]
        history = [_history(each, tagged) for each in stores]
        assert history[0] == history[1] == history[2]


def _edit(
    backend: Backend, execution_id: str, add: _Pairs = (), remove: _Pairs = (), remove_keys: Sequence[str] = ()
) -> None:
    edit = TagEdit(EntityKind.EXECUTION, execution_id, remove_keys=tuple(remove_keys), remove=remove, add=add)
    backend.edit_tags([edit])


def _tags(backend: Backend, execution_id: str) -> list[tuple[str, object]]:
    tags = backend.tags(EntityKind.EXECUTION, [execution_id]).get(execution_id, [])
    return sorted(((tag.key, tag.value) for tag in tags), key=lambda pair: (pair[0], tag_text(pair[1])))


def _history(backend: Backend, execution_id: str) -> list[tuple[str, str, int | None]]:
    history = backend.tag_history(EntityKind.EXECUTION, [execution_id])[execution_id]
    return sorted((tag.key, tag_text(tag.value), tag.edits) for tag in history)
