"""Whether a repository is whole: every reference resolves, every hash is that of its content, every count is right."""

from __future__ import annotations

from redun_backend_sql.integrity.check import check_repository, find_problems
from redun_backend_sql.integrity.problem import Problem

__all__ = ["Problem", "check_repository", "find_problems"]
