"""Fixtures that the tests of this folder share, imported by name."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

from garbage_stories import make_backend, sql_backend
from postgres_fixtures import backend, database, own_server, postgres_uri_of, repository, template

__all__ = [
    "backend",
    "database",
    "make_backend",
    "own_server",
    "postgres_uri_of",
    "repository",
    "sql_backend",
    "template",
]
