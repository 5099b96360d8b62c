"""Searching: each kind of thing has a module that finds it from the side where an index leads to the fewest rows.

All of them read some hundreds of keys at a time while they are consumed, check these together, and only then fetch what
is shown.
"""

from __future__ import annotations

from redun_backend_sql.questions.search.answers import Answers

__all__ = ["Answers"]
