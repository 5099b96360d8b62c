"""Values that decide themselves how they are known, stored and read: `redun run workflow.py main`."""

from dataclasses import dataclass
from typing import Any

from redun import task
from redun.value import ProxyValue, Value

redun_namespace = "custom_values"


class Sequence(Value):
    """A DNA sequence with a comment. The comment is no part of what it is."""

    type_name = "custom_values.Sequence"

    def __init__(self, bases: str, comment: str = "") -> None:
        self.bases = bases.upper()
        self.comment = comment

    def get_hash(self, data: bytes | None = None) -> str:
        return self.bases

    def __getstate__(self) -> dict[str, Any]:
        return {"bases": self.bases, "comment": self.comment}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.bases, self.comment = state["bases"], state["comment"]

    @classmethod
    def parse_arg(cls, raw_type: Any, arg: str) -> Any:
        """A word of A, C, G and T on the command line."""
        if not arg or set(arg.upper()) - set("ACGT"):
            raise ValueError("give a word of A, C, G and T")
        return cls(arg)


@dataclass(frozen=True)
class Ratio:
    """A class that knows nothing of redun, and might come from a library."""

    part: int
    whole: int


class RatioProxy(ProxyValue):
    """Speaks for it: 1/2 and 2/4 are the same value, and what is stored is a short text."""

    type = Ratio
    type_name = "custom_values.Ratio"

    def get_hash(self, data: bytes | None = None) -> str:
        return str(self.instance.part / self.instance.whole)

    def serialize(self) -> bytes:
        return f"{self.instance.part}/{self.instance.whole}".encode()

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:
        part, whole = data.decode().split("/")
        return raw_type(int(part), int(whole))

    @classmethod
    def parse_arg(cls, raw_type: Any, arg: str) -> Any:
        return cls.deserialize(raw_type, arg.encode())


@task
def gc_content(sequence: Sequence) -> Ratio:
    """How much of a sequence is G or C."""
    return Ratio(sum(base in "GC" for base in sequence.bases), len(sequence.bases))


@task
def judge(found: Ratio, limit: Ratio) -> str:
    is_rich = found.part * limit.whole > limit.part * found.whole
    return f"{found.part} of {found.whole} bases: {'rich' if is_rich else 'poor'} in GC"


@task
def main(sequence: Sequence = Sequence("GATTACA"), limit: Ratio = Ratio(1, 2)) -> str:
    return judge(gc_content(sequence), limit)
