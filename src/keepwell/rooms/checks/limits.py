"""Limits as a check's options hold them, and the verdict on a measured value, with its sentence."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from keepwell.config.options import Limit, Options
from keepwell.kernel.comparisons import Comparison, Unit, describe
from keepwell.kernel.states import State

_EXAMPLES = {Unit.SECONDS: "> 100ms", Unit.BYTES: "> 200MB", Unit.RATIO: "> 80%", Unit.NUMBER: "> 5"}
_NOUNS = {Unit.SECONDS: "a duration", Unit.BYTES: "a size", Unit.RATIO: "a percentage", Unit.NUMBER: "a number without a unit"}
_WORDS = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below", "==": "at", "!=": "at anything but"}
_SEVERITY = {State.FAIL: 0, State.WARN: 1, State.UNKNOWN: 2, State.OK: 3}


def _in(unit: Unit) -> AfterValidator:
    def check(limit: Comparison) -> Comparison:
        if limit.unit is not unit:
            raise ValueError(f"{limit.text} does not compare with {_NOUNS[unit]}: write for example {_EXAMPLES[unit]}")
        return limit

    return AfterValidator(check)


SecondsLimit = Annotated[Limit, _in(Unit.SECONDS)]
BytesLimit = Annotated[Limit, _in(Unit.BYTES)]
RatioLimit = Annotated[Limit, _in(Unit.RATIO)]
NumberLimit = Annotated[Limit, _in(Unit.NUMBER)]


class WarnsBeforeItFails(Options):
    """Options with ``warn`` and ``fail``: a warning that could never be seen, because the failure holds wherever it does, is refused."""

    @model_validator(mode="after")
    def _a_warning_can_be_seen(self) -> Self:
        warn, fail = getattr(self, "warn", None), getattr(self, "fail", None)
        if warn is not None and fail is not None and fail.covers(warn):
            raise ValueError(f"warn {warn.text} can never be seen, because fail {fail.text} holds wherever it does: exchange the two")
        return self


class RatioLimits(WarnsBeforeItFails):
    """When a share is worth a warning or a failure. Where neither is given, the key that holds them says what applies."""

    warn: RatioLimit | None = None
    """The check is ``warn`` where this holds, for example ``> 80%``."""
    fail: RatioLimit | None = None
    """The check is ``fail`` where this holds, for example ``> 90%``."""


class BytesLimits(WarnsBeforeItFails):
    """When an amount of bytes is worth a warning or a failure."""

    warn: BytesLimit | None = None
    """The check is ``warn`` where this holds, for example ``> 500MB`` used or ``< 20GB`` free."""
    fail: BytesLimit | None = None
    """The check is ``fail`` where this holds, for example ``> 1GB`` used or ``< 5GB`` free."""

    def describe(self, measured: float) -> str:
        """An amount in the family of units (powers of 1000 or of 1024) in which a limit is written."""
        limit = self.warn or self.fail
        return limit.describe(measured) if limit is not None else describe(measured, Unit.BYTES)


class SecondsLimits(WarnsBeforeItFails):
    """When a duration or an age is worth a warning or a failure."""

    warn: SecondsLimit | None = None
    """The check is ``warn`` where this holds, for example ``> 1h`` or ``< 5m``."""
    fail: SecondsLimit | None = None
    """The check is ``fail`` where this holds, for example ``> 1d`` or ``< 1m``."""


class NumberLimits(WarnsBeforeItFails):
    """When a number is worth a warning or a failure."""

    warn: NumberLimit | None = None
    """The check is ``warn`` where this holds, for example ``> 10``."""
    fail: NumberLimit | None = None
    """The check is ``fail`` where this holds, for example ``> 20``."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state and the sentence that gives its reason."""

    state: State
    sentence: str


def given_or(
    warn: Comparison | None, fail: Comparison | None, otherwise: tuple[Comparison, Comparison]
) -> tuple[Comparison | None, Comparison | None]:
    """The limits that a person gave, or, where neither was given, the usual pair.

    One alone stands alone: a warning above 92 % must not lie beyond a failure above 90 % that nobody wrote.
    """
    return (warn, fail) if warn is not None or fail is not None else otherwise


def judge(seen: str, measured: float, warn: Comparison | None, fail: Comparison | None) -> Verdict:
    """The verdict on one measured value (in its base unit). ``seen`` says it in words; the limit that decided is added to it."""
    for state, limit in ((State.FAIL, fail), (State.WARN, warn)):
        if limit is not None and limit.holds(measured):
            return Verdict(state, f"{seen}, {state} {words(limit)}")
    limits = [f"{state} {words(limit)}" for state, limit in ((State.WARN, warn), (State.FAIL, fail)) if limit is not None]
    return Verdict(State.OK, ", ".join([seen, *limits]))


def words(limit: Comparison) -> str:
    """A limit for a sentence: ``above 90 %``, ``below 7 d``."""
    return f"{_WORDS[limit.operator]} {limit.describe(limit.bound)}"


def together(verdicts: Iterable[Verdict], most: int | None = None) -> Verdict:
    """One verdict of several: the worst state, and every sentence (at most so many), the worst first. Of nothing: ok without a word."""
    ordered = sorted(verdicts, key=lambda verdict: _SEVERITY[verdict.state])
    sentences = [verdict.sentence for verdict in ordered]
    if most is not None and len(sentences) > most:
        sentences[most:] = [f"and {len(sentences) - most} more"]
    return Verdict(ordered[0].state if ordered else State.OK, "; ".join(sentences))


def finite(value: object) -> float | None:
    """A value of foreign data as a finite number (true is 1, false 0); None where it is none."""
    if not isinstance(value, bool | int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
