"""What a question says of time: instants, stretches and steps, as text. ``now`` is an argument."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from keepwell.kernel.durations import format_duration, parse_duration
from keepwell.kernel.problems import UsageError
from keepwell.kernel.quoting import quoted

MOST_POINTS = 11_000
"""Points of one series that are given at once (as Prometheus bounds a range query)."""
WANTED_POINTS = 500
"""Points that are enough for a picture; a step that is left out is chosen so that no more result, and not below a minute."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,6})?")
_STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)
_ADVICE = "write RFC 3339 (2026-11-22T06:00:00Z), seconds since 1970, now, or how long ago (-24h)"
_LATEST = 32_503_680_000_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """From ``start`` (contained) to ``end`` (not contained), milliseconds since 1970."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Milliseconds."""
        return self.end - self.start


def milliseconds(at: datetime) -> int:
    """An instant as milliseconds since 1970; finer parts are cut off."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def iso(at: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC."""
    return (_EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_instant(text: str, now: int, name: str) -> int:
    """An instant in milliseconds since 1970: RFC 3339, seconds since 1970, ``now``, or ``-24h`` before now. ``name`` is the parameter's.

    Raises UsageError with one sentence.
    """
    written = text.strip()
    if written == "now":
        return now
    try:
        if _NUMBER.fullmatch(written):
            at = round(float(written) * 1000)
        elif written.startswith("-"):
            at = now - parse_duration(written[1:]) // timedelta(milliseconds=1)
        else:
            # A plus sign in an address means a space; nobody writes one before an offset.
            read = datetime.fromisoformat(re.sub(r" (?=\d\d:\d\d$)", "+", written))
            at = milliseconds(read if read.tzinfo else read.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise UsageError(f"{name}: {quoted(text)} is no instant", hint=_ADVICE) from None
    if not 0 <= at <= _LATEST:
        raise UsageError(f"{name}: {quoted(text)} lies before 1970 or after 3000", hint=_ADVICE)
    return at


def read_span(text: str, name: str) -> int:
    """A duration in milliseconds (``30d``, ``15s``), or a bare number of seconds as Prometheus takes it. Raises UsageError."""
    written = text.strip()
    try:
        span = round(float(written) * 1000) if _NUMBER.fullmatch(written) else parse_duration(written) // timedelta(milliseconds=1)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{name}: {error}", hint="write an amount with its unit, such as 15s, 5m, 24h or 30d") from None
    if not 0 < span <= _LATEST:
        raise UsageError(f"{name}: {quoted(text)} is no length of time", hint="write more than nothing, such as 15s, 5m, 24h or 30d")
    return span


def read_stretch(start: str | None, end: str | None, over: str | None, now: int, usual: timedelta) -> Stretch:
    """The stretch that ``start`` and ``end``, or ``over`` (so long until ``end``), name; ``end`` is now and the length ``usual`` where
    nothing is said. Raises UsageError."""
    last = read_instant(end, now, "end") if end else now
    if start and over:
        raise UsageError("start and over say the same thing twice", hint="write one of them")
    if start:
        first = read_instant(start, now, "start")
    else:
        first = max(0, last - (read_span(over, "over") if over else usual // timedelta(milliseconds=1)))
    if first >= last:
        raise UsageError("the stretch of time ends before it begins", hint="write a start that lies before the end")
    return Stretch(first, last)


def read_step(text: str | None, stretch: Stretch) -> int:
    """The step in milliseconds; without a text the shortest round one that gives at most ``WANTED_POINTS`` points.

    Raises UsageError where a series would have more than ``MOST_POINTS``.
    """
    if text is None:
        return usual_step(stretch)
    step = read_span(text, "step")
    if stretch.length / step > MOST_POINTS:
        least = format_duration(timedelta(seconds=math.ceil(stretch.length / MOST_POINTS / 1000)))
        raise UsageError(
            f"step: {quoted(text)} would give more than {MOST_POINTS} points a series", hint=f"write a step of at least {least}"
        )
    return step


def usual_step(stretch: Stretch) -> int:
    """The shortest round step from a minute on, in milliseconds, that gives at most ``WANTED_POINTS`` points."""
    least = stretch.length / WANTED_POINTS
    return next((step * 1000 for step in _STEPS if step * 1000 >= least), math.ceil(least / 604_800_000) * 604_800_000)


def aligned(stretch: Stretch, step: int) -> Stretch:
    """The whole steps (counted from 1970) that the stretch touches, so that the same instants are in the same step whenever one asks."""
    return Stretch(stretch.start // step * step, -(-stretch.end // step) * step)
