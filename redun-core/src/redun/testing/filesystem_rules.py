"""The rules of the interface of filesystems, as tests."""

# ruff: noqa: D102 - the name of a test is its promise
from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from redun.file import FileSystem, get_filesystem

if TYPE_CHECKING:
    from collections.abc import Callable

ALL_BYTES = bytes(range(256))
LARGE = 5_000_000
CLOCK_SECONDS = 1.5
"""For how long the clock of a filesystem may stand still."""
TEXT = "Gr\u00fc\u00dfe, \u4f60\u597d, \U0001f600\n"


class FileSystemRules:
    """What `redun.file.FileSystem` says of each method. Part of `FileSystemSuite`, which see."""

    has_directories = True
    """A directory is something of its own: it can be empty, and `mkdir` makes one."""
    guards_directories = True
    """A file cannot be written in the place of a directory, or below a file."""
    can_append = True
    """Files can be opened with mode `a`."""
    can_create = True
    """Mode `x` fails where a file is. Elsewhere nothing is asked of that mode."""
    sees_every_change = True
    """The state of a file also tells contents of the same size apart."""
    odd_names: tuple[str, ...] = (
        "with space",
        " around ",
        "gr\u00fc\u00df \u4f60\u597d",
        "a#b?c=d&e",
        "50%20+1",
        "st*r",
        "br[a-c]ket",
        "quo'te\"s",
        "semi;$HOME`x`",
        "back\\slash",
        "-dash",
        "~home",
        "x" * 200,
    )
    """Names of files that the filesystem must take."""

    @pytest.fixture
    def root(self) -> str:
        """The URL of an empty directory, new for each test, without a slash at its end."""
        raise NotImplementedError("override the fixture `root`")

    @pytest.fixture
    def filesystem(self, root: str) -> FileSystem:
        """The filesystem under test."""
        return get_filesystem(root)

    @pytest.fixture
    def put(self, filesystem: FileSystem) -> Callable[[str, bytes], str]:
        """Writes a file and returns its path."""

        def put(path: str, data: bytes = b"data") -> str:
            with filesystem.open(path, "wb") as stream:
                stream.write(data)
            return path

        return put

    @pytest.fixture
    def get(self, filesystem: FileSystem) -> Callable[[str], bytes]:
        """Reads a file."""

        def get(path: str) -> bytes:
            with filesystem.open(path, "rb") as stream:
                data: bytes = stream.read()
            return data

        return get

    # Opening.

    @pytest.mark.parametrize("data", [b"", ALL_BYTES, b"\r\n\n\r", ALL_BYTES * (LARGE // 256)], ids=len)
    def test_bytes_are_read_as_they_were_written(self, root: str, put: Any, get: Any, data: bytes) -> None:
        assert get(put(f"{root}/file", data)) == data

    def test_text_is_read_as_it_was_written(self, filesystem: FileSystem, root: str) -> None:
        with filesystem.open(f"{root}/file", "w", "utf-8") as stream:
            stream.write(TEXT * 1000)
        with filesystem.open(f"{root}/file", "r", "utf-8") as stream:
            assert stream.read() == TEXT * 1000

    def test_an_encoding_is_used_for_writing_and_for_reading(self, filesystem: FileSystem, root: str, get: Any) -> None:
        with filesystem.open(f"{root}/file", "w", "latin-1") as stream:
            stream.write("gr\u00fc\u00df")
        assert get(f"{root}/file") == b"gr\xfc\xdf"
        with filesystem.open(f"{root}/file", "r", "cp1252") as stream:
            assert stream.read() == "gr\u00fc\u00df"

    def test_ends_of_lines_are_translated_as_by_open(
        self, filesystem: FileSystem, root: str, put: Any, get: Any
    ) -> None:
        put(f"{root}/file", b"1\r\n2\r3\n")
        with filesystem.open(f"{root}/file", "r") as stream:
            assert list(stream) == ["1\n", "2\n", "3\n"]
        with filesystem.open(f"{root}/file", "r", newline="") as stream:
            assert stream.read() == "1\r\n2\r3\n"
        with filesystem.open(f"{root}/file", "w", newline="\r\n") as stream:
            stream.write("1\n2\n")
        assert get(f"{root}/file") == b"1\r\n2\r\n"

    def test_a_stream_of_bytes_can_be_read_anywhere(self, filesystem: FileSystem, root: str, put: Any) -> None:
        put(f"{root}/file", ALL_BYTES * 100)
        with filesystem.open(f"{root}/file", "rb") as stream:
            stream.seek(-256, 2)
            assert stream.read(2) == b"\x00\x01"
            assert stream.tell() == 25_346
            stream.seek(10)
            assert stream.read(1) == b"\x0a"

    def test_writing_replaces_what_was_there(self, root: str, put: Any, get: Any) -> None:
        put(f"{root}/file", b"a long text")
        assert get(put(f"{root}/file", b"short")) == b"short"

    def test_appending_adds_to_what_was_there(self, filesystem: FileSystem, root: str, get: Any) -> None:
        if not self.can_append:
            pytest.skip("this filesystem cannot append")
        for text in (b"one", b" two"):
            with filesystem.open(f"{root}/new/file", "ab") as stream:
                stream.write(text)
        assert get(f"{root}/new/file") == b"one two"

    def test_creating_fails_where_a_file_is(self, filesystem: FileSystem, root: str, get: Any) -> None:
        if not self.can_create:
            pytest.skip("this filesystem does not know mode x")
        with filesystem.open(f"{root}/new/file", "xb") as stream:
            stream.write(b"one")
        with pytest.raises(FileExistsError), filesystem.open(f"{root}/new/file", "xb") as stream:
            stream.write(b"two")
        assert get(f"{root}/new/file") == b"one"

    def test_folders_above_a_file_are_made_for_writing(self, root: str, put: Any, get: Any) -> None:
        assert get(put(f"{root}/a/b/c/file", b"deep")) == b"deep"

    def test_reading_makes_nothing(self, filesystem: FileSystem, root: str) -> None:
        for mode in ("r", "rb"):
            with pytest.raises(FileNotFoundError):
                filesystem.open(f"{root}/a/file", mode)
        assert not filesystem.exists(f"{root}/a")

    @pytest.mark.parametrize("mode", ["r", "rb", "w", "wb"])
    def test_a_directory_cannot_be_opened(
        self, filesystem: FileSystem, root: str, put: Any, get: Any, mode: str
    ) -> None:
        if "w" in mode and not self.guards_directories:
            pytest.skip("this filesystem may have a file and a directory of one name")
        put(f"{root}/folder/file")
        with pytest.raises(OSError, match="folder"):
            filesystem.open(f"{root}/folder", mode)
        assert get(f"{root}/folder/file") == b"data"

    def test_nothing_can_be_written_below_a_file(self, filesystem: FileSystem, root: str, put: Any, get: Any) -> None:
        if not self.guards_directories:
            pytest.skip("this filesystem may have a file and a directory of one name")
        put(f"{root}/file")
        with pytest.raises(OSError, match="file"), filesystem.open(f"{root}/file/below", "wb") as stream:
            stream.write(b"x")
        assert get(f"{root}/file") == b"data"

    # Questions.

    def test_what_is_said_of_a_file(self, filesystem: FileSystem, root: str, put: Any) -> None:
        path = put(f"{root}/a/file", b"1234")
        assert (filesystem.exists(path), filesystem.isfile(path), filesystem.isdir(path)) == (True, True, False)
        assert filesystem.size(path) == 4

    def test_what_is_said_of_a_directory(self, filesystem: FileSystem, root: str, put: Any) -> None:
        put(f"{root}/a/b/file")
        for path in (f"{root}/a", f"{root}/a/b", f"{root}/a/b/"):
            assert (filesystem.exists(path), filesystem.isfile(path), filesystem.isdir(path)) == (True, False, True)
        assert isinstance(filesystem.state(f"{root}/a"), tuple)

    @pytest.mark.parametrize("name", ["none", "none/", "ab", "a/b", "abc/fil", "abc/file/below"])
    def test_what_is_said_where_nothing_is(self, filesystem: FileSystem, root: str, put: Any, name: str) -> None:
        put(f"{root}/abc/file")
        path = f"{root}/{name}"
        assert (filesystem.exists(path), filesystem.isfile(path), filesystem.isdir(path)) == (False, False, False)
        assert filesystem.list_files(path) == []
        with pytest.raises(OSError):  # noqa: PT011 - the path is added by `File`
            filesystem.size(path)

    # State.

    def test_the_state_stays_while_nothing_changes(self, filesystem: FileSystem, root: str, put: Any) -> None:
        path = put(f"{root}/file")
        before = filesystem.state(path)
        put(f"{root}/other")
        assert filesystem.state(path) == before
        assert all(isinstance(part, str) for part in before)

    def test_the_state_changes_with_the_content(self, filesystem: FileSystem, root: str, put: Any) -> None:
        path = f"{root}/file"
        states = {filesystem.state(put(path, b"x" * size)) for size in range(20)}
        assert len(states) == 20

    def test_the_state_changes_with_content_of_the_same_size(self, filesystem: FileSystem, root: str, put: Any) -> None:
        if not self.sees_every_change:
            pytest.skip("the state of a file is its size only")
        states = []
        for content in (b"1", b"2"):
            states.append(filesystem.state(put(f"{root}/file", content)))
            # A clock may stand still for some milliseconds.
            _wait_for_the_clock(filesystem, put, f"{root}/clock")
        assert states[0] != states[1]

    def test_what_is_missing_has_a_state_of_its_own(self, filesystem: FileSystem, root: str, put: Any) -> None:
        missing = filesystem.state(f"{root}/file")
        assert filesystem.state(f"{root}/file") == missing
        put(f"{root}/file", b"")
        assert filesystem.state(f"{root}/file") != missing
        filesystem.remove(f"{root}/file")
        assert filesystem.state(f"{root}/file") == missing

    # Removing and directories.

    def test_removing_takes_one_file_and_may_be_repeated(
        self, filesystem: FileSystem, root: str, put: Any, get: Any
    ) -> None:
        put(f"{root}/a/file")
        put(f"{root}/a/file2")
        for path in ("a/file", "a/file", "a/none", "none/none", "a/file2/below"):
            filesystem.remove(f"{root}/{path}")
        assert not filesystem.exists(f"{root}/a/file")
        assert get(f"{root}/a/file2") == b"data"

    def test_a_directory_is_not_removed_as_a_file(self, filesystem: FileSystem, root: str, put: Any, get: Any) -> None:
        put(f"{root}/a/file")
        with contextlib.suppress(OSError):
            filesystem.remove(f"{root}/a")
        assert get(f"{root}/a/file") == b"data"

    def test_making_a_directory_makes_those_above_it_and_may_be_repeated(
        self, filesystem: FileSystem, root: str, put: Any, get: Any
    ) -> None:
        filesystem.mkdir(f"{root}/a/b")
        put(f"{root}/a/b/file")
        filesystem.mkdir(f"{root}/a/b")
        assert get(f"{root}/a/b/file") == b"data"
        if self.has_directories:
            filesystem.mkdir(f"{root}/c/d")
            assert filesystem.isdir(f"{root}/c/d")

    def test_a_directory_cannot_be_made_where_a_file_is(self, filesystem: FileSystem, root: str, put: Any) -> None:
        if not self.has_directories:
            pytest.skip("this filesystem has no directories")
        path = put(f"{root}/file")
        with pytest.raises(OSError, match="file"):
            filesystem.mkdir(path)
        assert filesystem.isfile(path)

    def test_an_empty_directory_is_removed(self, filesystem: FileSystem, root: str) -> None:
        if not self.has_directories:
            pytest.skip("this filesystem has no directories")
        for recursive in (False, True):
            filesystem.mkdir(f"{root}/a")
            filesystem.rmdir(f"{root}/a", recursive=recursive)
            assert not filesystem.exists(f"{root}/a")

    def test_a_directory_with_something_in_it_is_removed_on_demand_only(
        self, filesystem: FileSystem, root: str, put: Any, get: Any
    ) -> None:
        for name in ("a/file", "a/b/file", "ab/file"):
            put(f"{root}/{name}")
        with pytest.raises(OSError, match="a"):
            filesystem.rmdir(f"{root}/a", recursive=False)
        assert get(f"{root}/a/b/file") == b"data"
        filesystem.rmdir(f"{root}/a", recursive=True)
        assert filesystem.list_files(root) == [f"{root}/ab/file"]

    @pytest.mark.parametrize("recursive", [True, False])
    def test_what_is_no_directory_is_not_removed_as_one(
        self, filesystem: FileSystem, root: str, put: Any, get: Any, recursive: bool
    ) -> None:
        put(f"{root}/abc/file")
        for name in ("abc/file", "none", "ab"):
            with pytest.raises(OSError):  # noqa: PT011 - the path is added by `Dir`
                filesystem.rmdir(f"{root}/{name}", recursive=recursive)
        assert get(f"{root}/abc/file") == b"data"

    # Copying and touching.

    def test_touching_makes_a_file_and_leaves_its_content(
        self, filesystem: FileSystem, root: str, put: Any, get: Any
    ) -> None:
        filesystem.touch(f"{root}/new/file")
        assert get(f"{root}/new/file") == b""
        put(f"{root}/file", b"content")
        filesystem.touch(f"{root}/file")
        assert get(f"{root}/file") == b"content"

    def test_a_copy_replaces_what_was_there(self, filesystem: FileSystem, root: str, put: Any, get: Any) -> None:
        put(f"{root}/file", ALL_BYTES * (LARGE // 256))
        put(f"{root}/b/file", b"old")
        for target in ("b/file", "new/folder/file"):
            filesystem.copy(f"{root}/file", filesystem, f"{root}/{target}")
            assert get(f"{root}/{target}") == ALL_BYTES * (LARGE // 256)

    def test_a_copy_of_nothing_changes_nothing(self, filesystem: FileSystem, root: str, put: Any, get: Any) -> None:
        put(f"{root}/b", b"old")
        with pytest.raises(FileNotFoundError):
            filesystem.copy(f"{root}/none", filesystem, f"{root}/b")
        assert get(f"{root}/b") == b"old"

    def test_a_copy_onto_itself_keeps_the_content(self, filesystem: FileSystem, root: str, put: Any, get: Any) -> None:
        put(f"{root}/file", b"content")
        with contextlib.suppress(OSError):
            filesystem.copy(f"{root}/file", filesystem, f"{root}/file")
        assert get(f"{root}/file") == b"content"

    # Threads.

    def test_threads_may_share_it(self, root: str, put: Any, get: Any) -> None:
        put(f"{root}/shared", ALL_BYTES * 100)
        wrong: list[object] = []

        def work(number: int) -> None:
            try:
                filesystem = get_filesystem(root)
                for turn in range(10):
                    path = put(f"{root}/made/at/once/{turn}/{number}", b"%d" % number * 100)
                    if get(path) != b"%d" % number * 100 or get(f"{root}/shared") != ALL_BYTES * 100:
                        wrong.append(path)
                    if path not in filesystem.list_files(f"{root}/made/at/once/{turn}"):
                        wrong.append(f"{path} not listed")
                    filesystem.remove(path)
            except BaseException as error:
                wrong.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []


def _wait_for_the_clock(filesystem: FileSystem, put: Any, path: str) -> None:
    """Write a file until its state changes: from then on the state of others can change as well."""
    before = filesystem.state(put(path))
    give_up = time.monotonic() + CLOCK_SECONDS
    while filesystem.state(put(path)) == before and time.monotonic() < give_up:
        pass
