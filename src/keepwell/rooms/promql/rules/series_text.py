"""Series as text: ``http_requests_total{code="500"} 1+2x3 _ stale``, the notation of Prometheus' unit tests and test scripts.

A value is a number; ``1+2x3`` is 1 and then three more, each 2 larger; ``1x3`` is 1 four times; ``_`` no sample, ``_x3`` three times none;
``stale`` a staleness marker; what stands in ``{{ }}`` a native histogram (prometheus.io, "Unit testing for rules"; promqltest/README.md).
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from keepwell.ports.samples import NAME, STALE_BITS
from keepwell.rooms.promql.literals import unquoted

STALE: float = struct.unpack("<d", struct.pack("<Q", STALE_BITS))[0]
"""The staleness marker."""

MOST = 2_000_000
"""Values that one sequence may stand for."""


class SeriesTextError(ValueError):
    """The text is not in the notation. ``at`` is the character (from 0) at which it stops being that."""

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True, slots=True)
class Native:
    """A native histogram, which is not kept."""


Item = float | Native | None
"""One place of a sequence: a number, a native histogram, or nothing (``_``)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One series and its sequence, written out."""

    labels: dict[str, str]
    items: list[Item]


_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_QUOTED = r"""(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`)"""
_LABEL = re.compile(rf"\s*(?P<name>[A-Za-z_][A-Za-z0-9_.]*|{_QUOTED})\s*(?:=\s*(?P<value>{_QUOTED}))?\s*")
_SPACE = re.compile(r"\s*")


def read_line(text: str) -> Line:
    """A series and its sequence. Raises SeriesTextError."""
    labels, end = _labels(text, 0)
    return Line(labels, _items(text, end))


def read_metric(text: str) -> dict[str, str]:
    """The labels of a series, its name among them; ``{}`` is a series without any. Raises SeriesTextError."""
    labels, end = _labels(text, 0)
    if text[end:].strip():
        raise SeriesTextError(f"unexpected {text[end:].strip()[:20]!r} after the series", end)
    return labels


def read_items(text: str) -> list[Item]:
    """A sequence, written out. Raises SeriesTextError."""
    return _items(text, 0)


def _labels(text: str, start: int) -> tuple[dict[str, str], int]:
    at = _skipped(text, start)
    labels: dict[str, str] = {}
    name = _NAME.match(text, at)
    if name is not None:
        labels[NAME] = name.group()
        at = _skipped(text, name.end())
    if text.startswith("{", at) and not text.startswith("{{", at):
        at = _braces(text, at + 1, labels)
    elif name is None:
        raise SeriesTextError("a series begins with its name or with {", at)
    return {key: value for key, value in labels.items() if value}, at


def _braces(text: str, at: int, labels: dict[str, str]) -> int:
    while True:
        at = _skipped(text, at)
        if text.startswith("}", at):
            return at + 1
        match = _LABEL.match(text, at)
        if match is None:
            raise SeriesTextError("the labels of a series are not closed with }" if at >= len(text) else "expected a label or }", at)
        key = match["name"]
        is_quoted = key[0] in "\"'`"
        if match["value"] is not None:
            labels[unquoted(key) if is_quoted else key] = unquoted(match["value"])
        elif is_quoted and NAME not in labels:
            labels[NAME] = unquoted(key)
        else:
            raise SeriesTextError(f"the label {key} has no quoted value", match.end())
        at = match.end()
        if text.startswith(",", at):
            at += 1
        elif not text.startswith("}", at):
            raise SeriesTextError("expected , or } after a label", at)


def _skipped(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


_HISTOGRAM = re.compile(r"\{\{.*?\}\}(?:[+-]\{\{.*?\}\})?(?:x(?P<times>\d+))?")
# No hexadecimal numbers: `0x10` is 0 ten times more.
_NUMBER = r"(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[iI][nN][fF]|[nN][aA][nN])"
_ITEM = re.compile(rf"(?P<first>[+-]?{_NUMBER}|stale|_)(?:(?P<step>[+-]{_NUMBER})?x(?P<times>\d+))?(?=\s|$)")


def _items(text: str, start: int) -> list[Item]:
    items: list[Item] = []
    at = _skipped(text, start)
    while at < len(text):
        match = _HISTOGRAM.match(text, at) or _ITEM.match(text, at)
        if match is None:
            raise SeriesTextError(f"unexpected {text[at : at + 20]!r} in a sequence of values", at)
        times = _times(match, at)
        if len(items) + times > MOST:
            raise SeriesTextError(f"the sequence has more than {MOST:,} values", at)
        if text.startswith("{{", at):
            items.extend([Native()] * (times + 1))
        else:
            items.extend(_repeated(match, times))
        at = _skipped(text, match.end())
    return items


def _times(match: re.Match[str], at: int) -> int:
    digits = match["times"] or "0"
    if len(digits) > 12:
        raise SeriesTextError(f"the sequence has more than {MOST:,} values", at)
    return int(digits)


def _repeated(match: re.Match[str], times: int) -> Iterator[Item]:
    if match["first"] == "_":
        yield from [None] * (1 if match["times"] is None else times)
        return
    value = STALE if match["first"] == "stale" else _float(match["first"])
    step = _float(match["step"]) if match["step"] is not None else 0.0
    for _ in range(times + 1):
        yield value
        # Added up step by step, as Prometheus does, so that rounding is the same.
        value = value + step if step else value


def _float(text: str) -> float:
    sign = -1.0 if text.startswith("-") else 1.0
    return sign * float(text.lstrip("+-"))
