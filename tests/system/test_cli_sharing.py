"""`redun push`, `pull`, `export`, `import` and `repo` on real repositories."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from redun.cli.entry import run_command_line
from redun_backend_sql.integrity import check_repository

WORKFLOW = """
from redun import File, Handle, task
from redun.scheduler import subrun

redun_namespace = "acme"


@task()
def inc(x: int) -> int:
    return x + 1


@task()
def write(path: str, n: int) -> File:
    file = File(path)
    file.write(str(n))
    return file


@task()
def insert(db: Handle, n: int) -> Handle:
    return db


@task()
def main(folder: str, n: int = 30):
    return [
        write(folder + "/out.txt", inc(1)),
        [inc(i) for i in range(n)],
        insert(Handle("db"), 1),
        subrun(inc(1000), "process"),
    ]


@task()
def fail():
    raise ValueError("no luck")


@task()
def wait(path: str):
    import time
    File(path).write("")
    time.sleep(60)


@task()
def hang(path: str):
    return [inc(1), wait(path)]
"""


def process(folder: Path, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "redun", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=120, input=stdin)


def redun(folder: Path, *arguments: str, code: int = 0) -> str:
    """What a command prints, after its errors where it fails. In this process, for it starts faster."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2)]
    with contextlib.chdir(folder), redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        found = run_command_line(arguments)
    printed = []
    for stream in streams:
        stream.flush()
        printed.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    assert found == code, printed
    return printed[1 if code else 0]


def ran(folder: Path, *arguments: str) -> list[str]:
    """The tasks that a run has to run."""
    done = process(folder, "run", "../wf.py", *arguments)
    assert done.returncode == 0, done.stderr.decode()
    return sorted(re.findall(r"Run +Job \S+ acme\.(\w+)\(", done.stderr.decode()))


def is_whole(folder: Path) -> bool:
    return [str(problem) for problem in check_repository(folder / ".redun" / "redun.db")] == []


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two projects, the first of which knows the second as `shared`, and has some runs."""
    folder = tmp_path_factory.mktemp("sharing")
    (folder / "wf.py").write_text(WORKFLOW)
    for name in ("mine", "theirs"):
        (folder / name).mkdir()
        redun(folder / name, "init")
    ini = folder / "mine" / ".redun" / "redun.ini"
    ini.write_text(ini.read_text() + "\n[repos.shared]\nconfig_dir = ../../theirs/.redun\n")
    run = ("run", "--tag", "why=test", "../wf.py", "main", "--folder", "../mine")
    assert process(folder / "mine", *run).returncode == 0
    assert process(folder / "mine", "run", "../wf.py", "fail").returncode == 1
    return folder


@pytest.fixture
def pair(projects: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A copy of both projects for one test."""
    shutil.copytree(projects, tmp_path, dirs_exist_ok=True)
    return tmp_path / "mine", tmp_path / "theirs"


def test_what_was_pushed_is_found_there(pair: tuple[Path, Path]) -> None:
    mine, theirs = pair
    assert re.match(r"Pushed \d+ record\(s\) to repo 'shared': .*2 executions", redun(mine, "push", "shared"))
    assert redun(mine, "push", "shared") == "Repo 'shared' is up to date.\n"
    assert redun(mine, "log") == redun(theirs, "log")
    assert redun(mine, "log", "-") == redun(theirs, "log", "-")
    assert is_whole(theirs)
    assert ran(theirs, "main", "--folder", "../mine") == ran(mine, "main", "--folder", "../mine") == []


def test_what_was_pulled_is_found_in_the_cache(pair: tuple[Path, Path]) -> None:
    _, theirs = pair
    redun(theirs, "repo", "add", "origin", "../mine/.redun")
    assert re.match(r"Pulled \d+ new record\(s\) from repo 'origin': ", redun(theirs, "pull", "origin"))
    assert redun(theirs, "pull", "origin") == "There is nothing new in repo 'origin'.\n"
    assert is_whole(theirs)
    assert ran(theirs, "main", "--folder", "../mine") == []


