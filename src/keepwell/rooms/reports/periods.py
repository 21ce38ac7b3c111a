"""Which stretch of time a report is of, as a person says it. Pure: ``now`` is an argument."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from keepwell.kernel.durations import format_duration, parse_duration
from keepwell.kernel.problems import UsageError
from keepwell.kernel.quoting import quoted
from keepwell.kernel.zones import find_zone

from .model import Span

_LENGTHS = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30), "quarter": timedelta(days=90)}
_LAST = ("last-day", "last-week", "last-month")
_LONGEST = timedelta(days=2 * 366)
_HINT = "write day, week or month (so long until now), last-week or last-month (of the calendar), or a duration such as 14d"


def parse_period(text: str, now: datetime, zone: str = "UTC") -> Span:
    """The stretch that ``week`` (7 days until now), ``last-week`` (Monday to Monday in the zone), ``last-month`` or ``14d`` names.

    Raises UsageError with one sentence.
    """
    written = text.strip().lower()
    if written in _LAST:
        return _calendar(written, now.astimezone(find_zone(zone)))
    length = _LENGTHS.get(written)
    if length is None:
        try:
            length = parse_duration(written)
        except ValueError:
            raise UsageError(f"{quoted(text)} is no period", hint=_HINT) from None
    if not timedelta(0) < length <= _LONGEST:
        raise UsageError(f"{quoted(text)} is too short or too long for a report", hint="from a second to two years")
    return Span(now - length, now, f"the last {_in_words(length)}")


def parse_period_word(text: str) -> None:
    """Raises ValueError where a text names no period."""
    try:
        parse_period(text, datetime(2000, 1, 1, tzinfo=UTC))
    except UsageError as error:
        raise ValueError(f"{error}: {_HINT}") from None


def _in_words(length: timedelta) -> str:
    days = length / timedelta(days=1)
    if days == 1:
        return "24 hours"
    return f"{days:.0f} days" if days == round(days) else format_duration(length)


def _calendar(word: str, local: datetime) -> Span:
    """A whole day, week or month of the calendar before this one."""
    zone = local.tzinfo
    assert isinstance(zone, ZoneInfo)
    midnight = datetime(local.year, local.month, local.day, tzinfo=zone)
    if word == "last-day":
        start, end = _days_before(midnight, 1), midnight
        words = f"{start:%Y-%m-%d}"
    elif word == "last-week":
        end = _days_before(midnight, midnight.weekday())
        start = _days_before(end, 7)
        words = f"week {start.isocalendar().week} of {start.isocalendar().year}"
    else:
        end = midnight.replace(day=1)
        start = _days_before(end, 1).replace(day=1)
        words = f"{start:%B %Y}"
    return Span(start, end, words)


def _days_before(at: datetime, days: int) -> datetime:
    """The same time of the wall clock so many days before."""
    return at - timedelta(days=days)


def file_name(service: str, name: str, span: Span) -> str:
    """What a report's file may be called."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{service}-{name}").strip("-")
    return f"{plain}-{span.end:%Y-%m-%d}"
