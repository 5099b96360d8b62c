"""The rules of the interface of filesystems, and what files as values promise on top of it, as tests."""

# ruff: noqa: D102 - the name of a test is its promise
from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from redun.file import (
    ContentFile,
    Dir,
    File,
    FileSet,
    RedunFileNotFoundError,
    RedunOSError,
    copy_file,
    get_filesystem,
    glob_file,
)
from redun.testing.filesystem_listing import FileSystemListing
from redun.testing.filesystem_rules import LARGE, TEXT
from redun.value import decode, encode, is_valid

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redun.file import FileSystem


class FileSystemSuite(FileSystemListing):
    """Subclass it and override the fixture `root`.

    Its scheme must be known to redun: by `register_filesystem`, by the hook `redun_register_filesystems` or by fsspec.
    Where the filesystem cannot do everything that a local one can, override what it says of itself: `has_directories`,
    `guards_directories`, `can_append`, `can_create`, `sees_every_change` and `odd_names`.
    """

    def test_the_scheme_leads_to_the_filesystem(self, filesystem: FileSystem, root: str) -> None:
        assert get_filesystem(f"{root}/any/file") is filesystem
        assert File(f"{root}/any/file").filesystem is filesystem

    # Files.

    def test_a_file_is_written_and_read(self, root: str) -> None:
        file = File(f"{root}/sub/file")
        file.write(TEXT + "second\n", encoding="utf-8")
        assert file.read(encoding="utf-8") == TEXT + "second\n"
        assert file.readlines("rb") == [TEXT.encode(), b"second\n"]
        assert (file.exists(), file.isfile(), file.isdir(), file.size()) == (True, True, False, len(TEXT.encode()) + 7)
        assert (file.basename(), file.dirname()) == ("file", f"{root}/sub")
        file.remove()
        file.remove()
        assert not file.exists()

    def test_an_encoding_makes_no_sense_for_bytes(self, root: str) -> None:
        with pytest.raises(ValueError, match="encoding"):
            File(f"{root}/file").open("wb", encoding="utf-8")
        assert not File(f"{root}/file").exists()

    @pytest.mark.parametrize(
        "use",
        [File.read, File.size, lambda file: file.read("rb"), lambda file: file.copy_to(File(f"{file.path}2"))],
        ids=["read", "size", "bytes", "copy"],
    )
    def test_the_error_for_a_missing_file_names_it(self, root: str, use: Callable[[File], Any]) -> None:
        with pytest.raises(FileNotFoundError) as caught:
            use(File(f"{root}/none"))
        assert isinstance(caught.value, RedunFileNotFoundError)
        assert caught.value.filename == f"{root}/none"
        assert f"{root}/none" in str(caught.value)
        assert not File(f"{root}/none2").exists()

    def test_the_error_for_a_directory_names_it(self, root: str) -> None:
        File(f"{root}/folder/file").write("x")
        with pytest.raises(RedunOSError, match="folder"):
            File(f"{root}/folder").read()
        with pytest.raises(RedunOSError, match="folder"):
            Dir(f"{root}/folder").rmdir()

    def test_the_hash_follows_the_content(self, root: str) -> None:
        file = File(f"{root}/file")
        hashes = [file.hash]
        for text in ("", "a", "ab", "abc"):
            file.write(text)
            assert file.is_valid()
            assert File(f"{root}/file").hash == file.hash
            hashes.append(file.hash)
        file.remove()
        assert not file.is_valid()
        file.update_hash()
        assert file.hash == hashes[0]
        assert len(set(hashes)) == 5

    def test_a_stored_file_is_valid_while_it_is_unchanged(self, root: str) -> None:
        file = File(f"{root}/file")
        file.write("content")
        _, _, codec, data, *_ = encode({"files": [file]})
        assert is_valid(decode(codec, data, "builtins.dict"))
        File(f"{root}/file").write("more content")
        assert not is_valid(decode(codec, data, "builtins.dict"))
        file.remove()
        assert not is_valid(decode(codec, data, "builtins.dict"))

    def test_the_hash_of_content_is_that_of_the_content(self, root: str) -> None:
        file = ContentFile(f"{root}/file")
        missing = file.hash
        file.write("content")
        before = file.hash
        file.write("changed")
        assert ContentFile(f"{root}/file").hash != before
        file.write("content")
        assert file.hash == before != missing

    def test_touching_keeps_the_hash_until_it_is_asked_for_again(self, root: str) -> None:
        file = File(f"{root}/sub/file")
        before = file.hash
        file.touch()
        assert file.exists()
        assert file.hash == before
        file.update_hash()
        assert file.hash != before

    # Copies.

    def test_a_large_file_is_copied_within_and_between_filesystems(self, root: str, tmp_path: Path) -> None:
        data = hashlib.shake_256(root.encode()).digest(LARGE)
        local = File(tmp_path / "local")
        local.write(data, "wb")
        remote = local.copy_to(File(f"{root}/sub/remote"))
        assert remote.is_valid()
        assert remote.copy_to(File(f"{root}/again")).read("rb") == data
        assert copy_file(f"{root}/again", str(tmp_path / "sub/back")).read("rb") == data
        assert (tmp_path / "sub/back").read_bytes() == data

    def test_a_copy_has_the_hash_of_its_new_content(self, root: str) -> None:
        source, target = File(f"{root}/a"), File(f"{root}/b")
        source.write("content")
        before = target.hash
        assert source.copy_to(target) is target
        assert target.hash != before
        assert target.is_valid()
        source.write("more content")
        assert source.copy_to(target, skip_if_exists=True).read() == "content"
        assert source.copy_to(target).read() == "more content"

    def test_whoever_reads_a_file_that_is_replaced_can_go_on(self, root: str) -> None:
        old, new = b"o" * LARGE, b"n" * LARGE
        file = File(f"{root}/file")
        file.write(old, "wb")
        with file.open("rb") as stream:
            first = stream.read(10)
            File(f"{root}/file").write(new, "wb")
            rest = stream.read()
        assert first == b"o" * 10
        assert set(rest) <= set(b"on")
        assert file.read("rb") == new

    # Directories and sets of files.

    def test_a_directory_holds_the_files_below_it(self, tree: str) -> None:
        names = ["a.txt", "ab.txt", "b.csv", "sub/a.txt", "sub/deep/a.txt", "sub/deep/b.csv", "subway/a.txt"]
        for directory in (Dir(tree), Dir(f"{tree}/")):
            assert [directory.rel_path(file.path) for file in directory] == names
            assert [file.path for file in directory] == [directory.file(name).path for name in names]
        assert Dir(tree).exists()
        assert not Dir(f"{tree}/su").exists()

    @pytest.mark.parametrize("make", [Dir, lambda path: FileSet(f"{path}/**")], ids=["Dir", "FileSet"])
    def test_its_hash_changes_with_any_file_below(self, tree: str, make: Callable[[str], FileSet]) -> None:
        changes: list[Callable[[], Any]] = [
            lambda: File(f"{tree}/sub/deep/a.txt").write("changed"),
            lambda: File(f"{tree}/sub/new").write(""),
            lambda: File(f"{tree}/a.txt").remove(),
        ]
        hashes = {make(tree).hash}
        for number, change in enumerate(changes):
            before = make(tree)
            assert before.hash in hashes
            assert before.is_valid()
            change()
            assert not before.is_valid()
            hashes.add(make(tree).hash)
            assert len(hashes) == number + 2

    def test_its_files_have_the_hashes_that_they_have_by_themselves(self, filesystem: FileSystem, tree: str) -> None:
        listed = [value for value in Dir(tree).iter_subvalues() if isinstance(value, File)]
        assert [file.hash for file in listed] == [File(file.path).hash for file in Dir(tree)]
        paths = [file.path for file in listed]
        assert filesystem.states(paths) == [filesystem.state(path) for path in paths]

    def test_its_hash_does_not_change_with_other_files(self, tree: str) -> None:
        before = Dir(f"{tree}/sub")
        assert before.hash
        File(f"{tree}/subway/new").write("x")
        File(f"{tree}/new").write("x")
        File(f"{tree}/sub/.new").write("x")
        assert before.is_valid()

    def test_a_set_has_the_files_that_match(self, tree: str) -> None:
        assert [file.path for file in FileSet(f"{tree}/*.txt")] == [f"{tree}/a.txt", f"{tree}/ab.txt"]
        assert glob_file(f"{tree}/**/b.*") == [f"{tree}/b.csv", f"{tree}/sub/deep/b.csv"]
        assert all(file.is_valid() and file.exists() for file in FileSet(f"{tree}/**"))

    def test_a_directory_is_copied_within_and_between_filesystems(self, root: str, tree: str, tmp_path: Path) -> None:
        names = [Dir(tree).rel_path(file.path) for file in Dir(tree)]
        copy = Dir(tree).copy_to(Dir(f"{root}/copy"))
        local = copy.copy_to(Dir(tmp_path / "local"))
        back = local.copy_to(Dir(f"{root}/back"))
        for directory in (copy, local, back):
            assert [directory.rel_path(file.path) for file in directory] == names
            assert {file.read() for file in directory} == {"data"}
            assert directory.is_valid()

    def test_a_directory_is_made_and_removed(self, root: str) -> None:
        made = Dir(f"{root}/a/b")
        made.mkdir()
        made.mkdir()
        if self.has_directories:
            assert made.exists()
            made.rmdir()
            assert not made.exists()
        made.file("sub/file").write("x")
        assert made.exists()
        made.rmdir(recursive=True)
        assert not made.exists()
        with pytest.raises(RedunFileNotFoundError, match="none"):
            Dir(f"{root}/none").rmdir(recursive=True)
