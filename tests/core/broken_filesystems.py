"""Filesystems that break one rule each, and the tests of the suite for filesystems that have to notice it."""

from __future__ import annotations

import glob
import io
import os
import shutil
import time
from urllib.parse import unquote

import pytest
from redun.file import LocalFileSystem
from redun.file import filesystem as registry
from redun.testing import FileSystemSuite


class Broken(LocalFileSystem):
    """breaks: parts of the names of the tests to fail."""

    breaks = ""


class MakesNoFolders(Broken):
    breaks = "folders_above_a_file_are_made"

    def open(self, path, mode, encoding=None, **options):
        return open(path, mode, encoding=encoding, **options)


class MakesFoldersForReading(Broken):
    breaks = "reading_makes_nothing"

    def open(self, path, mode, encoding=None, **options):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return open(path, mode, encoding=encoding, **options)


class IgnoresEncodings(Broken):
    breaks = "an_encoding_is_used"

    def open(self, path, mode, encoding=None, **options):
        return super().open(path, mode, None, **options)


class IgnoresNewlines(Broken):
    breaks = "ends_of_lines"

    def open(self, path, mode, encoding=None, newline=None, **options):
        return super().open(path, mode, encoding, **options)


class TranslatesBytes(Broken):
    breaks = "bytes_are_read_as"

    def open(self, path, mode, encoding=None, **options):
        if mode != "rb":
            return super().open(path, mode, encoding, **options)
        with open(path, "rb") as stream:
            return io.BytesIO(stream.read().replace(b"\r\n", b"\n"))


class AppendsByReplacing(Broken):
    breaks = "appending_adds"

    def open(self, path, mode, encoding=None, **options):
        return super().open(path, mode.replace("a", "w"), encoding, **options)


class CreatesByReplacing(Broken):
    breaks = "creating_fails"

    def open(self, path, mode, encoding=None, **options):
        return super().open(path, mode.replace("x", "w"), encoding, **options)


class WritesOverTheStart(Broken):
    breaks = "writing_replaces"

    def open(self, path, mode, encoding=None, **options):
        if "w" in mode and os.path.isfile(path):
            return open(path, mode.replace("w", "r+"), encoding=encoding, **options)
        return super().open(path, mode, encoding, **options)


class TakesPrefixesForDirectories(Broken):
    breaks = "what_is_said_where_nothing_is"

    def exists(self, path):
        return bool(glob.glob(glob.escape(path) + "*"))


class ListsByPrefix(Broken):
    breaks = "the_files_below_a_directory or files_below_it"

    def list_files(self, path):
        return sorted(p for p in glob.glob(glob.escape(path) + "*/**", recursive=True) if os.path.isfile(p))


class ListsFoldersAtAnyDepth(Broken):
    breaks = "the_directories_right_in"

    def list_folders(self, path):
        return sorted({os.path.dirname(found) for found in self.list_files(path)} - {path.rstrip("/")})


class ListsOneLevel(Broken):
    breaks = "the_files_below_a_directory or files_below_it"

    def list_files(self, path):
        return self.glob(glob.escape(path) + "/*")


class ListsInAnyOrder(Broken):
    breaks = "many_files_are_listed_in_order"

    def list_files(self, path):
        return super().list_files(path)[::-1]


class RemembersListings(Broken):
    breaks = "files_that_come_and_go"

    def __init__(self):
        self.seen = {}

    def list_files(self, path):
        return self.seen.setdefault(path, super().list_files(path))


class ListsOtherPaths(Broken):
    breaks = "the_files_below_a_directory or a_pattern_matches_files or copied_within"

    def list_files(self, path):
        return ["/" + found for found in super().list_files(path)]

    def glob(self, pattern):
        return ["/" + found for found in super().glob(pattern)]


class MatchesDirectories(Broken):
    breaks = "a_pattern_matches_files or empty_directories"

    def glob(self, pattern):
        return sorted(glob.glob(pattern, recursive=True))


