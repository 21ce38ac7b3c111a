"""Spans of time that recur: ``Sunday 02:00-04:00``, ``weekdays 09:00-17:00``, ``daily 22:00-06:00`` (into the next day), in a zone.

A window contains its start and not its end. Both are wall-clock times, so a change of clocks makes it longer or shorter: one that falls in
a gap lies at the end of the gap, and one that happens twice is the first of the two. A window that lies wholly in a gap does not happen.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from .cadence_words import normal, read_days
from .quoting import quoted
from .zones import find_zone, instant_of_wall, refuse_naive, wall

_LONGEST_TEXT = 200
_WINDOW = re.compile(r"(?:(.*) )?([0-9]{1,2}):([0-9]{2}) ?- ?([0-9]{1,2}):([0-9]{2})")
_DAY = timedelta(days=1)
_ADVICE = "write days and a span, such as Sunday 02:00-04:00, weekdays 09:00-17:00 or daily 22:00-06:00"

Span = tuple[datetime, datetime]
"""Start (contained) and end (not contained), in UTC."""


@dataclass(frozen=True, slots=True)
class Window:
    """A recurring span, as ``text`` said it. It starts on the days of ``cron`` (at midnight, in ``zone``) plus ``start``, and lasts until
    those midnights plus ``end``; both are counted on the wall clock."""

    text: str
    zone: ZoneInfo
    cron: str
    start: timedelta
    end: timedelta

    def __str__(self) -> str:
        return self.text


def parse_window(text: str, zone: str) -> Window:
    """A window from its text (days in the words of cadences, then a span; daily where no days stand there) and the name of its zone.

    Raises ValueError with one sentence.
    """
    place = find_zone(zone)
    match = _WINDOW.fullmatch(normal(text)) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise ValueError(f"{quoted(text)} is not a window: {_ADVICE}")
    days = read_days(match[1] or "daily")
    if days is None:
        raise ValueError(f"{quoted(match[1])} names no days: {_ADVICE}")
    start, end = (timedelta(hours=int(match[hour]), minutes=int(match[hour + 1])) for hour in (2, 4))
    if start >= _DAY or end > _DAY or int(match[3]) > 59 or int(match[5]) > 59:
        raise ValueError(
            f"{quoted(text)} has no time of day: write hours 0 to 23 and minutes 00 to 59, such as 09:30 (24:00 for the end of a day)"
        )
    if start == end:
        raise ValueError(f"{quoted(text)} starts when it ends: write 00:00-24:00 for a whole day")
    return Window(text.strip(), place, days.at(0, 0), start, end if end > start else end + _DAY)


def contains(window: Window, at: datetime) -> bool:
    """Whether the window is open at that instant. Raises ValueError where ``at`` has no time zone."""
    return current_window(window, at) is not None


def current_window(window: Window, at: datetime) -> Span | None:
    """The span that is open at that instant, None where none is. Raises ValueError where ``at`` has no time zone."""
    instant = refuse_naive(at)
    for start, end in _spans(window, instant):
        if start > instant:
            return None
        if instant < end:
            return start, end
    return None


def next_window(window: Window, after: datetime) -> Span | None:
    """The first span that starts strictly after that instant (a span that is open already is not it); None where none ever does.

    Raises ValueError where ``after`` has no time zone.
    """
    instant = refuse_naive(after)
    return next((span for span in _spans(window, instant) if span[0] > instant), None)


def _spans(window: Window, around: datetime) -> Iterator[Span]:
    """The window's spans in order, from those that may have begun before that instant on."""
    try:
        for midnight in CronSim(window.cron, wall(around, window.zone) - 4 * _DAY):
            start = instant_of_wall(midnight + window.start, window.zone)
            end = instant_of_wall(midnight + window.end, window.zone)
            if start < end:
                yield start, end
    except (CronSimError, OverflowError):  # no such day in any month; the end of the calendar
        return
