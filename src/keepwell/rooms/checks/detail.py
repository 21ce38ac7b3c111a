"""One check as plain values for its page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from keepwell.kernel.comparisons import Unit
from keepwell.kernel.durations import format_duration
from keepwell.kernel.redaction import redact_patterns

from . import views
from .charts import MOST_CHARTS, as_shown, charts, selector
from .limits import words as limit_words
from .model import ChangeRow, Check, Shown
from .sampled import STATE, UP
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


def detail(
    shown: Shown, changes: Sequence[ChangeRow], observations: Sequence[Mapping[str, Any]], asked: Asked, now: datetime
) -> dict[str, Any]:
    """The values of the page's template. ``changes`` may be one more than a page holds: then there are older ones."""
    check = shown.check
    limits = thresholds(check.settings)
    names = list(shown.standing.values) if shown.standing else []
    drawn = charts(names, limits)
    listed = changes[:CHANGES]
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
        "observations": [_observation(row, now) for row in observations[:OBSERVATIONS]],
        "changes": [views.change_row("", item.change, now) for item in listed],
        "older": listed[-1].number if len(changes) > CHANGES else None,
    }


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
