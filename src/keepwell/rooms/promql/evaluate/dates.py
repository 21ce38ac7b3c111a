"""Parts of a date in UTC, of instants in seconds since 1970."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from keepwell.rooms.promql.model import Values

Seconds = NDArray[np.int64]

_LONGEST = 60_000_000_000.0
"""Seconds either side of 1970 that numpy's calendar is asked about; dates beyond have no parts here."""


def _calendar(seconds: Seconds, unit: str) -> NDArray[np.int64]:
    return seconds.astype("datetime64[s]").astype(f"datetime64[{unit}]").astype(np.int64)


def _year(seconds: Seconds) -> NDArray[np.int64]:
    return _calendar(seconds, "Y") + 1970


def _month(seconds: Seconds) -> NDArray[np.int64]:
    return _calendar(seconds, "M") % 12 + 1


def _first_of(seconds: Seconds, unit: str) -> NDArray[np.int64]:
    # The day, counted from 1970, on which the month or year began.
    return seconds.astype("datetime64[s]").astype(f"datetime64[{unit}]").astype("datetime64[D]").astype(np.int64)


def _day_of_month(seconds: Seconds) -> NDArray[np.int64]:
    return _calendar(seconds, "D") - _first_of(seconds, "M") + 1


def _day_of_year(seconds: Seconds) -> NDArray[np.int64]:
    return _calendar(seconds, "D") - _first_of(seconds, "Y") + 1


def _day_of_week(seconds: Seconds) -> NDArray[np.int64]:
    # 1970 began on a Thursday; Sunday is 0.
    return (_calendar(seconds, "D") + 4) % 7


def _days_in_month(seconds: Seconds) -> NDArray[np.int64]:
    month = seconds.astype("datetime64[s]").astype("datetime64[M]")
    return (month + 1).astype("datetime64[D]").astype(np.int64) - month.astype("datetime64[D]").astype(np.int64)


def _hour(seconds: Seconds) -> NDArray[np.int64]:
    return seconds // 3600 % 24


def _minute(seconds: Seconds) -> NDArray[np.int64]:
    return seconds // 60 % 60


_PARTS: dict[str, Callable[[Seconds], NDArray[np.int64]]] = {
    "day_of_month": _day_of_month,
    "day_of_week": _day_of_week,
    "day_of_year": _day_of_year,
    "days_in_month": _days_in_month,
    "hour": _hour,
    "minute": _minute,
    "month": _month,
    "year": _year,
}

DATE_FUNCTIONS = frozenset(_PARTS)
"""The functions of a date."""


def date_part(name: str, seconds: Values) -> Values:
    """That part of each instant; NaN for what is no instant."""
    known = np.abs(seconds) < _LONGEST
    whole = np.where(known, seconds, 0.0).astype(np.int64)
    return np.where(known, _PARTS[name](whole), np.nan)
