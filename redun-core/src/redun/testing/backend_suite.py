"""The promises of the backend interface, as tests that any backend can run."""

from __future__ import annotations

from redun.testing.backend_copies import Copies
from redun.testing.backend_extensions import Extensions
from redun.testing.backend_handles import HandleStates
from redun.testing.backend_lineage import Lineage
from redun.testing.backend_look_ups import LookUps
from redun.testing.backend_questions import Questions
from redun.testing.backend_recording import Recording
from redun.testing.backend_search import Searching
from redun.testing.backend_stores import Stores
from redun.testing.backend_tag_copies import TagCopies


class BackendSuite(
    Recording, LookUps, Questions, Lineage, Searching, Copies, TagCopies, Stores, Extensions, HandleStates
):
    """Subclass it and override the fixture `backend`: it yields an empty, loaded backend and closes it afterwards.

    For example:

        class TestMyBackend(BackendSuite):
            @pytest.fixture
            def backend(self, tmp_path):
                backend = MyBackend(tmp_path / "store")
                backend.load()
                yield backend
                backend.close()

    Override the fixture `second` as well where several backends may use one store: it yields another one on the store
    of `backend`. Without it, the tests of durability and of two users at once are skipped.
    """
