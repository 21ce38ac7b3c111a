"""Alerts that programs post: begun, told of again, ended by their senders (Alertmanager, api/v2, postAlertsHandler). Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from . import life
from .draft import Draft
from .fingerprint import fingerprint
from .model import Alert, Posted, State

_GIVEN = "end given"
"""What is remembered of an alert: that its end is not only our own guess."""


def post(draft: Draft, posted: Sequence[Posted], now: datetime, lasts: timedelta) -> list[int]:
    """Takes alerts that a program tells of, as Alertmanager does (api/v2, postAlertsHandler); the numbers of those that are or were
    active."""
    active = draft.numbers(life.API)
    numbers: list[int] = []
    for one in posted:
        key = fingerprint(one.labels)
        number = active.get(key)
        alert = draft.alert(number) if number is not None else None
        if one.ends_at is not None and one.ends_at <= now:
            if alert is not None:
                life.end(draft, alert, now, "its sender says that it ended", life.KEEPWELL, resolved_at=one.ends_at)
                active.pop(key, None)
        elif alert is None:
            alert = _posted(draft, one, key, now, lasts)
            active[key] = alert.number
            life.begin(draft, alert, now)
        else:
            _posted_again(draft, alert, one, now, lasts)
        if alert is not None:
            numbers.append(alert.number)
    return numbers


def _posted(draft: Draft, one: Posted, key: str, now: datetime, lasts: timedelta) -> Alert:
    start = one.starts_at or now
    end, is_given = _end(None, one, now, lasts)
    return Alert(
        number=draft.new_number("alert"),
        fingerprint=key,
        labels=dict(one.labels),
        annotations=dict(one.annotations),
        source=life.API,
        state=State.FIRING,
        active_since=start,
        updated_at=now,
        firing_since=start,
        expires_at=end,
        generator_url=one.generator_url,
        memory={_GIVEN: is_given},
    )


def _posted_again(draft: Draft, alert: Alert, one: Posted, now: datetime, lasts: timedelta) -> None:
    end, is_given = _end(alert, one, now, lasts)
    after = replace(alert, expires_at=end, memory={_GIVEN: is_given})
    if not alert.closed:
        start = min(alert.firing_since or now, one.starts_at or now)
        after = replace(
            after,
            annotations=dict(one.annotations),
            generator_url=one.generator_url,
            active_since=min(alert.active_since, start),
            firing_since=start,
            updated_at=now,
        )
    if end != alert.expires_at and (end is None or end > now + lasts):
        draft.put(after)
    else:
        # A program tells of its alerts again and again. After a start they get time enough for that.
        draft.put_quietly(after)


def _end(alert: Alert | None, one: Posted, now: datetime, lasts: timedelta) -> tuple[datetime | None, bool]:
    """When an alert ends by itself, and whether a sender gave that end. A given end is not brought forward by a post that says that the
    alert fires still: another sender may tell of it less often (alertmanager, types/types.go: Alert.Merge)."""
    end, is_given = (one.ends_at, True) if one.ends_at is not None or one.lasts else (now + lasts, False)
    if alert is None or alert.closed or not alert.memory.get(_GIVEN):
        return end, is_given
    if alert.expires_at is None:
        return one.ends_at, True
    return (end, is_given) if end is None or end >= alert.expires_at else (alert.expires_at, True)
