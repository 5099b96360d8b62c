"""Files in two places, and the shell commands that copy them."""

from __future__ import annotations

import pickle
import subprocess
from pathlib import Path

import pytest
from redun.file import (
    ContentDir,
    ContentFile,
    ContentStagingDir,
    ContentStagingFile,
    Dir,
    File,
    FileSystem,
    IDir,
    IFile,
    IStagingDir,
    IStagingFile,
    Staging,
    StagingDir,
    StagingFile,
    register_filesystem,
)
from redun.file import filesystem as registry
from redun.value import decode, encode, is_valid


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("local", "expected"), [(None, "in.txt"), ("", "in.txt"), ("d/", "d/in.txt"), ("/", "/in.txt"), ("x", "x")]
)
def test_the_local_path_is_the_name_unless_it_is_given(local, expected):
    staging = File("s3://bucket/key/in.txt").stage(local)
    assert (staging.local.path, staging.remote.path) == (expected, "s3://bucket/key/in.txt")


def test_the_local_path_of_a_directory_is_its_name():
    assert Dir("s3://bucket/key/").stage().local.path == "key"
    assert Dir("key").stage("x/").local.path == "x"


@pytest.mark.parametrize(
    "make", [lambda: File("http://host/").stage(), lambda: File("x/").stage("d/"), lambda: Dir("/").stage()]
)
def test_what_has_no_name_needs_a_local_path(make):
    with pytest.raises(ValueError, match="local path"):
        make()


@pytest.mark.parametrize(
    ("kept", "staging"),
    [
        (File, StagingFile),
        (IFile, IStagingFile),
        (ContentFile, ContentStagingFile),
        (Dir, StagingDir),
        (IDir, IStagingDir),
        (ContentDir, ContentStagingDir),
    ],
)
def test_each_family_has_its_staging(kept, staging):
    made = kept("a").stage("b")
    assert type(made) is staging
    assert isinstance(made, Staging)
    assert (type(made.local), type(made.remote)) == (kept, kept)
    assert staging.type_name == f"redun.{staging.__name__}"
    again = pickle.loads(pickle.dumps(made))
    assert (type(again), again.local.path, again.remote.path) == (staging, "b", "a")
    assert type(again.remote) is kept


def test_as_a_value_it_is_its_paths():
    File("a").write("x")
    staging = File("a").stage("b")
    encoded = encode(staging)
    File("a").write("other")
    assert encode(StagingFile("b", "a")).hash == encoded.hash
    assert encode(StagingFile("a", "b")).hash != encoded.hash
    assert encode(StagingDir("b", "a")).hash != encoded.hash
    assert is_valid(decode(encoded.codec, encoded.data, encoded.type_name))
    assert repr(staging) == "StagingFile(local='b', remote='a')"


def test_files_are_copied_there_and_back():
    File("kept/a").write("1")
    staging = File("kept/a").stage("work/a")
    assert staging.stage() is staging.local
    assert staging.local.read() == "1"
    staging.local.write("2")
    assert staging.unstage() is staging.remote
    assert staging.remote.read() == "2"
    assert staging.remote.hash == File("kept/a").hash


def test_directories_are_copied_there_and_back():
    Dir("kept").file("sub/a").write("1")
    staging = Dir("kept").stage("work")
    assert [file.path for file in staging.stage()] == ["work/sub/a"]
    staging.local.file("b").write("2")
    assert [file.path for file in staging.unstage()] == ["kept/b", "kept/sub/a"]


def test_nothing_is_copied_onto_itself():
    staging = File("none").stage("none")
    assert (staging.stage().path, staging.unstage().path) == ("none", "none")
    assert (staging.render_stage(), staging.render_unstage()) == ("", "")
    assert Dir("none").stage().render_stage(as_mount=True) == ""


@pytest.mark.parametrize("source", ["a", "sub/a b", "it's", "-r", "$x", "new\nline"])
@pytest.mark.parametrize("target", ["b", "deep/er/b", "-b", "./d/`x`"])
def test_shell_commands_do_what_the_methods_do(source, target):
    File(source).write("x")
    Dir("dir").file("sub/a").write("y")
    into_an_existing_one = Dir("dir").shell_copy_to("copies")
    for command in (File(source).shell_copy_to(target), into_an_existing_one, into_an_existing_one):
        subprocess.run(command, shell=True, check=True, timeout=60)
    assert File(target).read() == "x"
    assert [file.path for file in Dir("copies")] == ["copies/sub/a"]
    printed = subprocess.run(File(target).shell_copy_to(None), shell=True, check=True, timeout=60, capture_output=True)
    assert printed.stdout == b"x"
    subprocess.run(File("-").shell_copy_to(target), shell=True, check=True, timeout=60, input=b"from stdin")
    assert File(target).read() == "from stdin"


def test_other_filesystems_are_copied_by_redun():
    assert File("memory://x/y").shell_copy_to("memory://x/z") == "redun fs cp memory://x/y memory://x/z"
    assert File("http://h/a?b=c&d").shell_copy_to("-") == "redun fs cp 'http://h/a?b=c&d' -"
    assert File("-").shell_copy_to("memory://x/y") == "redun fs cp - memory://x/y"
    assert Dir("memory://x").shell_copy_to("y") == "redun fs cp --recursive memory://x y"


def test_a_directory_and_a_pipe_do_not_go_together():
    with pytest.raises(ValueError, match="pipe"):
        Dir("x").shell_copy_to("-")


def test_a_filesystem_may_have_a_tool_of_its_own(monkeypatch):
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))
    monkeypatch.setattr(registry, "_instances", dict(registry._instances))

    @register_filesystem
    class Tape(FileSystem):
        name = "tape"
        open = exists = isfile = isdir = size = state = remove = mkdir = rmdir = glob = list_files = None

        def shell_copy(self, source, target, recursive, as_mount):
            return None if "http" in target else f"mt {source} {target} {recursive} {as_mount}"

    assert File("tape://x").shell_copy_to("y", as_mount=True) == "mt tape://x y False True"
    assert Dir("tape://x").stage("y").render_unstage() == "mt y tape://x True False"
    assert File("tape://x").shell_copy_to("http://y/z") == "redun fs cp tape://x http://y/z"


def test_google_storage_has_its_tool(monkeypatch):
    from redun.file import GSFileSystem

    monkeypatch.setattr(registry, "_instances", {**registry._instances, "gs": object.__new__(GSFileSystem)})
    file = File("gs://bucket/a b").stage("x")
    assert file.render_stage() == "gsutil cp 'gs://bucket/a b' x"
    assert file.render_unstage(as_mount=True) == "mkdir -p /mnt/disks/bucket && cp x '/mnt/disks/bucket/a b'"
    assert Dir("gs://bucket/d").stage("d").render_stage() == "gsutil cp -r gs://bucket/d d"
    assert File("gs://bucket/a").shell_copy_to("memory://x") == "redun fs cp gs://bucket/a memory://x"


def test_copying_can_leave_what_is_there_alone():
    Dir("a").file("x").write("new")
    Dir("a").file("y").write("new")
    Dir("b").file("x").write("old")
    copied = Dir("a").copy_to(Dir("b"), skip_if_exists=True)
    assert [file.read() for file in copied] == ["old", "new"]
    assert Path("b/y").exists()
