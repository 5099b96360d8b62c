"""What files in S3 promise beyond the rules of all filesystems."""

from __future__ import annotations

import gc
import hashlib
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from redun import Dir, File
from redun.file import FileSet, RedunFileExistsError, RedunOSError, get_filesystem
from redun_aws.s3 import writer as writing
from redun_aws.s3.filesystem import S3FileSystem
from redun_aws.s3.reader import S3Reader

PART = 5 << 20
"""The smallest part that S3 takes, where it is not the last one."""


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "PART_SIZE", PART)
    monkeypatch.setattr("redun_aws.s3.filesystem.PART_SIZE", PART)


def random_bytes(size: int) -> bytes:
    return hashlib.shake_128(b"seed").digest(size)


# Hashes.


def test_the_hash_of_a_file_is_made_of_path_and_etag(bucket: str, s3: Any) -> None:
    file = File(f"s3://{bucket}/file")
    file.write("content")
    assert get_filesystem(file.path).state(file.path) == (hashlib.md5(b"content").hexdigest(),)
    before = file.hash
    s3.put_object(Bucket=bucket, Key="file", Body=b"other")
    assert not file.is_valid()
    s3.put_object(Bucket=bucket, Key="file", Body=b"content")
    assert file.is_valid()
    assert file.hash == before != File(f"s3://{bucket}/other").hash


def test_the_etag_of_a_file_in_parts_depends_on_the_content(bucket: str, tmp_path: Path, small_parts: None) -> None:
    data = random_bytes(2 * PART + 100)
    (tmp_path / "file").write_bytes(data)
    File(f"s3://{bucket}/written").write(data, "wb")
    with File(f"s3://{bucket}/in pieces").open("wb") as stream:
        for start in range(0, len(data), 1_000_003):
            stream.write(data[start : start + 1_000_003])
    File(tmp_path / "file").copy_to(File(f"s3://{bucket}/uploaded"))
    File(f"s3://{bucket}/written").copy_to(File(f"s3://{bucket}/copied"))
    parts = [data[start : start + PART] for start in range(0, len(data), PART)]
    expected = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest() + "-3"
    filesystem = get_filesystem("s3://")
    for name in ("written", "in pieces", "uploaded", "copied"):
        assert filesystem.state(f"s3://{bucket}/{name}") == (expected,), name
        assert File(f"s3://{bucket}/{name}").read("rb") == data


# How often S3 is asked.


def test_a_directory_and_a_pattern_cost_a_call_for_each_thousand_keys(bucket: str, fill: Any, calls: list[str]) -> None:
    names = [f"many/{number % 3}/{number:04}.txt" for number in range(1002)]
    fill({name: name.encode() for name in names})
    for value in (
        Dir(f"s3://{bucket}/many"),
        FileSet(f"s3://{bucket}/many/**/*.txt"),
        FileSet(f"s3://{bucket}/m*/?/*"),
    ):
        calls.clear()
        assert value.hash
        assert calls == ["ListObjectsV2"] * 2
        assert value.is_valid()
        assert calls == ["ListObjectsV2"] * 4
        assert len(list(value.iter_subvalues())) == 1002
        assert calls == ["ListObjectsV2"] * 4
    some = [value for value in Dir(f"s3://{bucket}/many").iter_subvalues() if isinstance(value, File)][::100]
    assert [file.hash for file in some] == [File(file.path).hash for file in some]


def test_a_pattern_for_one_folder_does_not_list_those_below(bucket: str, fill: Any, calls: list[str]) -> None:
    fill({f"a/deep/{number}": b"" for number in range(1100)} | {"a/file.csv": b"", "ab/file.csv": b""})
    assert FileSet(f"s3://{bucket}/a/*.csv").files()[0].path == f"s3://{bucket}/a/file.csv"
    assert get_filesystem("s3://").list_folders(f"s3://{bucket}/a") == [f"s3://{bucket}/a/deep"]
    assert calls == ["ListObjectsV2", "ListObjectsV2"]


def test_removing_a_folder_costs_a_call_for_each_page(bucket: str, fill: Any, calls: list[str]) -> None:
    fill({f"a/{number}": b"" for number in range(1010)} | {"ab": b""})
    Dir(f"s3://{bucket}/a").rmdir(recursive=True)
    assert Counter(calls) == {"ListObjectsV2": 3, "DeleteObjects": 2}
    assert [file.path for file in Dir(f"s3://{bucket}")] == [f"s3://{bucket}/ab"]