def test_one_execution_is_pushed_alone(pair: tuple[Path, Path]) -> None:
    mine, theirs = pair
    printed = json.loads(redun(mine, "push", "shared", "-", "--json"))
    assert (printed["executions"], printed["records"]) == (1, sum(printed.values()) - printed["records"])
    assert redun(theirs, "log").count("Exec ") == 1
    execution = json.loads(redun(theirs, "log", "-", "--json"))["id"]
    assert "2 executions" not in redun(mine, "push", "shared", "~2", "-")
    assert redun(mine, "push", "shared", f"{execution}.1") == "Repo 'shared' is up to date.\n"
    assert redun(theirs, "log") == redun(mine, "log")


@pytest.mark.parametrize("name", ["records.jsonl", "records.jsonl.gz"])
def test_a_file_carries_records_from_one_to_the_other(pair: tuple[Path, Path], name: str) -> None:
    mine, theirs = pair
    redun(mine, "export", "-f", f"../{name}")
    data = (mine.parent / name).read_bytes()
    text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
    assert json.loads(text.splitlines()[0]) == {"format": "redun records", "version": 1}
    assert re.match(r"Imported \d+ new record\(s\): ", redun(theirs, "import", "--file", f"../{name}"))
    assert redun(theirs, "import", "--file", f"../{name}") == f"There is nothing new in ../{name}.\n"
    assert redun(mine, "log") == redun(theirs, "log")
    assert is_whole(theirs)
    assert ran(theirs, "main", "--folder", "../mine") == []


def test_tags_that_were_changed_or_removed_are_so_on_the_other_side(pair: tuple[Path, Path], tmp_path: Path) -> None:
    mine, theirs = pair
    redun(mine, "push", "shared")
    redun(mine, "tag", "update", "~2", "why=more")
    redun(mine, "tag", "rm", "~2", "--", "project")
    assert redun(mine, "push", "shared") == "Pushed 3 record(s) to repo 'shared': 3 tags\n"
    shown = redun(theirs, "tag", "list", "--values")
    assert re.findall(r"(?:why|project)=\S+", shown) == ["project=acme", "why=more"]
    assert "up to date" in redun(mine, "push", "shared")
    redun(theirs, "tag", "rm", "~2", "why=more")
    file = str(tmp_path / "records.jsonl")
    redun(theirs, "export", "~2", "-f", file)
    assert "1 tag" in redun(mine, "import", "-f", file)
    assert redun(mine, "import", "-f", file).startswith("There is nothing new in")
    assert "why=" not in redun(mine, "tag", "list", "--values")
    assert "nothing new" in redun(mine, "pull", "shared")
    assert is_whole(mine)
    assert is_whole(theirs)


