"""Answers to questions about a stretch of the past: availability, percentiles, error shares, trends, and this hour beside another."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from keepwell.kernel.comparisons import parse_comparison
from keepwell.kernel.problems import UsageError
from keepwell.kernel.quoting import quoted
from keepwell.ports.samples import NAME, Matcher
from keepwell.rooms.samples import rollup
from keepwell.rooms.samples.model import HOUR, Instants, Rolled, Values
from keepwell.rooms.samples.questions import compare as comparing
from keepwell.rooms.samples.questions import errors as failing
from keepwell.rooms.samples.questions import percentiles as spreading
from keepwell.rooms.samples.questions import trend as heading
from keepwell.rooms.samples.questions.asked import Stretch, aligned, iso, read_instant, read_span, usual_step
from keepwell.rooms.samples.questions.parameters import CompareAsked, ErrorsAsked, PercentilesAsked, TrendAsked
from keepwell.rooms.samples.questions.percentiles import Percentiles
from keepwell.rooms.samples.tiers import Answered, Need

from .asking import Asker, Selected, answered_json, in_order, number, select, stretch_of
from .reader import Extent, by_series, increases, samples_by_series

MOST_SERIES = 200
"""Series that one such question measures."""
_MOST_COUNTERS = 10_000
"""Series of one kind of counters; how long a time they may be asked over is bounded by their rows."""

_DAY = timedelta(days=1)


def step_for(stretch: Stretch) -> int:
    """How finely a stretch is read where no step is asked for: so that reading a long one stays cheap."""
    if stretch.length <= 6 * HOUR:
        return 60_000
    return 300_000 if stretch.length <= 72 * HOUR else HOUR


def edges_json(stretch: Stretch) -> dict[str, Any]:
    """The stretch that was measured."""
    return {"start": iso(stretch.start), "end": iso(stretch.end), "seconds": stretch.length / 1000}


# --- percentiles ------------------------------------------------------------------------------------------------------------------


async def percentiles(asker: Asker, asked: PercentilesAsked) -> dict[str, Any]:
    """Count, mean, extremes and percentiles of the phases of a check, or of each series that fits."""
    stretch = stretch_of(asker, asked, _DAY)
    chosen = _about(asker, asked.check, asked.match)
    found, answered, measured = await spread_of(asker, chosen, stretch)
    series = sorted(found, key=lambda one: (spreading.order_of(one[0][NAME]), sorted(one[0].items())))
    return {
        "check": asked.check,
        "match": asked.match,
        **edges_json(measured),
        **answered_json(answered),
        "series": [{**_named(dict(labels)), **percentiles_json(one)} for labels, one in series],
    }


def _named(labels: dict[str, str]) -> dict[str, Any]:
    step, phase = spreading.phase_of(labels[NAME])
    return {"labels": labels, "phase": phase or None, "step": step or None}


def percentiles_json(one: Percentiles) -> dict[str, Any]:
    """For programs."""
    return {
        "count": one.count,
        "mean": number(one.mean),
        "min": number(one.minimum),
        "max": number(one.maximum),
        **{name: number(value) for name, value in one.percentiles.items()},
    }


def _about(asker: Asker, check: str | None, match: str | None) -> Selected:
    """The series of a check's phases, or those that fit a selector."""
    if (check is None) == (match is None):
        raise UsageError("name a check or a selector, and not both", hint="write check=NAME, or match=SELECTOR")
    if match is not None:
        return select(asker, match, most=MOST_SERIES)
    ids = asker.reader.ids((Matcher(NAME, "=~", spreading.NAMES), Matcher("check", "=", check or "")))
    if len(ids) > MOST_SERIES:
        raise UsageError(f"{quoted(check or '')} has {len(ids)} series, more than {MOST_SERIES}", hint="write match=SELECTOR")
    return Selected(ids, len(ids))


async def spread_of(asker: Asker, chosen: Selected, stretch: Stretch) -> tuple[list[tuple[Any, Percentiles]], Answered, Stretch]:
    """How the values of each series are spread over the stretch, how that was answered, and the stretch that was measured."""
    reader = asker.reader
    answered = reader.plan(stretch.start, stretch.end, step_for(stretch), Need.QUANTILE)
    if answered.exact:
        rows = await reader.rows(Extent(chosen.ids, stretch.start, stretch.end))
        found = await asyncio.to_thread(lambda: [(one, spreading.of_values(values)) for one, _, values in samples_by_series(rows)])
    else:
        stretch = aligned(stretch, answered.step)
        rolled = await reader.rolled_rows(Extent(chosen.ids, stretch.start, stretch.end, bins=True), answered)
        found = await asyncio.to_thread(lambda: list(spreading.of_rows(_since(rolled, stretch)).items()))
    return [(reader.labels(one), spread) for one, spread in found if spread.count], answered, stretch


