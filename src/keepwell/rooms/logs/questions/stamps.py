"""When a line was written, as it says itself: ISO 8601 and its likes, the common log format, syslog (RFC 3164)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .table import Column, joined

Seconds = np.ndarray[tuple[int], np.dtype[np.int64]]
NEVER = np.iinfo(np.int64).min
"""In place of an instant that is not known."""

_AHEAD = timedelta(days=1)
"""How far clocks of others may be ahead."""

_QUARTER = 900
"""Seconds between which no zone changes its offset."""
_ZONE = r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})"
_ISO = r"(?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})"
_FRACTION = r"(?:[.,][0-9]{1,9})?"


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write an instant: the pattern that finds it, strptime's format, and whether it names its zone."""

    pattern: str
    format: str
    has_zone: bool


_SYSLOG = Form(r"^(?P<at>[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2})", "%Y %b %d %H:%M:%S", False)
FORMS = (
    Form(rf"\b{_ISO}{_FRACTION} ?{_ZONE}", "%Y-%m-%dT%H:%M:%S", True),
    Form(rf"\b{_ISO}", "%Y-%m-%dT%H:%M:%S", False),
    Form(rf"\b(?P<at>[0-9]{{2}}/[A-Z][a-z]{{2}}/[0-9]{{4}}:[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}) {_ZONE}", "%d/%b/%Y:%H:%M:%S", True),
    Form(r"\b(?P<at>[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})", "%Y/%m/%d %H:%M:%S", False),
    _SYSLOG,
)


class Stamps:
    """Gives each line its instant; a line without one has that of the line before it, in the block before too.

    ``zone`` is that of times that name none. Syslog's name no year: theirs is the newest that does not bring them behind ``now``, by more
    than clocks differ. The form is the one in which most of the first lines have a time: others may stand in what somebody asked for."""

    def __init__(self, zone: str, now: datetime) -> None:
        self._zone, self._newest = ZoneInfo(zone), now + _AHEAD
        self._last = int(NEVER)
        self._form: Form | None = None

    def of(self, lines: Column) -> Seconds:
        """Seconds since 1970; ``NEVER`` for lines before the first that says when it was written."""
        if self._form is None:
            self._form = self._usual(lines.slice(0, 200))
        if self._form is None:
            return np.full(len(lines), self._last, dtype=np.int64)
        found = np.concatenate([np.array([self._last], dtype=np.int64), self._read(self._form, lines)])
        newest = np.maximum.accumulate(np.where(found != NEVER, np.arange(len(found)), 0))
        filled = found[newest]
        self._last = int(filled[-1])
        return filled[1:]

    def _usual(self, lines: Column) -> Form | None:
        found = {form: int((self._read(form, lines) != NEVER).sum()) for form in FORMS}
        most = max(FORMS, key=lambda form: found[form])
        return most if found[most] else None

    def _read(self, form: Form, lines: Column) -> Seconds:
        parts = pc.extract_regex(lines, form.pattern)
        text = pc.struct_field(parts, "at")
        if form.format.startswith("%Y-%m-%dT"):
            text = pc.replace_substring(text, " ", "T", max_replacements=1)
        if form is not _SYSLOG:
            return self._instants(form, text, parts)
        text, year = pc.replace_substring(text, "  ", " 0"), self._newest.astimezone(self._zone).year
        this, last = (self._instants(form, joined(pa.scalar(str(one), pa.large_string()), text), parts) for one in (year, year - 1))
        return np.where((this == NEVER) | (this > self._newest.timestamp()), last, this)

    def _instants(self, form: Form, text: Column, parts: Column) -> Seconds:
        """The instants of texts in a form; ``parts`` have their zones, where it names one."""
        local = pc.strptime(text, format=form.format, unit="s", error_is_null=True)
        seconds = _numbers(pc.cast(local, pa.int64()))
        offset = _offsets(pc.struct_field(parts, "zone")) if form.has_zone else self._offsets(seconds)
        return np.where(seconds == NEVER, NEVER, seconds - offset)

    def _offsets(self, local: Seconds) -> Seconds:
        """How far the zone is ahead of UTC at these times of its clocks; where they say a time twice, the first is meant."""
        quarters, back = np.unique(local // _QUARTER, return_inverse=True)
        ahead = [self._ahead(int(quarter) * _QUARTER) for quarter in quarters]
        return np.array(ahead, dtype=np.int64)[back]

    def _ahead(self, local: int) -> int:
        if local < 0:
            return 0
        shown = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=local)
        offset = shown.replace(tzinfo=self._zone).utcoffset()
        return int(offset.total_seconds()) if offset is not None else 0


def _offsets(zones: Column) -> Seconds:
    """``+02:00`` and its likes as seconds."""
    told, back = np.unique(np.array(pc.fill_null(zones, "Z").to_pylist(), dtype=object).astype(str), return_inverse=True)
    return np.array([_offset(one) for one in told], dtype=np.int64)[back]


def _offset(text: str) -> int:
    if text == "Z":
        return 0
    digits = text[1:].replace(":", "")
    return (-1 if text[0] == "-" else 1) * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)


def _numbers(column: Column) -> Seconds:
    return np.asarray(pc.fill_null(column, int(NEVER)).to_numpy(zero_copy_only=False), dtype=np.int64)
