"""How alerts begin, change and end: what sources tell and people say, put into a draft of the book. Pure.

Only what matters later is stored: a state, a sentence about doubt. A new value or annotation is known at once and stored with the next
change of state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from keepwell.kernel.problems import KeepwellError, NotFound, Problem
from keepwell.ports.alerts import Active
from keepwell.storage.journal import NewEntry

from .book import Draft
from .fingerprint import fingerprint
from .model import Acknowledgement, Alert, Labels, Posted, Silence, State

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
            _begin(draft, _alert(draft, source, key, labels, one, at), at)
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


def _begin(draft: Draft, alert: Alert, at: datetime) -> None:
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


# --- what programs post --------------------------------------------------------------------------------------------------------


def post(draft: Draft, posted: Sequence[Posted], now: datetime, lasts: timedelta) -> list[int]:
    """Takes alerts that a program tells of, as Alertmanager does (api/v2, postAlertsHandler); the numbers of those that are or were
    active."""
    active = draft.numbers(API)
    numbers: list[int] = []
    for one in posted:
        key = fingerprint(one.labels)
        number = active.get(key)
        alert = draft.alert(number) if number is not None else None
        if one.ends_at is not None and one.ends_at <= now:
            if alert is not None:
                end(draft, alert, now, "its sender says that it ended", KEEPWELL, resolved_at=one.ends_at)
                active.pop(key, None)
        elif alert is None:
            alert = _posted(draft, one, key, now, lasts)
            active[key] = alert.number
            _begin(draft, alert, now)
        else:
            _posted_again(draft, alert, one, now, lasts)
        if alert is not None:
            numbers.append(alert.number)
    return numbers


def _posted(draft: Draft, one: Posted, key: str, now: datetime, lasts: timedelta) -> Alert:
    start = one.starts_at or now
    return Alert(
        number=draft.new_number("alert"),
        fingerprint=key,
        labels=dict(one.labels),
        annotations=dict(one.annotations),
        source=API,
        state=State.FIRING,
        active_since=start,
        updated_at=now,
        firing_since=start,
        expires_at=_expires(one, now, lasts),
        generator_url=one.generator_url,
    )


def _posted_again(draft: Draft, alert: Alert, one: Posted, now: datetime, lasts: timedelta) -> None:
    if alert.closed:
        draft.put_quietly(replace(alert, expires_at=_expires(one, now, lasts)))
        return
    after = replace(
        alert, annotations=dict(one.annotations), generator_url=one.generator_url, expires_at=_expires(one, now, lasts), updated_at=now
    )
    if one.starts_at is not None and one.starts_at < (alert.firing_since or now):
        after = replace(after, active_since=one.starts_at, firing_since=one.starts_at)
    # A program tells of its alerts again and again. After a start they get time enough for that.
    draft.put_quietly(after)


def _expires(one: Posted, now: datetime, lasts: timedelta) -> datetime | None:
    return one.ends_at if one.ends_at is not None or one.lasts else now + lasts


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


# --- what people say -----------------------------------------------------------------------------------------------------------


def acknowledge(draft: Draft, number: int, acknowledgement: Acknowledgement, actor: str) -> Alert:
    """Somebody knows of it."""
    after = replace(open_alert(draft, number), acknowledged=acknowledgement)
    until = acknowledgement.until.isoformat() if acknowledgement.until else None
    facts = {"by": acknowledgement.by, "note": acknowledgement.note, "until": until}
    return _said(draft, after, "alert.acknowledged", actor, facts)


def unacknowledge(draft: Draft, number: int, actor: str) -> Alert:
    """Nobody looks after it any more."""
    return _said(draft, replace(open_alert(draft, number), acknowledged=None), "alert.unacknowledged", actor, {})


def assign(draft: Draft, number: int, to: str, actor: str) -> Alert:
    """Somebody does something about it; nobody, where ``to`` is empty."""
    before = open_alert(draft, number)
    return _said(draft, replace(before, assigned_to=to), "alert.assigned", actor, {"before": before.assigned_to, "after": to})


def resolve(draft: Draft, number: int, reason: str, actor: str, at: datetime) -> Alert:
    """Somebody says that it has ended. What its source still holds for active stays closed until the source says otherwise."""
    alert = open_alert(draft, number)
    if alert.state is State.PENDING:
        raise KeepwellError(Problem("alerts.pending", f"alert {number} does not fire yet", "It ends with its condition."))
    lasts = alert.source == API and alert.expires_at is None
    end(draft, alert, at, reason or f"resolved by {actor}", actor)
    after = draft.alert(number)
    assert after is not None
    if not lasts:
        draft.put(replace(after, closed=True, expires_at=alert.expires_at))
    return after


def open_alert(draft: Draft, number: int) -> Alert:
    """An alert that is pending or fires. Raises NotFound, or KeepwellError where it has ended."""
    alert = draft.alert(number)
    if alert is None:
        raise NotFound(f"no alert with the number {number} is open")
    if alert.state is State.RESOLVED:
        raise KeepwellError(Problem("alerts.resolved", f"alert {number} has ended: {alert.reason}", "Nothing needs to be done about it."))
    return alert


def _said(draft: Draft, alert: Alert, event: str, actor: str, facts: Mapping[str, object]) -> Alert:
    draft.put(alert)
    draft.touched.update(draft.groups_of(alert.number))
    note(draft, alert, event, actor, facts)
    return alert


def silence(draft: Draft, silence: Silence, event: str, actor: str) -> None:
    """A silence is new, or other than before."""
    draft.put_silence(silence)
    facts = {
        "matchers": [str(matcher) for matcher in silence.matchers],
        "starts_at": silence.starts_at.isoformat(),
        "ends_at": silence.ends_at.isoformat(),
        "created_by": silence.created_by,
        "comment": silence.comment,
        "maintenance": silence.maintenance,
    }
    draft.entries.append(NewEntry(actor, event, f"silences/{silence.id}", facts))


def note(draft: Draft, alert: Alert, event: str, actor: str, facts: Mapping[str, object]) -> None:
    """One entry of the journal about an alert."""
    draft.entries.append(NewEntry(actor, event, f"alerts/{alert.number}", {"name": alert.name, "severity": alert.severity, **facts}))


def _plain(value: float | None) -> float | str | None:
    """A value as the journal takes it: JSON has no word for what is no finite number."""
    return value if value is None or value - value == 0 else str(value)
