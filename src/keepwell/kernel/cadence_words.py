"""The words in which manuals say on which days something recurs (``weekdays``, ``first Monday of each month``), as fields of cron.

A phrase is a set of days; ``cadences`` adds a time to it and ``windows`` a span.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_NAMES = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_WEEKDAYS = {form: number for number, name in enumerate(_NAMES) for form in (name, name + "s", name[:3])} | {
    "tues": 2,
    "thur": 4,
    "thurs": 4,
}
_WEEKDAY = "(?:" + "|".join(sorted(_WEEKDAYS, key=len, reverse=True)) + ")"
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "last": 0}
_FIRST_MONTHS = {"month": "*", "quarter": "1,4,7,10", "year": "1"}
_LAST_MONTHS = {"month": "*", "quarter": "3,6,9,12", "year": "12"}
_SUNDAY = "0"


@dataclass(frozen=True, slots=True)
class Days:
    """The days on which something recurs, as cron's last three fields: day of month, month, day of week."""

    day: str = "*"
    month: str = "*"
    weekday: str = "*"

    def at(self, hour: int, minute: int) -> str:
        """The cron expression of that time on these days."""
        return f"{minute} {hour} {self.day} {self.month} {self.weekday}"


_PLAIN = {
    "daily": Days(),
    "day": Days(),
    "weekdays": Days(weekday="1-5"),
    "weekday": Days(weekday="1-5"),
    "weekends": Days(weekday="0,6"),
    "weekend": Days(weekday="0,6"),
    "weekly": Days(weekday=_SUNDAY),  # the day of cron's @weekly
    "week": Days(weekday=_SUNDAY),
    "monthly": Days(day="1"),
    "month": Days(day="1"),
    "quarterly": Days(day="1", month=_FIRST_MONTHS["quarter"]),
    "quarter": Days(day="1", month=_FIRST_MONTHS["quarter"]),
    "yearly": Days(day="1", month="1"),
    "annually": Days(day="1", month="1"),
    "year": Days(day="1", month="1"),
}
_DAY_OF_MONTH = re.compile(r"(?:monthly )?(?:on )?(?:day|monthly|the) ([0-9]{1,2})(?:st|nd|rd|th)?(?: of (?:each|every|the) month)?")
_NAMED = re.compile(rf"(?:weekly )?(?:on )?({_WEEKDAY}(?: ?- ?{_WEEKDAY})?(?:(?: ?, ?| and ){_WEEKDAY}(?: ?- ?{_WEEKDAY})?)*)")
_ORDINAL = re.compile(
    rf"(?:monthly )?(?:on )?(?:the )?({'|'.join(_ORDINALS)}) ({_WEEKDAY}|day|week)(?: of (?:each|every|the) (month|quarter|year))?"
)


def normal(text: str) -> str:
    """The phrase in lower case, with single spaces, plain hyphens, and without a leading ``every`` or ``each``."""
    words = " ".join(text.lower().replace("–", "-").split())
    return re.sub(r"^(?:every|each) ", "", words)


def read_days(words: str) -> Days | None:
    """The days that a phrase (as ``normal`` leaves it) names, or None where it names none."""
    if words in _PLAIN:
        return _PLAIN[words]
    for pattern, meaning in _PHRASES.items():
        match = pattern.fullmatch(words)
        if match:
            return meaning(match)
    return None


def _day_of_month(match: re.Match[str]) -> Days | None:
    return Days(day=str(int(match[1]))) if 1 <= int(match[1]) <= 31 else None


def _named(match: re.Match[str]) -> Days:
    numbers: set[int] = set()
    for term in re.split(r",| and ", match[1]):
        ends = [_WEEKDAYS[name.strip()] for name in term.split("-")]
        numbers.update((ends[0] + step) % 7 for step in range((ends[-1] - ends[0]) % 7 + 1))
    return Days(weekday=",".join(str(number) for number in sorted(numbers)))


def _ordinal(match: re.Match[str]) -> Days | None:
    number, name, period = _ORDINALS[match[1]], match[2], match[3] or "month"
    months = (_FIRST_MONTHS if number else _LAST_MONTHS)[period]
    if name == "day":
        return Days(day=str(number) if number else "L", month=months)
    if name == "week" and (number > 1 or not match[3]):
        return None  # "last week of each quarter" is its last Monday; a second week could be counted in several ways
    weekday = _WEEKDAYS["monday" if name == "week" else name]
    return Days(month=months, weekday=f"{weekday}#{number}" if number else f"{weekday}L")


_PHRASES: Mapping[re.Pattern[str], Callable[[re.Match[str]], Days | None]] = {
    _DAY_OF_MONTH: _day_of_month,
    _NAMED: _named,
    _ORDINAL: _ordinal,
}
