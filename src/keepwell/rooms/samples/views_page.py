"""The page of samples: which metrics there are, a chart of any of them, what is scraped, and how the store is."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.problems import KeepwellError
from keepwell.ports.offer import Page
from keepwell.ports.samples import NAME, Matcher

from .model import Labels, Metric
from .offer import READ
from .shown_names import any_of, selector_of, unit_of

METRICS = 50
"""Metrics on one page."""

CHARTED = 12
"""Series in one chart."""

TARGETS = 100
"""Scrape targets on the page, the worst first."""

NEWEST_WITHIN = timedelta(hours=1)
"""A value is newest as long as it is no older."""

Over = Literal["1h", "6h", "24h", "7d", "30d"]


@dataclass(frozen=True, slots=True)
class TierFigures:
    """One tier on disk: how many files, their bytes, and the oldest instant that they hold."""

    name: str
    files: int
    size: int
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What the store says of itself. ``size`` is bytes in memory, ``per_second`` the samples a second of late; ``refused`` counts by
    reason, ``problems`` are sentences."""

    series: int = 0
    per_second: float | None = None
    waiting: int = 0
    shed: int = 0
    size: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    tiers: Sequence[TierFigures] = ()
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PageVerbs:
    """What the page asks: how many series each metric has, what a metric is, the newest samples (matchers, now and within in
    milliseconds), the scrape targets as the API lists them, and the store's own figures."""

    counts: Callable[[], Mapping[str, int]]
    metric: Callable[[str], Metric]
    latest: Callable[[Sequence[Matcher], int, int], Awaitable[Sequence[tuple[Labels, int, float]]]]
    targets: Callable[[], Sequence[Mapping[str, Any]]]
    about: Callable[[], Awaitable[About]]
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page's address asks for: a selector to chart and over which time, words that a metric's name holds, and which page of the
    list."""

    match: str = ""
    over: Over = "6h"
    start: float | None = None
    end: float | None = None
    words: str = ""
    page: int = 1


def pages(verbs: PageVerbs) -> tuple[Page, ...]:
    """The page."""

    async def samples(
        match: str = "", over: Over = "6h", start: float | None = None, end: float | None = None, words: str = "", page: int = 1
    ) -> Mapping[str, Any]:
        return await context(verbs, Asked(match.strip(), over, start, end, words.strip(), page))

    return (Page("/samples", "Samples", READ, "samples/samples.html", samples),)


async def context(verbs: PageVerbs, asked: Asked) -> dict[str, Any]:
    """The values of the page's template."""
    counts = verbs.counts()
    wanted = asked.words.lower().split()
    found = sorted(name for name in counts if all(word in name.lower() for word in wanted))
    last = max(1, -(-len(found) // METRICS))
    page = max(1, min(asked.page, last))
    first = (page - 1) * METRICS
    listed = found[first : first + METRICS]
    newest = await _newest(verbs, listed)
    about, targets = await verbs.about(), verbs.targets()
    return {
        "asked": asked,
        "spans": get_args(Over),
        "drawn": _figure(asked, verbs) if asked.match else None,
        "charted": CHARTED,
        "metrics": [_metric(name, counts[name], verbs.metric(name), newest.get(name, []), verbs.now()) for name in listed],
        "total": len(counts),
        "found": len(found),
        "first": first + 1,
        "page": page,
        "last": last,
        "targets": [_target(target, verbs.now()) for target in targets[:TARGETS]],
        "more_targets": max(0, len(targets) - TARGETS),
        "problems": list(about.problems),
        "figures": _figures(about),
        "tiers": [(_TIERS.get(one.name, one.name), one.files, _bytes(one.size), _day(one.oldest)) for one in about.tiers],
    }


async def _newest(verbs: PageVerbs, names: Sequence[str]) -> dict[str, list[tuple[int, float]]]:
    """The newest samples of these metrics by name; none where the store cannot say."""
    if not names:
        return {}
    now = int(verbs.now().timestamp() * 1000)
    try:
        rows = await verbs.latest([any_of(names)], now, NEWEST_WITHIN // timedelta(milliseconds=1))
    except KeepwellError:
        return {}
    found: dict[str, list[tuple[int, float]]] = {}
    for labels, at, value in rows:
        found.setdefault(labels[NAME], []).append((at, value))
    return found


def _figure(asked: Asked, verbs: PageVerbs) -> dict[str, Any]:
    """The chart of the selector that is asked for. A counter is drawn as its rate."""
    name = asked.match.partition("{")[0].strip()
    kind = verbs.metric(name).kind if name else "unknown"
    counter = kind == "counter" or (kind == "unknown" and name.endswith("_total"))
    return {
        "title": asked.match,
        "unit": unit_of(name) if name else "",
        "names": "",
        "match": asked.match,
        "lines": "[]",
        "kind": "counter" if counter else "gauge",
    }


def _metric(name: str, series: int, metric: Metric, newest: Sequence[tuple[int, float]], now: datetime) -> dict[str, Any]:
    unit = Unit(unit_of(name))
    values = sorted(value for _, value in newest if not math.isnan(value))
    words = [describe(value, unit) for value in dict.fromkeys((values[0], values[-1]))] if values else []
    at = datetime.fromtimestamp(max(at for at, _ in newest) / 1000, UTC) if newest else None
    return {
        "name": name,
        "match": selector_of(name),
        "kind": metric.kind,
        "help": metric.help,
        "series": series,
        "newest": " to ".join(words),
        "at": at.isoformat() if at else "",
        "at_words": _ago(at, now) if at else "",
    }


_STATES = {"up": "ok", "down": "fail", "unknown": "unknown"}


def _target(target: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A scrape target, as the API lists it (``scraping/listing.py``), for people."""
    at = datetime.fromisoformat(target["last_scrape"]) if target["last_scrape"] else None
    return {
        "instance": target["instance"] or target["url"],
        "job": target["job"],
        "state": _STATES.get(target["health"], "unknown"),
        "word": target["health"],
        "fault": "; ".join(text for text in (target["error"], *target["notes"]) if text),
        "at": target["last_scrape"] or "",
        "at_words": _ago(at, now) if at else "",
        "samples": target["samples"],
    }


def _ago(at: datetime, now: datetime) -> str:
    return f"{max(0, round((now - at).total_seconds()))} s ago"


_TIERS = {"raw": "every sample", "5m": "5 minutes", "1h": "an hour"}


def _figures(about: About) -> list[tuple[str, str]]:
    rate = "not known yet" if about.per_second is None else describe(float(f"{about.per_second:.4g}"), Unit.NUMBER)
    refused = [(f"refused: {reason}", describe(float(count), Unit.NUMBER)) for reason, count in sorted(about.refused.items()) if count]
    return [
        ("series", f"{about.series:,}"),
        ("samples a second", rate),
        ("in memory", _bytes(about.size)),
        ("waiting to be stored", f"{about.waiting:,}"),
        ("dropped", f"{about.shed:,}"),
        *refused,
    ]


def _bytes(size: int) -> str:
    return describe(float(size), Unit.BYTES)


def _day(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC") if at else "–"
