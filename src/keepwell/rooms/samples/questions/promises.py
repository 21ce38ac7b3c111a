"""Whether a promise is kept, and how much may still go wrong.

The error budget is what a promise leaves for failure (Beyer and others, "Site Reliability Engineering", chapter 3): of a promised
availability ``t`` the part ``1 - t`` of the time that was measured, of a share of errors that part of what happened.
"""

import math
from dataclasses import dataclass
from typing import Literal

from keepwell.kernel.comparisons import Comparison, Unit

Verdict = Literal["met", "missed", "warning", "critical", "no data"]


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised: ``want`` holds where it is kept; ``warning`` and ``critical`` hold where it is broken so far."""

    want: Comparison
    warning: Comparison | None = None
    critical: Comparison | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may fail and how much did, in ``unit`` (seconds, or a number of what happened)."""

    allowed: float
    used: float
    unit: Unit

    @property
    def left(self) -> float:
        """What may still fail; below zero where more did than may."""
        return self.allowed - self.used

    @property
    def left_ratio(self) -> float | None:
        """The part of the budget that is left; None of a promise that allows nothing."""
        return self.left / self.allowed if self.allowed > 0 else None


def verdict(promise: Promise, measured: float | None) -> Verdict:
    """How a measured figure stands to what is promised: the worst that can be said of it."""
    if measured is None or math.isnan(measured):
        return "no data"
    if promise.critical is not None and promise.critical.holds(measured):
        return "critical"
    if promise.warning is not None and promise.warning.holds(measured):
        return "warning"
    return "met" if promise.want.holds(measured) else "missed"


def worse(one: float, other: float, want: Comparison) -> bool:
    """Whether ``one`` is worse than ``other`` for somebody who wants this."""
    return one < other if want.operator[0] == ">" else one > other


def time_budget(target: float, up: float, down: float) -> Budget:
    """Of the seconds that were measured."""
    return Budget((1 - target) * (up + down), down, Unit.SECONDS)


def share_budget(limit: float, failed: float, everything: float) -> Budget:
    """Of what happened."""
    return Budget(limit * everything, failed, Unit.NUMBER)
