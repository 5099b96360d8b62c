"""States of handles: which are valid, what came out of what, and rolling back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from redun.backends.records import HandleEdge, HandleRecord, HandleStep
from redun.errors import BackendError
from redun.testing.backend_fixtures import MANY, BackendFixtures
from redun.testing.backend_records import Story, hash_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redun.backends.base import Backend

CALL, FORK, ARGUMENT, MERGE = HandleStep.CALL, HandleStep.FORK, HandleStep.ARGUMENT, HandleStep.MERGE


def hashes(*names: str) -> set[bytes]:
    """The hashes of states by their names."""
    return {hash_of(name) for name in names}


def record(backend: Backend, story: Story, *edges: tuple[str, str, HandleStep], invalid: Iterable[str] = ()) -> None:
    """Record edges and the states that they name."""
    batch = story.take()
    names = dict.fromkeys(name for edge in edges for name in edge[:2])
    batch.handles += [HandleRecord(hash_of(name), "suite.handle", "", name not in invalid) for name in names]
    batch.handle_edges += [HandleEdge(hash_of(parent), hash_of(child), step) for parent, child, step in edges]
    backend.record(batch)


class HandleStates(BackendFixtures):
    """What a scheduler records about handles, and asks before it believes a result that holds one."""

    def test_a_state_is_valid_as_it_was_last_recorded(self, backend: Backend, story: Story) -> None:
        """Within a batch as well; what is unknown is not valid."""
        for flags in ([True], [False], [False, True], [True, False]):
            batch = story.take()
            batch.handles += [HandleRecord(hash_of("state"), "suite.handle", "key", flag) for flag in flags]
            backend.record(batch)
            found = backend.find_valid_handles([hash_of("state"), hash_of("unknown")])
            assert found == (hashes("state") if flags[-1] else set())

    def test_a_rollback_reaches_everything_that_came_out_of_a_state(self, backend: Backend, story: Story) -> None:
        """By whatever step, and nothing beside it."""
        record(
            backend,
            story,
            ("base", "fork", ARGUMENT),
            ("base", "other", ARGUMENT),
            ("fork", "result", CALL),
            ("result", "named", FORK),
            ("named", "merged", MERGE),
            ("other", "merged", MERGE),
            ("merged", "last", CALL),
        )
        everything = hashes("base", "fork", "other", "result", "named", "merged", "last")
        undone = hashes("fork", "result", "named", "merged", "last")
        assert backend.find_valid_handles(list(everything)) == everything
        assert backend.roll_back([hash_of("fork"), hash_of("unknown")]) == undone
        assert backend.find_valid_handles(list(everything)) == everything - undone

    def test_a_rollback_stops_where_it_was_rolled_back_before(self, backend: Backend, story: Story) -> None:
        """But never at the states that it is told: what came out of these may be valid although they are not."""
        record(
            backend,
            story,
            ("fork", "a", CALL),
            ("a", "b", ARGUMENT),
            ("b", "c", CALL),
            invalid=["fork", "b"],
        )
        assert backend.roll_back([hash_of("fork")]) == hashes("fork", "a", "b")
        assert backend.find_valid_handles(list(hashes("fork", "a", "b", "c"))) == hashes("c")
        assert backend.roll_back([hash_of("b")]) == hashes("b", "c")
        assert backend.find_valid_handles([hash_of("c")]) == set()

    def test_states_that_come_out_of_each_other_are_rolled_back_once(self, backend: Backend, story: Story) -> None:
        """A circle cannot come about, and does no harm."""
        record(backend, story, ("a", "b", CALL), ("b", "a", CALL), ("a", "a", ARGUMENT))
        assert backend.roll_back([hash_of("b")]) == hashes("a", "b")
        assert backend.roll_back([]) == set()

    def test_branches_are_the_forks_and_merges(self, backend: Backend, story: Story) -> None:
        """Not what calls returned; valid or not."""
        record(
            backend,
            story,
            ("base", "named", FORK),
            ("base", "given", ARGUMENT),
            ("base", "merged", MERGE),
            ("base", "returned", CALL),
            ("given", "later", ARGUMENT),
            invalid=["given"],
        )
        assert backend.handle_branches([hash_of("base"), hash_of("returned"), hash_of("unknown")]) == {
            hash_of("base"): {hash_of("named"): FORK, hash_of("given"): ARGUMENT, hash_of("merged"): MERGE}
        }

    def test_a_state_holds_again_when_it_is_recorded_again(self, backend: Backend, story: Story) -> None:
        """After a rollback; an edge that is there already changes nothing."""
        record(backend, story, ("fork", "result", CALL))
        backend.roll_back([hash_of("fork")])
        record(backend, story, ("fork", "result", CALL))
        assert backend.find_valid_handles(list(hashes("fork", "result"))) == hashes("fork", "result")

    def test_an_edge_of_an_unknown_state_is_refused(self, backend: Backend, story: Story) -> None:
        """And its batch with it."""
        batch = story.take()
        batch.handles.append(HandleRecord(hash_of("known"), "suite.handle", "", True))
        batch.handle_edges.append(HandleEdge(hash_of("known"), hash_of("unknown"), CALL))
        with pytest.raises(BackendError, match="never recorded"):
            backend.record(batch)
        assert backend.find_valid_handles([hash_of("known")]) == set()

    def test_any_number_of_states_may_be_asked_for(self, backend: Backend, story: Story) -> None:
        """And rolled back."""
        names = [f"state {number}" for number in range(MANY)]
        record(backend, story, *(("base", name, ARGUMENT) for name in names))
        assert len(backend.find_valid_handles([hash_of(name) for name in names] * 2)) == MANY
        assert len(backend.handle_branches([hash_of("base"), *map(hash_of, names)])[hash_of("base")]) == MANY
        assert len(backend.roll_back([hash_of(name) for name in names])) == MANY
        assert backend.find_valid_handles([hash_of("base"), *map(hash_of, names)]) == hashes("base")

    def test_a_long_line_is_rolled_back(self, backend: Backend, story: Story) -> None:
        """However long."""
        record(backend, story, *((f"state {n}", f"state {n + 1}", CALL) for n in range(MANY)))
        assert len(backend.roll_back([hash_of("state 0")])) == MANY + 1

    def test_another_user_of_the_store_sees_a_rollback(self, backend: Backend, second: Backend, story: Story) -> None:
        """At once."""
        record(backend, story, ("fork", "result", CALL))
        assert second.find_valid_handles([hash_of("result")]) == hashes("result")
        assert second.roll_back([hash_of("fork")]) == hashes("fork", "result")
        assert backend.find_valid_handles([hash_of("result")]) == set()
