"""The support for PostgreSQL, and what questions are asked, are imported by name."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "backend_sql"))
sys.path.append(str(Path(__file__).parent))

from postgres_fixtures import backend, database, own_server, postgres_uri_of, repository, template

__all__ = ["backend", "database", "own_server", "postgres_uri_of", "repository", "template"]
