"""Values whose data stands in a file, and whose record in the repository is the path of that file."""

from __future__ import annotations

from typing import Any, ClassVar

from redun.errors import InvalidValueError
from redun.file.file import File
from redun.hashing import hash_data
from redun.types.protocol import ProxyValue


class FileCache(ProxyValue):
    """Base class of proxies for large objects, which are to stand beside the repository and not in it.

    A subclass sets `type` to the class of the objects, and `base_path` to a folder, which may be remote. It may
    override `_serialize` and `_deserialize`; by default the file holds a pickle.

    ```python
    class ModelCache(FileCache):
        type = Model
        base_path = "s3://bucket/models"
    ```
    """

    register = False
    base_path: ClassVar[str] = "."
    """The folder of the files. A relative one is looked up from the working directory."""

    def _serialize(self) -> bytes:
        """What the file is to hold."""
        return super().serialize()

    @classmethod
    def _deserialize(cls, raw_type: Any, data: bytes) -> Any:
        """The object that a file holds."""
        return super().deserialize(raw_type, data)

    def serialize(self) -> bytes:
        """Write the file, named by the hash of what it holds, and return its path."""
        data = self._serialize()
        file = File(f"{self.base_path.rstrip('/')}/{hash_data('value', data).hex()}")
        if not file.exists() or file.size() != len(data):
            file.write(data, "wb")
        return file.path.encode()

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:
        """The object in the file at a path. Raises `InvalidValueError` if the file is gone or damaged."""
        file = File(data.decode())
        if not file.exists():
            raise InvalidValueError(f"the file {file.path} of a {cls.type_name} is gone")
        content = file.read("rb")
        if hash_data("value", content).hex() != file.path.rpartition("/")[2]:
            raise InvalidValueError(f"the file {file.path} of a {cls.type_name} is damaged")
        return cls._deserialize(raw_type, content)
