"""A part's reading, and what all parts share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from keepwell.kernel.comparisons import Comparison, Unit, describe
from keepwell.kernel.states import State
from keepwell.rooms.checks.limits import Verdict, judge


@dataclass(frozen=True, slots=True)
class Reading:
    """One part's verdicts, values and counters."""

    verdicts: Sequence[Verdict]
    values: Mapping[str, float] = field(default_factory=dict)
    counters: Mapping[str, float] = field(default_factory=dict)


class Limits(Protocol):
    """What a person gave: when to warn, and when to fail."""

    @property
    def warn(self) -> Comparison | None: ...
    @property
    def fail(self) -> Comparison | None: ...


Usual = tuple[Comparison | None, Comparison | None]
"""When to warn and when to fail where a person gave neither."""


def judged(seen: str, measured: float, limits: Limits, usual: Usual) -> Verdict:
    """The verdict by a person's limits, or, where neither was given, by the usual ones."""
    given = (limits.warn, limits.fail)
    return judge(seen, measured, *(given if given != (None, None) else usual))


def failed(sentence: str) -> Verdict:
    """A failure that needs no limit."""
    return Verdict(State.FAIL, sentence)


def passed(sentence: str) -> Verdict:
    """Something that is as it should be."""
    return Verdict(State.OK, sentence)


def unknown(sentence: str) -> Verdict:
    """Something that the server could not be asked for."""
    return Verdict(State.UNKNOWN, sentence)


def count(value: float) -> str:
    """A count or a plain number for a sentence."""
    return describe(value, Unit.NUMBER)


def counted(value: float, one: str, several: str = "") -> str:
    """``1 key``, ``3 keys``, ``no key``."""
    return f"no {one}" if value == 0 else f"{count(value)} {one if value == 1 else several or one + 's'}"


def size(value: float) -> str:
    """A size for a sentence."""
    return describe(value, Unit.BYTES)


def share(value: float) -> str:
    """A ratio for a sentence."""
    return describe(value, Unit.RATIO)


def seconds(value: float) -> str:
    """A duration for a sentence."""
    return describe(value, Unit.SECONDS)
