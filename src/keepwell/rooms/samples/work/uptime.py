"""How much of the time a check was up, from samples of its looks: raw where that decides something, rolled up where it does not."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from keepwell.kernel.problems import NotFound, UsageError
from keepwell.kernel.quoting import quoted
from keepwell.ports.samples import NAME, Matcher
from keepwell.rooms.samples import rollup
from keepwell.rooms.samples.model import HOUR, Ids, Rolled
from keepwell.rooms.samples.questions import availability as uptime
from keepwell.rooms.samples.questions.asked import Stretch, aligned, iso
from keepwell.rooms.samples.questions.parameters import AvailabilityAsked
from keepwell.rooms.samples.questions.spans import chosen, spans
from keepwell.rooms.samples.tiers import Answered, Need

from .asking import Asker, answered_json, stretch_of
from .measuring import edges_json
from .reader import Extent

BY_HAND = "maintenance"
"""Stands among the names of windows for work that was begun by hand."""
_LISTED = 50
_RAW_UP_TO = 6 * HOUR
_ROWS = 300_000
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Measured:
    """The availability of one check, how it was answered, which windows were kept apart, and when they were open. ``every`` and the
    instants are in milliseconds."""

    check: str
    stretch: Stretch
    every: int
    found: uptime.Availability
    answered: Answered
    windows: tuple[str, ...]
    closed: tuple[tuple[int, int], ...] = ()


async def availability(asker: Asker, asked: AvailabilityAsked) -> dict[str, Any]:
    """The availability of a check, with its outages."""
    if not asked.check:
        raise UsageError("check is missing", hint="write check=NAME; GET /api/v1/checks lists them")
    stretch = stretch_of(asker, asked, timedelta(days=30))
    return measured_json(await measure(asker, asked.check, stretch, asked.windows))


async def measure(asker: Asker, check: str, stretch: Stretch, windows: str | None = None) -> Measured:
    """Measures a check. ``windows`` as in ``spans.chosen``. Raises NotFound where nothing is known of such a check."""
    facts, reader = asker.facts(), asker.reader
    states, ups = (reader.ids((Matcher(NAME, "=", name), Matcher("check", "=", check))) for name in ("check_state", "check_up"))
    known = facts.checks.get(check)
    if known is None and not len(states):
        raise NotFound(f"there is no check {quoted(check)}, and there never was one with samples", hint="GET /api/v1/checks lists them")
    apart = chosen(facts.windows, windows)
    every = known.every // _MILLISECOND if known else 0
    looks, answered, every = await _looks(asker, (states, ups), stretch, every)
    closed = await asyncio.to_thread(spans, apart.values(), stretch)
    by_hand = () if windows is not None and not apart else await asker.maintenance(_labels(asker, check), stretch.start, stretch.end)
    closed += by_hand
    found = uptime.measure(looks, stretch.start, stretch.end, uptime.HOLDS * every, closed)
    if found.estimated:
        why = "stretches with looks of several outcomes are divided in proportion where raw samples are not kept any more"
        answered = Answered(answered.tier, answered.step, False, why)
    names = (*apart, *([BY_HAND] if by_hand else []))
    return Measured(check, stretch, every, found, answered, names, tuple(sorted(closed)))


def _labels(asker: Asker, check: str) -> dict[str, str]:
    """The labels by which maintenance names a check."""
    facts = asker.facts()
    known = facts.checks.get(check)
    return {"check": check, "service": facts.service, **({"target": known.target} if known is not None and known.target else {})}


async def _looks(asker: Asker, ids: tuple[Ids, Ids], stretch: Stretch, every: int) -> tuple[uptime.Looks, Answered, int]:
    """The looks of a stretch, and the last before it, as far as it holds; and the check's interval, told from them where it is not
    known."""
    reader = asker.reader
    back = uptime.HOLDS * (every or HOUR)
    answered = reader.plan(stretch.start - back, stretch.end, _ROWS, Need.SAMPLES if stretch.length <= _RAW_UP_TO else Need.WHOLE)
    if not answered.step % _ROWS and answered.tier.step:
        rows = [await _rows(asker, one, stretch, back, answered) for one in ids]
        every = every or _interval(np.asarray(rows[0].first_at))
        looks, unsure = uptime.looks_of_rows(rows[0], rows[1], uptime.HOLDS * every, every)
        return await _with_samples(asker, ids[0], (looks, unsure), stretch), _seconds_of(answered), every
    samples = await reader.rows(Extent(ids[0], max(0, stretch.start - back), stretch.end))
    order = np.argsort(samples.at, kind="stable")
    looks = uptime.looks_of(samples.at[order], samples.value[order])
    return looks, answered, every or _interval(looks.at)


def _seconds_of(answered: Answered) -> Answered:
    """Rows of looks that were all alike are as exact as the looks, at any tier."""
    return Answered(answered.tier, answered.step, True, "")


def _interval(at: np.ndarray[Any, np.dtype[np.int64]]) -> int:
    """The usual distance of looks, in milliseconds."""
    return int(np.median(np.diff(at))) if len(at) > 1 else 60_000


async def _rows(asker: Asker, ids: Ids, stretch: Stretch, back: int, answered: Answered) -> Rolled:
    """The rolled-up rows of all these series, by time: a check whose target was renamed goes on in another series."""
    whole = aligned(Stretch(max(0, stretch.start - back), stretch.end), answered.step)
    rolled = await asker.reader.rolled_rows(Extent(ids, whole.start, whole.end), answered)
    return rollup.take(rolled, np.argsort(rolled.first_at, kind="stable"))


async def _with_samples(
    asker: Asker, ids: Ids, rolled: tuple[uptime.Looks, np.ndarray[Any, np.dtype[np.bool_]]], stretch: Stretch
) -> uptime.Looks:
    """The looks themselves in place of rows that say less, as far back as raw samples are kept."""
    looks, unsure = rolled
    reader = asker.reader
    for first, last in _stretches(looks, unsure):
        if last >= stretch.start and reader.plan(first, last, _ROWS, Need.SAMPLES).tier.step == 0:
            samples = await reader.rows(Extent(ids, first, last + 1))
            order = np.argsort(samples.at, kind="stable")
            finer = uptime.looks_of(samples.at[order], samples.value[order])
            looks = uptime.replace(looks, ~looks.sure & (looks.at >= first) & (looks.until <= last), finer)
    return looks


def _stretches(looks: uptime.Looks, unsure: np.ndarray[Any, np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """The stretches that the unsure rows cover, those of one hour together: an hour is a file."""
    found: list[tuple[int, int]] = []
    for first, last in zip(looks.at[unsure].tolist(), looks.until[unsure].tolist(), strict=True):
        if found and first // HOUR == found[-1][0] // HOUR:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def measured_json(measured: Measured) -> dict[str, Any]:
    """For programs."""
    found = measured.found
    outages = sorted(found.outages, key=lambda outage: -outage.start)[:_LISTED]
    return {
        "check": measured.check,
        **edges_json(measured.stretch),
        **answered_json(measured.answered),
        "every_seconds": measured.every / 1000,
        "availability": found.ratio,
        "up_seconds": round(found.up, 3),
        "down_seconds": round(found.down, 3),
        "unknown_seconds": round(found.unknown, 3),
        "no_data_seconds": round(found.no_data, 3),
        "maintenance_seconds": round(found.maintenance, 3),
        "down_in_maintenance_seconds": round(found.down_in_maintenance, 3),
        "estimated_seconds": round(found.estimated, 3),
        "windows": list(measured.windows),
        "newest_maintenance": [{"start": iso(start), "end": iso(end)} for start, end in reversed(measured.closed[-_LISTED:])],
        "outages": len(found.outages),
        "longest_outage_seconds": round(found.longest, 3),
        "newest_outages": [
            {"start": iso(one.start), "end": iso(one.end), "seconds": round(one.seconds, 3), "ongoing": one.ongoing} for one in outages
        ],
    }
