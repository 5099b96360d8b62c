"""Graphs written out for Graphviz and for Mermaid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.provenance.graph import Edge, Graph, Node

_COLOURS = {"FAILED": "#f4c7c3", "RUNNING": "#fce8b2", "CANCELLED": "#e0e0e0", "CACHED": "#dcecf9", "DONE": "#d9ead3"}
"""Of the status that matters most among those of a node, the first in this order."""
_FILE_COLOUR = "#ffffff"
_PLAIN = re.compile(r"[^\w .,:/()=-]")


def dot(graph: Graph) -> Iterator[str]:
    """The lines of a graph in the language of Graphviz: https://graphviz.org/doc/info/lang.html."""
    yield "digraph redun {"
    yield f"  label={_quoted(graph.title)}; labelloc=t; rankdir=LR;"
    yield '  node [fontname="sans-serif", style=filled, shape=box]; edge [fontname="sans-serif", fontsize=10];'
    for node in graph.nodes.values():
        shape = ", shape=note" if node.kind == "file" else ""
        yield f'  {node.id} [label={_quoted(_node_text(node))}, fillcolor="{_colour(node)}"{shape}];'
    for edge in graph.edges.values():
        label = _edge_text(edge)
        options = [f"label={_quoted(label)}"] if label else []
        options += ["style=dashed"] if _is_result(edge) else []
        drawn = f" [{', '.join(options)}]" if options else ""
        yield f"  {edge.source} -> {edge.target}{drawn};"
    yield "}"


def mermaid(graph: Graph) -> Iterator[str]:
    """The lines of a graph as a Mermaid flowchart: https://mermaid.js.org/syntax/flowchart.html."""
    yield "flowchart LR"
    for node in graph.nodes.values():
        text = "<br/>".join(map(_escaped, _node_text(node).split("\n")))
        opening, closing = ("[/", "/]") if node.kind == "file" else ("[", "]")
        yield f'  {node.id}{opening}"{text}"{closing}'
    for edge in graph.edges.values():
        label = _edge_text(edge)
        arrow = "-.->" if _is_result(edge) else "-->"
        shown = f'|"{_escaped(label)}"|' if label else ""
        yield f"  {edge.source} {arrow}{shown} {edge.target}"
    for node in graph.nodes.values():
        yield f"  style {node.id} fill:{_colour(node)},stroke:#666666,color:#000000"


def _node_text(node: Node) -> str:
    if node.kind == "file":
        return node.label
    if node.count == 1:
        status, name = next(iter(node.statuses)), (node.first or "").partition("-")[0]
        number = (node.first or "").rpartition(".")[2]
        return f"{node.label}\n{name}.{number} {status}"
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(node.statuses.items()))
    return f"{node.label} ({node.count})\n{statuses}"


def _edge_text(edge: Edge) -> str:
    return ", ".join(edge.labels)


def _is_result(edge: Edge) -> bool:
    return list(edge.labels) == ["result"]


def _colour(node: Node) -> str:
    return next((colour for status, colour in _COLOURS.items() if node.statuses[status]), _FILE_COLOUR)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _escaped(text: str) -> str:
    """Text in which Mermaid finds nothing of its own syntax."""
    return _PLAIN.sub(lambda found: f"#{ord(found[0])};", text)
