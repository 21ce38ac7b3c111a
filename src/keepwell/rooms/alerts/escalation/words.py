"""Days, moments and hand-overs as they are written in a rota."""

import re
from datetime import date, datetime, time
from typing import Any

from pydantic_core import PydanticCustomError

from keepwell.kernel.quoting import quoted

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HANDOVER = re.compile(r"([a-z]+)(?: at)? ([0-9]{1,2}):([0-9]{2})")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{2}:[0-9]{2}))?")


def parse_handover(text: str) -> tuple[int, time]:
    """``Monday 09:00`` as day of the week (0 is Monday) and time. Raises ValueError with one sentence."""
    match = _HANDOVER.fullmatch(" ".join(text.lower().split()))
    days = [number for number, name in enumerate(_DAYS) if match and len(match[1]) >= 3 and name.startswith(match[1])]
    if match is None or not days or int(match[2]) > 23 or int(match[3]) > 59:
        raise ValueError(f"{quoted(text)} is no hand-over: write a day of the week and a time, such as Monday 09:00")
    return days[0], time(int(match[2]), int(match[3]))


def parse_date(value: Any) -> date:
    """A day written as ``2026-01-05``."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise PydanticCustomError("expected", "expected {expected}", {"expected": "a day such as 2026-01-05"}) from None


def parse_moment(value: Any) -> datetime:
    """A day and a time on a wall clock, ``2026-12-24 09:00``, or a day from its beginning: a naive datetime, whose zone is the rota's."""
    if isinstance(value, datetime):
        return value
    match = _MOMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if match is not None:
            return datetime.combine(date.fromisoformat(match[1]), time.fromisoformat(match[2] or "00:00"))
    except ValueError:
        pass
    raise PydanticCustomError("expected", "expected {expected}", {"expected": "a day and a time such as 2026-12-24 09:00"})
