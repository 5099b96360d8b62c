"""`redun viz`: the calls of an execution, or the data that went between them, as a picture."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redun.cli.id_command import IdCommand
from redun.cli.log.json_output import json_chunks
from redun.errors import UsageError

if TYPE_CHECKING:
    from redun.cli.app import App
    from redun.provenance.graph import Graph

FORMATS = ("dot", "mermaid", "svg", "json")
_BY_ENDING = {".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid", ".svg": "svg", ".json": "json"}
_SECONDS_TO_DRAW = 120


@click.command(cls=IdCommand)
@click.argument("what", metavar="EXEC|JOB")
@click.option("--graph", "kind", type=click.Choice(["calls", "data"]), default="calls", help="What to draw.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="By default as FILE is named, else dot.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("-o", "--output", metavar="FILE", help="Where to write it; by default to standard output.")
@click.option("--depth", type=click.IntRange(min=0), metavar="N", help="Draw at most N levels below the first job.")
@click.option("--full", "is_full", is_flag=True, help="A node for each job, not one for all of a task side by side.")
@click.pass_obj
def viz(
    app: App,
    what: str,
    kind: str,
    form: str | None,
    as_json: bool,
    output: str | None,
    depth: int | None,
    is_full: bool,
) -> None:
    """Draw which call made which, or which data went from which call to which.

    EXEC|JOB is an execution (`-` for the latest), or a job such as 3f9a2c1b.17 to draw only what is below it.

    Formats: dot for Graphviz, mermaid for Markdown, json for programs, and svg, which needs Graphviz to be installed.
    """
    from redun.provenance import Repository
    from redun.provenance.graph import call_graph, data_graph

    app.start_logging()
    form = form or ("json" if as_json else _form_of(output))
    backend = app.open_backend()
    try:
        draw = data_graph if kind == "data" else call_graph
        graph = draw(backend, Repository(backend).job(what).row, depth=depth, is_full=is_full)
    finally:
        backend.close()
    _write(_text(graph, form), output)
    if not graph.is_complete:
        hint = "draw a part of it: a job, or fewer levels with --depth"
        click.echo(f"redun: warning: not everything is drawn, because there is too much; {hint}", err=True)


def _form_of(output: str | None) -> str:
    if output is None:
        return "dot"
    ending = Path(output).suffix.lower()
    if ending not in _BY_ENDING:
        raise UsageError(f"{output}: no format has this ending; use one of {', '.join(_BY_ENDING)}, or --format")
    return _BY_ENDING[ending]


def _text(graph: Graph, form: str) -> str:
    from redun.provenance.graph_text import dot, mermaid

    if form == "json":
        return "".join(json_chunks(graph_data(graph)))
    lines = mermaid(graph) if form == "mermaid" else dot(graph)
    text = "".join(f"{line}\n" for line in lines)
    return _drawn(text) if form == "svg" else text


def _drawn(text: str) -> str:
    """A picture of a graph, drawn by Graphviz."""
    program = shutil.which("dot")
    if program is None:
        raise UsageError(
            "svg needs the program `dot` of Graphviz, which is not installed (apt install graphviz, brew install "
            "graphviz). --format dot and --format mermaid need nothing"
        )
    try:
        done = subprocess.run(  # noqa: S603 - found in PATH, and given no words of anybody's
            [program, "-Tsvg"], input=text, capture_output=True, encoding="utf-8", timeout=_SECONDS_TO_DRAW, check=False
        )
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"Graphviz did not finish drawing within {_SECONDS_TO_DRAW} s: draw less of it with --depth"
        ) from None
    if done.returncode:
        raise UsageError(f"Graphviz failed: {done.stderr.strip()[:500]}")
    return done.stdout


def _write(text: str, output: str | None) -> None:
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from error


def graph_data(graph: Graph) -> dict[str, Any]:
    """A graph for programs."""
    return {
        "kind": "graph",
        "title": graph.title,
        "is_complete": graph.is_complete,
        "nodes": [
            {
                "id": node.id,
                "kind": node.kind,
                "label": node.label,
                "count": node.count,
                "statuses": dict(node.statuses),
                "first_job": node.first,
            }
            for node in graph.nodes.values()
        ],
        "edges": [
            {"from": edge.source, "to": edge.target, "labels": list(edge.labels), "count": edge.count}
            for edge in graph.edges.values()
        ],
    }
