"""What reports ask of the other rooms, answered in the reports' own words."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np

from keepwell.rooms.alerts.people import history
from keepwell.rooms.checks.charts import selector, words
from keepwell.rooms.checks.model import Shown
from keepwell.rooms.checks.sampled import metric_name
from keepwell.rooms.checks.thresholds import judged_value, thresholds
from keepwell.rooms.checks.work.watch import Checks
from keepwell.rooms.reports.model import Line, Span
from keepwell.rooms.reports.sources import CheckFacts, Failed, Fired, Heading, Limited, Promised, Spread, Uptime
from keepwell.rooms.samples.questions.asked import Stretch, milliseconds
from keepwell.rooms.samples.questions.parameters import RangeAsked, TrendAsked
from keepwell.rooms.samples.work import asking, measuring, promises, uptime
from keepwell.rooms.samples.work.asking import Asker
from keepwell.storage.database import Database

POINTS = 300
"""Points of a line that are wanted at most."""
LINES = 8
"""Series that are drawn in one plot."""
_SERIES = 200


def stretch_of(span: Span) -> Stretch:
    """The span as samples know it."""
    return Stretch(milliseconds(span.start), milliseconds(span.end))


class SampleMeasures:
    """See ``rooms.reports.sources.Measures``."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    async def uptime(self, check: str, span: Span) -> Uptime:
        """How much of the span a check was up."""
        found = (await uptime.measure(self._asker, check, stretch_of(span))).found
        return Uptime(check, found.ratio, found.up, found.down, found.no_data, len(found.outages), found.longest)

    async def failed(self, check: str, span: Span) -> Failed:
        """How many of its looks failed."""
        share, _, _ = await measuring.looks_failed(self._asker, check, stretch_of(span))
        return Failed(check, share.failed, share.all)

    async def spread(self, selector: str, span: Span) -> Sequence[Spread]:
        """How the values of each series were spread."""
        with np.errstate(all="ignore"):
            chosen = asking.select(self._asker, selector, most=_SERIES)
            found, _, _ = await measuring.spread_of(self._asker, chosen, stretch_of(span))
        return [Spread(dict(labels), one.count, _figures(measuring.percentiles_json(one))) for labels, one in found]

    async def lines(self, selector: str, span: Span, of: str) -> Sequence[Line]:
        """Points over the span; over the part that has some, where that is short."""
        found = await self._points(selector, span, of)
        known = [at for line in found for at, value in line.points if value is not None]
        if known and span.end.timestamp() - min(known) < span.seconds / 4:
            start = datetime.fromtimestamp(min(known), UTC)
            finer = await self._points(selector, Span(min(start, span.end - timedelta(minutes=5)), span.end), of)
            return finer or found
        return found

    async def _points(self, selector: str, span: Span, of: str) -> list[Line]:
        step = max(30, math.ceil(span.seconds / POINTS / 30) * 30)
        asked = RangeAsked(
            start=f"{span.start.timestamp():.3f}", end=f"{span.end.timestamp():.3f}", step=str(step), match=selector, of=of, limit=LINES
        )
        with np.errstate(all="ignore"):
            answer = await asking.range_of(self._asker, asked)
        return [Line(_named(one["labels"]), tuple((at, value) for at, value in one["points"])) for one in answer["series"]]

    async def heading(self, selector: str, span: Span, until: str) -> Sequence[Heading]:
        """Where each series is heading."""
        asked = TrendAsked(start=f"{span.start.timestamp():.3f}", end=f"{span.end.timestamp():.3f}", match=selector, until=until or None)
        with np.errstate(all="ignore"):
            answer = await measuring.trend(self._asker, asked)
        return [_heading(one) for one in answer["series"]]

    def name_of(self, labels: Mapping[str, str]) -> str:
        """What a series is called among its neighbours."""
        return _named(labels)


def _figures(found: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in found.items() if name != "count" and value is not None}


def _named(labels: Mapping[str, str]) -> str:
    """What tells a series from its neighbours: its labels, without the check's own and without what is the same for all of a check."""
    known = {name: value for name, value in labels.items() if name not in ("__name__", "check", "target", "service")}
    return ", ".join(f"{name}={value}" for name, value in sorted(known.items())) or words(labels.get("__name__", ""))


def _heading(one: Mapping[str, Any]) -> Heading:
    reached = one["reached"] or {}
    return Heading(
        one["labels"],
        one["per_day"],
        one["low"],
        one["high"],
        one["level"],
        reached.get("answer", ""),
        reached.get("days"),
        one["why"] if one["points"] is None else "",
    )


def check_facts(checks: Checks, measured: Callable[[str], Sequence[str]]) -> Callable[[], Sequence[CheckFacts]]:
    """Gives the checks as they stand; ``measured`` names the metrics that a check left."""
    return lambda: [_facts(shown, measured(shown.check.name)) for shown in checks.shown()]


def _facts(shown: Shown, measured: Sequence[str]) -> CheckFacts:
    standing = shown.standing
    return CheckFacts(
        shown.check.name,
        shown.check.kind,
        shown.state.value,
        standing.since if standing is not None else None,
        standing.sentence if standing is not None else "",
        tuple(_limits(shown, measured)),
    )


def _limits(shown: Shown, measured: Sequence[str]) -> Sequence[Limited]:
    """The values that are judged by limits, each with both of its limits."""
    names = list(dict.fromkeys((*(shown.standing.values if shown.standing is not None else ()), *measured)))
    found: dict[str, Limited] = {}
    for threshold in thresholds(shown.check.settings):
        name = judged_value(threshold, names)
        if name is None or threshold.state not in ("warn", "fail"):
            continue
        metric = metric_name(name)
        one = found.get(metric) or Limited(words(name), selector({"check": shown.check.name}, (metric,)))
        limits = {"warn": (threshold.limit, one.critical), "fail": (one.warning, threshold.limit)}[threshold.state]
        found[metric] = Limited(one.title, one.selector, *limits)
    return list(found.values())


def fired(database: Database) -> Callable[[Span], Awaitable[Sequence[Fired]]]:
    """Asks which alerts fired: those that began in the span, and those that began before it and fire still."""

    async def ask(span: Span) -> Sequence[Fired]:
        began = history.Past(_MOST_FIRED, start=span.start, end=span.end)
        before = history.Past(_MOST_FIRED, state="firing", end=span.start)
        alerts = [one for past in (began, before) for one in (await database.read(partial(history.page, past=past)))[0]]
        return [
            Fired(
                one.name,
                one.labels.get("severity", ""),
                _about(one.labels),
                one.firing_since or one.active_since,
                one.resolved_at,
                one.acknowledged.at if one.acknowledged else None,
            )
            for one in alerts
        ]

    return ask


_MOST_FIRED = 10_000


def _about(labels: Mapping[str, str]) -> str:
    """The labels that tell it from its namesakes."""
    for name in ("check", "task", "backup", "instance"):
        if labels.get(name):
            return labels[name]
    known = {name: value for name, value in labels.items() if name not in ("alertname", "severity", "service")}
    return ", ".join(f"{name}={value}" for name, value in sorted(known.items())[:3])


def promised(asker: Asker) -> Callable[[], Awaitable[Sequence[Promised]]]:
    """Asks how the objectives stand."""

    async def ask() -> Sequence[Promised]:
        answer = await promises.objectives(asker)
        return [
            Promised(
                one["name"],
                one["promise"],
                one["target"],
                one["measured_words"],
                one["measured"],
                one["verdict"],
                one["budget_words"],
                one["why"],
            )
            for one in answer["objectives"]
        ]

    return ask