class MatchesHiddenFiles(Broken):
    breaks = "a_pattern_matches_files"

    def glob(self, pattern):
        return sorted(p for p in glob.glob(pattern, recursive=True, include_hidden=True) if os.path.isfile(p))


class UnquotesNames(Broken):
    breaks = "odd_names"

    def open(self, path, mode, encoding=None, **options):
        return super().open(unquote(path), mode, encoding, **options)


class KnowsTheSizeOnly(Broken):
    breaks = "content_of_the_same_size"

    def state(self, path):
        return super().state(path)[:1]


class HasOneState(Broken):
    breaks = "state_changes_with_the_content or hash_changes_with_any or hash_follows or valid_while"

    def state(self, path):
        return ("1",)


class HasNoStateForTheMissing(Broken):
    breaks = "missing_has_a_state"

    def state(self, path):
        return str(os.stat(path).st_size), str(os.stat(path).st_mtime_ns)


class ChangesItsState(Broken):
    breaks = "state_stays"

    def state(self, path):
        self.count = getattr(self, "count", 0) + 1
        return *super().state(path), str(self.count)


class ListsOtherStates(Broken):
    breaks = "hashes_that_they_have_by_themselves"

    def states(self, paths):
        return [("1", "1") for path in paths]


class ReportsNoSize(Broken):
    breaks = "what_is_said_of_a_file"

    def size(self, path):
        return 0


class RemovesOnlyWhatIsThere(Broken):
    breaks = "removing_takes_one_file"

    def remove(self, path):
        os.unlink(path)


class RemovesDirectoriesAsFiles(Broken):
    breaks = "not_removed_as_a_file"

    def remove(self, path):
        shutil.rmtree(path) if os.path.isdir(path) else super().remove(path)


class MakesDirectoriesOnce(Broken):
    breaks = "making_a_directory or made_and_removed"

    def mkdir(self, path):
        os.makedirs(path)


class RemovesFullDirectories(Broken):
    breaks = "on_demand_only"

    def rmdir(self, path, *, recursive):
        super().rmdir(path, recursive=True)


class RemovesFilesAsDirectories(Broken):
    breaks = "not_removed_as_one"

    def rmdir(self, path, *, recursive):
        self.remove(path) if os.path.isfile(path) else super().rmdir(path, recursive=recursive)


class TouchesByWriting(Broken):
    breaks = "touching_makes"

    def touch(self, path):
        self.open(path, "wb").close()


class CopiesTheStart(Broken):
    breaks = "a_copy_replaces or a_large_file"

    def copy(self, path, target, target_path):
        with self.open(path, "rb") as source, target.open(target_path, "wb") as sink:
            sink.write(source.read(1 << 20))


class OpensTheTargetFirst(Broken):
    breaks = "copy_of_nothing or onto_itself"

    def copy(self, path, target, target_path):
        with target.open(target_path, "wb") as sink, self.open(path, "rb") as source:
            shutil.copyfileobj(source, sink)


class RaisesAnything(Broken):
    breaks = "error_for_a_missing_file"

    def open(self, path, mode, encoding=None, **options):
        if mode[0] == "r" and not os.path.exists(path):
            raise KeyError(path)
        return super().open(path, mode, encoding, **options)


class MixesUpThreads(Broken):
    breaks = "threads_may_share"

    def open(self, path, mode, encoding=None, **options):
        self.path = path
        time.sleep(0.001)  # lets another thread in
        return super().open(self.path, mode, encoding, **options)


def suite_of(kind: type[Broken]) -> type[FileSystemSuite]:
    """The tests that the filesystem has to fail."""

    class Suite(FileSystemSuite):
        @pytest.fixture
        def root(self, tmp_path, monkeypatch):
            (tmp_path / "root").mkdir()
            monkeypatch.setitem(registry._instances, "local", kind())
            return str(tmp_path / "root")

    words = kind.breaks.split(" or ")
    for name in dir(Suite):
        if name.startswith("test_") and not any(word in name for word in words):
            setattr(Suite, name, None)
    return Suite


for _kind in Broken.__subclasses__():
    globals()[f"Test{_kind.__name__}"] = suite_of(_kind)
