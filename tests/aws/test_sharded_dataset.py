"""Tables that are spread over many files in S3."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redun
from redun import Scheduler, task
from redun.backends.memory import MemoryBackend
from redun.executors.inline import InlineExecutor
from redun.file import File, RedunFileNotFoundError, ShardedS3Dataset
from redun.value import decode, encode, is_valid

NAMES = ("a.csv", "b.csv", "sub/c.csv", "_SUCCESS", ".h.csv", "d.csv.bak")


@pytest.fixture
def table(bucket: str, fill: Any) -> str:
    """A folder with shards and other files."""
    fill({f"it[1]/{name}": b"x,y\n1,%d\n" % number for number, name in enumerate(NAMES)})
    return f"s3://{bucket}/it[1]"


def test_it_has_the_files_with_its_ending(table: str, calls: list[str]) -> None:
    names = [f"{table}/{name}" for name in ("a.csv", "b.csv", "sub/c.csv")]
    dataset = ShardedS3Dataset(f"{table}/", format="csv")
    assert dataset.filenames == names
    assert dataset.path == table
    assert dataset.hash
    assert calls == ["ListObjectsV2"]
    assert ShardedS3Dataset(table, "csv", recurse=False).filenames == names[:2]
    assert ShardedS3Dataset(table).filenames == []
    assert [file.path for file in dataset.iter_subvalues() if isinstance(file, File)] == names


def test_its_hash_follows_names_and_not_contents(table: str) -> None:
    dataset = ShardedS3Dataset(table, "csv")
    before = dataset.hash
    File(f"{table}/a.csv").write("other")
    assert dataset.is_valid()
    File(f"{table}/new.csv").write("")
    assert not dataset.is_valid()
    assert dataset.hash == before
    dataset.update_hash()
    assert dataset.hash != before
    assert f"{table}/new.csv" in dataset.filenames


def test_stored_it_is_valid_while_the_files_are_the_same(table: str) -> None:
    dataset = ShardedS3Dataset(table, "csv")
    _, _, codec, data, *_ = encode([dataset])
    again = decode(codec, data, "builtins.list")
    assert is_valid(again)
    assert (again[0].path, again[0].format, again[0].recurse, again[0].filenames) == (
        table,
        "csv",
        True,
        dataset.filenames,
    )
    File(f"{table}/sub/c.csv").remove()
    assert not is_valid(decode(codec, data, "builtins.list"))


def test_a_task_that_makes_one_runs_again_when_a_shard_is_gone(bucket: str) -> None:
    path, made = f"s3://{bucket}/made", []

    @task(namespace="sharded_test", version="1")
    def make() -> ShardedS3Dataset:
        made.append(1)
        dataset = ShardedS3Dataset(path, "csv")
        assert dataset.filenames == [] or made != [1]
        File(f"{path}/1.csv").write("x\n1\n")
        return dataset

    scheduler = Scheduler(backend=MemoryBackend(), executor=InlineExecutor("default"))
    for _ in range(2):
        assert scheduler.run(make()).filenames == [f"{path}/1.csv"]
    assert made == [1]
    File(f"{path}/1.csv").remove()
    scheduler.run(make())
    assert made == [1, 1]


@pytest.mark.parametrize("kind", ["csv", "json", "parquet", "orc", "xml"])
def test_shards_are_read_with_pandas(bucket: str, kind: str, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    options = {
        "json": {"orient": "records", "lines": True},
        "csv": {"index": False},
        "xml": {"index": False, "parser": "etree"},
    }
    shards = [pandas.DataFrame({"x": [number, 2], "y": ["a", "b"]}) for number in range(3)]
    for number, shard in enumerate(shards):
        path = tmp_path / f"{number}.{kind}"
        getattr(shard, f"to_{kind}")(path, **options.get(kind, {}))
        File(path).copy_to(File(f"s3://{bucket}/t/{number}.{kind}"))
    dataset = ShardedS3Dataset(f"s3://{bucket}/t", kind)
    for found, shard in zip(dataset.load_pandas_shards(), shards, strict=True):
        assert found.equals(shard)
    assert dataset.load_pandas().equals(pandas.concat(shards))
    assert len(dataset.load_pandas_shards(max_shards=2)) == 2
    assert dataset.load_pandas(max_shards=1).equals(shards[0])


def test_a_dataset_of_files_has_all_of_them_and_no_others(table: str) -> None:
    files = [File(f"{table}/{name}") for name in ("a.csv", "b.csv", "sub/c.csv")]
    dataset = ShardedS3Dataset.from_files(files)
    assert (dataset.path, dataset.format, dataset.filenames) == (table, "csv", [file.path for file in files])
    assert ShardedS3Dataset.from_files([files[2]]).path == f"{table}/sub"
    with pytest.raises(ValueError, match=r"would have 1 more, such as s3://.*/sub/c.csv: that needs allow_additional"):
        ShardedS3Dataset.from_files(files[:2])
    assert ShardedS3Dataset.from_files(files[:2], allow_additional_files=True).filenames == dataset.filenames
    with pytest.raises(RedunFileNotFoundError, match=r"none\.csv"):
        ShardedS3Dataset.from_files([*files, File(f"{table}/none.csv")])
    with pytest.raises(ValueError, match="have one format, and these have bak, csv"):
        ShardedS3Dataset.from_files([files[0], File(f"{table}/d.csv.bak")])
    with pytest.raises(ValueError, match="no files"):
        ShardedS3Dataset.from_files([])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: ShardedS3Dataset(path, "exe"), "'exe' is no format of a dataset. There are avro, csv"),
        (lambda _: ShardedS3Dataset("/tmp/x"), "is not in S3"),
        (lambda path: ShardedS3Dataset(path, "avro").load_pandas(), "pandas does not read avro"),
        (lambda path: ShardedS3Dataset(path, "orc").load_pandas(), "there are no orc files in the dataset"),
    ],
)
def test_what_cannot_be_is_said(table: str, make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make(table)


def test_it_is_found_where_users_look_for_it() -> None:
    from redun_aws.s3.filesystem import S3FileSystem

    assert redun.ShardedS3Dataset is ShardedS3Dataset
    assert redun.file.S3FileSystem is S3FileSystem


PLAIN = (
    "from redun import File, ShardedS3Dataset\nprint(File('s3://{0}/a').read(), ShardedS3Dataset('s3://{0}').filenames)"
)


def test_programs_and_notebooks_use_files_outside_of_a_run(bucket: str, tmp_path: Path) -> None:
    File(f"s3://{bucket}/a").write("content")
    command = [sys.executable, "-c", PLAIN.format(bucket)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout == "content []\n", done.stderr


def test_without_the_package_the_message_says_what_to_install(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDUN_PLUGIN_AUTOLOAD", "0")
    for code in (PLAIN.format(bucket), "from redun.file import S3FileSystem"):
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode
        assert "pip install redun-aws" in done.stderr.splitlines()[-1]
