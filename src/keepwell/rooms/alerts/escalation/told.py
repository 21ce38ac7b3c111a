"""Escalations and rotas in words. Pure."""

from datetime import datetime, timedelta

from keepwell.kernel.durations import format_duration
from keepwell.rooms.alerts.model import Escalating

from .model import Policy, Rota, Shift
from .rota import shifts


def describe(policy: Policy, escalating: Escalating) -> str:
    """What the escalation does next: ``primary: step 2 of 3 (boss, pager) 15m after its begin``."""
    if escalating.step >= len(policy.steps):
        return f"{policy.name}: all {len(policy.steps)} steps were taken"
    step = policy.steps[escalating.step]
    when = f"{format_duration(step.after)} after its begin" if step.after else "at once"
    return f"{policy.name}: step {escalating.step + 1} of {len(policy.steps)} ({', '.join(step.to)}) {when}"


def coming(rota: Rota, now: datetime, ahead: timedelta) -> list[Shift]:
    """Who is on call from now on."""
    return list(shifts(rota, now, now + ahead))
