"""CSV (RFC 4180) with samples: what the export writes, and other programs' files whose columns are named on the command line.

Records are read one by one: a quotation mark that is not closed costs one line, not the rest of the file.
"""

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np

from keepwell.kernel.problems import Problem, UsageError
from keepwell.kernel.quoting import quoted
from keepwell.ports.samples import NAME
from keepwell.rooms.samples.model import STALE, Labels

from .csv_writing import METRIC, STALE_TEXT, TIME, VALUE, label_of
from .lines import LONGEST, Chunk
from .reading import LATEST, Gathered

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_BELOW = 10**11
"""A smaller number is seconds since 1970 (until the year 5138), a larger one milliseconds (from 1973 on)."""

_OWN_TIMES = re.compile(rb"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z,)*")
_FINITE = re.compile(rb"[0-9.eE+,-]*")
_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN])"
)
_PLAIN_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]*)?")
_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_MOST_LINES = 100
_MOST_KEYS = 500_000


@dataclass(frozen=True, slots=True)
class Foreign:
    """How a file of another program is to be read: which columns are the time, the value and labels, and the metric's name.
    ``zone`` is that of times which state none."""

    time: str
    value: str
    name: str
    labels: Sequence[str] = ()
    zone: tzinfo | None = None
    delimiter: str = ","


@dataclass(frozen=True, slots=True)
class _Columns:
    time: int
    value: int
    metric: int | None
    name: str
    labels: tuple[tuple[int, str], ...]
    count: int


