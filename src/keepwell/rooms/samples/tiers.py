"""Which tier answers a question: the coarsest that does so exactly, else one that approximates, and says so.

Count, sum, average, smallest, largest, first, last and increase of whole rows are exact at every tier, since they can be put together
again; quantiles of rolled-up rows come from bins (``bins.py``), and what asks for single samples needs raw ones.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from keepwell.kernel.durations import format_duration

from .model import HOUR, Keep, Tier

RAW_QUANTILES = 6 * HOUR
"""The longest stretch whose quantiles are taken from every sample; over a longer one bins answer within 1 %, and read a hundredth."""

_MILLISECOND = timedelta(milliseconds=1)


class Need(Enum):
    """What a question asks of the rows."""

    WHOLE = auto()
    """What can be put together from rows: count, sum, smallest, largest, first, last, increase."""
    QUANTILE = auto()
    """How the values of each step are spread."""
    SAMPLES = auto()
    """Every sample by itself."""


@dataclass(frozen=True, slots=True)
class Answered:
    """How a question is answered: from which tier, in which ``step`` (milliseconds), whether exactly, and a sentence where not."""

    tier: Tier
    step: int
    exact: bool
    why: str = ""


def choose(start: int, end: int, step: int, need: Need, keep: Keep, now: int) -> Answered:
    """How to answer from ``start`` to ``end`` in steps of ``step``; all in milliseconds, the instants since 1970.

    A step that is finer than what is kept of that time becomes coarser: the answer says so. Where even the coarsest tier does not reach
    back so far, it answers for what it has.
    """
    kept = [tier for tier in Tier if start >= now - lasts(tier, keep)]
    if not kept:
        return Answered(Tier.HOUR, _multiple(step, Tier.HOUR), need is Need.WHOLE, f"nothing is kept from before {said(keep.hour)} ago")
    if Tier.RAW in kept and (need is Need.SAMPLES or (need is Need.QUANTILE and end - start <= RAW_QUANTILES)):
        return Answered(Tier.RAW, step, exact=True)
    fitting = [tier for tier in kept if tier.step and step % tier.step == 0]
    if fitting and need is not Need.SAMPLES:
        exact = need is Need.WHOLE
        return Answered(fitting[-1], step, exact, "" if exact else "quantiles from bins, within 1 %")
    if Tier.RAW in kept:
        return Answered(Tier.RAW, step, exact=True)
    return _coarser(kept[0], step, need, keep)


def _coarser(tier: Tier, step: int, need: Need, keep: Keep) -> Answered:
    """What is left is coarser than the question."""
    older = keep.raw if tier is Tier.FIVE_MINUTES else keep.five_minutes
    reasons = [f"older than {said(older)}: by {'5 minutes' if tier is Tier.FIVE_MINUTES else 'the hour'}"]
    if need is Need.QUANTILE:
        reasons.append("quantiles from bins, within 1 %")
    return Answered(tier, _multiple(step, tier), False, "; ".join(reasons))


def lasts(tier: Tier, keep: Keep) -> int:
    """How long a tier is kept, in milliseconds."""
    return {Tier.RAW: keep.raw, Tier.FIVE_MINUTES: keep.five_minutes, Tier.HOUR: keep.hour}[tier] // _MILLISECOND


def _multiple(step: int, tier: Tier) -> int:
    return -(-step // tier.step) * tier.step


def said(duration: timedelta) -> str:
    """A duration as people say it: whole days as such."""
    if duration >= timedelta(days=2) and not duration % timedelta(days=1):
        return f"{duration.days} days"
    return format_duration(duration)
