"""`redun repl`: a Python prompt in front of a repository."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redun.cli.id_command import IdCommand
from redun.errors import RedunError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.cli.app import App
    from redun.provenance.entity import Entity

_FEW = 20
_NAMES = (
    ("query(ID)", "what an id names: an execution, a job, a task, a value; of a name or a path, a list"),
    ("executions(N)", f"the N latest executions; execs are the {_FEW} latest, last_exec is the latest"),
    ("obj", "what the ID on the command line names, else the latest execution"),
    ("show(X)", "print what `redun log` says of an id or of an object"),
    ("explain(JOB)", "print why a job ran, as `redun explain`"),
    ("diff(A, B)", "print in what two executions differ, as `redun diff`"),
    ("repo, backend", "the repository as objects, and what keeps it: help(repo) says more"),
)


@click.command(cls=IdCommand)
@click.argument("what", required=False, metavar="[ID]")
@click.option("--plain", is_flag=True, help="Use Python's own prompt, also where IPython is installed.")
@click.pass_obj
def repl(app: App, what: str | None, plain: bool) -> int:
    """Ask the repository in Python: a prompt with its executions, jobs, tasks and values at hand.

    ID is what `redun log` takes; `obj` is what it names. Statements may also come through a pipe: the first one that
    fails ends them, with exit code 1.
    """
    from redun.provenance import Repository

    app.start_logging()
    # So that values of the user's own classes can be loaded, and modules be imported.
    sys.path.insert(0, str(Path.cwd()))
    backend = app.open_backend()
    try:
        names = names_in_scope(Repository(backend), what)
        if not sys.stdin.isatty():
            return run_statements(sys.stdin.read(), names)
        banner = banner_text(app.load_existing_config().configdir)
        if plain or not _run_ipython(names, banner):
            _run_prompt(names, banner)
        return 0
    finally:
        backend.close()


# -- what is in scope -------------------------------------------------------------------------------------------------


def names_in_scope(repo: Any, what: str | None) -> dict[str, Any]:
    """The names that a session begins with. Raises UsageError where `what` names nothing."""
    from redun import provenance

    backend = repo.backend

    def query(text: str = "-") -> Any:
        """What a text names, as `redun log` takes it: `-`, `~2`, an id or its beginning, a task, or a path."""
        return repo.find(text)

    def executions(limit: int = _FEW) -> list[Any]:
        """The latest executions, newest first."""
        return list(repo.executions(limit))

    def show(thing: str | Entity = "-") -> None:
        """Print what `redun log` says of an id, or of an execution, job, task, value or file."""
        from redun.cli.log.command import lines_about

        _print(lines_about(backend, _text(thing)))

    def explain(job: str | Entity = "-") -> None:
        """Print why a job ran, or why it did not have to."""
        from redun.cli.explain import explanation_lines

        _print(explanation_lines(backend, repo.job(_text(job)).explain()))

    def diff(before: str | Entity = "~2", after: str | Entity = "-") -> None:
        """Print in what two executions differ."""
        from redun.cli.diff import difference_lines

        found = repo.execution(_text(before)).diff(repo.execution(_text(after)))
        _print(difference_lines(backend, found, limit=_FEW))

    execs = executions()
    last = execs[0] if execs else None
    helpers = (query, executions, show, explain, diff)
    return {
        **{name: getattr(provenance, name) for name in provenance.__all__},
        **{each.__name__: each for each in helpers},
        "repo": repo,
        "backend": backend,
        "execs": execs,
        "last_exec": last,
        "obj": last if what is None else repo.find(what),
    }


def banner_text(place: str) -> str:
    """What a session begins with."""
    from redun.version import __version__

    width = max(len(name) for name, _ in _NAMES)
    lines = [f"  {name:{width}}  {text}" for name, text in _NAMES]
    return "\n".join([f"redun {__version__}, repository of {place}", "", *lines, ""])


def _print(lines: Any) -> None:
    for line in lines:
        print(line)


def _text(thing: str | Entity) -> str:
    if isinstance(thing, str):
        return thing
    path = getattr(thing, "path", None)
    return thing.id if path is None else str(path)


# -- sessions ---------------------------------------------------------------------------------------------------------


def run_statements(text: str, names: dict[str, Any]) -> int:
    """Run some statements, showing the values of expressions, up to the first one that fails. The exit code.

    Raises RedunError where a statement does.
    """
    import ast
    import linecache
    import traceback

    name = "<stdin>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    with _shown_by_pprint():
        try:
            for statement in ast.parse(text, name).body:
                exec(compile(ast.Interactive([statement]), name, "single"), names)  # noqa: S102 - what somebody typed
        except SystemExit as error:
            return error.code if isinstance(error.code, int) else int(error.code is not None)
        except RedunError:
            raise
        except Exception as error:
            frames = error.__traceback__.tb_next if error.__traceback__ is not None else None
            traceback.print_exception(type(error), error, None if isinstance(error, SyntaxError) else frames)
            return 1
    return 0


def _run_prompt(names: dict[str, Any], banner: str) -> None:
    """Python's own prompt, with completion where the platform has it."""
    import code

    class Prompt(code.InteractiveConsole):
        def showtraceback(self) -> None:
            error = sys.exc_info()[1]
            if isinstance(error, RedunError):
                self.write(f"error: {error}\n")
            else:
                super().showtraceback()

    _complete_names(names)
    before = {name: getattr(sys, name) for name in ("ps1", "ps2") if hasattr(sys, name)}
    sys.ps1, sys.ps2 = "(redun) ", "    ... "
    try:
        with _shown_by_pprint():
            Prompt(names, "<redun>").interact(banner=banner, exitmsg="")
    except SystemExit:  # from exit() and quit()
        pass
    finally:
        del sys.ps1, sys.ps2
        vars(sys).update(before)


def _complete_names(names: dict[str, Any]) -> None:
    try:
        import readline
    except ImportError:  # Python was built without it
        return
    import rlcompleter

    readline.set_completer(rlcompleter.Completer(names).complete)
    is_libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")


@contextmanager
def _shown_by_pprint() -> Iterator[None]:
    """Let values of expressions be shown over several lines where one is too long; the last one is `_`."""
    import builtins
    from pprint import pprint

    def show(value: object) -> None:
        if value is not None:
            pprint(value, width=_width())
            vars(builtins)["_"] = value

    before = sys.displayhook
    sys.displayhook = show
    try:
        yield
    finally:
        sys.displayhook = before


def _width() -> int:
    import shutil

    return shutil.get_terminal_size((120, 24)).columns


def _run_ipython(names: dict[str, Any], banner: str) -> bool:
    """A session of IPython with the user's own settings, where it is installed. Whether it is."""
    try:
        import IPython
        from traitlets.config import Config
    except ImportError:
        return False
    config = Config()
    config.TerminalInteractiveShell.banner1 = f"{banner}\n"
    config.TerminalInteractiveShell.confirm_exit = False
    IPython.start_ipython(argv=[], user_ns=names, config=config)
    return True