class CsvReader:
    """Reads CSV whose first record names the columns."""

    def __init__(self, gathered: Gathered, foreign: Foreign | None = None) -> None:
        self._gathered = gathered
        self._foreign = foreign
        self._columns: _Columns | None = None
        self._keys: dict[object, int] = {}
        self._open: list[tuple[int, bytes]] = []

    @property
    def gathered(self) -> Gathered:
        """What was read."""
        return self._gathered

    def feed(self, chunk: Chunk) -> None:
        """Reads lines. Raises UsageError where the first record has not the columns that are needed."""
        if chunk.too_long:
            self._give_up_all()
            self._gathered.complain(chunk.first, f"it is longer than {LONGEST} bytes", chunk.texts[0])
            return
        numbered = list(enumerate(chunk.texts, chunk.first))
        if self._foreign is None and self._columns is not None and not self._open:
            numbered = self._at_once(numbered)
        for number, text in numbered:
            self._line(number, text)

    def end(self, is_whole: bool) -> None:
        """Complains about a record that was cut."""
        self._give_up_all()
        if not is_whole:
            self._gathered.complain(0, "its last line has no end: it may have broken off", b"")

    def _at_once(self, numbered: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Takes the lines of the export's own form whose series are known; gives the others. All of them where one of those looks odd."""
        keys, left = self._keys, []
        taken: list[tuple[int, bytes, bytes, int]] = []
        for place, (number, text) in enumerate(numbered):
            parts = text.removesuffix(b"\r").split(b",", 3)
            known = keys.get((parts[1], parts[3]), -1) if len(parts) == 4 else keys.get((parts[1], b""), -1) if len(parts) == 3 else -1
            if known < 0 and text.count(b'"') % 2:
                left += numbered[place:]  # a record of several lines may begin here
                break
            if known < 0:
                left.append((number, text))
            else:
                taken.append((known, parts[0], parts[2], number))
        times, values = b"".join([time + b"," for _, time, _, _ in taken]), b",".join([value for _, _, value, _ in taken])
        if not (_OWN_TIMES.fullmatch(times) and _FINITE.fullmatch(values)):
            return numbered
        try:
            at = np.array([time[:-1] for _, time, _, _ in taken], "S23").astype("datetime64[ms]").astype(np.int64).tolist()
            numbers = [float(value) for _, _, value, _ in taken]
        except ValueError:
            return numbered
        if any(map(math.isinf, numbers)):
            return numbered
        self._gathered.add([known for known, _, _, _ in taken], at, numbers, [number for _, _, _, number in taken])
        return left

    def _line(self, number: int, text: bytes) -> None:
        """Adds a line to the record that it belongs to; reads the record where it is complete."""
        self._open.append((number, text))
        if sum(part.count(b'"') for _, part in self._open) % 2 == 0:
            record, self._open = self._open, []
            self._record(record)
        elif len(self._open) > _MOST_LINES or sum(len(part) for _, part in self._open) > LONGEST:
            self._give_up()

    def _give_up(self) -> None:
        """The first line of the open record has a quotation mark that is never closed: passes over it alone."""
        (number, text), rest = self._open[0], self._open[1:]
        self._open = []
        self._gathered.complain(number, "a quotation mark in it is not closed", text)
        for one in rest:
            self._line(*one)

    def _give_up_all(self) -> None:
        while self._open:
            self._give_up()

    def _record(self, record: list[tuple[int, bytes]]) -> None:
        number, text = record[0][0], b"\n".join(part for _, part in record).removesuffix(b"\r")
        if not text:
            return
        try:
            fields = next(iter(csv.reader([text.decode()], strict=True, delimiter=self._foreign.delimiter if self._foreign else ",")))
            if self._columns is None:
                self._columns = self._head(fields)
            else:
                self._sample(number, text, fields, len(record) == 1)
        except UnicodeDecodeError as error:
            self._refuse(record, f"the byte 0x{error.object[error.start]:02x} is no UTF-8")
        except (ValueError, csv.Error) as error:
            self._refuse(record, str(error))

    def _refuse(self, record: list[tuple[int, bytes]], reason: str) -> None:
        """Passes over the first line. Those behind it were taken for its record, and may be records of their own."""
        if self._columns is None:
            raise UsageError(Problem("samples.import", f"line {record[0][0]}: {reason}", "the first line names the columns"))
        self._gathered.complain(record[0][0], reason, record[0][1])
        for number, text in record[1:]:
            self._line(number, text)

    def _head(self, fields: list[str]) -> _Columns:
        if self._foreign is not None:
            return _foreign_columns(self._foreign, fields)
        if fields[:3] != [TIME, METRIC, VALUE]:
            what = f"its first line is not that of Keepwell's own CSV ({TIME},{METRIC},{VALUE},...), but {quoted(','.join(fields))}"
            hint = "say which columns are what: --time-column TIME --value-column VALUE --name METRIC [--label-column LABEL]"
            raise UsageError(Problem("samples.import", what, hint))
        labels = tuple((place, label_of(column)) for place, column in enumerate(fields[3:], 3))
        if len({label for _, label in labels}) < len(labels):
            raise UsageError(Problem("samples.import", "two columns of the file have the same name", "name each column once"))
        return _Columns(0, 2, 1, "", labels, len(fields))

    def _sample(self, number: int, text: bytes, fields: list[str], is_one_line: bool) -> None:
        columns = self._columns
        assert columns is not None
        if len(fields) != columns.count:
            raise ValueError(f"it has {len(fields)} fields, and the first line {columns.count}")
        at = _instant(fields[columns.time], self._foreign.zone if self._foreign else None)
        value = _value(fields[columns.value])
        key: object = tuple(fields[place] for place, _ in columns.labels), fields[columns.metric] if columns.metric is not None else ""
        parts = text.split(b",", 3)
        if self._foreign is None and is_one_line and len(parts) >= 3 and b'"' not in parts[1]:
            key = (parts[1], parts[3] if len(parts) == 4 else b"")
        known = self._keys.get(key)
        if known is None:
            known = self._gathered.name(_labels(columns, fields))
            if len(self._keys) < _MOST_KEYS:
                self._keys[key] = known
        self._gathered.add([known], [at], [value], [number])


def _foreign_columns(foreign: Foreign, fields: list[str]) -> _Columns:
    for wanted in (foreign.time, foreign.value, *foreign.labels):
        if fields.count(wanted) != 1:
            what = f"the file has {'no column' if wanted not in fields else 'more than one column'} {quoted(wanted)}"
            raise UsageError(Problem("samples.import", what, f"its columns are: {', '.join(map(quoted, fields))}"))
    if not _METRIC_NAME.fullmatch(foreign.name):
        hint = "letters, digits, underscores and colons, and no digit first"
        raise UsageError(Problem("samples.import", f"{quoted(foreign.name)} is no name of a metric", hint))
    labels = tuple((fields.index(column), _label_name(column)) for column in foreign.labels)
    return _Columns(fields.index(foreign.time), fields.index(foreign.value), None, foreign.name, labels, len(fields))


def _label_name(column: str) -> str:
    """A column's name as a label's: what Prometheus does not allow there ("Data model") becomes an underscore."""
    clean = re.sub(r"[^a-zA-Z0-9_]", "_", column).lstrip("_")
    return f"_{clean}" if not clean or clean[0].isdigit() else clean


def _labels(columns: _Columns, fields: list[str]) -> Labels:
    name = columns.name if columns.metric is None else fields[columns.metric]
    if not name:
        raise ValueError("it names no metric")
    return {NAME: name, **dict(_filled(columns, fields))}


def _filled(columns: _Columns, fields: list[str]) -> Iterator[tuple[str, str]]:
    for place, label in columns.labels:
        if fields[place]:
            if label.startswith("__"):
                raise ValueError(f"a label may not be called {quoted(label)}")
            yield label, fields[place]


def _value(text: str) -> float:
    if text == STALE_TEXT:
        return float(STALE)
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"its value {quoted(text)} is no number")
    value = float(text)
    if math.isinf(value) and text[-1].isdigit():
        raise ValueError("its value is larger than any number that is kept")
    return value


def _instant(text: str, zone: tzinfo | None) -> float:
    """Milliseconds since 1970. Raises ValueError."""
    if _PLAIN_NUMBER.fullmatch(text):
        number = float(text)
        milliseconds = number * 1000 if abs(number) < _SECONDS_BELOW else number
        if abs(milliseconds) >= LATEST:
            raise ValueError(f"its time {quoted(text)} is none that can be meant")
        return milliseconds
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"its time {quoted(text)} is neither RFC 3339 nor seconds or milliseconds since 1970") from None
    if at.tzinfo is None:
        if zone is None:
            raise ValueError(f"its time {quoted(text)} states no zone: bring it with --zone UTC, or the zone in which it was written")
        at = at.replace(tzinfo=zone)
    return (at - _EPOCH) / timedelta(milliseconds=1)
