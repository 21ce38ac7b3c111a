"""The pages of alerts: what each of them asks, and its values."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, get_args
from urllib.parse import urlencode

from keepwell.kernel.problems import StorageError
from keepwell.ports.offer import Page, Query
from keepwell.rooms.alerts.model import Alert
from keepwell.rooms.alerts.outbox import store as outbox
from keepwell.rooms.alerts.outbox.told import plain
from keepwell.rooms.alerts.silences import state_of

from . import rows
from .asked import HistoryAsked, OnCallAsked, StatsAsked
from .patterns_page import Over, shown_report
from .reading import Reading
from .shown import worst_first

NOTICES = 10
"""Notices on the page of active alerts."""

_ALERTS, _HISTORY, _PATTERNS = "/alerts", "/alerts/history", "/alerts/patterns"
_FAILED = ("waiting", "refused", "expired")


def pages(reading: Reading, permission: str) -> tuple[Page, ...]:
    """What is active, what was, one alert, and the report of patterns, also as a file."""

    async def active() -> Mapping[str, Any]:
        return await _active(reading)

    async def history(asked: Annotated[HistoryAsked, Query()]) -> Mapping[str, Any]:
        return await _history(reading, asked)

    async def one(number: int) -> Mapping[str, Any]:
        return await _one(reading, number)

    async def patterns(over: Over = "7d", zone: str = "UTC") -> Mapping[str, Any]:
        return {"over": over, "spans": get_args(Over), "report": shown_report(await reading.report(StatsAsked(over=over, zone=zone)))}

    async def file(asked: Annotated[StatsAsked, Query()]) -> Mapping[str, Any]:
        return {"report": shown_report(await reading.report(asked)), "of": reading.verbs.service}

    return (
        Page(_ALERTS, "Alerts", permission, "alerts/alerts.html", active),
        Page(_HISTORY, "Alerts that fired", permission, "alerts/history.html", history, within=_ALERTS),
        Page(_PATTERNS, "Patterns of alerts", permission, "alerts/patterns.html", patterns, within=_ALERTS),
        Page(f"{_PATTERNS}/file", "Patterns of alerts", permission, "alerts/patterns_file.html", file, within=_ALERTS),
        Page("/alerts/{number:int}", "Alert", permission, "alerts/alert.html", one, within=_ALERTS),
    )


async def _active(reading: Reading) -> dict[str, Any]:
    alerts, now = reading.verbs.alerts, reading.verbs.now()
    active = alerts.active()
    ordered = worst_first(active, now)
    sent, problem = await _outbox(reading)
    silences = _silences(reading, now)
    muted = _muted(reading, active)
    return {
        "headline": rows.headline(active, now),
        "counts": rows.counts(active, now),
        "alerts": [rows.row(alert, now, muted(alert), _escalations(reading, alert)) for alert in ordered[: rows.SHOWN]],
        "more": max(0, len(ordered) - rows.SHOWN),
        "silences": silences[: rows.SHOWN],
        "more_silences": max(0, len(silences) - rows.SHOWN),
        "notices": sent,
        "outbox_problem": problem,
        "on_call": [rows.rota_row(rota) for rota in reading.on_call(OnCallAsked())["rotas"]],
    }


def _muted(reading: Reading, active: Sequence[Alert]) -> Callable[[Alert], str]:
    """Says in words what mutes an alert."""
    silences = {silence.id: silence for silence in reading.verbs.alerts.silences()}
    names = {alert.number: alert.name for alert in active}
    return lambda alert: rows.muted_words(alert, silences, names)


def _escalations(reading: Reading, alert: Alert) -> list[str]:
    """Where the escalations of its groups are; nearly always there are none."""
    if not reading.verbs.alerts.escalating():
        return []
    return [one["message"] for one in reading.escalations(reading.verbs.alerts.group_digests(alert.labels))]


def _silences(reading: Reading, now: datetime) -> list[dict[str, Any]]:
    """Those that have not ended, what ends first above."""
    matched = reading.verbs.alerts.silenced()
    found = sorted(reading.verbs.alerts.silences(), key=lambda one: one.ends_at)
    return [rows.silence_row(silence, matched.get(silence.id, 0), now) for silence in found if state_of(silence, now) != "expired"]


async def _outbox(reading: Reading) -> tuple[list[dict[str, Any]], str]:
    """The notices that were not delivered and the newest ones; and why they cannot be read. The alerts themselves are in memory."""

    def newest(connection: Any) -> list[Any]:
        failed = outbox.listing(connection, _FAILED, None, NOTICES)
        every = outbox.listing(connection, (), None, NOTICES)
        return [*failed, *(row for row in every if row.state not in _FAILED)][:NOTICES]

    try:
        return [plain(row) for row in await reading.verbs.read(newest)], ""
    except StorageError as error:
        return [], str(error)


async def _history(reading: Reading, asked: HistoryAsked) -> dict[str, Any]:
    now = reading.verbs.now()
    found, following = await reading.past(asked)
    given = asked.model_dump(mode="json", exclude_defaults=True, exclude={"before"})
    older = urlencode({**given, "before": following}, doseq=True) if following is not None else ""
    return {
        "asked": asked,
        "matchers": " ".join(asked.matcher),
        "alerts": [rows.row(alert, now) for alert in found],
        "older": older,
        "newest": urlencode(given, doseq=True) if asked.before is not None else None,
    }


async def _one(reading: Reading, number: int) -> dict[str, Any]:
    now = reading.verbs.now()
    alert = await reading.find(number)
    told = await reading.about(alert)
    muted = _muted(reading, reading.verbs.alerts.active() if alert.muted_by else ())
    return {
        "page_title": f"{alert.name} {number}",
        "alert": rows.row(alert, now, muted(alert), [one["message"] for one in told["escalations"]]),
        "annotations": rows.annotations(alert),
        "facts": _facts(alert),
        "timeline": [rows.event_words(entry) for entry in told["timeline"]],
        "notices": told["notices"],
        "earlier": told["earlier"],
        "generator": alert.generator_url if rows.is_web_address(alert.generator_url) else "",
    }


def _facts(alert: Alert) -> list[tuple[str, str]]:
    """What there is to know beside its labels."""
    known = (
        ("Told by", alert.source),
        ("Value", f"{alert.value:g}" if alert.value is not None else ""),
        ("Holds since", _instant(alert.active_since)),
        ("Fires since", _instant(alert.firing_since)),
        ("Ended", _instant(alert.resolved_at)),
        ("Why it ended", alert.reason),
        ("Fingerprint", alert.fingerprint),
    )
    return [(name, text) for name, text in known if text]


def _instant(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at is not None else ""
