"""What people ask a repository, for `redun log` and provenance: built with SQLAlchemy, imported when first needed."""

from __future__ import annotations

from redun_backend_sql.questions.questions import Questions

__all__ = ["Questions"]
