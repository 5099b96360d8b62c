"""What the tests of backends start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from redun.testing.backend_records import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.backends.base import Backend

MANY = 1200
"""More than any backend asks its store for in one statement."""


class BackendFixtures:
    """Fixtures that a subclass of `BackendSuite` may override; it must override `backend`."""

    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        """An empty backend, loaded, and closed after the test."""
        raise NotImplementedError("override the fixture `backend`")

    @pytest.fixture
    def second(self, backend: Backend) -> Iterator[Backend]:  # noqa: ARG002 - for who overrides it
        """Another backend, loaded, on the same store as `backend`; closed after the test.

        Override it where several processes may use a store at once, or one after the other. By default the tests of
        durability and of two users of one store are skipped.
        """
        pytest.skip("this store belongs to one backend")

    @pytest.fixture
    def story(self) -> Story:
        """Makes the records."""
        return Story().begin()
