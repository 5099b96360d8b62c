"""What filesystems list and match, as tests."""

# ruff: noqa: D102 - the name of a test is its promise
from __future__ import annotations

import glob
from typing import TYPE_CHECKING, Any

import pytest

from redun.testing.filesystem_rules import FileSystemRules

if TYPE_CHECKING:
    from redun.file import FileSystem

TREE = (
    ".hidden/a.txt",
    "a.txt",
    "ab.txt",
    "b.csv",
    "sub/.hidden.txt",
    "sub/a.txt",
    "sub/deep/.more/a.txt",
    "sub/deep/a.txt",
    "sub/deep/b.csv",
    "subway/a.txt",
)


class FileSystemListing(FileSystemRules):
    """What `glob`, `list_files` and `list_folders` find. Part of `FileSystemSuite`, which see."""

    @pytest.fixture
    def tree(self, root: str, put: Any) -> str:
        """The URL of a directory with some files."""
        for name in TREE:
            put(f"{root}/tree/{name}")
        return f"{root}/tree"

    @pytest.mark.parametrize(
        ("pattern", "names"),
        [
            ("*", "a.txt ab.txt b.csv"),
            ("*.txt", "a.txt ab.txt"),
            ("a*", "a.txt ab.txt"),
            ("?.txt", "a.txt"),
            ("a?.txt", "ab.txt"),
            ("[ab].*", "a.txt b.csv"),
            ("[!a].*", "b.csv"),
            ("[a-z].txt", "a.txt"),
            ("a.txt", "a.txt"),
            ("*/a.txt", "sub/a.txt subway/a.txt"),
            ("sub*/*", "sub/a.txt subway/a.txt"),
            ("sub/*", "sub/a.txt"),
            ("**/a.txt", "a.txt sub/a.txt sub/deep/a.txt subway/a.txt"),
            ("**/*.csv", "b.csv sub/deep/b.csv"),
            ("**", "a.txt ab.txt b.csv sub/a.txt sub/deep/a.txt sub/deep/b.csv subway/a.txt"),
            ("sub/**", "sub/a.txt sub/deep/a.txt sub/deep/b.csv"),
            ("sub/**/deep/*", "sub/deep/a.txt sub/deep/b.csv"),
            ("**/deep/**", "sub/deep/a.txt sub/deep/b.csv"),
            (".*", ""),
            (".*/*", ".hidden/a.txt"),
            ("sub/.*", "sub/.hidden.txt"),
            (".hidden/**", ".hidden/a.txt"),
            ("sub/deep/.more/*", "sub/deep/.more/a.txt"),
            ("none/*", ""),
            ("none", ""),
            ("sub", ""),
            ("a.txt/*", ""),
        ],
    )
    def test_a_pattern_matches_files(self, filesystem: FileSystem, tree: str, pattern: str, names: str) -> None:
        assert filesystem.glob(f"{tree}/{pattern}") == [f"{tree}/{name}" for name in names.split()]

    @pytest.mark.parametrize(
        ("folder", "names"),
        [
            ("", "a.txt ab.txt b.csv sub/a.txt sub/deep/a.txt sub/deep/b.csv subway/a.txt"),
            ("/sub", "sub/a.txt sub/deep/a.txt sub/deep/b.csv"),
            ("/.hidden", ".hidden/a.txt"),
            ("/su", ""),
            ("/a.txt", ""),
            ("/none", ""),
        ],
    )
    def test_the_files_below_a_directory(self, filesystem: FileSystem, tree: str, folder: str, names: str) -> None:
        assert filesystem.list_files(f"{tree}{folder}") == [f"{tree}/{name}" for name in names.split()]

    def test_the_directories_right_in_a_directory(self, filesystem: FileSystem, tree: str) -> None:
        assert filesystem.list_folders(tree) == filesystem.list_folders(f"{tree}/") == [f"{tree}/sub", f"{tree}/subway"]
        assert filesystem.list_folders(f"{tree}/sub") == [f"{tree}/sub/deep"]
        assert filesystem.list_folders(f"{tree}/subway") == []

    def test_empty_directories_are_no_files(self, filesystem: FileSystem, root: str) -> None:
        filesystem.mkdir(f"{root}/a/b")
        assert filesystem.list_files(root) == filesystem.glob(f"{root}/**") == filesystem.glob(f"{root}/*") == []

    def test_files_that_come_and_go_are_noticed(self, filesystem: FileSystem, tree: str, put: Any) -> None:
        assert len(filesystem.list_files(tree)) == 7
        put(f"{tree}/new")
        assert f"{tree}/new" in filesystem.list_files(tree)
        filesystem.remove(f"{tree}/new")
        assert filesystem.glob(f"{tree}/n*") == []

    def test_many_files_are_listed_in_order(self, filesystem: FileSystem, root: str, put: Any) -> None:
        paths = [put(f"{root}/many/{number % 7}/{number}") for number in range(300)]
        assert filesystem.list_files(f"{root}/many") == sorted(paths)

    def test_odd_names_are_names(self, filesystem: FileSystem, root: str, put: Any, get: Any) -> None:
        for folder in (root, *(f"{root}/in {name}" for name in self.odd_names)):
            for name in self.odd_names if folder == root else ["file"]:
                path = put(f"{folder}/{name}", name.encode())
                assert get(path) == name.encode()
                assert filesystem.exists(path)
                assert filesystem.isfile(path)
                assert filesystem.size(path) == len(name.encode())
                assert filesystem.glob(glob.escape(path)) == [path]
                assert path in filesystem.list_files(folder)
        assert filesystem.list_folders(root) == sorted(f"{root}/in {name}" for name in self.odd_names)
        for name in self.odd_names:
            assert filesystem.list_files(f"{root}/in {name}") == [f"{root}/in {name}/file"]
        assert len(filesystem.list_files(root)) == 2 * len(self.odd_names)
        for name in self.odd_names:
            filesystem.remove(f"{root}/{name}")
        assert len(filesystem.list_files(root)) == len(self.odd_names)
