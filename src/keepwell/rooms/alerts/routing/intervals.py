"""Times of day, week, month and year in which a route tells nobody, or only in which it tells (alertmanager/timeinterval)."""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import datetime

from keepwell.kernel.windows import Window, contains
from keepwell.kernel.zones import refuse_naive, wall

from .model import Interval, Route, Span, TimeInterval


def is_open(interval: Interval, at: datetime) -> bool:
    """Whether the interval is open at that instant. Raises ValueError where ``at`` has no time zone."""
    if isinstance(interval, Window):
        return contains(interval, at)
    instant = refuse_naive(at)
    return any(_is_open(one, instant) for one in interval)


def open_now(intervals: Mapping[str, Interval], names: Iterable[str], at: datetime) -> list[str]:
    """Those of the named intervals that are open at that instant."""
    return [name for name in names if name in intervals and is_open(intervals[name], at)]


def muted_at(route: Route, intervals: Mapping[str, Interval], now: datetime) -> str:
    """Why the route tells nobody now, empty where it may tell."""
    muting = open_now(intervals, route.mute_time_intervals, now)
    if muting:
        return f"the time interval {muting[0]} mutes this route"
    if route.active_time_intervals and not open_now(intervals, route.active_time_intervals, now):
        return f"this route is active in {' and '.join(route.active_time_intervals)} only"
    return ""


def muting_names(route: Route, intervals: Mapping[str, Interval], now: datetime) -> list[str]:
    """The intervals that mute the route now: the open ones of ``mute_time_intervals``, or all of ``active_time_intervals`` where none of
    them is open. Empty where it may tell."""
    muting = open_now(intervals, route.mute_time_intervals, now)
    if muting or not route.active_time_intervals or open_now(intervals, route.active_time_intervals, now):
        return muting
    return list(route.active_time_intervals)


def _is_open(interval: TimeInterval, instant: datetime) -> bool:
    shown = wall(instant, interval.zone)
    minute = shown.hour * 60 + shown.minute
    if interval.times and not any(span.first <= minute < span.last for span in interval.times):
        return False
    return (
        _holds(interval.weekdays, shown.isoweekday() % 7)
        and _day_holds(interval.days_of_month, shown)
        and _holds(interval.months, shown.month)
        and _holds(interval.years, shown.year)
    )


def _holds(spans: tuple[Span, ...], value: int) -> bool:
    return not spans or any(span.first <= value <= span.last for span in spans)


def _day_holds(spans: tuple[Span, ...], shown: datetime) -> bool:
    """Days before the month begins or after it ends are cut off, as Alertmanager does: -31 is the first of February too."""
    days = monthrange(shown.year, shown.month)[1]
    return not spans or any(_day(span.first, days) <= shown.day <= min(_day(span.last, days), days) for span in spans)


def _day(number: int, days: int) -> int:
    return number if number > 0 else days + number + 1
