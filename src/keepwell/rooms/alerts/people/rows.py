"""Alerts as the pages show them: rows with words for people. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from keepwell.rooms.alerts.model import ALERT_NAME, SEVERITY, Alert, Silence, State
from keepwell.rooms.alerts.silences import state_of

from .shown import instant, is_acknowledged, sentence, severity_rank, worst_first
from .words import length

SHOWN = 100
"""Alerts on one page, the most urgent first."""

_BADGES = ("fail", "fail", "warn", "info")
_ABOUT = ("check", "instance", "target", "receiver", "rule", "service")


def headline(active: Sequence[Alert], now: datetime) -> dict[str, str]:
    """What the page says first: how many fire that nobody knows of and nothing mutes, and how urgent the worst of them is."""
    firing = [alert for alert in active if alert.state is State.FIRING]
    urgent = [alert for alert in firing if not alert.muted_by and not is_acknowledged(alert, now)]
    if not firing:
        return {"words": "No alert fires", "kind": "ok", "title": ""}
    if not urgent:
        return {"words": f"{_alerts(len(firing))}, all known or muted", "kind": "", "title": ""}
    kind = badge_of(worst_first(urgent, now)[0].severity)
    words = _alerts(len(urgent))
    return {
        "words": words if len(urgent) == len(firing) else f"{words}, {len(firing) - len(urgent)} more known or muted",
        "kind": kind,
        "title": words,
    }


def _alerts(count: int) -> str:
    return "1 alert fires" if count == 1 else f"{count} alerts fire"


def badge_of(severity: str) -> str:
    """The colour of a severity."""
    return _BADGES[severity_rank(severity)]


def counts(active: Sequence[Alert], now: datetime) -> list[tuple[str, str, int]]:
    """Word, colour and number for each way in which an alert may stand."""
    stands = [standing(alert, now) for alert in active]
    kinds = (("firing", "fail"), ("known", "info"), ("muted", "quiet"), ("pending", "quiet"))
    return [(word, kind, stands.count(word)) for word, kind in kinds]


def standing(alert: Alert, now: datetime) -> str:
    """In one word: pending, resolved, firing; or, where nobody needs to hurry, muted or known."""
    if alert.state is not State.FIRING:
        return "pending" if alert.state is State.PENDING else "resolved"
    if alert.muted_by:
        return "muted"
    return "known" if is_acknowledged(alert, now) else "firing"


def row(alert: Alert, now: datetime, muted: str = "", escalations: Sequence[str] = ()) -> dict[str, Any]:
    """One alert. ``muted`` says in words what mutes it."""
    since = alert.firing_since or alert.active_since
    stands = standing(alert, now)
    about = next((alert.labels[name] for name in _ABOUT if alert.labels.get(name)), "")
    return {
        "number": alert.number,
        "name": alert.name,
        "about": about,
        "severity": alert.severity or "none",
        "badge": badge_of(alert.severity),
        "state": stands,
        "is_active": alert.state is not State.RESOLVED,
        "is_known": is_acknowledged(alert, now),
        "is_explained": alert.muted_by.startswith("inhibited"),  # another alert says it already
        "sentence": sentence(alert.annotations),
        "since": instant(since),
        "since_words": f"for {length((now - since).total_seconds())}",
        "ended": instant(alert.resolved_at),
        "took": length((alert.resolved_at - since).total_seconds()) if alert.resolved_at is not None else "",
        "labels": labels(alert),
        "matchers": matchers_for(alert),
        "notes": [*notes(alert, now, muted or alert.muted_by), *(("escalation", words) for words in escalations)],
        "known_to": alert.acknowledged.by if alert.acknowledged is not None else "",
        "words": " ".join((alert.name, alert.severity, stands, alert.assigned_to, *alert.labels.values())),
    }


def labels(alert: Alert) -> list[tuple[str, str]]:
    """Its labels but for those that stand elsewhere in its row."""
    return [(name, value) for name, value in sorted(alert.labels.items()) if name not in (ALERT_NAME, SEVERITY)]


def matchers_for(alert: Alert) -> str:
    """The matchers, one a line, that a silence of just this alert begins with: all labels but the severity."""
    return "\n".join(f"{name}={_quoted(value)}" for name, value in sorted(alert.labels.items()) if name != SEVERITY)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def muted_words(alert: Alert, silences: Mapping[str, Silence], names: Mapping[int, str]) -> str:
    """What mutes an alert, by what people know: of a silence, whose it is and why; of another alert, its name."""
    sort, _, what = alert.muted_by.rpartition(" ")
    silence = silences.get(what) if sort == "silence" else None
    if silence is not None:
        word = "maintenance" if silence.maintenance else "silenced"
        return f"{word} by {silence.created_by} until {silence.ends_at:%Y-%m-%d %H:%M} UTC: {silence.comment}"
    name = names.get(int(what)) if sort == "inhibited by" and what.isdigit() else None
    return f"inhibited by {name} {what}" if name is not None else alert.muted_by


def notes(alert: Alert, now: datetime, muted: str) -> list[tuple[str, str]]:
    """What else there is to say of it: sort and sentence."""
    known = alert.acknowledged
    found = []
    if alert.doubt:
        found.append(("doubt", f"cannot be judged now: {alert.doubt}"))
    if known is not None and is_acknowledged(alert, now):
        until = f" until {known.until:%Y-%m-%d %H:%M} UTC" if known.until is not None else ""
        found.append(("known", f"known to {known.by}{until}{f': {known.note}' if known.note else ''}"))
    if alert.assigned_to:
        found.append(("assigned", f"assigned to {alert.assigned_to}"))
    if muted:
        found.append(("muted", f"muted: {muted}"))
    if alert.flapping:
        found.append(("flapping", "comes and goes: it is notified once"))
    if alert.expires_at is not None and alert.state is not State.RESOLVED:
        found.append(("expires", f"ends by itself at {alert.expires_at:%Y-%m-%d %H:%M} UTC, unless it is told of again"))
    if alert.state is State.RESOLVED and alert.reason:
        found.append(("reason", alert.reason))
    return found


def silence_row(silence: Silence, matched: int, now: datetime) -> dict[str, Any]:
    """One silence; ``matched`` is how many active alerts it fits."""
    return {
        "id": silence.id,
        "state": state_of(silence, now),
        "matchers": [str(matcher) for matcher in silence.matchers],
        "comment": silence.comment,
        "by": silence.created_by,
        "starts": instant(silence.starts_at),
        "ends": instant(silence.ends_at),
        "ends_words": f"{silence.ends_at:%Y-%m-%d %H:%M} UTC",
        "left": length((silence.ends_at - now).total_seconds()),
        "is_maintenance": silence.maintenance,
        "matched": matched,
    }


def rota_row(rota: Mapping[str, Any]) -> dict[str, Any]:
    """One rota, as the API gives it: who is on call now and next."""
    now, *later = rota["shifts"] or [{"person": "", "end": "", "why": ""}]
    return {"name": rota["rota"], "person": now["person"], "until": now["end"], "why": now["why"], "following": later[:1]}


def annotations(alert: Alert) -> list[dict[str, str]]:
    """Its annotations; one that is a web address may be followed."""
    found = []
    for name, text in sorted(alert.annotations.items()):
        found.append({"name": name, "text": text, "link": text if is_web_address(text) else ""})
    return found


def is_web_address(text: str) -> bool:
    """Whether a text is the address of a page, and nothing that a browser would run."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and text.isprintable() and " " not in text


def event_words(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One entry of an alert's timeline."""
    facts = entry["facts"]
    said = [f"{name.replace('_', ' ')}: {value}" for name, value in facts.items() if _is_worth_saying(name, value)]
    return {"at": entry["at"], "what": entry["event"].rpartition(".")[2].replace("-", " "), "actor": entry["actor"], "facts": said}


def _is_worth_saying(name: str, value: Any) -> bool:
    return name not in ("at", "labels", "fingerprint") and isinstance(value, str | int | float) and value != ""
