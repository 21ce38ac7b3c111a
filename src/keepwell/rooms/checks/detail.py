"""One check as plain values for its page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from keepwell.kernel.comparisons import Unit
from keepwell.kernel.durations import format_duration
from keepwell.kernel.redaction import redact_patterns

from . import views
from .charts import MOST_CHARTS, as_shown, charts, selector
from .limits import words as limit_words
from .model import ChangeRow, Check, Shown
from .sampled import STATE, UP, metric_name
from .thresholds import Threshold, thresholds, unit_of

OBSERVATIONS = 15
"""Newest observations on the page."""

CHANGES = 15
"""State changes on one page."""

Over = Literal["1h", "6h", "24h", "7d", "30d"]
"""The stretches of time that the page offers."""

SPANS: tuple[Over, ...] = get_args(Over)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page's address asks for: the stretch of time drawn (``over`` until now, or from ``start`` to ``end`` in seconds since 1970)
    and the state change before which the list goes on."""

    over: Over = "24h"
    start: float | None = None
    end: float | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What is kept of a check: its state changes (one more than a page holds where there are older ones), its newest observations, and the
    names of the metrics that it left."""

    changes: Sequence[ChangeRow]
    observations: Sequence[Mapping[str, Any]]
    measured: Sequence[str] = ()


def detail(shown: Shown, history: History, asked: Asked, now: datetime) -> dict[str, Any]:
    """The values of the page's template."""
    check = shown.check
    limits = thresholds(check.settings)
    names = values_of(shown, history.measured)
    drawn = charts(names, limits)
    listed = history.changes[:CHANGES]
    return {
        "page_title": check.name,
        "check": views.row(shown, now),
        "facts": list(_facts(check)),
        "limits": [_limit(limit) for limit in limits],
        "figures": [as_shown(chart, check.name) for chart in drawn[:MOST_CHARTS]],
        "left_out": [name for chart in drawn[MOST_CHARTS:] for name in chart.names],
        "whole": selector({"check": check.name}),
        "states": selector({"check": check.name}, (STATE, UP)),
        "seconds": check.options.every.total_seconds(),
        "spans": SPANS,
        "asked": asked,
        "percentiles": any(unit_of(name) is Unit.SECONDS for name in names) and check.kind == "http",
        "observations": [_observation(row, now) for row in history.observations[:OBSERVATIONS]],
        "changes": [views.change_row("", item.change, now) for item in listed],
        "older": listed[-1].number if len(history.changes) > CHANGES else None,
    }


def usual_over(changes: Sequence[ChangeRow], now: datetime) -> Over:
    """The stretch that is drawn where none is asked for: a day, less for a check that was looked at for the first time of late."""
    begun = changes[-1].change.at if changes and changes[-1].change.before is None else None
    if begun is None or now - begun > timedelta(hours=6):
        return "24h"
    return "6h" if now - begun > timedelta(hours=1) else "1h"


def values_of(shown: Shown, measured: Sequence[str]) -> list[str]:
    """The names of a check's values: those of its newest look, and those of which only samples tell, as that of a look that found nothing
    to measure; in the order in which its kind names them."""
    newest = list(shown.standing.values) if shown.standing else []
    known = {metric_name(name) for name in newest} | {STATE, UP}
    order = {metric_name(name): place for place, name in enumerate(shown.check.driver.values)}
    return sorted([*newest, *(name for name in measured if name not in known)], key=lambda name: order.get(metric_name(name), len(order)))


def _facts(check: Check) -> Iterator[tuple[str, str]]:
    """How it looks, as (what, words); an address without the secrets that it may hold."""
    options = check.options
    yield "kind", f"{check.kind}: {check.driver.summary}"
    if check.looks_at:
        yield "target", check.looks_at
    address = getattr(check.target, check.driver.target_key, None) or getattr(check.settings, "url", None)
    if isinstance(address, str) and not address.startswith("secret:"):
        yield "address", redact_patterns(address)
    if check.needs:
        yield "needs", ", ".join(check.needs)
    if check.host != "local":
        yield "looks from", check.host
    yield "every", f"{format_duration(options.every)}, at most {options.deadline:g} s a look"
    yield "changes its state", _streaks(options.fail_after, options.recover_after)
    if check.needs_acceptance is not None:
        yield "accepted by", check.accepted_by or f"nobody yet: {check.waits_because or 'it waits for a person'}"


def _streaks(fail_after: int, recover_after: int) -> str:
    if fail_after == recover_after == 1:
        return "with every look"
    return f"after {fail_after} worse results in a row, or {recover_after} better ones"


def _limit(limit: Threshold) -> dict[str, str]:
    return {"place": limit.place.replace("_", " "), "state": limit.state, "words": limit_words(limit.limit)}


def _observation(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "at": views.instant(row["at"]),
        "at_words": f"{views.ago(row['at'], now)} ago",
        "state": row["state"],
        "sentence": row["sentence"],
        "values": [(name, views.number(name, value)) for name, value in row["values"].items()],
        "detail": row["detail"],
    }
