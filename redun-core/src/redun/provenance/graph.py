"""The calls of an execution, and the dataflow between them, as graphs small enough to be drawn."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from redun.backends.records import MOST_CHILDREN_COUNTED
from redun.provenance.making import Holdings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.backends.base import Backend
    from redun.backends.records import Argument, CallRecord, JobRow

MOST_JOBS = 20_000
"""How many jobs are read at most."""
MOST_NODES = 400
"""How many nodes a graph has at most: more than that nobody can read."""
_PAGE = 1000


@dataclass(slots=True)
class Node:
    """What is drawn as one thing: a job, several jobs of one task, or a file."""

    id: str
    label: str
    kind: str
    """`job` or `file`."""
    count: int = 0
    """Of jobs: how many it stands for."""
    statuses: Counter[str] = field(default_factory=Counter)
    first: str | None = None
    """Of jobs: the id of the first one."""


@dataclass(slots=True)
class Edge:
    """A call made by another, or data that went from one thing to another."""

    source: str
    target: str
    labels: dict[str, None]
    """The parameters that the data went through; `result` where it is part of the result of the call above."""
    count: int = 0


@dataclass(slots=True)
class Graph:
    """Nodes and edges, in the order in which they were found."""

    title: str
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[tuple[str, str], Edge] = field(default_factory=dict)
    is_complete: bool = True
    """False where there was more than is drawn."""

    def connect(self, source: str, target: str, label: str | None = None) -> None:
        """Add to the edge between two nodes."""
        edge = self.edges.setdefault((source, target), Edge(source, target, {}))
        edge.count += 1
        if label is not None:
            edge.labels[label] = None


def call_graph(backend: Backend, root: JobRow, *, depth: int | None = None, is_full: bool = False) -> Graph:
    """Which call made which, from a job downward.

    depth: how many levels below the job; None for all. is_full: a node for each job; otherwise the jobs of a task that
    were made by the same node are one, with their number.
    """
    graph = Graph(_title(root))
    for _, node, parent_node, _ in _walk(backend, graph, root, depth, is_full):
        if parent_node is not None:
            graph.connect(parent_node, node)
    return graph


def data_graph(backend: Backend, root: JobRow, *, depth: int | None = None, is_full: bool = False) -> Graph:
    """Which data went from which call to which, with the files that were taken and made, from a job downward.

    Arguments as of `call_graph`. What a call passes on to those below it goes to these directly; a result that is part
    of the result of the call above goes there.
    """
    graph = Graph(_title(root))
    flow = _Flow(backend, graph)
    for job, node, _, _ in _walk(backend, graph, root, depth, is_full):
        flow.add(job, node)
    flow.connect()
    return graph


def _title(root: JobRow) -> str:
    return f"{root.execution_id[:8]}.{root.number} {root.task_name}"


def _walk(
    backend: Backend, graph: Graph, root: JobRow, depth: int | None, is_full: bool
) -> Iterator[tuple[JobRow, str, str | None, int]]:
    """The jobs that are drawn, level by level, each with its node, that of its parent, and its level."""
    queue: deque[tuple[JobRow, str | None, int]] = deque([(root, None, 0)])
    folded: dict[tuple[str | None, str], str] = {}
    for _ in range(MOST_JOBS):
        if not queue:
            return
        job, parent, level = queue.popleft()
        key = (parent, f"{job.number}" if is_full else job.task_name)
        if key not in folded:
            if len(graph.nodes) >= MOST_NODES:
                graph.is_complete = False
                continue
            folded[key] = f"j{job.number}"
            name = f"{job.execution_id}.{job.number}"
            graph.nodes[folded[key]] = Node(folded[key], job.task_name, "job", first=name)
        node = graph.nodes[folded[key]]
        node.count += 1
        node.statuses[job.status.name] += 1
        yield job, node.id, parent, level
        if job.child_count and (depth is None or level < depth):
            queue.extend(
                (child, node.id, level + 1) for child in _children(backend, graph, job, MOST_JOBS - len(queue))
            )
    graph.is_complete = graph.is_complete and not queue


def _children(backend: Backend, graph: Graph, job: JobRow, most: int) -> Iterator[JobRow]:
    after, read = 0, 0
    while read < most:
        rows = backend.jobs(job.execution_id, parent=job.number, after=after, limit=min(_PAGE, most - read))
        yield from rows
        read += len(rows)
        if len(rows) < _PAGE:
            break
        after = rows[-1].number
    if read < job.child_count or (read >= most and job.child_count >= MOST_CHILDREN_COUNTED):
        graph.is_complete = False


class _Flow:
    """Gathers jobs, then draws what went from one to another."""

    def __init__(self, backend: Backend, graph: Graph) -> None:
        self._backend = backend
        self._graph = graph
        self._jobs: dict[int, tuple[JobRow, str]] = {}

    def add(self, job: JobRow, node: str) -> None:
        """Take a job, and the node that stands for it."""
        self._jobs[job.number] = (job, node)

    def connect(self) -> None:
        """Draw the edges, and the files."""
        hashes = [job.call_hash for job, _ in self._jobs.values() if job.call_hash is not None]
        self._calls = self._backend.calls(hashes)
        self._draw_files()
        # Equal calls below one job are one, so that these two name a job.
        made = {(job.parent, job.call_hash): number for number, (job, _) in self._jobs.items()}
        used: set[int] = set()
        for job, node in self._jobs.values():
            for argument, owner in self._arguments(job):
                for source in argument.upstream:
                    number = made.get((owner.parent, source))
                    if number is not None:
                        used.add(number)
                        maker = self._jobs[number][1]
                        # Where it went as a file, it is drawn as one.
                        is_drawn = (maker, _file_node(argument.value_hash)) in self._graph.edges
                        if maker != node and not is_drawn:
                            self._graph.connect(maker, node, argument.name)
        for number, (job, node) in self._jobs.items():
            if number not in used and job.parent in self._jobs and job.parent is not None:
                self._graph.connect(node, self._jobs[job.parent][1], "result")

    def _arguments(self, job: JobRow) -> Iterator[tuple[Argument, JobRow]]:
        """The arguments of a job's call; where one was passed on by the calls above, as the first of these got it."""
        call = self._call(job)
        for argument in call.arguments if call is not None else ():
            owner, given = job, argument
            while not given.upstream and owner.parent in self._jobs and owner.parent is not None:
                above = self._jobs[owner.parent][0]
                caller = self._call(above)
                same = [each for each in (caller.arguments if caller else ()) if each.value_hash == given.value_hash]
                if not same:
                    break
                owner, given = above, same[0]
            yield given._replace(name=argument.name), owner

    def _call(self, job: JobRow) -> CallRecord | None:
        return self._calls.get(job.call_hash) if job.call_hash is not None else None

    def _draw_files(self) -> None:
        holdings = Holdings(self._backend)
        holdings.read({each.value_hash for call in self._calls.values() for each in call.arguments})
        holdings.read({call.value_hash for call in self._calls.values() if not call.is_error})
        for job, node in self._jobs.values():
            call = self._call(job)
            # The calls above only pass files on.
            if call is None or job.child_count:
                continue
            for argument in call.arguments:
                for state, path in holdings.paths(holdings.in_order(argument.value_hash)).items():
                    self._connect_file(path, state, node, argument.name)
            if call.is_error:
                continue
            made = holdings.held(call.value_hash) - self._given(job, holdings)
            for state, path in holdings.paths(holdings.in_order(call.value_hash)).items():
                if state in made:
                    self._connect_file(path, state, node, None)

    def _given(self, job: JobRow, holdings: Holdings) -> set[bytes]:
        """What a job and those above it were given: whoever returns that has not made it."""
        given: set[bytes] = set()
        while True:
            call = self._call(job)
            if call is not None:
                given |= holdings.taken(call)
            if job.parent is None or job.parent not in self._jobs:
                return given
            job = self._jobs[job.parent][0]

    def _connect_file(self, path: str, state: bytes, node: str, name: str | None) -> None:
        file = _file_node(state)
        if file not in self._graph.nodes:
            if len(self._graph.nodes) >= MOST_NODES:
                self._graph.is_complete = False
                return
            self._graph.nodes[file] = Node(file, path, "file")
        if name is None:
            self._graph.connect(node, file)
        else:
            self._graph.connect(file, node, name)


def _file_node(state: bytes) -> str:
    return f"f{state.hex()[:16]}"