def test_small_files_are_read_written_and_hashed_with_one_call_each(bucket: str, calls: list[str]) -> None:
    file = File(f"s3://{bucket}/file")
    file.write("content")
    assert file.hash
    assert file.read() == "content"
    file.copy_to(File("/dev/null"))
    assert calls == ["PutObject", "HeadObject", "GetObject", "GetObject"]


def test_a_listing_is_believed_once_and_not_after_changes(bucket: str, s3: Any) -> None:
    filesystem = get_filesystem("s3://")
    path = f"s3://{bucket}/a/file"
    File(path).write("1")
    assert filesystem.list_files(f"s3://{bucket}/a") == [path]
    File(path).write("2")
    assert filesystem.states([path]) == [filesystem.state(path)]
    filesystem.list_files(f"s3://{bucket}/a")
    filesystem.states([path])
    s3.put_object(Bucket=bucket, Key="a/file", Body=b"3")
    assert filesystem.states([path]) == [(hashlib.md5(b"3").hexdigest(),)]


# Streams.


STREAMING = """
import sys, tracemalloc
from redun.file import File
from redun.plugins.connect import connect_filesystems
from redun_aws.s3 import writer
connect_filesystems()
writer.PART_SIZE = 5 << 20
file, block = File(sys.argv[1]), bytes(1 << 20)
file.exists()
tracemalloc.start()
with file.open("wb") as stream:
    for _ in range(80):
        stream.write(block)
with file.open("rb") as stream:
    assert sum(len(stream.read(1 << 20)) for _ in range(81)) == 80 << 20
print(tracemalloc.get_traced_memory()[1] >> 20)
"""


def test_a_large_file_goes_through_little_memory(bucket: str, s3: Any, tmp_path: Path) -> None:
    command = [sys.executable, "-c", STREAMING, f"s3://{bucket}/large"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 50
    assert s3.head_object(Bucket=bucket, Key="large")["ETag"].endswith('-16"')


def parts_left(s3: Any, bucket: str) -> int:
    return len(s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []))


