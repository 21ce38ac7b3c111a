"""How alerts begin, change and end: what sources tell, put into a draft of the book. Pure.

Only what matters later is stored: a state, a sentence about doubt. A new value or annotation is known at once and stored with the next
change of state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from keepwell.ports.alerts import Active
from keepwell.storage.journal import NewEntry

from .draft import Draft
from .fingerprint import fingerprint
from .model import Alert, Labels, State

API = "api"
"""The source of what programs post. All others are our own."""

SERVICE = "service"
KEEPWELL = "keepwell"


# --- what sources tell ---------------------------------------------------------------------------------------------------------


def tell(draft: Draft, source: str, active: Sequence[Active], at: datetime, service: str) -> None:
    """Takes all that a source of our own holds for active; what it named before and does not name now has ended."""
    ending, named = draft.numbers(source), set()
    for one in active:
        labels = one.labels if SERVICE in one.labels or not service else {**one.labels, SERVICE: service}
        key = fingerprint(labels)
        if key in named:
            continue
        named.add(key)
        number = ending.pop(key, None)
        known = draft.alert(number) if number is not None else None
        if known is None:
            begin(draft, _alert(draft, source, key, labels, one, at), at)
        else:
            _go_on(draft, known, one, at)
    for number in ending.values():
        ended = draft.alert(number)
        if ended is not None:
            end(draft, ended, at, "its condition holds no longer", KEEPWELL)


def as_told(alert: Alert) -> Active:
    """An alert as its source told of it."""
    labels = {name: value for name, value in alert.labels.items() if name != SERVICE} if alert.service_added else alert.labels
    return Active(
        labels=labels,
        annotations=alert.annotations,
        state="pending" if alert.state is State.PENDING else "firing",
        active_since=alert.active_since,
        firing_since=alert.firing_since,
        keep_firing_since=alert.keep_firing_since,
        value=alert.value,
        generator_url=alert.generator_url,
        doubt=alert.doubt,
        flapping=alert.flapping,
        memory=alert.memory,
    )


def _alert(draft: Draft, source: str, key: str, labels: Labels, one: Active, at: datetime) -> Alert:
    return Alert(
        number=draft.new_number("alert"),
        fingerprint=key,
        labels=dict(labels),
        annotations=dict(one.annotations),
        source=source,
        state=State(one.state),
        active_since=one.active_since,
        updated_at=at,
        firing_since=(one.firing_since or at) if one.state == "firing" else None,
        keep_firing_since=one.keep_firing_since,
        value=one.value,
        generator_url=one.generator_url,
        doubt=one.doubt,
        flapping=one.flapping,
        service_added=labels is not one.labels,
        memory=one.memory,
    )


def begin(draft: Draft, alert: Alert, at: datetime) -> None:
    draft.put(alert)
    if alert.state is State.FIRING:
        _fired(draft, alert)


def _fired(draft: Draft, alert: Alert) -> None:
    draft.unplaced.append(alert.number)
    facts = {"labels": dict(alert.labels), "source": alert.source, "value": _plain(alert.value)}
    note(draft, alert, "alert.firing", KEEPWELL, facts)


def _go_on(draft: Draft, alert: Alert, one: Active, at: datetime) -> None:
    """An alert that its source names again. One that fires stays firing, even where its source has only begun to count again."""
    if alert.closed:
        return
    after = replace(
        alert,
        annotations=one.annotations,
        value=one.value,
        generator_url=one.generator_url,
        doubt=one.doubt,
        flapping=one.flapping,
        memory=one.memory,
        keep_firing_since=one.keep_firing_since,
    )
    if alert.state is State.PENDING:
        after = replace(after, active_since=one.active_since)
        if one.state == "firing":
            after = replace(after, state=State.FIRING, firing_since=one.firing_since or at, updated_at=at)
            draft.put(after)
            _fired(draft, after)
            return
    if after == alert:
        return
    if _worth_storing(alert) == _worth_storing(after):
        draft.put_quietly(after)
    else:
        draft.put(replace(after, updated_at=at))


def _worth_storing(alert: Alert) -> tuple[object, ...]:
    return alert.active_since, alert.keep_firing_since, alert.doubt, alert.flapping


# --- time ------------------------------------------------------------------------------------------------------------------------


def pass_time(draft: Draft, now: datetime) -> None:
    """What ends because its time has come. Groups and escalations are looked at in any case (``react``)."""
    for timer in draft.due(now):
        kind, key = timer
        alert = draft.alert(key) if isinstance(key, int) else None
        if kind == "alert" and alert is not None:
            _expire(draft, alert, now)
        elif kind not in ("group", "escalation"):
            draft.passed.append(timer)
            if alert is not None:
                draft.reopened.append(alert.number)


def _expire(draft: Draft, alert: Alert, now: datetime) -> None:
    if alert.expires_at is not None and alert.expires_at <= now:
        end(draft, alert, now, "its sender did not tell of it again", KEEPWELL, resolved_at=alert.expires_at)


# --- the end -------------------------------------------------------------------------------------------------------------------


def end(draft: Draft, alert: Alert, at: datetime, reason: str, actor: str, *, resolved_at: datetime | None = None) -> None:
    """An alert has ended. One that never fired leaves nothing behind; one that was closed by hand may fire again from now on."""
    if alert.state is State.PENDING:
        draft.drop(alert)
    elif alert.closed:
        draft.put(replace(alert, closed=False, expires_at=None))
    else:
        start = alert.firing_since or alert.active_since
        ended = max(start, resolved_at or at)
        after = replace(alert, state=State.RESOLVED, resolved_at=ended, updated_at=at, reason=reason, doubt="", expires_at=None)
        draft.put(after)
        draft.touched.update(draft.groups_of(alert.number))
        note(draft, after, "alert.resolved", actor, {"reason": reason, "seconds": round((ended - start).total_seconds(), 3)})


def retire(draft: Draft, source: str, at: datetime) -> None:
    """A source is no longer configured: what it told of has ended."""
    for number in draft.numbers(source).values():
        alert = draft.alert(number)
        if alert is not None:
            end(draft, alert, at, "what told of it is no longer configured", KEEPWELL)


def note(draft: Draft, alert: Alert, event: str, actor: str, facts: Mapping[str, object]) -> None:
    """One entry of the journal about an alert."""
    draft.entries.append(NewEntry(actor, event, f"alerts/{alert.number}", {"name": alert.name, "severity": alert.severity, **facts}))


def _plain(value: float | None) -> float | str | None:
    """A value as the journal takes it: JSON has no word for what is no finite number."""
    return value if value is None or value - value == 0 else str(value)
