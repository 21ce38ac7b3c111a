"""What an import comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SecretNeeded:
    """A secret that the file held, or that must be composed of what it held: its name here, what belongs into it, and the line."""

    name: str
    content: str
    line: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that Keepwell has no place for: what, why or what instead, and the line. ``receiver``: somebody is told no more."""

    what: str
    why: str
    line: int
    receiver: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """``text`` is keepwell.yaml; ``receivers`` says which receivers stand for one of Alertmanager's. Without a value none can, and those
    of the route above are told."""

    text: str
    receivers: Mapping[str, Sequence[str] | None] = field(default_factory=dict)
    routes: int = 0
    secrets: Sequence[SecretNeeded] = ()
    left_out: Sequence[LeftOut] = ()
