"""Prometheus' PromQL test scripts: their lines as values. The language is promqltest's (prometheus/promql/promqltest/README.md)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from keepwell.rooms.promql.literals import unquoted
from keepwell.rooms.promql.rules.series_text import Item, Line, Native, SeriesTextError, read_line

__all__ = ["Clear", "Evaluation", "Expected", "Item", "Line", "Load", "Native", "ScriptError", "commands", "duration", "series"]

_LOAD = re.compile(r"load(?:_(with_nhcb))?\s+(.+)", re.IGNORECASE)
_INSTANT = re.compile(r"eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(\S+))?\s+(.+)", re.IGNORECASE)
_RANGE = re.compile(r"eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)", re.IGNORECASE)
_EXPECT = re.compile(r"expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?")
_EXPECT_RANGE = re.compile(r"expect\s+range\s+vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)")
_EXPECT_STRING = re.compile(r"expect\s+string\s+(.+)")
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}


class ScriptError(Exception):
    """A line that is not of the language: which, and why."""


@dataclass(frozen=True, slots=True)
class Load:
    """Samples to keep, ``step`` milliseconds apart from 0 on. ``with_histograms``: native ones are made of classic ones; ``with_starts``:
    it is said when counters began."""

    step: int
    lines: Sequence[Line]
    with_histograms: bool
    with_starts: bool = False


@dataclass(frozen=True, slots=True)
class Clear:
    """Everything is to be forgotten."""


@dataclass(frozen=True, slots=True)
class Expected:
    """An ``expect`` line: of which kind, and the text (``msg``) or pattern (``regex``) that goes with it."""

    kind: str
    how: str = ""
    text: str = ""


@dataclass(slots=True)
class Evaluation:
    """An expression, when it is evaluated (milliseconds), and what is to come out. ``step`` is None for an instant query."""

    line: int
    text: str
    start: int
    end: int
    step: int | None
    expects: list[Expected] = field(default_factory=list)
    series: list[Line] = field(default_factory=list)
    scalar: float | None = None
    string: str | None = None
    grid: tuple[int, int, int] | None = None

    def expecting(self, kind: str) -> list[Expected]:
        """The expect lines of that kind."""
        return [expected for expected in self.expects if expected.kind == kind]


Command = Load | Clear | Evaluation


def commands(text: str) -> Iterator[Command]:
    """The script's commands in order. Raises ScriptError."""
    lines = [line.strip() for line in text.split("\n")]
    lines = ["" if line.startswith("#") else line for line in lines]
    at = 0
    while at < len(lines):
        end = at + 1
        while end < len(lines) and lines[end]:
            end += 1
        word = lines[at].split(maxsplit=1)[0].lower() if lines[at] else ""
        if not word:
            at += 1
        elif word == "clear":
            yield Clear()
            at += 1
        elif word.startswith("load"):
            yield _load(lines[at], lines[at + 1 : end], at + 1)
            at = end
        elif word.startswith("eval"):
            evaluation, used = _evaluation(lines[at:end], at + 1)
            yield evaluation
            at += used
        else:
            raise ScriptError(f"line {at + 1}: no command: {lines[at]}")


def _load(head: str, body: Sequence[str], line: int) -> Load:
    match = _LOAD.fullmatch(head)
    if match is None:
        raise ScriptError(f"line {line}: not a load command: {head}")
    lines = [series(text) for text in body if not _is_start_time(text)]
    return Load(duration(match[2]), lines, match[1] is not None, any(_is_start_time(text) for text in body))


def _is_start_time(text: str) -> bool:
    # `metric@st -1m` says when a counter began; that is kept only with an experimental feature.
    return text.split(maxsplit=1)[0].endswith("@st")


def _evaluation(lines: Sequence[str], line: int) -> tuple[Evaluation, int]:
    found = _head(lines[0], line)
    for used, text in enumerate(lines[1:], 1):
        if _expectation(found, text):
            continue
        number = _number(text)
        if number is not None:
            found.scalar = number
            return found, used + 1
        found.series.append(series(text))
    return found, len(lines)


def _head(text: str, line: int) -> Evaluation:
    instant, ranged = _INSTANT.fullmatch(text), _RANGE.fullmatch(text)
    if instant is not None:
        at = duration(instant[2] or "0")
        found = Evaluation(line, instant[3], at, at, None)
        kind = instant[1]
    elif ranged is not None:
        found = Evaluation(line, ranged[5], duration(ranged[2]), duration(ranged[3]), duration(ranged[4]))
        kind = ranged[1]
    else:
        raise ScriptError(f"line {line}: not an eval command: {text}")
    if kind:
        found.expects.append(Expected(kind.lower()))
    return found


def _expectation(found: Evaluation, text: str) -> bool:
    for prefix, how in (("expected_fail_message", "msg"), ("expected_fail_regexp", "regex")):
        if text.startswith(prefix):
            found.expects.append(Expected("fail", how, text.removeprefix(prefix).strip()))
            return True
    if text.split(maxsplit=1)[0] != "expect":
        return False
    grid, string, other = _EXPECT_RANGE.fullmatch(text), _EXPECT_STRING.fullmatch(text), _EXPECT.fullmatch(text)
    if grid is not None:
        found.grid = (duration(grid[1]), duration(grid[2]), duration(grid[3]))
    elif string is not None:
        found.string = unquoted(string[1])
    elif other is not None:
        found.expects.append(Expected(other[1], other[2] or "", (other[3] or "").strip()))
    else:
        raise ScriptError(f"line {found.line}: not an expect line: {text}")
    return True


def duration(text: str) -> int:
    """A duration with units, or a number of seconds, in milliseconds."""
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text)
    parts = re.findall(r"(\d+)(ms|[smhdwy])", rest)
    if rest and "".join(number + unit for number, unit in parts) == rest:
        return sign * sum(int(number) * _UNITS[unit] for number, unit in parts)
    try:
        return sign * round(float(rest) * 1000)
    except ValueError:
        raise ScriptError(f"not a duration: {text}") from None


def _number(text: str) -> float | None:
    try:
        return float(int(text, 0)) if re.fullmatch(r"[+-]?(0[xXoObB])?[0-9a-fA-F_]+", text) and not text.isalpha() else float(text)
    except ValueError:
        return None


def series(text: str) -> Line:
    """A series line: its labels, and its sequence written out."""
    try:
        return read_line(text)
    except SeriesTextError as error:
        raise ScriptError(f"{error}: {text}") from None
