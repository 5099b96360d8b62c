"""Tables that are spread over many files in S3."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, ClassVar

from redun.file.errors import RedunFileNotFoundError, naming
from redun.file.file import File, hash_listed, hash_text
from redun.file.filesystem import get_filesystem, get_proto
from redun.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

FORMATS = ("avro", "csv", "ion", "grokLog", "json", "orc", "parquet", "xml")
_READERS: dict[str, tuple[str, dict[str, Any]]] = {
    "csv": ("read_csv", {}),
    # As Spark writes it: an object a line.
    "json": ("read_json", {"lines": True}),
    "orc": ("read_orc", {}),
    "parquet": ("read_parquet", {}),
    # Which needs no further library.
    "xml": ("read_xml", {"parser": "etree"}),
}


class ShardedS3Dataset(Value):
    """The files with one ending below a folder in S3, which together are one table. Needs the package redun-aws.

    Its hash is made of the path and the names of the files: it changes when a file comes or goes, and not when one is
    written anew under the same name.
    """

    type_name: ClassVar[str] = "redun.ShardedS3Dataset"

    def __init__(self, path: str, format: str = "parquet", recurse: bool = True) -> None:  # noqa: A002 - users write it
        """A dataset that is there, or will be.

        path: a folder, such as `s3://bucket/table`. format: the ending of the files, one of `FORMATS`. recurse: whether
        files in the folders below count.

        Raises ValueError for another format, or a path that is not in S3.
        """
        if format not in FORMATS:
            raise ValueError(f"{format!r} is no format of a dataset. There are {', '.join(FORMATS)}")
        if get_proto(path) != "s3":
            raise ValueError(f"the dataset {path!r} is not in S3: write s3://bucket/folder")
        self.path = path.rstrip("/")
        self.format = format
        self.recurse = recurse
        self._hash: str | None = None
        self._filenames: list[str] | None = None

    def __repr__(self) -> str:
        about = f"path={self.path}, format={self.format}, recurse={self.recurse}"
        return f"{type(self).__name__}({about}, hash={self.hash})"

    # -- as a value ---------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        self.hash  # noqa: B018 - looks at the files, if nobody has yet
        return {
            "path": self.path,
            "format": self.format,
            "recurse": self.recurse,
            "hash": self._hash,
            "files": self._filenames,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.path, self.format, self.recurse = state["path"], state["format"], state["recurse"]
        self._hash, self._filenames = state["hash"], state["files"]

    @property
    def filenames(self) -> list[str]:
        """The paths of the files when the hash was worked out, sorted."""
        if self._filenames is None:
            self.update_hash()
        return list(self._filenames or ())

    @property
    def hash(self) -> str:
        """The hash of the path and the names of the files, as 40 hex digits."""
        if self._hash is None:
            self.update_hash()
        assert self._hash is not None
        return self._hash

    def get_hash(self, data: bytes | None = None) -> str:  # noqa: ARG002 - the form of the protocol
        """The hash of the path and the names of the files, as 40 hex digits."""
        return self.hash

    def update_hash(self) -> None:
        """Look at the files again."""
        self._filenames = self._list()
        self._hash = self._hash_of(self._filenames)

    def is_valid(self) -> bool:
        """Whether there are still the same files."""
        return self.hash == self._hash_of(self._list())

    def iter_subvalues(self) -> Iterator[Value]:
        """The files."""
        files = [File(path) for path in self._list()]
        with naming(self.path):
            hash_listed(files, get_filesystem(self.path))
        return iter(files)

    def postprocess(self, postprocess_args: dict[str, Any]) -> ShardedS3Dataset:  # noqa: ARG002 - the protocol's form
        """A task returns it with the files that are there by then."""
        self.update_hash()
        return self

    def _list(self) -> list[str]:
        # The names of folders are no patterns.
        folder = "".join(f"[{character}]" if character in "*?[" else character for character in self.path)
        with naming(self.path):
            return get_filesystem(self.path).glob(f"{folder}/{'**/' if self.recurse else ''}*.{self.format}")

    def _hash_of(self, filenames: list[str]) -> str:
        return hash_text(self.type_name, self.path, *sorted(filenames))

    # -- content ------------------------------------------------------------------------------------------------------

    def load_pandas_shards(self, max_shards: int = -1) -> list[pd.DataFrame]:
        """The table of each file, in the order of their names, read with pandas.

        max_shards: read no more files than that, if it is not negative.

        Raises ValueError for a format that pandas does not read.
        """
        if self.format not in _READERS:
            known = ", ".join(_READERS)
            raise ValueError(f"pandas does not read {self.format}, the format of {self.path}. It reads {known}")
        import pandas as pd

        name, options = _READERS[self.format]
        tables = []
        for path in self.filenames[: max_shards if max_shards >= 0 else None]:
            with File(path).open("rb") as stream:
                tables.append(getattr(pd, name)(stream, **options))
        return tables

    def load_pandas(self, max_shards: int = -1) -> pd.DataFrame:
        """The files as one table. Arguments and errors as of `load_pandas_shards`; ValueError where no file is."""
        tables = self.load_pandas_shards(max_shards)
        if not tables:
            raise ValueError(f"there are no {self.format} files in the dataset {self.path}")
        import pandas as pd

        return pd.concat(tables)

    @classmethod
    def from_files(
        cls,
        files: Sequence[File],
        format: str | None = None,  # noqa: A002
        allow_additional_files: bool = False,
    ) -> ShardedS3Dataset:
        """The dataset of some files: that of the nearest folder that holds all of them, directly or further below.

        format: by default the ending of the files. allow_additional_files: whether there may be others in the dataset.

        Raises ValueError for no files, files of several formats or with others beside them, and RedunFileNotFoundError
        for a file that does not exist.
        """
        if not files:
            raise ValueError("a dataset cannot be made of no files")
        endings = sorted({posixpath.splitext(file.path)[1].removeprefix(".") for file in files})
        if endings != [format or endings[0]]:
            raise ValueError(f"the files of a dataset have one format, and these have {', '.join(endings)}")
        dataset = cls(posixpath.commonpath([file.dirname() for file in files]).replace(":/", "://", 1), endings[0])
        there, wanted = set(dataset.filenames), {file.path for file in files}
        missing = sorted(wanted - there)
        if missing:
            raise RedunFileNotFoundError(2, "there is no such file to make a dataset of", missing[0])
        others = sorted(there - wanted)
        if others and not allow_additional_files:
            raise ValueError(
                f"the dataset {dataset.path} would have {len(others)} more, such as {others[0]}: that needs "
                "allow_additional_files=True"
            )
        return dataset
