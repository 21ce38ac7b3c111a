"""The routes by which samples are asked for. Times are RFC 3339, seconds since 1970, ``now``, or ``-24h`` before now; lengths ``30d`` or
seconds.

Every answer that reads the past says from which tier it comes (``tier``: raw, 5m or 1h), whether it is ``exact``, and if not a sentence
(``note``). A number that is not known, or that JSON cannot say (NaN, infinity), is null. Instants of points are seconds since 1970.
"""

from typing import Annotated, Any

from fastapi import Query

from keepwell.ports.offer import Route
from keepwell.rooms.samples.offer import READ
from keepwell.rooms.samples.work import asking, measuring, promises, uptime
from keepwell.rooms.samples.work.asking import Asker

from .parameters import (
    AvailabilityAsked,
    CompareAsked,
    CurrentAsked,
    ErrorsAsked,
    PercentilesAsked,
    RangeAsked,
    SeriesAsked,
    TrendAsked,
)

Answer = dict[str, Any]
_BASE = "/api/v1/samples"


def routes(asker: Asker) -> tuple[Route, ...]:
    """All of them."""
    return (*_listing(asker), *_measuring(asker))


def _listing(asker: Asker) -> tuple[Route, ...]:
    async def current(asked: Annotated[CurrentAsked, Query()]) -> Answer:
        return await asking.current(asker, asked)

    async def series(asked: Annotated[SeriesAsked, Query()]) -> Answer:
        return await asking.series(asker, asked)

    async def points(asked: Annotated[RangeAsked, Query()]) -> Answer:
        return await asking.range_of(asker, asked)

    return (
        Route("GET", "/api/v1/metrics/current", READ, current, "The newest sample of everything, by metric"),
        Route("GET", f"{_BASE}/series", READ, series, "The series that fit a selector"),
        Route("GET", f"{_BASE}/range", READ, points, "Points over time: averages, extremes, rates, percentiles"),
    )


def _measuring(asker: Asker) -> tuple[Route, ...]:
    async def availability(asked: Annotated[AvailabilityAsked, Query()]) -> Answer:
        return await uptime.availability(asker, asked)

    async def percentiles(asked: Annotated[PercentilesAsked, Query()]) -> Answer:
        return await measuring.percentiles(asker, asked)

    async def errors(asked: Annotated[ErrorsAsked, Query()]) -> Answer:
        return await measuring.errors(asker, asked)

    async def trend(asked: Annotated[TrendAsked, Query()]) -> Answer:
        return await measuring.trend(asker, asked)

    async def compare(asked: Annotated[CompareAsked, Query()]) -> Answer:
        return await measuring.compare(asker, asked)

    async def objectives() -> Answer:
        return await promises.objectives(asker)

    return (
        Route("GET", "/api/v1/objectives", READ, objectives, "What is promised, what was measured, and how much may still fail"),
        Route("GET", f"{_BASE}/availability", READ, availability, "How much of the time a check was up, maintenance apart"),
        Route("GET", f"{_BASE}/percentiles", READ, percentiles, "How long the phases of a check took, or how any series is spread"),
        Route("GET", f"{_BASE}/errors", READ, errors, "The share of what failed, of counters or of a check's looks"),
        Route("GET", f"{_BASE}/trend", READ, trend, "Where series are heading, and when a threshold is reached"),
        Route("GET", f"{_BASE}/compare", READ, compare, "This hour beside the same hour a week ago"),
    )
