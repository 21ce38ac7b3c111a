"""One thing to look at on a host, and what came of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from keepwell.kernel.comparisons import Comparison, Unit, describe
from keepwell.kernel.states import State
from keepwell.rooms.checks.answers import text_of
from keepwell.rooms.checks.limits import RatioLimits, Verdict, given_or, judge
from keepwell.rooms.checks.model import Answer, Earlier, Question

from .options import FULL, HostOptions

LEAST_SPAN = 0.001
"""Seconds that lie at least between two looks: nothing is divided by less."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One part's verdicts, values and counters."""

    verdicts: tuple[Verdict, ...]
    values: dict[str, float] = field(default_factory=dict)
    counters: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to look at: what it asks, what that is called in a sentence, and how its answers are read.

    ``read`` may raise AnswerError, and ValueError with the reason why an answer cannot be used.
    """

    asked: str
    questions: tuple[Question, ...]
    read: Callable[[HostOptions, tuple[Answer, ...], Earlier | None], Reading]


def of_texts(asked: str, questions: tuple[Question, ...], read: Callable[[HostOptions, tuple[str, ...], Earlier | None], Reading]) -> Part:
    """A part that reads texts: each question must have been answered by one."""

    def reading(options: HostOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Reading:
        return read(options, tuple(text_of(answer, asked) for answer in answers), earlier)

    return Part(asked, questions, reading)


def judged(seen: str, ratio: float, limits: RatioLimits | None, otherwise: tuple[Comparison, Comparison] = FULL) -> Verdict:
    """The verdict on a share, with the usual limits where none are given."""
    given = limits or RatioLimits()
    return judge(seen, ratio, *given_or(given.warn, given.fail, otherwise))


def size(value: float) -> str:
    """An amount of bytes for a sentence."""
    return describe(value, Unit.BYTES)


def kilobytes(text: str, *names: str) -> dict[str, int]:
    """Lines of /proc/meminfo in bytes (``kB`` there means 1024 bytes). Raises ValueError where one is missing."""
    lines = dict(re.findall(r"^(\w+): +([0-9]{1,15}) kB$", text, re.MULTILINE | re.ASCII))
    missing = [name for name in names if name not in lines]
    if missing:
        raise ValueError(f"there is no {' and no '.join(missing)}")
    return {name: int(lines[name]) * 1024 for name in names}


def unknown(sentence: str) -> Verdict:
    """What cannot be known now."""
    return Verdict(State.UNKNOWN, sentence)
