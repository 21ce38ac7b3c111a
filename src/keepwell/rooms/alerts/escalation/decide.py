"""What an escalation does next. Pure: the policy, the group's alerts and ``now`` give the step that is due, or why it ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keepwell.kernel.durations import format_duration
from keepwell.rooms.alerts.model import Alert, Escalating, State

from .model import Policy, Rota
from .rota import on_call


@dataclass(frozen=True, slots=True)
class People:
    """Whom the steps' names mean: ``rotas`` by name; names in ``contacts`` are people, all others receivers."""

    contacts: frozenset[str]
    rotas: Mapping[str, Rota]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing is due yet."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The escalation ends, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Escalated:
    """These are told now (as ``Notice.to`` names them), and ``reason`` says why; ``next`` is what goes on, None after the last step.

    Where nobody is on call in a rota, the step after it is due at once. ``to`` is empty where no step that is left reaches anybody: then
    the group's own receiver is to be told."""

    to: Sequence[str]
    reason: str
    next: Escalating | None


def begin(policy: Policy, digest: str, now: datetime) -> Escalating:
    """The escalation of a group that was just notified of something new."""
    return Escalating(digest, policy.name, now, 0, now + policy.steps[0].after)


def due(escalating: Escalating, policy: Policy, alerts: Sequence[Alert], people: People, now: datetime) -> Waiting | Cancelled | Escalated:
    """What happens at ``now``. ``alerts`` are the group's."""
    reason = ended(alerts, now)
    if reason:
        return Cancelled(reason)
    if escalating.step >= len(policy.steps):
        return Cancelled("all steps were taken")
    if now < escalating.next_at:
        return Waiting(escalating.next_at)
    return _step(escalating, policy, people, now)


def everybody(policy: Policy, people: People, now: datetime) -> tuple[Sequence[str], Sequence[str]]:
    """Whom the steps of an escalation reach now, all together (as ``Notice.to`` names them); and a sentence for each rota in which nobody
    is on call."""
    return _reached([name for step in policy.steps for name in step.to], people, now)


def ended(alerts: Sequence[Alert], now: datetime) -> str:
    """Why nobody needs to be called any more; empty where somebody does."""
    firing = [alert for alert in alerts if alert.state is State.FIRING]
    if not firing:
        return "resolved"
    open_ones = [alert for alert in firing if not alert.muted_by]
    if not open_ones:
        return firing[0].muted_by
    if all(_is_acknowledged(alert, now) for alert in open_ones):
        by = sorted({alert.acknowledged.by for alert in open_ones if alert.acknowledged})
        return f"acknowledged by {', '.join(by)}"
    return ""


def _is_acknowledged(alert: Alert, now: datetime) -> bool:
    held = alert.acknowledged
    return held is not None and (held.until is None or now < held.until)


def _step(escalating: Escalating, policy: Policy, people: People, now: datetime) -> Escalated:
    """The step that is due. One that reaches nobody does not use up the time of the next."""
    number, missed = escalating.step, ""
    while number < len(policy.steps):
        step = policy.steps[number]
        reached, nobody = _reached(step.to, people, now)
        missed = "; ".join(filter(None, (missed, *nobody)))
        number += 1
        if reached:
            return Escalated(reached, _reason(policy, number, step.after, missed), _following(escalating, policy, number))
    return Escalated((), f"escalation {policy.name} reached nobody: {missed}", None)


def _following(escalating: Escalating, policy: Policy, number: int) -> Escalating | None:
    if number >= len(policy.steps):
        return None
    return replace(escalating, step=number, next_at=escalating.started_at + policy.steps[number].after)


def _reached(names: Sequence[str], people: People, now: datetime) -> tuple[Sequence[str], list[str]]:
    reached: dict[str, None] = {}
    nobody: list[str] = []
    for name in names:
        rota = people.rotas.get(name)
        if rota is None:
            reached[f"contact {name}" if name in people.contacts else name] = None
            continue
        shift = on_call(rota, now)
        if shift.person:
            reached[f"contact {shift.person}"] = None
        else:
            nobody.append(f"nobody is on call in {name} ({shift.why})")
    return tuple(reached), nobody


def _reason(policy: Policy, number: int, after: timedelta, missed: str) -> str:
    waited = f", nobody acknowledged within {format_duration(after)}" if after else ""
    return f"escalation {policy.name}, step {number} of {len(policy.steps)}{waited}" + (f"; {missed}" if missed else "")
