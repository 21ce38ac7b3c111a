"""When something recurs: an interval, a cron expression, or the words that manuals use, always with a zone.

``30s``, ``every 5m``, ``every 2 hours``
    an interval, counted from 1970-01-01 00:00 UTC, whatever the zone.
``*/5 * * * *``, ``@daily``
    cron's five fields, read by cronsim as Debian's cron reads them.
``hourly``, ``daily 01:00``, ``weekdays 08:00``, ``Monday, Thursday 9:00``, ``first Monday 09:00``, ``last Friday of each quarter``,
``monthly 15 03:00``, ``last day of each month``, ``quarterly``, ``last week of each quarter`` (its Monday), ``yearly``
    words; the time is 00:00 where none is written. A month without a day 29, 30 or 31 is passed over, as cron does.

When clocks change: fixed times run once at the end of the gap that they fall into (several of them together once), and in a fold only the
first time. An expression whose hour is a wildcard (``*``, ``*/2``) follows real time: nothing in a gap, and both passes of a fold.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from .cadence_words import normal, read_days
from .durations import parse_duration
from .quoting import quoted
from .zones import find_zone, instant_of_wall, next_change, offset, refuse_naive, wall

_LONGEST_TEXT = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MACROS = {
    "hourly": "0 * * * *",
    "hour": "0 * * * *",
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_UNITS = {"second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w"}
_COUNTED = re.compile(r"([0-9]{1,9}) (second|minute|hour|day|week)s?")
_TIMED = re.compile(r"(.*?)(?: at)? ([0-9]{1,2}):([0-9]{2})")
_FIRST_STEP = timedelta(hours=1)
_FAR = timedelta(days=2)  # more than any clock was ever moved (Pacific/Apia: a day)
_ADVICE = "write an interval (5m), five cron fields (0 3 * * *) or words such as daily 01:00, weekdays 08:00 or first Monday 09:00"


@dataclass(frozen=True, slots=True)
class Cadence:
    """When something recurs, as ``text`` said it. Either ``interval`` is set, or ``cron`` holds five fields read in ``zone``."""

    text: str
    zone: ZoneInfo
    interval: timedelta | None = None
    cron: str = ""

    @property
    def follows_real_time(self) -> bool:
        """Whether a change of clocks neither moves nor drops its instants."""
        return self.interval is not None or self.cron.split()[1].startswith("*")

    def __str__(self) -> str:
        return self.text


def parse_cadence(text: str, zone: str) -> Cadence:
    """A cadence from its text (see the module's forms) and the name of its zone.

    Raises ValueError with one sentence. What is well formed and never comes true (30 February) is accepted: ask ``next_instant``.
    """
    place = find_zone(zone)
    words = normal(text) if len(text) <= _LONGEST_TEXT else ""
    if not words:
        raise ValueError(f"{quoted(text)} is not a cadence: {_ADVICE}")
    counted = _COUNTED.fullmatch(words)
    if counted:
        words = counted[1] + _UNITS[counted[2]]
    if re.fullmatch(r"[0-9][0-9.]* ?[a-z]*(?:[0-9]+[a-z]+)*", words):
        return _interval(text, words, place)
    cron = _MACROS.get(words) or _cron_of_words(words) or _cron_of_fields(text, words)
    return Cadence(text.strip(), place, cron=cron)


def instants(cadence: Cadence, after: datetime, before: datetime) -> Iterator[datetime]:
    """Its instants strictly after ``after`` and up to ``before`` inclusive: in UTC, ascending, each once.

    Raises ValueError at once where either has no time zone.
    """
    start, end = refuse_naive(after), refuse_naive(before)
    return takewhile(lambda instant: instant <= end, _all_after(cadence, start))


def next_instant(cadence: Cadence, after: datetime) -> datetime | None:
    """Its first instant strictly after ``after``, in UTC; None where none comes within about fifty years.

    Raises ValueError where ``after`` has no time zone.
    """
    return next(_all_after(cadence, refuse_naive(after)), None)


def last_instant(cadence: Cadence, after: datetime, before: datetime) -> datetime | None:
    """Its last instant strictly after ``after`` and up to ``before`` inclusive, in UTC; None where there is none. However long the span is,
    only its end is walked.

    Raises ValueError where either has no time zone.
    """
    start, end = refuse_naive(after), refuse_naive(before)
    step = _FIRST_STEP
    while end > start:
        begin = max(start, end - step) if end - _EPOCH > step else start
        last = None
        for instant in instants(cadence, begin, end):
            last = instant
        if last is not None or begin == start:
            return last
        end, step = begin, step * 4
    return None


def _interval(text: str, words: str, zone: ZoneInfo) -> Cadence:
    interval = parse_duration(words)
    if interval <= timedelta(0):
        raise ValueError(f"{quoted(text)} would recur without end: write an interval longer than nothing, such as 30s")
    return Cadence(text.strip(), zone, interval=interval)


def _cron_of_words(words: str) -> str | None:
    timed = _TIMED.fullmatch(words)
    days = read_days(timed[1] if timed else words)
    if days is None:
        return None
    hour, minute = (int(timed[2]), int(timed[3])) if timed else (0, 0)
    if hour > 23 or minute > 59:
        raise ValueError(f"{quoted(words)} has no time of day: write hours 0 to 23 and minutes 00 to 59, such as 09:30")
    return days.at(hour, minute)


def _cron_of_fields(text: str, words: str) -> str:
    fields = words.split()
    if len(fields) != 5 or not words.isascii() or words[0].isalpha():
        raise ValueError(f"{quoted(text)} is not a cadence: {_ADVICE}")
    minute, hour, day, month, weekday = fields
    try:
        # Apart from each other: cronsim refuses day and month together where no month has so many days, which is not a mistake in writing.
        CronSim(f"{minute} {hour} {day} * {weekday}", _EPOCH)
        CronSim(f"0 0 * {month} *", _EPOCH)
    except CronSimError as error:
        fault = str(error)[:1].lower() + str(error)[1:]
        raise ValueError(f"{quoted(text)} is not a cron expression ({fault}): {_ADVICE}") from None
    return words


def _all_after(cadence: Cadence, after: datetime) -> Iterator[datetime]:
    try:
        if cadence.interval is not None:
            yield from _every(cadence.interval, after)
        elif cadence.follows_real_time:
            yield from _real_time(cadence, after)
        else:
            yield from _fixed(cadence, after)
    except OverflowError:  # the end of the calendar, in the year 9999
        return


def _every(interval: timedelta, after: datetime) -> Iterator[datetime]:
    number = (after - _EPOCH) // interval + 1
    while True:
        yield _EPOCH + number * interval
        number += 1


def _fixed(cadence: Cadence, after: datetime) -> Iterator[datetime]:
    """Wall times in order give instants in order; those of one gap fall together, those of a second pass lie before ``after``."""
    last = after
    for shown in _walls(cadence.cron, wall(after, cadence.zone)):
        instant = instant_of_wall(shown, cadence.zone)
        if instant > last:
            last = instant
            yield instant


def _real_time(cadence: Cadence, after: datetime) -> Iterator[datetime]:
    """Goes from one change of clocks to the next, and reads the expression with the offset that holds in between."""
    position, bound = after, wall(after, cadence.zone)
    while True:
        shown = next(_walls(cadence.cron, bound), None)
        if shown is None:
            return
        instant = shown.replace(tzinfo=UTC) - offset(position, cadence.zone)
        if instant - position > 2 * _FAR:
            position = instant - _FAR
            bound = wall(position, cadence.zone)
            continue
        change = next_change(position, instant, cadence.zone)
        if change is not None:
            position = change
            bound = wall(change, cadence.zone) - timedelta(seconds=1)
            continue
        position, bound = instant, shown
        yield instant


def _walls(cron: str, after: datetime) -> Iterator[datetime]:
    """The wall times of a cron expression strictly after that one, ascending."""
    try:
        yield from CronSim(cron, after)
    except CronSimError:  # no month has such a day
        return
