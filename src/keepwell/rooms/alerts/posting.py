"""Alerts that programs post: begun, told of again, ended by their senders (Alertmanager, api/v2, postAlertsHandler). Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from . import life
from .draft import Draft
from .fingerprint import fingerprint
from .model import Alert, Posted, State


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
