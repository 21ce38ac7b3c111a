"""What people and programs ask about alerts: the active ones, the history, one and what happened to it, patterns, silences, notices."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from keepwell.kernel.durations import parse_duration
from keepwell.kernel.problems import NotFound, UsageError
from keepwell.kernel.zones import find_zone
from keepwell.rooms.alerts.escalation.told import coming
from keepwell.rooms.alerts.model import ALERT_NAME, SEVERITY, Alert, Matcher, Silence
from keepwell.rooms.alerts.outbox import store as outbox
from keepwell.rooms.alerts.outbox.told import plain
from keepwell.rooms.alerts.silences import state_of
from keepwell.storage import journal

from . import history, patterns, patterns_told, shown
from .asked import (
    LARGEST_NUMBER,
    ActiveAsked,
    HistoryAsked,
    OnCallAsked,
    OutboxAsked,
    PreviewAsked,
    SilencesAsked,
    StatsAsked,
    matchers_of,
    until_of,
)
from .verbs import Verbs

EPISODES = 20
"""Earlier episodes that are shown of one alert."""

NOTICES = 50
"""Notices that are shown of one alert."""

ENTRIES = 100
"""Entries of the journal that are shown of one alert."""


class Reading:
    """All questions, answered as plain values."""

    def __init__(self, verbs: Verbs) -> None:
        self.verbs = verbs

    def active(self, asked: ActiveAsked) -> dict[str, Any]:
        """The active alerts."""
        return shown.listing(self.verbs.alerts.active(), asked.wanted(), (asked.limit, asked.before), self.verbs.now())

    async def history(self, asked: HistoryAsked) -> dict[str, Any]:
        """Alerts that fired, newest first."""
        found, following = await self.past(asked)
        return {"alert_history": [shown.past_json(alert) for alert in found], "next": following}

    async def past(self, asked: HistoryAsked) -> tuple[Sequence[Alert], int | None]:
        """The same, as values, and where the next page goes on."""
        own = ((ALERT_NAME, asked.name), (SEVERITY, asked.severity), ("service", asked.service))
        matchers = (*(Matcher(label, "=", value) for label, value in own if value is not None), *matchers_of(asked.matcher))
        past = history.Past(asked.limit, asked.before, matchers, asked.state, asked.start, asked.end)
        return await self.verbs.read(lambda connection: history.page(connection, past))

    async def find(self, number: int) -> Alert:
        """The alert of that number, active or past. Raises NotFound."""
        active = next((alert for alert in self.verbs.alerts.active() if alert.number == number), None)
        found = active
        if found is None and number <= LARGEST_NUMBER:
            found = await self.verbs.read(lambda connection: history.one(connection, number))
        if found is None:
            raise NotFound(f"no alert has the number {number}", hint="GET /api/v1/alerts lists the active ones, /api/v1/alerts/history all")
        return found

    async def one(self, number: int) -> dict[str, Any]:
        """One alert with all that there is to know about it. Raises NotFound."""
        return await self.about(await self.find(number))

    async def about(self, alert: Alert) -> dict[str, Any]:
        """What happened to an alert, the notices of its groups, its escalations, and when it fired before."""
        digests = self.verbs.alerts.group_digests(alert.labels)
        earlier = history.Past(EPISODES, alert.number, fingerprint=alert.fingerprint)
        before, _ = await self.verbs.read(lambda connection: history.page(connection, earlier))
        return {
            **shown.past_json(alert),
            "timeline": await self.timeline(alert.number),
            "notices": await self.notices(digests, alert),
            "escalations": self.escalations(digests),
            "earlier": [shown.past_json(past) for past in before],
        }

    async def timeline(self, number: int) -> list[dict[str, Any]]:
        """What happened to an alert, oldest first."""
        subject = f"alerts/{number}"
        entries = await self.verbs.read(lambda connection: journal.slice(connection, subject, limit=ENTRIES))
        return [
            {"at": shown.instant(entry.at), "event": entry.event, "actor": entry.actor, "facts": dict(entry.facts)}
            for entry in reversed(entries)
        ]

    async def notices(self, digests: Sequence[str], alert: Alert) -> list[dict[str, Any]]:
        """What was sent of the alert's groups since its condition held, until it was over, newest first."""
        found = await self.verbs.read(lambda connection: outbox.listing(connection, (), digests, NOTICES)) if digests else []
        shown_rows = [plain(row) for row in found if row.created_at >= alert.active_since]
        return [row for row in shown_rows if alert.number in row["alerts"] or row["count"] > len(row["alerts"])]

    def escalations(self, digests: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Escalations on their way: of these groups, or all."""
        found = [one for one in self.verbs.alerts.escalating() if digests is None or one.digest in digests]
        return [shown.escalating_json(one, self.verbs.escalation_words(one)) for one in found]

    async def stats(self, asked: StatsAsked) -> dict[str, Any]:
        """The report of patterns. Raises UsageError for a zone that there is not."""
        return patterns_told.as_json(await self.report(asked))

    async def report(self, asked: StatsAsked) -> patterns.Report:
        """The same, as a value."""
        try:
            zone = find_zone(asked.zone)
        except ValueError as error:
            raise UsageError(str(error)) from None
        end = asked.end or self.verbs.now()
        start = _before(end, asked.over)
        return await self.verbs.read(lambda connection: patterns.report(history.episodes(connection, start, end), start, end, zone))

    def silences(self, asked: SilencesAsked) -> dict[str, Any]:
        """Silences, and maintenance begun by hand: what ends next stands first."""
        now = self.verbs.now()
        found = [silence for silence in self.verbs.alerts.silences() if _is_asked(silence, asked, now)]
        ordered = sorted(found, key=lambda silence: (silence.ends_at, silence.id))
        return {"timestamp": shown.instant(now), "silences": [shown.silence_json(silence, now) for silence in ordered]}

    def silence(self, id: str) -> dict[str, Any]:
        """One silence. Raises NotFound."""
        for silence in self.verbs.alerts.silences():
            if silence.id == id:
                return shown.silence_json(silence, self.verbs.now())
        raise NotFound(f"no silence has the id {id!r}", hint="GET /api/v1/silences lists them")

    def preview(self, asked: PreviewAsked) -> dict[str, Any]:
        """Which active alerts a silence with these matchers would mute."""
        now = self.verbs.now()
        wanted = shown.Wanted(matchers=matchers_of(asked.matcher))
        found = shown.worst_first(wanted.among(self.verbs.alerts.active(), now), now)
        return {
            "matchers": [str(matcher) for matcher in wanted.matchers],
            "total": len(found),
            "alerts": [shown.as_json(alert) for alert in found[: asked.limit]],
        }

    def on_call(self, asked: OnCallAsked) -> dict[str, Any]:
        """Who is on call, by rota: the shift that is now first. Raises UsageError for a span that ends after the year 9999."""
        now = self.verbs.now()
        end = until_of(asked.ahead, None, now)
        assert end is not None
        rotas = [
            {"rota": name, "zone": rota.zone.key, "shifts": [shown.shift_json(shift) for shift in coming(rota, now, end - now)]}
            for name, rota in sorted(self.verbs.rotas().items())
        ]
        return {"timestamp": shown.instant(now), "rotas": rotas}

    async def outbox(self, asked: OutboxAsked) -> dict[str, Any]:
        """Notices, newest first."""
        wanted = (tuple(asked.state), None, asked.limit + 1, asked.before, asked.receiver)
        found = await self.verbs.read(lambda connection: outbox.listing(connection, *wanted))
        return {
            "notices": [plain(row) for row in found[: asked.limit]],
            "next": found[asked.limit - 1].id if len(found) > asked.limit else None,
        }

    async def notice(self, id: int) -> dict[str, Any]:
        """One notice. Raises NotFound."""
        found = await self.verbs.read(lambda connection: outbox.find(connection, id)) if id <= LARGEST_NUMBER else None
        if found is None:
            raise NotFound(f"the outbox has no notice {id}", hint="GET /api/v1/outbox lists them")
        return plain(found)


def _before(end: datetime, over: str) -> datetime:
    try:
        return end - parse_duration(over)
    except OverflowError:
        raise UsageError(f"{over} before {end.isoformat()} is before the year 1", hint="write less") from None


def _is_asked(silence: Silence, asked: SilencesAsked, now: datetime) -> bool:
    state = state_of(silence, now)
    return (state == asked.state if asked.state is not None else state != "expired") and asked.maintenance in (None, silence.maintenance)
