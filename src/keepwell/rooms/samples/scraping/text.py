"""Prometheus' text format 0.0.4 (its documentation, "Exposition formats"), line by line.

A line says the same on every page: whose text in front of the value was read by prometheus_client once is found in a dictionary from then
on, and only its value is read. Every other line goes through the library: a new one, one with an exemplar, one with odd white space.
The library calls a counter by what OpenMetrics would; Prometheus keeps the name as it stands, and so do we: the ``TYPE`` lines are
read apart from the samples.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from prometheus_client.parser import text_fd_to_metric_families

from keepwell.kernel.quoting import quoted
from keepwell.rooms.samples.model import Metric

from .lines import (
    LONGEST_HELP,
    NO_TIME,
    NUMBER,
    NUMBERS,
    Page,
    PageError,
    Slots,
    families_of,
    labels_of,
    milliseconds,
    monstrous,
    number_of,
    same,
)

_INSTANT = re.compile(r"-?[0-9]{1,15}")  # milliseconds that a float64 holds exactly

_AT_ONCE = 2000
"""Lines that the library reads at a time: what it makes of one takes a kilobyte."""


class TextReader:
    """Reads the pages of one target."""

    def __init__(self) -> None:
        self.slots = Slots()
        self._comments: list[str] = []
        self._metrics: dict[str, Metric] = {}

    def read(self, text: str) -> Page:
        """The rows of a page. Raises PageError with the first line that cannot be read."""
        lines = text.split("\n")
        left_out = monstrous(lines)
        for position in left_out:
            lines[position] = ""
        samples = [line for line in lines if line and line[0] != "#"]
        comments = [line for line in lines if line and line[0] == "#"]
        try:
            metrics = self._described(comments) if comments != self._comments else {}
            slot, value, at = self._rows(samples)
        except PageError as error:
            raise _located(lines, error) from None
        return Page(slot, value, at, self.slots.take_fresh(), metrics, monstrous=len(left_out))

    def keep(self, kept: Any) -> None:
        """Forgets all slots but these; see Slots."""
        self.slots.keep(kept)

    def _rows(self, samples: Sequence[str]) -> tuple[Any, Any, Any]:
        known = self.slots.by_key.get
        parts = [line.rpartition(" ") for line in samples]
        slots = [known(part[0], -1) for part in parts]
        tails = [part[2] for part in parts]
        slot = np.array(slots, dtype=np.int32)
        odd = np.flatnonzero(slot == -1).tolist()
        for position in odd:
            tails[position] = "0"
        value, unread = _numbers(tails)
        if not odd and not unread:
            return slot, value, None
        at = np.full(len(samples), NO_TIME, dtype=np.int64)
        left = list(unread)
        for position in odd:
            row = self._with_instant(parts[position][0], parts[position][2])
            if row is None:
                left.append(position)
            else:
                slot[position], value[position], at[position] = row
        blank = self._read_by_library(samples, sorted(left), (slot, value, at))
        rows = np.delete(slot, blank), np.delete(value, blank), np.delete(at, blank)
        return rows if (rows[2] != NO_TIME).any() else (rows[0], rows[1], None)

    def _with_instant(self, head: str, tail: str) -> tuple[int, float, int] | None:
        """The row of a known series with an instant behind its value."""
        series, _, number = head.rpartition(" ")
        slot = self.slots.by_key.get(series)
        if slot is None or not _INSTANT.fullmatch(tail) or not NUMBER.fullmatch(number) or _endless(number):
            return None
        return slot, float(number), int(tail)

    def _read_by_library(self, samples: Sequence[str], positions: Sequence[int], rows: tuple[Any, Any, Any]) -> list[int]:
        """Fills in the rows of these lines; gives the positions of those that are blank or comments after all."""
        stripped = [samples[position].strip() for position in positions]
        blank = [position for position, line in zip(positions, stripped, strict=True) if not line or line[0] == "#"]
        real = [position for position, line in zip(positions, stripped, strict=True) if line and line[0] != "#"]
        for start in range(0, len(real), _AT_ONCE):
            self._read_some(samples, real[start : start + _AT_ONCE], rows)
        return blank

    def _read_some(self, samples: Sequence[str], positions: Sequence[int], rows: tuple[Any, Any, Any]) -> None:
        families = families_of(text_fd_to_metric_families, [samples[position] for position in positions])
        found = [sample for family in families for sample in family.samples]
        slot, value, at = rows
        for position, sample in zip(positions, found, strict=True):
            slot[position], value[position] = self._learn(samples[position], sample)
            at[position] = NO_TIME if sample.timestamp is None else _milliseconds(sample.timestamp)

    def _learn(self, line: str, sample: Any) -> tuple[int, float]:
        """Slot and value of a series that the library read from this line; its text is remembered where it can be trusted.

        The value is then read from its text: the library makes 0 of ``-0``."""
        labels = labels_of(sample)
        try:
            value = number_of(sample.value)
        except OverflowError:
            raise PageError(0, "its value is no number") from None
        head, _, tail = line.rpartition(" ")
        if sample.timestamp is None and head and NUMBER.fullmatch(tail) and same(float(tail), value):
            return self.slots.add(head, labels), float(tail)
        series, _, number = head.rpartition(" ")
        if (
            sample.timestamp is not None
            and series
            and NUMBER.fullmatch(number)
            and same(float(number), value)
            and _is_series(series, sample)
        ):
            return self.slots.add(series, labels), float(number)
        return self.slots.of_labels(labels), value

    def _described(self, comments: Sequence[str]) -> dict[str, Metric]:
        """What is new or changed of the metadata."""
        seen = set(self._comments)
        described: dict[str, Metric] = {}
        for line in comments:
            if line in seen:
                continue
            for family in families_of(text_fd_to_metric_families, [line]):
                name = _name_in(line, family)
                before = described.get(name) or self._metrics.get(name) or Metric()
                is_type = line.split(None, 2)[1] == "TYPE"
                described[name] = (
                    replace(before, kind=family.type) if is_type else replace(before, help=family.documentation[:LONGEST_HELP])
                )
        self._comments = list(comments)
        if len(self._metrics) > 2 * len(comments) + 1000:
            self._metrics.clear()  # a page whose metrics have other names each time
        self._metrics |= described
        return described


def _numbers(tails: Sequence[str]) -> tuple[Any, list[int]]:
    """The values, and the positions of those that ``float`` must not be trusted with."""
    if NUMBERS.fullmatch("".join(tails)):
        try:
            value = np.fromiter(map(float, tails), np.float64, len(tails))
        except ValueError:
            value = None
        if value is not None:
            return value, [position for position in np.flatnonzero(np.isinf(value)).tolist() if _endless(tails[position])]
    unread = [position for position, tail in enumerate(tails) if not NUMBER.fullmatch(tail) or _endless(tail)]
    left = set(unread)
    return np.array([0.0 if position in left else float(tail) for position, tail in enumerate(tails)], dtype=np.float64), unread


def _endless(number: str) -> bool:
    """Whether these digits make more than a float holds: the library, which reads whole numbers first, has its own say on them."""
    return len(number) > 300


def _milliseconds(timestamp: float) -> int:
    try:
        return milliseconds(timestamp)
    except (ValueError, OverflowError):
        raise PageError(0, "its instant is no number of milliseconds") from None


def _is_series(head: str, sample: Any) -> bool:
    """Whether this text is the name and labels of that sample, and nothing more: with a value behind it, it has no instant."""
    try:
        again = families_of(text_fd_to_metric_families, [head + " 1"])[0].samples[0]
    except PageError:
        return False
    return again.timestamp is None and again.value == 1 and (again.name, again.labels) == (sample.name, sample.labels)


def _name_in(line: str, family: Any) -> str:
    """The metric's name as the line says it: the library takes ``_total`` off a counter's."""
    written = line.split(None, 3)[2].strip('"')
    return f"{family.name}_total" if family.type == "counter" and written.endswith("_total") else str(family.name)


def _located(lines: Sequence[str], error: PageError) -> PageError:
    """The same error with its line on the page: the first that the library does not take."""
    for number, line in enumerate(lines, start=1):
        why = _fault(line)
        if why:
            return PageError(number, why)
    return error


def _fault(line: str) -> str:
    """Why this line cannot be read; empty where it can."""
    try:
        for sample in (sample for family in families_of(text_fd_to_metric_families, [line]) for sample in family.samples):
            number_of(sample.value)
            _milliseconds(sample.timestamp or 0.0)
    except PageError as error:
        return error.why
    except OverflowError:
        return f"its value is no number: {quoted(line, 80)}"
    return ""
