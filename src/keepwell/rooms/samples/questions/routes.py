"""The routes by which samples are asked for. Times are RFC 3339, seconds since 1970, ``now``, or ``-24h`` before now; lengths ``30d`` or
seconds.

Every answer that reads the past says from which tier it comes (``tier``: raw, 5m or 1h), whether it is ``exact``, and if not a sentence
(``note``). A number that is not known, or that JSON cannot say (NaN, infinity), is null. Instants of points are seconds since 1970.
"""

import asyncio
import json
from collections.abc import Awaitable
from typing import Annotated, Any

import numpy as np
from starlette.responses import Response

from keepwell.ports.offer import Query, Route
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

_BASE = "/api/v1/samples"


def routes(asker: Asker) -> tuple[Route, ...]:
    """All of them."""
    return (*_listing(asker), *_measuring(asker))


async def _reply(answering: Awaitable[dict[str, Any]]) -> Response:
    """The answer as JSON, written in a thread: a large one takes a tenth of a second, in which the server does other things."""
    with np.errstate(all="ignore"):  # samples may be infinite; it holds in the threads of this answer too
        answer = await answering
    return Response(await asyncio.to_thread(lambda: json.dumps(answer, allow_nan=False).encode()), media_type="application/json")


def _listing(asker: Asker) -> tuple[Route, ...]:
    async def current(asked: Annotated[CurrentAsked, Query()]) -> Response:
        return await _reply(asking.current(asker, asked))

    async def series(asked: Annotated[SeriesAsked, Query()]) -> Response:
        return await _reply(asking.series(asker, asked))

    async def points(asked: Annotated[RangeAsked, Query()]) -> Response:
        return await _reply(asking.range_of(asker, asked))

    return (
        Route("GET", "/api/v1/metrics/current", READ, current, "The newest sample of everything, by metric"),
        Route("GET", f"{_BASE}/series", READ, series, "The series that fit a selector"),
        Route("GET", f"{_BASE}/range", READ, points, "Points over time: averages, extremes, rates, percentiles"),
    )


def _measuring(asker: Asker) -> tuple[Route, ...]:
    async def availability(asked: Annotated[AvailabilityAsked, Query()]) -> Response:
        return await _reply(uptime.availability(asker, asked))

    async def percentiles(asked: Annotated[PercentilesAsked, Query()]) -> Response:
        return await _reply(measuring.percentiles(asker, asked))

    async def errors(asked: Annotated[ErrorsAsked, Query()]) -> Response:
        return await _reply(measuring.errors(asker, asked))

    async def trend(asked: Annotated[TrendAsked, Query()]) -> Response:
        return await _reply(measuring.trend(asker, asked))

    async def compare(asked: Annotated[CompareAsked, Query()]) -> Response:
        return await _reply(measuring.compare(asker, asked))

    async def objectives() -> Response:
        return await _reply(promises.objectives(asker))

    return (
        Route("GET", "/api/v1/objectives", READ, objectives, "What is promised, what was measured, and how much may still fail"),
        Route("GET", f"{_BASE}/availability", READ, availability, "How much of the time a check was up, maintenance apart"),
        Route("GET", f"{_BASE}/percentiles", READ, percentiles, "How long the phases of a check took, or how any series is spread"),
        Route("GET", f"{_BASE}/errors", READ, errors, "The share of what failed, of counters or of a check's looks"),
        Route("GET", f"{_BASE}/trend", READ, trend, "Where series are heading, and when a threshold is reached"),
        Route("GET", f"{_BASE}/compare", READ, compare, "This hour beside the same hour a week ago"),
    )
