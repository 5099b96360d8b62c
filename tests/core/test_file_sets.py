"""Sets of files and directories as values."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from redun.file import (
    ContentDir,
    ContentFile,
    ContentFileSet,
    Dir,
    File,
    FileSet,
    IDir,
    IFile,
    IFileSet,
    LocalFileSystem,
    RedunFileNotFoundError,
    RedunOSError,
)
from redun.file import filesystem as registry
from redun.value import decode, encode, is_valid


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("d/a.txt", "d/b.csv", "d/sub/c.txt", "d/sub/deep/d.txt", "d/.hidden", "other/e.txt"):
        File(name).write(name)
    return tmp_path


def paths(files) -> list[str]:
    return [file.path for file in files]


def test_pattern_matches_files_only():
    assert paths(FileSet("d/*")) == ["d/a.txt", "d/b.csv"]
    assert paths(FileSet("d/**/*.txt")) == ["d/a.txt", "d/sub/c.txt", "d/sub/deep/d.txt"]
    assert paths(FileSet("d/**")) == ["d/a.txt", "d/b.csv", "d/sub/c.txt", "d/sub/deep/d.txt"]
    assert paths(FileSet("nothing/*")) == []
    assert [type(file) for file in FileSet("d/*.txt").files()] == [File]


def test_directory_holds_all_files_below_it():
    assert paths(Dir("d")) == paths(Dir("d/")) == ["d/a.txt", "d/b.csv", "d/sub/c.txt", "d/sub/deep/d.txt"]
    assert Dir("d///").path == "d"
    assert Dir("/").path == "/"


def test_directory_with_magic_characters_in_its_name():
    File("w[x]*/a.txt").write("a")
    File("wx/b.txt").write("b")
    assert paths(Dir("w[x]*")) == ["w[x]*/a.txt"]


SETS = [lambda: FileSet("d/**"), lambda: Dir("d")]


@pytest.mark.parametrize("make", SETS)
@pytest.mark.parametrize(
    "change",
    [
        lambda: File("d/new.txt").write("new"),
        lambda: File("d/sub/c.txt").remove(),
        lambda: File("d/sub/c.txt").write("longer than before"),
        lambda: os.utime("d/sub/deep/d.txt", (1, 1)),
        lambda: Path("d/a.txt").rename("d/z.txt"),
    ],
    ids=["new", "removed", "changed", "touched", "renamed"],
)
def test_hash_changes_with_the_files(make, change):
    before = make()
    assert before.hash == make().hash
    change()
    assert make().hash != before.hash
    assert not before.is_valid()
    before.update_hash()
    assert before.is_valid()


@pytest.mark.parametrize("make", SETS)
def test_hash_does_not_change_with_other_files(make):
    before = make()
    assert len(before.hash) == 40
    File("other/f.txt").write("x")
    File("d/.other_hidden").write("x")
    assert before.is_valid()


def test_hash_depends_on_path_and_class():
    Path("d").rename("moved")
    assert len({Dir("moved").hash, Dir("./moved").hash, FileSet("moved/**").hash, ContentDir("moved").hash}) == 4


def test_missing_directory_has_a_hash():
    assert Dir("missing").hash == Dir("missing").hash != Dir("absent").hash
    assert not Dir("missing").exists()


def test_set_whose_hash_was_never_asked_for_is_valid():
    assert Dir("d").is_valid()
    assert FileSet("d/*").is_valid()


def test_directory_is_made_and_removed():
    made = Dir("x/y")
    made.mkdir()
    made.mkdir()
    assert made.exists()
    made.rmdir()
    assert not Path("x/y").exists()
    with pytest.raises(RedunOSError, match="'d'"):
        Dir("d").rmdir()
    Dir("d").rmdir(recursive=True)
    assert not Path("d").exists()
    with pytest.raises(RedunFileNotFoundError, match="'d'"):
        Dir("d").rmdir()


def test_paths_inside_a_directory():
    assert Dir("d/").file("sub/c.txt").path == "d/sub/c.txt"
    assert Dir("/").file("etc").path == "/etc"
    assert Dir("d").rel_path("d/sub/c.txt") == "sub/c.txt"
    with pytest.raises(ValueError, match=r"'other/e\.txt' is not below the directory 'd'"):
        Dir("d").rel_path("other/e.txt")


def test_directory_is_copied_with_its_structure():
    target = Dir("copy/of")
    before = target.hash
    assert Dir("d").copy_to(target) is target
    assert paths(target) == ["copy/of/a.txt", "copy/of/b.csv", "copy/of/sub/c.txt", "copy/of/sub/deep/d.txt"]
    assert target.file("sub/c.txt").read() == "d/sub/c.txt"
    assert target.hash != before
    File("d/a.txt").write("changed")
    Dir("d").copy_to(target, skip_if_exists=True)
    assert target.file("a.txt").read() == "d/a.txt"


def test_state_and_children():
    made = Dir("d")
    encoded = encode({"dir": made, "set": FileSet("other/*")})
    directory, files = encoded.children
    assert (directory.type_name, directory.path, directory.hash.hex()) == ("redun.Dir", "d", made.hash)
    assert [child.path for child in directory.children] == paths(made)
    assert (files.type_name, files.path, [child.path for child in files.children]) == (
        "redun.FileSet",
        None,
        ["other/e.txt"],
    )
    assert made.__getstate__() == {"path": "d", "hash": made.hash}
    back = decode(directory.codec, directory.data, directory.type_name)
    assert (back.path, back.pattern, back.hash) == ("d", made.pattern, made.hash)
    assert paths(back) == paths(made)
    assert is_valid([back])
    File("d/new.txt").write("x")
    assert not is_valid([pickle.loads(pickle.dumps(back))])


def test_reprs():
    directory, files = Dir("d/"), FileSet("d/*")
    assert repr(directory) == f"Dir(path=d, hash={directory.hash[:8]})"
    assert repr(files) == f"FileSet(pattern=d/*, hash={files.hash})"


@pytest.mark.parametrize("make", [lambda: IFileSet("d/**"), lambda: IDir("d")])
def test_written_once_sets_never_change(make):
    made = make()
    before = made.hash
    File("d/new.txt").write("x")
    assert make().hash == before
    assert made.is_valid()
    assert encode(made).children == ()
    assert {type(file) for file in made} == {IFile}


@pytest.mark.parametrize("make", [lambda: ContentFileSet("d/**"), lambda: ContentDir("d")])
def test_content_sets_follow_content_only(make):
    made = make()
    before = made.hash
    os.utime("d/a.txt", (1, 1))
    assert make().hash == before
    assert {type(file) for file in made} == {ContentFile}
    File("d/a.txt").write("d/b.txt")
    assert make().hash != before
    assert not made.is_valid()


def test_files_of_a_family_stay_in_it():
    assert type(IDir("d").file("a.txt")) is IFile
    assert type(ContentDir("d").file("a.txt")) is ContentFile
    assert type(Dir("d").file("a.txt")) is File


@pytest.mark.parametrize("make", SETS)
def test_the_files_of_a_set_are_asked_about_at_once(make, monkeypatch):
    asked = []

    class Listing(LocalFileSystem):
        def states(self, paths):
            asked.append(list(paths))
            return super().states(paths)

    monkeypatch.setitem(registry._instances, "local", Listing())
    made = make()
    assert made.hash
    assert [file.hash for file in made.iter_subvalues()] == [File(path).hash for path in asked[0]]
    assert asked == [paths(made)]
