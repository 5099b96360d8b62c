"""Handles in a run: which fork a call is given, what is rolled back before it runs, and which states hold.

**Write barrier.** Before calls with handles are submitted, the forks that they are given and all that came out of these
are made invalid, and this is committed. A fork is valid again, with the states that the body returned, when the call is
recorded. So whenever the process dies, whatever a body may have touched counts as not done.

**Branches.** Calls that are given the same state get forks of their own, told apart by the name of the task and the
other arguments, not by the order in which the calls get ready. When one of them runs, forks of that state which
earlier executions used and this one does not are rolled back as well: a step that was edited, replaced or added takes
the place of what came there before. Only forks that the workflow itself asked for do not get in each other's way. As
long as this execution may still come to use a branch that was rolled back it is only *doubtful*: should a call be given
it, everything on it is as it was.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from redun import nested
from redun.backends.records import HandleEdge, HandleRecord, HandleStep
from redun.hashing import hash_parts
from redun.types import plain
from redun.types.plain import CONTAINERS
from redun.value import apply_hook

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redun.backends.base import Backend
    from redun.handle import Handle, HandleInfo
    from redun.scheduler.job import Job
    from redun.scheduler.recorder import Recorder

    Steps = list[tuple[Handle, Handle]]
    """States before, and the states after them."""

_STEPS = {"fork": HandleStep.FORK, "merge": HandleStep.MERGE}
_ALL = frozenset({HandleStep.ARGUMENT, HandleStep.MERGE, HandleStep.FORK})
_UNNAMED = _ALL - {HandleStep.FORK}
_NONE: frozenset[HandleStep] = frozenset()


def has_handles(value: Any) -> bool:
    """Whether there is a handle in a nested value. Costs nothing in a process that has not even got the class."""
    module = sys.modules.get("redun.handle")
    if module is None:
        return False
    cls = type(value)
    if cls in CONTAINERS and plain.is_plain(value):
        return False
    return any(isinstance(leaf, module.Handle) for leaf in nested.iter_leaves(value))


def call_key(task: str, names: Iterable[str], hashes: Iterable[bytes]) -> str:
    """What tells the forks of one state apart: the task by name, and its arguments, with handles as they came."""
    parts = [task.encode()]
    for name, value_hash in zip(names, hashes, strict=True):
        parts += [name.encode(), value_hash]
    return hash_parts("fork", parts).hex()


def through_hook(name: str, value: Any, arguments: dict[str, Any]) -> tuple[Any, Steps]:
    """A nested value after `apply_hook`, and the steps of the handles in it. One handle takes one step."""
    from redun.handle import Handle

    steps: dict[int, tuple[Handle, Handle]] = {}

    def change(leaf: Any) -> Any:
        if not isinstance(leaf, Handle):
            return apply_hook(name, leaf, arguments)
        if id(leaf) not in steps:
            steps[id(leaf)] = (leaf, getattr(leaf, name)(arguments))
        return steps[id(leaf)][1]

    changed = nested.map_leaves(change, value)
    # A class may make something else of its handles: that has no states.
    return changed, [step for step in steps.values() if isinstance(step[1], Handle)]


class _Doubtful:
    """Branches that were rolled back and may still come to be used. More than one only where they were merged."""

    def __init__(self, branches: set[bytes], states: set[bytes]) -> None:
        self.branches = branches
        self.states = states


class Handles:
    """The handles of one run."""

    def __init__(self, backend: Backend, recorder: Recorder) -> None:
        self._backend = backend
        self._recorder = recorder
        self._valid: set[bytes] = set()
        """States that this run has recorded as valid, and has not rolled back."""
        self._looked_up: dict[bytes, bool] = {}
        """Whether the states that the last look-up met are valid in the repository."""
        self._running: set[bytes] = set()
        """Forks that were given to calls which have not returned."""
        self._used: dict[bytes, set[bytes]] = {}
        """The branches of a state that this run uses."""
        self._pruned: dict[bytes, frozenset[HandleStep]] = {}
        """States of which other branches were rolled back, and which kinds of these."""
        self._doubtful: dict[bytes, _Doubtful] = {}
        """By branch: those that this run does not use yet."""

    # -- validity -----------------------------------------------------------------------------------------------------

    def look_up(self, values: Iterable[Any]) -> None:
        """Ask the repository about all handles in some values at once."""
        module = sys.modules.get("redun.handle")
        self._looked_up = {}
        if module is None:
            return
        leaves = (leaf for value in values if has_handles(value) for leaf in nested.iter_leaves(value))
        states = {_state(leaf.__handle__) for leaf in leaves if isinstance(leaf, module.Handle)} - self._valid
        if states:
            valid = self._backend.find_valid_handles(list(states))
            self._looked_up = {state: state in valid for state in states}

    def is_valid(self, state: bytes) -> bool:
        """Whether a state holds: as this run knows, or the repository says."""
        if state in self._valid:
            return True
        known = self._looked_up.get(state)
        return bool(self._backend.find_valid_handles([state])) if known is None else known

    # -- calls --------------------------------------------------------------------------------------------------------

    def arrived(self, steps: Iterable[tuple[Handle, Handle]]) -> None:
        """A call with handles was made, whether or not it will have to run."""
        for before, fork in steps:
            self._use(_state(before.__handle__), _state(fork.__handle__))
            self._use_transitions(before.__handle__)

    def _use_transitions(self, info: HandleInfo) -> None:
        for each in info.transitions():
            for parent in each.parents:
                self._use(bytes.fromhex(parent), bytes.fromhex(each.hash))

    def _use(self, state: bytes, branch: bytes) -> None:
        self._used.setdefault(state, set()).add(branch)
        doubtful = self._doubtful.pop(branch, None)
        if doubtful is not None:
            doubtful.branches.discard(branch)
            if not doubtful.branches:
                for restored in doubtful.states:
                    self._record(restored, "", "")

    def roll_back(self, jobs: Sequence[Job]) -> None:
        """The write barrier before these calls: see above."""
        forks: dict[bytes, None] = {}
        crowded: dict[bytes, frozenset[HandleStep]] = {}
        for job in jobs:
            for before, fork in job.handles:
                self._record_transitions(before.__handle__)
                after = _state(fork.__handle__)
                self._running.add(after)
                self._valid.discard(after)
                info = fork.__handle__
                self._recorder.handle(HandleRecord(after, info.fullname, info.key, is_valid=False))
                info.is_recorded = True
                parent = _state(before.__handle__)
                self._recorder.handle_edge(HandleEdge(parent, after, HandleStep.ARGUMENT))
                forks[after] = None
                for transition in before.__handle__.transitions():
                    if transition.kind == "fork":
                        crowded.setdefault(bytes.fromhex(transition.parents[0]), _UNNAMED)
                crowded[parent] = _ALL
        self._recorder.flush()
        self._undo(self._backend.roll_back(list(forks)))
        self._prune({state: steps for state, steps in crowded.items() if self._pruned.get(state, _NONE) < steps})

    def _prune(self, states: dict[bytes, frozenset[HandleStep]]) -> None:
        """Roll back the branches of these states that this run does not use and that came about by such a step."""
        if not states:
            return
        self._pruned.update(states)
        unused = {
            branch
            for state, branches in self._backend.handle_branches(list(states)).items()
            for branch, step in branches.items()
            if step in states[state] and branch not in self._used.get(state, ())
        }
        for branch in self._backend.find_valid_handles(list(unused)):
            undone = self._backend.roll_back([branch])
            self._valid -= undone
            doubtful = _Doubtful({branch}, undone)
            for other in self._meeting(undone):
                doubtful = _Doubtful(doubtful.branches | other.branches, doubtful.states | other.states)
            self._doubtful.update(dict.fromkeys(doubtful.branches, doubtful))
        self._looked_up = {}

    def _meeting(self, states: set[bytes]) -> list[_Doubtful]:
        return [each for each in set(self._doubtful.values()) if not each.states.isdisjoint(states)]

    def _undo(self, undone: set[bytes]) -> None:
        self._valid -= undone
        self._looked_up = {}
        # What lies behind a state that was rolled back for good cannot be told apart from the rest.
        for each in self._meeting(undone):
            for branch in each.branches:
                del self._doubtful[branch]

    def returned(self, job: Job, steps: Steps) -> None:
        """The body of a call has returned, with these steps of the handles in its result."""
        for _, fork in job.handles:
            self._running.discard(_state(fork.__handle__))
            self._record_info(fork.__handle__)
        for before, after in steps:
            self._record_transitions(before.__handle__)
            self._record_info(after.__handle__)
            self._recorder.handle_edge(HandleEdge(_state(before.__handle__), _state(after.__handle__), HandleStep.CALL))

    def merged(self, handle: Handle) -> None:
        """Handles were merged into this one."""
        self._use_transitions(handle.__handle__)
        self._record_transitions(handle.__handle__)

    # -- recording ----------------------------------------------------------------------------------------------------

    def _record_transitions(self, info: HandleInfo) -> None:
        """A state that calls go on from, and how it came out of states that are recorded."""
        transitions = info.transitions()
        for each in transitions:
            self._record(bytes.fromhex(each.hash), info.fullname, each.key)
        self._record_info(info)
        for each in transitions:
            for parent in map(bytes.fromhex, each.parents):
                self._record(parent, info.fullname, "")
                self._recorder.handle_edge(HandleEdge(parent, bytes.fromhex(each.hash), _STEPS[each.kind]))
        info.is_recorded = True

    def _record_info(self, info: HandleInfo) -> None:
        self._record(_state(info), info.fullname, info.key)

    def _record(self, state: bytes, fullname: str, key: str) -> None:
        """A state that holds, unless a call is at work on it."""
        if state not in self._valid and state not in self._running:
            self._valid.add(state)
            self._recorder.handle(HandleRecord(state, fullname, key, is_valid=True))


def _state(info: HandleInfo) -> bytes:
    return bytes.fromhex(info.hash)