def test_an_execution_that_went_on_on_both_sides_is_told_and_left_alone(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    mine, theirs = pair
    same = "12345678-1234-4123-8123-123456789abc"
    for folder, number in (mine, "1"), (theirs, "2"):
        redun(folder, "run", "--execution-id", same, "../wf.py", "inc", "--x", number)
    before = redun(theirs, "log", same)
    message = redun(mine, "push", "shared", code=1)
    assert f"execution {same} went on in both repositories" in message
    assert "its job 1 is another call of acme.inc" in message
    assert redun(theirs, "log", same) == before
    assert len(json.loads(redun(theirs, "log", "--json"))) == 3
    assert "went on in both" in redun(mine, "push", "shared", code=1)
    file = str(tmp_path / "records.jsonl")
    redun(mine, "export", same, "-f", file)
    message = redun(theirs, "import", "-f", file, code=1)
    assert re.search(rf"line [0-9]+: job {same}\.1 is another one in this repository", message)
    assert is_whole(mine)
    assert is_whole(theirs)


def test_a_pipe_carries_one_execution(pair: tuple[Path, Path]) -> None:
    mine, theirs = pair
    records = process(mine, "export", "-").stdout
    assert b"Imported" in process(theirs, "import", stdin=records).stdout
    assert redun(theirs, "log").count("Exec ") == 1
    done = process(theirs, "import", stdin=records[: len(records) // 2])
    assert done.returncode == 1
    assert re.match(rb"redun: error: standard input.*it was cut off\. Whole batches before", done.stderr)


def test_a_compressed_file_that_was_cut_off_is_known_as_such(pair: tuple[Path, Path]) -> None:
    mine, theirs = pair
    redun(mine, "export", "-f", "../records.gz")
    whole = (mine.parent / "records.gz").read_bytes()
    (mine.parent / "records.gz").write_bytes(whole[: len(whole) // 2])
    assert "it was cut off" in redun(theirs, "import", "-f", "../records.gz", code=1)
    (mine.parent / "records.gz").write_bytes(b"no gzip")
    assert "no whole gzip file" in redun(theirs, "import", "-f", "../records.gz", code=1)


def test_another_repository_can_be_looked_at(pair: tuple[Path, Path]) -> None:
    mine, theirs = pair
    redun(mine, "push", "shared")
    redun(mine, "repo", "add", "third", "../theirs/.redun")
    assert redun(mine, "--repo", "shared", "log") == redun(theirs, "log")
    assert redun(mine, "--repo", "shared", "push", "default") == "Repo 'default' is up to date.\n"
    assert "both have the same database" in redun(mine, "--repo", "shared", "push", "third", code=2)


def test_repositories_are_listed_added_and_removed(pair: tuple[Path, Path]) -> None:
    mine, theirs = pair
    listed = f"Repositories:\n  default: {mine}/.redun\n  shared: {theirs}/.redun\n"
    assert redun(mine, "repo", "list") == listed
    ini = mine / ".redun" / "redun.ini"
    before = ini.read_text()
    added = redun(mine, "repo", "add", "again", str(theirs / ".redun"))
    assert added == f"Repo 'shared' has the same directory.\nAdded repo 'again': {theirs}/.redun\n"
    assert ini.read_text().startswith(before)
    lines = redun(mine, "repo", "list", "--json").splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["again", "default", "shared"]
    assert "Removed repo 'again'" in redun(mine, "repo", "remove", "again")
    assert ini.read_text() == before
    redun(mine, "repo", "add", "bucket", "s3://bucket/redun")
    assert "  bucket: s3://bucket/redun\n" in redun(mine, "repo", "list")


def test_removing_a_repository_leaves_the_rest_of_the_file(pair: tuple[Path, Path]) -> None:
    mine, _ = pair
    ini = mine / ".redun" / "redun.ini"
    ini.write_text("# top\n[repos.a]\n# about a\nconfig_dir =\n   ../../theirs/.redun\n\n# next\n[limits]\ndb = 2\n")
    assert redun(mine, "repo", "list").count("theirs") == 1
    redun(mine, "repo", "remove", "a")
    assert ini.read_text() == "# top\n# about a\n# next\n[limits]\ndb = 2\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("push", "nowhere"), "there is no repository 'nowhere'.*Known: default, shared"),
        (("pull", "default"), "'default' is this repository itself"),
        (("push", "shared", "nonsense"), "'nonsense' names no execution"),
        (("push", "shared", "acme.inc"), "'acme.inc' names"),
        (("--repo", "nowhere", "log"), "there is no repository 'nowhere'"),
        (("repo", "add", "shared", "."), "there is a repository 'shared' already"),
        (("repo", "add", "default", "."), "there is a repository 'default' already"),
        (("repo", "add", "a.b", "."), "letters, digits"),
        (("repo", "add", "new", "../theirs"), r"no configuration .*theirs/redun.ini. Did you mean .*theirs/\.redun\?"),
        (("repo", "add", "new", "missing"), "no configuration .*missing/redun.ini. `redun init` makes one"),
        (("repo", "remove", "new"), r"no section \[repos.new\].*shared"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    pair: tuple[Path, Path], arguments: tuple[str, ...], message: str
) -> None:
    error = redun(pair[0], *arguments, code=2)
    assert re.search(message, error)
    assert error.count("\n") == 1
    assert not (pair[0] / "missing").exists()


def test_a_missing_or_foreign_file_is_said_in_one_line(pair: tuple[Path, Path]) -> None:
    mine, _ = pair
    for name, message in [("missing", "missing"), ("../wf.py", r"\.\./wf\.py, line 1: this is no file that")]:
        error = redun(mine, "import", "-f", name, code=1)
        assert re.search(message, error)
        assert error.count("\n") == 1
    assert "cannot be written" in redun(mine, "export", "-f", ".redun", code=1)


def test_a_repository_that_is_gone_is_not_made_again(pair: tuple[Path, Path]) -> None:
    mine, theirs = pair
    theirs.rename(theirs.with_name("elsewhere"))
    assert "there is no configuration" in redun(mine, "push", "shared", code=2)
    assert not theirs.exists()


def test_an_interrupted_run_is_pushed_as_it_ended(pair: tuple[Path, Path]) -> None:
    mine, theirs = pair
    start_and_end(mine, signal.SIGINT)
    redun(mine, "push", "shared")
    assert redun(theirs, "log") == redun(mine, "log")
    assert is_whole(theirs)


def test_a_run_is_pushed_while_it_runs_and_again_when_it_was_killed(pair: tuple[Path, Path]) -> None:
    mine, theirs = pair

    def push() -> None:
        redun(mine, "push", "shared")
        assert "[RUNN" in redun(theirs, "log")

    start_and_end(mine, signal.SIGKILL, push)
    assert is_whole(theirs)
    redun(mine, "push", "shared")
    assert redun(mine, "push", "shared") == "Repo 'shared' is up to date.\n"
    assert is_whole(theirs)
    assert ran(theirs, "inc", "--x", "1") == []


def start_and_end(folder: Path, how: int, meanwhile=lambda: None) -> None:
    """Start a run that hangs, and end it once it does."""
    mark = folder / "mark"
    command = [sys.executable, "-m", "redun", "run", "../wf.py", "hang", "--path", str(mark)]
    started = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(mark.exists)
        wait_until(lambda: redun(folder, "log", "-", "--json").count("acme.") >= 3)
        meanwhile()
    finally:
        started.send_signal(how)
        started.wait(60)


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


PUSH = """
import sys
from pathlib import Path
from redun.backends import collecting
from redun.backends.copying import copy_records
from redun_backend_sql.sqlite_backend import SqliteBackend

collecting.CALLS = collecting.JOBS = 5  # so that there is a middle
source, target = SqliteBackend(Path(sys.argv[1])), SqliteBackend(Path(sys.argv[2]))
source.load()
target.load()
record = target.record
left = int(sys.argv[3])

def record_some(batch):
    global left
    if left == 0:
        print("here", flush=True)
        sys.stdin.readline()
    left -= 1
    record(batch)

target.record = record_some
copy_records(source, target)
"""


@pytest.mark.parametrize("batches", [1, 7, 12])
def test_a_push_that_was_killed_is_completed_by_the_next(pair: tuple[Path, Path], batches: int) -> None:
    mine, theirs = pair
    databases = [str(folder / ".redun" / "redun.db") for folder in pair]
    command = [sys.executable, "-c", PUSH, *databases, str(batches)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "here\n"
    started.kill()
    started.communicate()
    assert is_whole(theirs)
    assert "Pushed" in redun(mine, "push", "shared")
    assert redun(mine, "push", "shared") == "Repo 'shared' is up to date.\n"
    assert redun(mine, "log", "-") == redun(theirs, "log", "-")
    assert is_whole(theirs)


def test_no_secret_of_a_configuration_is_copied(pair: tuple[Path, Path]) -> None:
    """What a configuration holds stays where it is, in an export and in a section for another repository."""
    mine, theirs = pair
    for folder in pair:
        ini = folder / ".redun" / "redun.ini"
        ini.write_text(ini.read_text() + "\n[executors.extra]\ntype = local\nscratch = /tmp/TOP-SECRET\n")
    redun(mine, "push", "shared")
    redun(mine, "repo", "add", "third", "../theirs/.redun")
    assert (mine / ".redun" / "redun.ini").read_text().count("TOP-SECRET") == 1
    assert "TOP-SECRET" not in redun(mine, "export")
    assert b"TOP-SECRET" not in (theirs / ".redun" / "redun.db").read_bytes()
