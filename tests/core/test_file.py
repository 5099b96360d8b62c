"""Files as values: content, hash, validity, storage, errors."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from redun import filesystem_finders
from redun.errors import RedunError
from redun.file import (
    ContentFile,
    Dir,
    File,
    FileSet,
    FileSystem,
    IFile,
    RedunFileExistsError,
    RedunFileNotFoundError,
    RedunOSError,
    RedunPermissionError,
    UnknownSchemeError,
    add_filesystem_finder,
    copy_file,
    get_filesystem,
    get_filesystem_class,
    get_proto,
    glob_file,
    list_filesystems,
    open_file,
    register_filesystem,
)
from redun.file import filesystem as registry
from redun.value import decode, encode, hash_value, is_valid


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def clean_registry(monkeypatch):
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))
    monkeypatch.setattr(registry, "_instances", {})
    monkeypatch.setattr(registry, "filesystem_finders", finders := [])
    monkeypatch.setattr(filesystem_finders, "filesystem_finders", finders)


def set_time(path: str, nanoseconds: int) -> None:
    os.utime(path, ns=(nanoseconds, nanoseconds))


# -- content


def test_text_and_bytes_are_written_and_read():
    file = File("a.txt")
    file.write("one\ntwo\n")
    assert file.read() == "one\ntwo\n"
    assert file.readlines() == ["one\n", "two\n"]
    file.write("three\n", mode="a")
    assert file.read("rb") == b"one\ntwo\nthree\n"
    file.write(b"\xff", mode="wb")
    assert file.readlines("rb") == [b"\xff"]


def test_encoding_is_used():
    file = File("a.txt")
    file.write("gr\u00fc\u00df", encoding="latin-1")
    assert file.read("rb") == b"gr\xfc\xdf"
    assert file.read(encoding="latin-1") == "gr\u00fc\u00df"


def test_encoding_in_binary_mode_is_refused():
    with pytest.raises(ValueError, match="encoding"):
        File("a.txt").open("rb", encoding="utf-8")


def test_parent_folders_are_made_for_writing_only():
    File("a/b/c.txt").write("x")
    assert Path("a/b/c.txt").read_text() == "x"
    with pytest.raises(RedunFileNotFoundError):
        File("d/e.txt").open()
    with pytest.raises(RedunFileNotFoundError):
        File("d/e.txt").open("r+")
    assert not Path("d").exists()


def test_questions_about_a_file():
    file = File("a/b.txt")
    assert (file.exists(), file.isfile(), file.isdir()) == (False, False, False)
    file.write("abc")
    assert (file.exists(), file.isfile(), file.isdir(), file.size()) == (True, True, False, 3)
    assert (File("a").isfile(), File("a").isdir()) == (False, True)
    assert (file.basename(), file.dirname()) == ("b.txt", "a")
    assert Path(file) == Path("a/b.txt")
    assert File(Path("a") / "b.txt").path == "a/b.txt"


def test_removing_twice_is_fine():
    file = File("a.txt")
    file.write("abc")
    file.remove()
    file.remove()
    assert not file.exists()


def test_copy_gives_the_other_file_with_its_new_hash():
    source, target = File("a.txt"), File("b/c.txt")
    source.write("abc")
    before = target.hash
    assert source.copy_to(target) is target
    assert target.read() == "abc"
    assert target.hash != before
    assert target.is_valid()


def test_copy_can_leave_an_existing_file_alone():
    source, target = File("a.txt"), File("b.txt")
    source.write("abc")
    target.write("old")
    source.copy_to(target, skip_if_exists=True)
    assert target.read() == "old"
    source.copy_to(target)
    assert target.read() == "abc"


def test_functions_take_paths():
    with open_file("a/1.txt", "w") as stream:
        stream.write("x")
    assert copy_file("a/1.txt", "a/2.txt").read() == "x"
    assert glob_file("a/*.txt") == ["a/1.txt", "a/2.txt"]


# -- hash and validity


def test_hash_is_of_path_size_and_time():
    File("a.txt").write("abc")
    set_time("a.txt", 10**18)
    first = File("a.txt").hash
    assert len(first) == 40
    assert File("a.txt").hash == first
    assert File("./a.txt").hash != first
    set_time("a.txt", 10**18 + 1)
    assert File("a.txt").hash != first
    File("a.txt").write("abcd")
    set_time("a.txt", 10**18)
    assert File("a.txt").hash != first


def test_missing_file_has_a_hash():
    assert File("a.txt").hash == File("a.txt").hash != File("b.txt").hash
    File("a.txt").write("")
    set_time("a.txt", -1)
    assert File("a.txt").hash != File("b.txt").hash


def test_hash_is_kept_until_it_is_updated():
    file = File("a.txt")
    before = file.hash
    Path("a.txt").write_text("abc")
    assert file.hash == before
    assert not file.is_valid()
    file.update_hash()
    assert file.hash != before
    assert file.is_valid()


@pytest.mark.parametrize("mode", ["w", "a", "r+"])
def test_hash_follows_what_is_written_through_the_file(mode):
    file = File("a.txt")
    Path("a.txt").write_text("abc")
    set_time("a.txt", 0)
    before = file.hash
    with file.open(mode) as stream:
        stream.write("more text")
        during = file.hash
    assert file.hash not in (before, during)
    assert file.is_valid()
    assert file.hash == File("a.txt").hash


def test_hash_follows_a_stream_that_was_never_closed():
    file = File("a.txt")
    before = file.hash
    file.open("w").write("abc")
    assert file.hash != before
    assert Path("a.txt").read_text() == "abc"


def test_reading_leaves_the_hash_as_it_is():
    file = File("a.txt")
    file.write("abc")
    before = file.hash
    set_time("a.txt", 0)
    file.read()
    assert file.hash == before


def test_touching_leaves_the_hash_as_it_is():
    file = File("a.txt")
    before = file.hash
    file.touch()
    assert file.exists()
    assert file.hash == before


def test_file_whose_hash_was_never_asked_for_is_valid():
    assert File("a.txt").is_valid()


def test_changed_file_is_not_valid_wherever_it_is():
    file = File("a.txt")
    file.write("abc")
    value = {"files": [file, 1]}
    assert is_valid(decode(*encode(value)[2:4], "builtins.dict"))
    Path("a.txt").write_text("other text")
    assert not is_valid(decode(*encode(value)[2:4], "builtins.dict"))


def test_written_once_file_is_always_valid():
    file = IFile("a.txt")
    before = file.hash
    file.write("abc")
    assert file.hash == before
    assert file.is_valid()
    assert before != File("a.txt").hash


def test_content_file_follows_its_content_only():
    file = ContentFile("a.txt")
    missing = file.hash
    file.write("abc")
    before = file.hash
    assert missing != before
    set_time("a.txt", 0)
    assert file.is_valid()
    Path("a.txt").write_text("abd")
    assert not file.is_valid()
    assert ContentFile("a.txt").hash != before


# -- as a stored value


def test_state_is_path_and_hash():
    file = File("a.txt")
    file.write("abc")
    assert file.__getstate__() == {"path": "a.txt", "hash": file.hash}
    made = pickle.loads(pickle.dumps(file))
    Path("a.txt").write_text("changed")
    assert (made.path, made.hash) == ("a.txt", file.hash)
    assert not made.is_valid()


def test_encoded_file_has_its_path_and_its_hash():
    file = File("a.txt")
    encoded = encode(file)
    assert (encoded.hash.hex(), encoded.path, encoded.type_name) == (file.hash, "a.txt", "redun.File")
    assert hash_value(file) == encoded.hash
    assert b"redun.file.file" not in encoded.data


def test_files_in_a_result_are_children():
    one, two = File("a.txt"), IFile("b.txt")
    encoded = encode({"one": one, "two": [two, one]})
    assert [(child.path, child.type_name) for child in encoded.children] == [
        ("a.txt", "redun.File"),
        ("b.txt", "redun.IFile"),
    ]
    assert encoded.path is None


def test_repr_shows_path_and_short_hash():
    file = File("a.txt")
    assert repr(file) == f"File(path=a.txt, hash={file.hash[:8]})"


def test_path_with_odd_bytes_is_hashed():
    name = os.fsdecode(b"odd\xff.txt")
    file = File(name)
    file.write("x")
    assert encode(file).path == name
    assert hash_value([file])


# -- errors


def test_missing_file_is_named():
    with pytest.raises(RedunFileNotFoundError, match=r"no/such\.txt") as caught:
        File("no/such.txt").read()
    assert isinstance(caught.value, FileNotFoundError)
    assert isinstance(caught.value, RedunError)
    assert pickle.loads(pickle.dumps(caught.value)).filename == "no/such.txt"
    with pytest.raises(RedunFileNotFoundError):
        File("no/such.txt").size()
    with pytest.raises(RedunFileNotFoundError):
        File("no/such.txt").copy_to(File("b.txt"))


def test_other_refusals_are_named():
    Path("a").mkdir()
    with pytest.raises(RedunOSError, match="'a'"):
        File("a").read()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_forbidden_file_is_named():
    File("a.txt").write("x")
    Path("a.txt").chmod(0)
    with pytest.raises(RedunPermissionError, match=r"a\.txt"):
        File("a.txt").read()


def test_errors_of_remote_stores_that_hold_nothing_but_a_path_say_what_they_are():
    name = f"memory://{uuid.uuid4().hex}/a"
    with pytest.raises(RedunFileNotFoundError, match=r"^\[Errno 2\] No such file or directory: 'memory://"):
        File(name).read()
    File(name).write("x")
    with pytest.raises(RedunFileExistsError, match=r"^\[Errno 17\] File exists: 'memory://"):
        File(name).write("x", mode="x")
    with pytest.raises(FileExistsError):
        File(name).write("x", mode="x")


class StoreError(Exception):
    """What the library of a store raises."""


def test_an_error_that_only_the_library_of_a_store_knows_is_named(clean_registry):
    @register_filesystem
    class Refusing(get_filesystem_class("local")):
        name = "refusing"

        def state(self, path):
            raise StoreError("no credentials")

        def open(self, path, mode, encoding=None, **options):
            raise StoreError("no credentials")

    for use in (File.read, File.get_hash, lambda file: file.write("x")):
        with pytest.raises(RedunOSError, match=r"^StoreError: no credentials: 'refusing://b/k'") as caught:
            use(File("refusing://b/k"))
        assert isinstance(caught.value.__cause__, StoreError)
    with pytest.raises(ValueError, match="invalid mode"):
        File("a.txt").open("q")


@pytest.mark.parametrize("path", [b"a", 5])
def test_what_is_no_path_is_refused_at_once(path):
    for make in (File, FileSet, Dir):
        with pytest.raises(TypeError, match=r"bytes|int"):
            make(path)


def test_permission_errors_keep_their_kind():
    from redun.file.errors import naming

    with pytest.raises(PermissionError, match=r"a\.txt") as caught, naming("a.txt"):
        raise PermissionError(13, "Permission denied")
    assert type(caught.value) is RedunPermissionError


# -- other filesystems


def test_scheme_of_a_path():
    schemes = [get_proto(path) for path in ("a.txt", "/a", "file:///a", "s3://b/k", "S3://b/k", "C:/a", "memory://a")]
    assert schemes == ["local", "local", "local", "s3", "s3", "local", "memory"]


def test_file_url_is_local(folder):
    file = File(f"file://{folder}/sub/a.txt")
    file.write("abc")
    assert (folder / "sub/a.txt").read_text() == "abc"
    assert glob_file(f"file://{folder}/sub/*") == [file.path]


def test_unknown_scheme_is_one_clear_error():
    for use in (File.read, File.exists, lambda file: file.hash):
        with pytest.raises(
            UnknownSchemeError, match=r"'nowhere://a': no filesystem for the scheme 'nowhere'.*Known: .*local"
        ):
            use(File("nowhere://a"))


def test_filesystem_can_be_registered(clean_registry):
    local = get_filesystem_class("local")

    @register_filesystem
    class Shifted(local):
        name = "shifted"

        def open(self, path, mode, encoding=None, **options):
            return super().open(path.removeprefix("shifted://"), mode, encoding, **options)

        def state(self, path):
            return super().state(path.removeprefix("shifted://"))

    assert Shifted in list_filesystems()
    assert isinstance(get_filesystem("shifted://a"), FileSystem)
    file = File("shifted://a.txt")
    before = file.hash
    file.write("abc")
    assert Path("a.txt").read_text() == "abc"
    assert file.hash != before


def test_filesystem_can_be_found_when_it_is_needed(clean_registry):
    asked = []

    def find(proto):
        asked.append(proto)
        return get_filesystem("a.txt") if proto == "found" else None

    add_filesystem_finder(find)
    assert get_filesystem("found://a") is get_filesystem("a.txt")
    assert get_filesystem("found://b") is get_filesystem("a.txt")
    assert asked == ["found"]


def test_remote_files_work_through_fsspec():
    pytest.importorskip("fsspec")
    file = File("memory://bucket/sub/a.txt")
    missing = file.hash
    file.write("abc")
    assert (file.read(), file.size(), file.exists(), file.isfile()) == ("abc", 3, True, True)
    assert file.hash != missing
    local = file.copy_to(File("down/a.txt"))
    assert Path("down/a.txt").read_text() == "abc"
    assert local.copy_to(File("memory://bucket/b.txt")).read("rb") == b"abc"
    file.remove()
    file.remove()
    assert not file.exists()
    assert not file.is_valid() or file.hash == missing


def test_importing_files_imports_nothing_heavy():
    heavy = "fsspec pydantic sqlalchemy alembic rich pluggy numpy click importlib_metadata"
    code = f"import sys, redun.file, redun.value; print([m for m in {heavy.split()} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
