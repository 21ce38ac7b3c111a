"""Wall clocks and instants: where a zone's clock jumps, and which instant a wall-clock time means.

``zoneinfo`` reads the tz database from the machine's files. That is accepted here although the kernel reads nothing else: the database is a
published constant, and its reading is cached for the life of the process.

A *wall time* is a naive datetime: what a clock on the wall of that zone shows. A *gap* is what it never shows (clocks put forward), a
*fold* what it shows twice (clocks put back). Offsets and folds follow PEP 495.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from .quoting import quoted

_SECOND = timedelta(seconds=1)
_SCAN = timedelta(hours=3)
"""No zone has changed its offset twice within this time, so a change between two looks this far apart is seen."""


def find_zone(name: str) -> ZoneInfo:
    """The zone of that name in the tz database. Raises ValueError where there is none, or where the machine has no such database."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; a path that leaves the database; a folder of it such as "America"
        if not _has_database():
            raise ValueError("the tz database is missing: install the package tzdata of the system or of Python") from None
        raise ValueError(f"{quoted(name)} is no time zone: write a name of the tz database, such as UTC or Europe/Berlin") from None


def _has_database() -> bool:
    try:
        return bool(ZoneInfo("UTC"))
    except KeyError:
        return False


def refuse_naive(at: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError where ``at`` has no time zone."""
    if at.utcoffset() is None:
        raise ValueError(f"{at.isoformat()} has no time zone: give an aware datetime, such as one in UTC")
    return at.astimezone(UTC)


def wall(at: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the zone's wall shows at that instant, as a naive datetime."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def offset(at: datetime, zone: ZoneInfo) -> timedelta:
    """How far the zone's clock is ahead of UTC at that instant."""
    ahead = at.astimezone(zone).utcoffset()
    assert ahead is not None  # a ZoneInfo always has one
    return ahead


def instant_of_wall(shown: datetime, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which the zone's clock shows that wall time: in a fold the first time; in a gap the instant at which it ends."""
    first = shown.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall(first, zone) == shown:
        return first
    before_gap = shown.replace(tzinfo=zone, fold=1).astimezone(UTC)  # PEP 495: in a gap, fold=1 counts with the offset after it
    change = next_change(before_gap, first, zone)
    return first if change is None else change


def next_change(after: datetime, until: datetime, zone: ZoneInfo) -> datetime | None:
    """The first instant (UTC, whole seconds) after ``after`` and up to ``until`` at which the zone's offset differs from the moment before.

    Meant for short spans: it looks every three hours and then halves.
    """
    low = after
    before = offset(after, zone)
    while low < until:
        high = min(low + _SCAN, until)
        if offset(high, zone) != before:
            return _halve(low, high, before, zone)
        low = high
    return None


def _halve(low: datetime, high: datetime, before: timedelta, zone: ZoneInfo) -> datetime:
    low, high = low.replace(microsecond=0), high.replace(microsecond=0)
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        low, high = (middle, high) if offset(middle, zone) == before else (low, middle)
    return high