@pytest.mark.parametrize("size", [10, 2 * PART + 10])
@pytest.mark.parametrize("mode", ["w", "wb"])
@pytest.mark.parametrize("before", [None, b"before"])
def test_a_write_that_fails_halfway_leaves_what_was_there(
    bucket: str, s3: Any, small_parts: None, size: int, mode: str, before: bytes | None
) -> None:
    file = File(f"s3://{bucket}/file")
    if before is not None:
        file.write(before, "wb")
    with pytest.raises(InterruptedError), file.open(mode) as stream:  # noqa: PT012
        stream.write("x" * size if mode == "w" else b"x" * size)
        raise InterruptedError
    assert stream.closed
    assert (file.read("rb") if file.exists() else None) == before
    assert parts_left(s3, bucket) == 0


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_a_stream_that_nobody_closes_writes_nothing_and_says_so(
    bucket: str, s3: Any, small_parts: None, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    stream = File(f"s3://{bucket}/file").open(mode)
    stream.write("x" * (PART + 10) if mode == "w" else b"x" * (PART + 10))
    del stream
    gc.collect()
    for thread in threading.enumerate():
        if thread.name.startswith("redun-s3-parts"):
            thread.join()
    assert not File(f"s3://{bucket}/file").exists()
    assert parts_left(s3, bucket) == 0
    assert f"s3://{bucket}/file: nothing was written, because the stream was not closed" in caplog.text


def test_a_process_that_ends_with_an_open_stream_ends(bucket: str, tmp_path: Path) -> None:
    code = f"""
from redun.plugins.connect import connect_filesystems
from redun.file import File
connect_filesystems()
stream = File("s3://{bucket}/file").open("wb")
stream.write(bytes(40 << 20))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not File(f"s3://{bucket}/file").exists()


def test_an_upload_that_is_refused_in_the_middle_says_so_and_leaves_no_parts(
    bucket: str, s3: Any, small_parts: None
) -> None:
    stream = File(f"s3://{bucket}/file").open("wb")
    stream.write(b"x" * (2 * PART + 1))
    assert isinstance(stream, writing.S3Writer)
    s3.abort_multipart_upload(Bucket=bucket, Key="file", UploadId=stream._upload_id)
    with pytest.raises(RedunOSError, match=f"{bucket}/file"):
        stream.close()
    assert stream.closed
    assert not File(f"s3://{bucket}/file").exists()


def test_reading_goes_on_where_the_connection_broke(bucket: str, calls: list[str]) -> None:
    data = random_bytes(300_000)
    File(f"s3://{bucket}/file").write(data, "wb")
    with File(f"s3://{bucket}/file").open("rb") as stream:
        raw: Any = stream.raw
        assert isinstance(raw, S3Reader)
        body = raw._body

        class Broken:
            """The body of an answer whose connection ends early."""

            left = 100_000

            def read(self, size: int) -> bytes:
                from botocore.exceptions import ResponseStreamingError

                if not self.left:
                    raise ResponseStreamingError(error="reset by peer")
                found = body.read(min(size, self.left))
                self.left -= len(found)
                return found

            def close(self) -> None:
                body.close()

        raw._body = Broken()
        assert stream.read() == data
    assert calls == ["PutObject", "GetObject", "GetObject"]


def test_a_file_that_is_replaced_is_not_read_half_old_half_new(bucket: str) -> None:
    File(f"s3://{bucket}/file").write(b"a" * 5_000_000, "wb")
    with File(f"s3://{bucket}/file").open("rb") as stream:
        assert stream.read(1) == b"a"
        File(f"s3://{bucket}/file").write(b"b" * 5_000_000, "wb")
        stream.seek(4_000_000)
        with pytest.raises(RedunOSError, match="was replaced while it was read"):
            stream.read()


def test_only_one_of_two_makes_a_new_file(bucket: str) -> None:
    first, second = (File(f"s3://{bucket}/file").open("xb") for _ in range(2))
    first.write(b"first")
    second.write(b"second")
    first.close()
    with pytest.raises(RedunFileExistsError, match=f"{bucket}/file"):
        second.close()
    assert File(f"s3://{bucket}/file").read() == "first"


@pytest.mark.parametrize("mode", ["r+", "wb+", "a+"])
def test_what_s3_cannot_do_is_said(bucket: str, mode: str) -> None:
    with pytest.raises(RedunOSError, match="cannot be opened in mode"):
        File(f"s3://{bucket}/file").open(mode)


@pytest.mark.parametrize("mode", ["", "rw", "q", "rbt", "rr"])
def test_a_mode_that_there_is_not_is_refused(bucket: str, mode: str) -> None:
    with pytest.raises(ValueError, match="invalid mode"):
        File(f"s3://{bucket}/file").open(mode)


def test_libraries_read_and_write_its_streams(bucket: str) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    table = pandas.DataFrame({"a": range(1000), "b": ["x"] * 1000})
    with File(f"s3://{bucket}/table.parquet").open("wb") as stream:
        table.to_parquet(stream)
    with File(f"s3://{bucket}/table.csv").open("w", newline="") as stream:
        table.to_csv(stream, index=False)
    with File(f"s3://{bucket}/table.parquet").open("rb") as stream:
        assert pandas.read_parquet(stream).equals(table)
    with File(f"s3://{bucket}/table.csv").open() as stream:
        assert pandas.read_csv(stream).equals(table)


# Copies.


def test_a_copy_within_s3_does_not_pass_through_here(bucket: str, small_parts: None, calls: list[str]) -> None:
    data = random_bytes(2 * PART + 7)
    for name, size in (("small", 10), ("large", len(data))):
        File(f"s3://{bucket}/{name}").write(data[:size], "wb")
        calls.clear()
        File(f"s3://{bucket}/{name}").copy_to(File(f"s3://{bucket}/copy of {name}"))
        assert not {"GetObject", "PutObject", "UploadPart"} & set(calls)
        # As files of more than 5 GB need it, which one call does not copy.
        assert Counter(calls)["UploadPartCopy"] == (3 if name == "large" else 0)
        assert File(f"s3://{bucket}/copy of {name}").read("rb") == data[:size]


def test_large_files_are_uploaded_and_downloaded_in_parallel_parts(
    bucket: str, tmp_path: Path, small_parts: None, calls: list[str]
) -> None:
    data = random_bytes(3 * PART + 7)
    (tmp_path / "file").write_bytes(data)
    remote = File(tmp_path / "file").copy_to(File(f"s3://{bucket}/file"))
    assert Counter(calls)["UploadPart"] == 4
    calls.clear()
    remote.copy_to(File(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == data
    assert Counter(calls)["GetObject"] >= 4


def test_a_copy_between_buckets_and_of_what_is_missing(bucket: str, s3: Any) -> None:
    s3.create_bucket(Bucket=f"{bucket}-2")
    File(f"s3://{bucket}/a b?c=%20#d").write("content")
    assert File(f"s3://{bucket}/a b?c=%20#d").copy_to(File(f"s3://{bucket}-2/é/+&=")).read() == "content"
    with pytest.raises(FileNotFoundError, match="none"):
        File(f"s3://{bucket}/none").copy_to(File(f"s3://{bucket}-2/x"))


# Keys and folders.


@pytest.mark.parametrize(
    "key", ["a//b", "/a", "a/./b", "a/../b", "?versionId=null", "a%2Fb", "ü/\u4f60", "a:b@c", "x" * 1000]
)
def test_keys_are_taken_as_they_are_written(bucket: str, s3: Any, key: str) -> None:
    File(f"s3://{bucket}/{key}").write("content")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert File(f"s3://{bucket}/{key}").read() == "content"


def test_objects_that_stand_for_folders_are_no_files(bucket: str, s3: Any) -> None:
    s3.put_object(Bucket=bucket, Key="a/", Body=b"")
    s3.put_object(Bucket=bucket, Key="a/file", Body=b"")
    assert [file.path for file in Dir(f"s3://{bucket}/a")] == [f"s3://{bucket}/a/file"]
    assert [file.path for file in FileSet(f"s3://{bucket}/**")] == [f"s3://{bucket}/a/file"]
    assert not File(f"s3://{bucket}/a/").isfile()
    File(f"s3://{bucket}/a/file").remove()
    assert Dir(f"s3://{bucket}/a").exists()
    Dir(f"s3://{bucket}/a").rmdir()
    assert not Dir(f"s3://{bucket}/a").exists()
    for use in (lambda file: file.write("x"), File.remove, File.read):
        with pytest.raises(RedunOSError, match="folder"):
            use(File(f"s3://{bucket}/a/"))


def test_a_bucket_is_a_folder(bucket: str) -> None:
    assert Dir(f"s3://{bucket}").exists()
    File(f"s3://{bucket}/a/file").write("x")
    assert [file.path for file in Dir(f"s3://{bucket}")] == [f"s3://{bucket}/a/file"]
    assert [file.path for file in FileSet(f"s3://{bucket}/*/f*")] == [f"s3://{bucket}/a/file"]
    assert get_filesystem("s3://").list_folders(f"s3://{bucket}") == [f"s3://{bucket}/a"]
    with pytest.raises(RedunOSError, match="not empty"):
        Dir(f"s3://{bucket}").rmdir()


# Scripts.


def test_scripts_copy_with_the_tool_of_aws_and_quoted_paths() -> None:
    remote, odd = File("s3://b/it's $HOME"), "a;b"
    assert remote.shell_copy_to(odd) == "aws s3 cp --no-progress 's3://b/it'\"'\"'s $HOME' 'a;b'"
    assert remote.shell_copy_to(None) == "aws s3 cp --no-progress 's3://b/it'\"'\"'s $HOME' -"
    assert File(odd).shell_copy_to("s3://b/c") == "aws s3 cp --no-progress 'a;b' s3://b/c"
    assert File("s3://b/c").shell_copy_to("s3://d/e") == "aws s3 cp --no-progress s3://b/c s3://d/e"
    assert Dir("s3://b/c").shell_copy_to("d") == "aws s3 cp --no-progress --recursive s3://b/c d"
    assert Dir("-d").shell_copy_to("s3://b/c") == "aws s3 cp --no-progress --recursive ./-d s3://b/c"
    assert File("s3://b/c").stage("x").render_unstage() == "aws s3 cp --no-progress x s3://b/c"
    assert File("http://host/x").shell_copy_to("s3://b/c") == "redun fs cp http://host/x s3://b/c"


# The registry.


def test_the_plugin_serves_s3_before_any_package_of_fsspec(bucket: str) -> None:
    assert type(File(f"s3://{bucket}/x").filesystem) is S3FileSystem


def test_streams_of_other_filesystems_are_copied_too(bucket: str) -> None:
    memory = File("memory://folder/file")
    memory.write("content")
    assert memory.copy_to(File(f"s3://{bucket}/file")).copy_to(File("memory://folder/back")).read() == "content"