def _since(rows: Rolled, stretch: Stretch) -> Rolled:
    return rollup.take(rows, np.flatnonzero(rows.start >= stretch.start))


# --- the share of what failed -----------------------------------------------------------------------------------------------------


async def errors(asker: Asker, asked: ErrorsAsked) -> dict[str, Any]:
    """The share of failures: of counters by groups, or of the looks of a check."""
    stretch = stretch_of(asker, asked, _DAY)
    by = tuple(word.strip() for word in asked.by.split(",") if word.strip())
    if asked.check is not None and not (asked.failed or asked.everything or by):
        share, answered, measured = await looks_failed(asker, asked.check, stretch)
        groups: dict[failing.Group, failing.Share] = {(): share}
    elif asked.check is None and asked.failed and asked.everything:
        groups, answered, measured = await counters_failed(asker, (asked.failed, asked.everything), by, stretch)
        share = failing.total(groups.values())
    else:
        raise UsageError(
            "name either a check, or what counts failures and what counts everything",
            hint="write check=NAME, or failed=http_errors_total&all=http_requests_total, with by=LABEL where groups are wanted",
        )
    doubts = failing.doubts(groups.values())
    found = {**answered_json(answered), "note": "; ".join(text for text in (answered.why, doubts) if text)}
    return {
        "check": asked.check,
        **edges_json(measured),
        **found,
        "by": list(by),
        **_share_json(share),
        "groups": [{"labels": dict(zip(by, group, strict=True)), **_share_json(one)} for group, one in groups.items()],
    }


def _share_json(share: failing.Share) -> dict[str, Any]:
    return {"failed": number(share.failed), "all": number(share.all), "share": share.share}


async def looks_failed(asker: Asker, check: str, stretch: Stretch) -> tuple[failing.Share, Answered, Stretch]:
    """How many looks of a check failed, of all that could be made (``check_up``: 1 or 0, none for an unknown one)."""
    ids = asker.reader.ids((Matcher(NAME, "=", "check_up"), Matcher("check", "=", check)))
    rolled, answered, measured = await _rolled(asker, Selected(ids, len(ids)), stretch)
    wanted = rolled.start >= measured.start
    count, ups = float(rolled.count[wanted].sum()), float(rolled.sum[wanted].sum())
    return failing.Share(count - ups, count), answered, measured


async def counters_failed(
    asker: Asker, counters: tuple[str, str], by: Sequence[str], stretch: Stretch
) -> tuple[dict[failing.Group, failing.Share], Answered, Stretch]:
    """The share of each group: ``counters`` are the selectors of what counts failures and of what counts everything."""
    failed, everything = (select(asker, match, most=_MOST_COUNTERS).ids for match in counters)
    together = np.union1d(failed, everything).astype(np.int32)  # usually the ones are some of the others
    rolled, answered, measured = await _rolled(asker, Selected(together, len(together)), stretch)
    gained = await asyncio.to_thread(increases, rolled, measured.start)
    series = [[(asker.reader.labels(one), gained[one]) for one in ids.tolist() if one in gained] for ids in (failed, everything)]
    return failing.shares(series[0], series[1], by), answered, measured


async def _rolled(asker: Asker, chosen: Selected, stretch: Stretch) -> tuple[Rolled, Answered, Stretch]:
    answered = asker.reader.plan(stretch.start, stretch.end, step_for(stretch))
    measured = aligned(stretch, answered.step)
    return await asker.reader.rolled_rows(Extent(chosen.ids, measured.start, measured.end), answered), answered, measured


# --- where it is heading ----------------------------------------------------------------------------------------------------------


