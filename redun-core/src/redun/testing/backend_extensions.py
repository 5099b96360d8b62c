"""Extensions: several schedulers that add jobs to one execution. A backend need not support them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from redun.backends.base import EXTENSION, Backend
from redun.testing.backend_fixtures import BackendFixtures

if TYPE_CHECKING:
    from redun.testing.backend_records import Story


def extend(backend: Backend, execution_id: str, number: int) -> int | None:
    """What `extend_job` gives; skips the test where it is not supported."""
    if type(backend).extend_job is Backend.extend_job:
        pytest.skip("this backend does not support extensions")
    return backend.extend_job(execution_id, number)


class Extensions(BackendFixtures):
    """What `extend_job` promises."""

    def test_every_extension_has_job_numbers_of_its_own(self, backend: Backend, story: Story) -> None:
        """However many ask at once, and whether or not they have recorded anything."""
        story.job(1)
        backend.record(story.take())
        extend(backend, story.execution_id, 1)
        with ThreadPoolExecutor(8) as threads:
            starts = list(threads.map(lambda _: extend(backend, story.execution_id, 1), range(16)))
        assert len(set(starts)) == len(starts)
        assert all(start is not None and start >= EXTENSION and start % EXTENSION == 0 for start in starts)

    def test_jobs_of_extensions_can_be_extended(self, backend: Backend, story: Story) -> None:
        """A tree of schedulers writes one tree of jobs."""
        story.job(1)
        backend.record(story.take())
        start = extend(backend, story.execution_id, 1)
        assert start is not None
        story.job(start + 1, parent=1)
        backend.record(story.take())
        below = extend(backend, story.execution_id, start + 1)
        assert below is not None
        assert below != start
        story.job(below + 1, parent=start + 1)
        backend.record(story.take())
        rows = backend.jobs(story.execution_id)
        assert {(row.number, row.parent) for row in rows} == {(1, None), (start + 1, 1), (below + 1, start + 1)}

    def test_what_is_unknown_is_not_extended(self, backend: Backend, story: Story) -> None:
        """Neither an unknown job nor an unknown execution."""
        story.job(1)
        backend.record(story.take())
        assert extend(backend, story.execution_id, 2) is None
        assert extend(backend, "00000000-0000-0000-0000-000000000000", 1) is None

    def test_two_backends_on_one_store_never_give_the_same_numbers(
        self, backend: Backend, second: Backend, story: Story
    ) -> None:
        """The numbers are given out by the store, not by the process."""
        story.job(1)
        backend.record(story.take())
        starts = [extend(each, story.execution_id, 1) for _ in range(3) for each in (backend, second)]
        assert len(set(starts)) == 6
