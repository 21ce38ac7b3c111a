"""What people do about alerts: acknowledge, assign, resolve, silence. Each is in the journal, with who did it. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from keepwell.kernel.problems import KeepwellError, NotFound, Problem
from keepwell.storage.journal import NewEntry

from . import life, silences
from .draft import Draft
from .model import Acknowledgement, Alert, Silence, State


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
    lasts = alert.source == life.API and alert.expires_at is None
    life.end(draft, alert, at, reason or f"resolved by {actor}", actor)
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
    life.note(draft, alert, event, actor, facts)
    return alert


def silence(draft: Draft, wanted: Silence, actor: str, now: datetime) -> Silence:
    """Adds a silence, or changes the one of that id (see ``silences``). Raises NotFound, and KeepwellError where it cannot be had."""
    problem = silences.problem_of(wanted, now)
    if problem:
        raise KeepwellError(Problem("alerts.silence", problem))
    changed = silences.changed(draft.silence(wanted.id) if wanted.id else None, wanted, now, lambda: str(uuid4()))
    if changed.ended is not None:
        _keep(draft, changed.ended, "silence.expired", actor)
    _keep(draft, changed.stored, "silence.changed" if changed.stored.id == wanted.id else "silence.created", actor)
    return changed.stored


def expire_silence(draft: Draft, id: str, actor: str, now: datetime) -> Silence:
    """Ends a silence now; one that had ended stays as it was. Raises NotFound."""
    before = draft.silence(id)
    ended = silences.ended(before, now)
    if ended != before:
        _keep(draft, ended, "silence.expired", actor)
    return ended


def _keep(draft: Draft, silence: Silence, event: str, actor: str) -> None:
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
