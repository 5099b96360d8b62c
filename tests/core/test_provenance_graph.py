"""The calls of an execution, and the data between them, as graphs and as their texts."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from redun.provenance.graph import MOST_NODES, Edge, Graph, Node, call_graph, data_graph
from redun.provenance.graph_text import dot, mermaid

if TYPE_CHECKING:
    from provenance_bench import Bench
    from redun.backends.records import JobRow

WORKFLOW = """
@task
def fetch(name):
    file = File(f"{name}.txt")
    file.write(name)
    return file


@task
def size(file):
    return len(file.read())


@task
def total(sizes):
    return sum(sizes)


@task
def measure(name):
    return size(fetch(name))


@task
def main(names):
    return total([measure(name) for name in names])
"""


def root(bench: Bench) -> JobRow:
    job = bench.repository.execution("-").root
    assert job is not None
    return job.row


def prepared(bench: Bench, *names: str) -> JobRow:
    bench.write(WORKFLOW)
    bench.run("main", list(names))
    return root(bench)


def nodes(graph: Graph) -> list[tuple[str, int]]:
    return [(node.label.removeprefix("bench."), node.count) for node in graph.nodes.values()]


def edges(graph: Graph) -> set[tuple[str, str, str, int]]:
    label = {node.id: node.label.removeprefix("bench.") for node in graph.nodes.values()}
    return {(label[e.source], label[e.target], ",".join(e.labels), e.count) for e in graph.edges.values()}


def test_calls_of_one_task_side_by_side_are_one_node(bench: Bench) -> None:
    graph = call_graph(bench.backend, prepared(bench, "a", "b", "c"))
    assert sorted(nodes(graph)) == [("fetch", 3), ("main", 1), ("measure", 3), ("size", 3), ("total", 1)]
    assert edges(graph) == {
        ("main", "measure", "", 3),
        ("main", "total", "", 1),
        ("measure", "fetch", "", 3),
        ("measure", "size", "", 3),
    }
    assert graph.is_complete


def test_a_full_graph_has_a_node_for_each_job(bench: Bench) -> None:
    graph = call_graph(bench.backend, prepared(bench, "a", "b", "c"), is_full=True)
    assert len(graph.nodes) == 11
    assert len(graph.edges) == 10


def test_depth_leaves_out_what_is_further_down(bench: Bench) -> None:
    row = prepared(bench, "a", "b")
    assert sorted(nodes(call_graph(bench.backend, row, depth=1))) == [("main", 1), ("measure", 2), ("total", 1)]
    assert nodes(call_graph(bench.backend, row, depth=0)) == [("main", 1)]
    assert sorted(nodes(call_graph(bench.backend, bench.job("measure").row))) == [
        ("fetch", 1),
        ("measure", 1),
        ("size", 1),
    ]


def test_data_goes_from_call_to_call_through_files_and_up(bench: Bench) -> None:
    graph = data_graph(bench.backend, prepared(bench, "a"))
    assert edges(graph) == {
        ("fetch", "a.txt", "", 1),
        ("a.txt", "size", "file", 1),
        ("size", "measure", "result", 1),
        ("measure", "total", "sizes", 1),
        ("total", "main", "result", 1),
    }


def test_a_file_that_a_call_was_given_and_returned_was_not_made_by_it(bench: Bench) -> None:
    bench.write(
        "@task\ndef make(name):\n    file = File(name)\n    file.write(name)\n    return file\n\n\n"
        "@task\ndef keep(files):\n    return {'kept': files[0]}\n\n\n"
        "@task\ndef again(path):\n    return File(path)\n\n\n"
        "@task\ndef by_name(file):\n    return again(file.path)\n\n\n"
        "@task\ndef size(kept):\n    return len(kept['kept'].read())\n\n\n"
        "@task\ndef main():\n    kept = keep([make('a.txt'), make('b.txt')])\n"
        "    return [size(kept), by_name(kept['kept'])]\n"
    )
    bench.run("main")
    graph = data_graph(bench.backend, root(bench))
    assert {each for each in edges(graph) if ".txt" in each[0] + each[1]} == {
        ("make", "a.txt", "", 1),
        ("make", "b.txt", "", 1),
        ("a.txt", "keep", "files", 1),
        ("b.txt", "keep", "files", 1),
        ("a.txt", "size", "kept", 1),
    }


def test_data_that_is_passed_on_goes_to_who_uses_it(bench: Bench) -> None:
    bench.write(
        "@task\ndef make():\n    return 'data'\n\n\n@task\ndef use(x):\n    return x\n\n\n"
        "@task\ndef between(y):\n    return use(y)\n\n\n@task\ndef main():\n    return between(make())\n"
    )
    bench.run("main")
    assert edges(data_graph(bench.backend, root(bench))) == {
        ("make", "between", "y", 1),
        ("make", "use", "x", 1),
        ("use", "between", "result", 1),
        ("between", "main", "result", 1),
    }


def test_a_graph_too_large_to_be_read_is_cut_and_says_so(bench: Bench) -> None:
    bench.write("@task\ndef f(x):\n    return x\n\n\n@task\ndef main(n):\n    return [f(i) for i in range(n)]\n")
    bench.run("main", MOST_NODES + 50)
    graph = call_graph(bench.backend, root(bench), is_full=True)
    assert len(graph.nodes) == MOST_NODES
    assert not graph.is_complete
    assert nodes(call_graph(bench.backend, root(bench))) == [("main", 1), ("f", MOST_NODES + 50)]


NASTY = 'a "b" \\ <c> & {d} | #e; `f` [g]\nend é'


def nasty_graph() -> Graph:
    graph = Graph(NASTY)
    graph.nodes["f1"] = Node("f1", NASTY, "file")
    graph.nodes["j1"] = Node("j1", "acme.main", "job", 2)
    graph.nodes["j1"].statuses.update(DONE=1, FAILED=1)
    graph.edges["f1", "j1"] = Edge("f1", "j1", {'"x"': None}, 1)
    return graph


def test_any_text_can_stand_in_a_mermaid_chart() -> None:
    lines = list(mermaid(nasty_graph()))
    assert lines[0] == "flowchart LR"
    labels = re.findall(r'"(.*)"', "\n".join(lines))
    assert len(labels) == 3
    for label in labels:
        rest = label.replace("<br/>", "")
        assert re.fullmatch(r"(#\d+;|[^\"<>&{}|#;`\[\]\\])*", rest), rest


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")
@pytest.mark.parametrize("make", [call_graph, data_graph])
def test_graphviz_draws_what_is_written(bench: Bench, make: object) -> None:
    graphs = [nasty_graph(), make(bench.backend, prepared(bench, "a", "b"))]  # type: ignore[operator]
    for graph in graphs:
        text = "\n".join(dot(graph))
        done = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert not done.stderr
        assert done.stdout.count('class="node"') == len(graph.nodes)
        assert done.stdout.count('class="edge"') == len(graph.edges)


DOT = """digraph redun {
  label="EXEC.1 bench.main"; labelloc=t; rankdir=LR;
  node [fontname="sans-serif", style=filled, shape=box]; edge [fontname="sans-serif", fontsize=10];
  j1 [label="bench.main\\nEXEC.1 DONE", fillcolor="#d9ead3"];
  j2 [label="bench.measure (2)\\n2 DONE", fillcolor="#d9ead3"];
  j8 [label="bench.total\\nEXEC.8 DONE", fillcolor="#d9ead3"];
  j1 -> j2;
  j1 -> j8;
}"""


def test_the_text_for_graphviz_is_as_it_was(bench: Bench) -> None:
    """What people keep in their documentation changes only on purpose."""
    text = "\n".join(dot(call_graph(bench.backend, prepared(bench, "a", "b"), depth=1)))
    name = root(bench).execution_id[:8]
    assert text.replace(name, "EXEC") == DOT
