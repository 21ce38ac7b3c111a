"""What each question takes, as it stands in an address. An unknown name is refused, so that a misspelt one does not mean the default."""

from pydantic import BaseModel, ConfigDict, Field


class Asked(BaseModel):
    """What questions about the past have in common: ``start`` and ``end``, or ``over`` (so long until ``end``, which is now)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: str | None = None
    end: str | None = None
    over: str | None = None


class CurrentAsked(BaseModel):
    """The newest samples: of one service, of the series that fit ``match``, at most ``within`` old."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str | None = None
    match: str | None = None
    within: str | None = None


class SeriesAsked(BaseModel):
    """Which series there are: at most ``limit``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: str | None = None
    limit: int | None = None


class RangeAsked(Asked):
    """Points over time: ``of`` is a list such as ``avg,max``."""

    match: str | None = None
    step: str | None = None
    of: str = "avg"
    limit: int | None = None


class AvailabilityAsked(Asked):
    """``windows`` names the maintenance windows that are kept apart, ``none``, or all of them where it is left out."""

    check: str | None = None
    windows: str | None = None


class PercentilesAsked(Asked):
    """The phases of a check, or any series."""

    check: str | None = None
    match: str | None = None


class ErrorsAsked(Asked):
    """The looks of a check; or counters: those that count failures, those that count everything, and the labels by which one groups."""

    check: str | None = None
    failed: str | None = None
    everything: str | None = Field(default=None, alias="all")
    by: str = ""


class TrendAsked(Asked):
    """``until`` is a threshold such as ``> 90%``, ``confidence`` 0.8, 0.9, 0.95 or 0.99."""

    match: str | None = None
    until: str | None = None
    confidence: float = 0.95


class CompareAsked(BaseModel):
    """So long (``over``, an hour) until ``end``, beside the same ``ago`` (7 days)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str | None = None
    match: str | None = None
    end: str | None = None
    over: str | None = None
    ago: str = "7d"