async def trend(asker: Asker, asked: TrendAsked) -> dict[str, Any]:
    """The slope of each series that fits, and when it reaches a threshold."""
    if asked.confidence not in heading.CONFIDENCES:
        raise UsageError(f"confidence: {asked.confidence:g} is not known", hint="write 0.8, 0.9, 0.95 or 0.99")
    threshold = _threshold(asked.until) if asked.until else None
    chosen = select(asker, asked.match, most=MOST_SERIES // 10)
    stretch = stretch_of(asker, asked, timedelta(days=7))
    points, answered, measured = await _points(asker, chosen, stretch)

    def lines() -> list[dict[str, Any]]:
        found = ((one, heading.slope(at, values, stretch.end, asked.confidence)) for one, at, values in points)
        return [{"labels": dict(asker.reader.labels(one)), **_line_json(line, threshold)} for one, line in found]

    return {
        "match": asked.match,
        "until": asked.until,
        **edges_json(measured),
        **answered_json(answered),
        "step": answered.step / 1000 if answered.tier.step else 0.0,
        "series": in_order(await asyncio.to_thread(lines)),
    }


async def _points(asker: Asker, chosen: Selected, stretch: Stretch) -> tuple[list[tuple[int, Instants, Values]], Answered, Stretch]:
    """The points of each series: its samples where the stretch is short, else the average of each step, in the middle of its samples."""
    reader = asker.reader
    answered = reader.plan(stretch.start, stretch.end, usual_step(stretch), Need.SAMPLES if stretch.length <= 6 * HOUR else Need.WHOLE)
    if not answered.tier.step:
        return samples_by_series(await reader.rows(Extent(chosen.ids, stretch.start, stretch.end))), answered, stretch
    measured = aligned(stretch, answered.step)
    rolled = await reader.rolled_rows(Extent(chosen.ids, measured.start, measured.end), answered)
    rows = [(one, _since(mine, measured)) for one, mine in by_series(rolled)]
    with np.errstate(all="ignore"):
        return [(one, (mine.first_at + mine.last_at) // 2, mine.sum / mine.count) for one, mine in rows], answered, measured


def _threshold(text: str) -> Any:
    try:
        threshold = parse_comparison(text)
    except ValueError as error:
        raise UsageError(f"until: {error}", hint='write a threshold such as until="> 90%"') from None
    if threshold.operator in ("==", "!="):
        raise UsageError(f"until: {quoted(text)} is no threshold", hint="write > or < and a quantity")
    return threshold


def _line_json(line: heading.Line | None, threshold: Any) -> dict[str, Any]:
    if line is None:
        few = f"fewer than {heading.FEWEST_POINTS} usable points: no trend is told from so little"
        return {"points": None, "per_day": None, "low": None, "high": None, "confidence": None, "level": None, "reached": None, "why": few}
    reached = heading.until(line, threshold) if threshold is not None else None
    return {
        "points": line.points,
        "per_day": number(line.per_day),
        "low": number(line.low),
        "high": number(line.high),
        "confidence": line.confidence,
        "level": number(line.level),
        "reached": reached
        and {"answer": reached.answer, "days": reached.days, "earliest_days": reached.earliest, "latest_days": reached.latest},
        "why": f"through medians of {line.of} points" if line.points < line.of else "",
    }


# --- the same hour of last week ---------------------------------------------------------------------------------------------------


async def compare(asker: Asker, asked: CompareAsked) -> dict[str, Any]:
    """This hour's mean, p95 and count beside the same hour so long ago; of counters, what they gained."""
    end = read_instant(asked.end, asker.reader.now(), "end") if asked.end else asker.reader.now()
    length, ago = read_span(asked.over, "over") if asked.over else HOUR, read_span(asked.ago, "ago")
    chosen = _about(asker, asked.check, asked.match)
    stretches = [Stretch(max(0, one - length), one) for one in (end, end - ago) if one > 0]
    if len(stretches) < 2:
        raise UsageError("ago: that is before 1970", hint="write how long ago to compare with, such as 7d")
    now, then = [await _side(asker, chosen, stretch) for stretch in stretches]
    notes = dict.fromkeys(text for text in (now[1].why, then[1].why) if text)
    return {
        "check": asked.check,
        "match": asked.match,
        "now": edges_json(now[2]),
        "then": edges_json(then[2]),
        "tier": then[1].tier.value,
        "exact": now[1].exact and then[1].exact,
        "note": "; ".join(notes),
        "series": in_order([_compared_json(labels, now[0], then[0]) for labels in _labels_of(now[0], then[0])]),
    }


_Side = dict[tuple[tuple[str, str], ...], tuple[Percentiles, float | None]]


async def _side(asker: Asker, chosen: Selected, stretch: Stretch) -> tuple[_Side, Answered, Stretch]:
    found, answered, measured = await spread_of(asker, chosen, stretch)
    gained, _, whole = await _rolled(asker, chosen, stretch)
    by_labels = {_key(asker.reader.labels(one)): number(increase) for one, increase in increases(gained, whole.start).items()}
    return {_key(labels): (spread, by_labels.get(_key(labels))) for labels, spread in found}, answered, measured


def _key(labels: Any) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def _labels_of(*sides: _Side) -> list[tuple[tuple[str, str], ...]]:
    return list(dict.fromkeys(key for side in sides for key in side))


def _compared_json(labels: tuple[tuple[str, str], ...], now: _Side, then: _Side) -> dict[str, Any]:
    sides = [side.get(labels, (spreading.of_values(np.empty(0)), None)) for side in (now, then)]
    ratio = comparing.compare(sides[0][0], sides[1][0])
    gained = [side[1] for side in sides]
    return {
        "labels": dict(labels),
        "now": {**percentiles_json(sides[0][0]), "increase": gained[0]},
        "then": {**percentiles_json(sides[1][0]), "increase": gained[1]},
        "ratio": {
            "mean": ratio.mean,
            "p95": ratio.p95,
            "count": ratio.count,
            "increase": number(gained[0] / gained[1]) if gained[0] is not None and gained[1] else None,
        },
        "enough": ratio.enough,
        "why": ratio.why,
    }
