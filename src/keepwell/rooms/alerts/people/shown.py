"""Alerts, silences and notices as plain values for programs, and which of the active ones an address asks for."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from keepwell.rooms.alerts.escalation.model import Shift
from keepwell.rooms.alerts.matchers import fits_all
from keepwell.rooms.alerts.model import Acknowledgement, Alert, Escalating, Matcher, Silence, State
from keepwell.rooms.alerts.silences import state_of

_RANKS = (
    ("critical", "emergency", "fatal", "disaster", "page", "p0", "p1", "sev0", "sev1", "s1"),
    ("error", "major", "high", "p2", "sev2", "s2"),
    ("warning", "warn", "medium", "average", "minor", "p3", "sev3", "s3"),
    ("info", "information", "notice", "low", "none", "test", "p4", "p5", "sev4", "sev5", "s4"),
)
_RANK_OF = {word: rank for rank, words in enumerate(_RANKS) for word in words}
_SENTENCES = ("summary", "description", "message")


def severity_rank(severity: str) -> int:
    """0 for what is most urgent to 3 for what can wait. The words are those of Prometheus' and the manuals' authors; one that is not among
    them counts as a warning."""
    return _RANK_OF.get(severity.lower(), 2)


def sentence(annotations: Mapping[str, str]) -> str:
    """What the alert says, in a sentence: its annotation summary, else description, else message."""
    return next((annotations[name] for name in _SENTENCES if annotations.get(name)), "")


def instant(at: datetime | None) -> str | None:
    """An instant as ISO 8601 in UTC, with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at is not None else None


def is_acknowledged(alert: Alert, now: datetime) -> bool:
    """Whether somebody knows of it now: an acknowledgement may be for a time."""
    known = alert.acknowledged
    return known is not None and (known.until is None or known.until > now)


def as_json(alert: Alert) -> dict[str, Any]:
    """One alert."""
    return {
        "id": alert.number,
        "fingerprint": alert.fingerprint,
        "name": alert.name,
        "severity": alert.severity,
        "state": alert.state.value,
        "message": sentence(alert.annotations),
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "source": alert.source,
        "value": alert.value,
        "active_since": instant(alert.active_since),
        "firing_since": instant(alert.firing_since),
        "resolved_at": instant(alert.resolved_at),
        "updated_at": instant(alert.updated_at),
        "expires_at": instant(alert.expires_at),
        "generator_url": alert.generator_url,
        "doubt": alert.doubt,
        "flapping": alert.flapping,
        "acknowledged": acknowledgement_json(alert.acknowledged),
        "assigned_to": alert.assigned_to,
        "reason": alert.reason,
        "muted_by": alert.muted_by,
    }


def acknowledgement_json(known: Acknowledgement | None) -> dict[str, Any] | None:
    """Who knows of it."""
    return {"by": known.by, "at": instant(known.at), "note": known.note, "until": instant(known.until)} if known is not None else None


def past_json(alert: Alert) -> dict[str, Any]:
    """One alert of the history: with how long it fired, and how long it took until somebody knew, in seconds."""
    known = alert.acknowledged
    fired = alert.firing_since or alert.active_since
    return {
        **as_json(alert),
        "duration_seconds": (alert.resolved_at - fired).total_seconds() if alert.resolved_at is not None else None,
        "time_to_acknowledge_seconds": max(0.0, (known.at - fired).total_seconds()) if known is not None else None,
    }


def silence_json(silence: Silence, now: datetime) -> dict[str, Any]:
    """One silence."""
    return {
        "id": silence.id,
        "state": state_of(silence, now),
        "matchers": [str(matcher) for matcher in silence.matchers],
        "starts_at": instant(silence.starts_at),
        "ends_at": instant(silence.ends_at),
        "updated_at": instant(silence.updated_at),
        "created_by": silence.created_by,
        "comment": silence.comment,
        "maintenance": silence.maintenance,
    }


def escalating_json(escalating: Escalating, words: str) -> dict[str, Any]:
    """One escalation on its way."""
    return {
        "policy": escalating.policy,
        "started_at": instant(escalating.started_at),
        "step": escalating.step + 1,
        "next_at": instant(escalating.next_at),
        "message": words,
    }


def shift_json(shift: Shift) -> dict[str, Any]:
    """Who is on call for a time; nobody, where ``person`` is empty."""
    return {"start": instant(shift.start), "end": instant(shift.end), "person": shift.person, "why": shift.why}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts: in these states and severities (none: any), that fit all matchers; ``acknowledged`` and ``muted`` where they are to be
    so, or not; of this person."""

    states: frozenset[str] = frozenset()
    severities: frozenset[str] = frozenset()
    matchers: Sequence[Matcher] = ()
    acknowledged: bool | None = None
    muted: bool | None = None
    assigned_to: str | None = None

    def among(self, alerts: Iterable[Alert], now: datetime) -> list[Alert]:
        """Those of the alerts, in their order."""
        fits = fits_all(self.matchers)
        return [alert for alert in alerts if self._takes(alert, now) and fits(alert.labels)]

    def _takes(self, alert: Alert, now: datetime) -> bool:
        return (
            (not self.states or alert.state.value in self.states)
            and (not self.severities or alert.severity in self.severities)
            and self.acknowledged in (None, is_acknowledged(alert, now))
            and self.muted in (None, bool(alert.muted_by))
            and self.assigned_to in (None, alert.assigned_to)
        )


def counts(alerts: Iterable[Alert], now: datetime) -> dict[str, Any]:
    """How many there are: by state, by severity, acknowledged and muted."""
    found = list(alerts)
    firing = [alert for alert in found if alert.state is State.FIRING]
    return {
        "firing": len(firing),
        "pending": len(found) - len(firing),
        "acknowledged": sum(1 for alert in firing if is_acknowledged(alert, now)),
        "muted": sum(1 for alert in firing if alert.muted_by),
        "severities": dict(Counter(alert.severity for alert in firing).most_common()),
    }


def listing(active: Sequence[Alert], wanted: Wanted, page: tuple[int, int | None], now: datetime) -> dict[str, Any]:
    """The active alerts that are wanted, newest first. ``page`` is how many at most, and the number below which they are; ``next`` is that
    of the page after it."""
    limit, before = page
    fitting = sorted(wanted.among(active, now), key=lambda alert: -alert.number)
    rest = [alert for alert in fitting if before is None or alert.number < before]
    return {
        "timestamp": instant(now),
        "counts": counts(active, now),
        "total": len(fitting),
        "active_alerts": [as_json(alert) for alert in rest[:limit]],
        "next": rest[limit - 1].number if len(rest) > limit else None,
    }


def worst_first(alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """In the order in which a person wants them: firing before pending, what nobody knows of and nothing mutes first, then by severity,
    then the newest first."""
    return sorted(
        alerts,
        key=lambda alert: (
            alert.state is not State.FIRING,
            bool(alert.muted_by),
            is_acknowledged(alert, now),
            severity_rank(alert.severity),
            -alert.number,
        ),
    )
