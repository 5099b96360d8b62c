"""The memory backend keeps the promises of the interface."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redun.backends.base import Backend
from redun.backends.memory import MemoryBackend
from redun.testing import BackendSuite


class TestMemoryBackend(BackendSuite):
    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        backend = MemoryBackend()
        backend.load()
        yield backend
        backend.close()


def test_it_says_that_it_forgets():
    assert not MemoryBackend(config_dir=None).is_durable
