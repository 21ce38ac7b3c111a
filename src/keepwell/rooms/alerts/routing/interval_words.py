"""The words of time intervals, as Alertmanager's configuration has them ("Configuration", ``<time_interval>``), read into numbers."""

import re
from collections.abc import Mapping, Sequence

from keepwell.kernel.quoting import quoted

from .model import Span

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_NUMBER = re.compile(r"[+-]?[0-9]{1,6}")
_SHORTEST_MONTH = 28


def read_times(start: str, end: str) -> Span:
    """``09:00`` and ``17:00`` as minutes of the day. Raises ValueError with one sentence."""
    span = Span(_minute(start), _minute(end))
    if span.first >= span.last:
        raise ValueError(f"{start} is not before {end}: a span over midnight is two, one until 24:00 and one from 00:00")
    return span


def read_weekdays(text: str) -> Span:
    """``monday:friday`` or ``sunday``. Raises ValueError with one sentence."""
    return _ordered(text, *_ends(text, _names(WEEKDAYS, 0), "a day of the week such as monday or monday:friday"))


def read_months(text: str) -> Span:
    """``january:march``, ``5`` or ``5:august``. Raises ValueError with one sentence."""
    numbers = {f"{number:0{digits}}": number for number in range(1, 13) for digits in (1, 2)}
    names = {**_names(MONTHS, 1), **numbers}
    return _ordered(text, *_ends(text, names, "a month such as may, 5 or january:march"))


def read_years(text: str) -> Span:
    """``2026`` or ``2026:2028``. Raises ValueError with one sentence."""
    first, last = _parts(text)
    return _ordered(text, _number(first, text, "a year such as 2026"), _number(last, text, "a year such as 2026"))


def read_days(text: str) -> Span:
    """``1:5``, ``15`` or, counted from the end of the month, ``-3:-1``. Raises ValueError with one sentence."""
    wish = "a day of the month from 1 to 31, or from -31 to -1 counted from its end"
    first, last = (_number(part, text, wish) for part in _parts(text))
    if not all(1 <= abs(day) <= 31 for day in (first, last)):
        raise ValueError(f"{quoted(text)} is not {wish}")
    if first < 0 < last:
        raise ValueError(f"{quoted(text)} begins before the end of a month and ends after its beginning: count both from the same side")
    if _in_february(first) > _in_february(last):
        raise ValueError(f"{quoted(text)} ends before it begins")
    return Span(first, last)


def _in_february(day: int) -> int:
    return day if day > 0 else _SHORTEST_MONTH + day


def _minute(text: str) -> int:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(f"{quoted(text)} is no time of day: write hours and minutes such as 09:30, or 24:00 for the end of the day")
    return int(found[1]) * 60 + int(found[2]) if found[1] else 24 * 60


def _names(words: Sequence[str], first: int) -> Mapping[str, int]:
    return {word: number for number, word in enumerate(words, first)}


def _parts(text: str) -> tuple[str, str]:
    first, colon, last = text.partition(":")
    return first, last if colon else first


def _ends(text: str, names: Mapping[str, int], wish: str) -> tuple[int, int]:
    first, last = (names.get(part.lower()) for part in _parts(text))
    if first is None or last is None:
        raise ValueError(f"{quoted(text)} is not {wish}")
    return first, last


def _number(part: str, text: str, wish: str) -> int:
    if not _NUMBER.fullmatch(part):
        raise ValueError(f"{quoted(text)} is not {wish}")
    return int(part)


def _ordered(text: str, first: int, last: int) -> Span:
    if first > last:
        raise ValueError(f"{quoted(text)} ends before it begins: write two entries")
    return Span(first, last)
