"""Files in S3 keep the rules of filesystems."""

from __future__ import annotations

import pytest
from redun.testing import FileSystemSuite


class TestS3(FileSystemSuite):
    """Folders are what keys have in common: there are no empty ones, and one may have the name of a file."""

    has_directories = False
    guards_directories = False

    @pytest.fixture
    def root(self, bucket: str) -> str:
        return f"s3://{bucket}/some/folder"
