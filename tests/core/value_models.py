"""Classes of pydantic and attrs that tests store: at module level, so that they can be imported."""

from __future__ import annotations

import attr
import pydantic


@attr.define
class Attrs:
    name: str
    tags: set[str]


@attr.frozen
class FrozenAttrs:
    name: str
    tags: set[str]


class Model(pydantic.BaseModel):
    name: str
    tags: set[str]
