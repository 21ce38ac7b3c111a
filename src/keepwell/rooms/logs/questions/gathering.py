"""What is gathered for one question while blocks of lines pass, and the answer at the end."""

import re
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .groups import grouped
from .stamps import NEVER, Seconds
from .table import Column

LINES_SHOWN = 1000
GROUPS_SHOWN = 10
MOST_GROUPS = 200_000
"""Different groups, or different values of a figure, that are told apart; more are counted together, which the answer says."""
LONGEST_SHOWN = 2000

_UNITS = {
    "b": ("B", 1.0),
    "kb": ("B", 1e3),
    "mb": ("B", 1e6),
    "gb": ("B", 1e9),
    "kib": ("B", 2.0**10),
    "mib": ("B", 2.0**20),
    "gib": ("B", 2.0**30),
    "ns": ("s", 1e-9),
    "us": ("s", 1e-6),
    "µs": ("s", 1e-6),
    "ms": ("s", 1e-3),
    "s": ("s", 1.0),
    "m": ("s", 60.0),
}
"""What units mean, to add up lines of different ones."""
_NUMBER = r"[\"']?\s*[:=]\s*[\"']?(?P<number>[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)(?P<more>,[0-9])?\s*(?P<unit>[a-zA-Zµ%]*)"


class Gathering:
    """One question's. ``rejected`` counts lines that were looked at and could not be used, by why."""

    def __init__(self, question: Mapping[str, Any]) -> None:
        self.question = question
        self.ask: str = question["ask"]
        self.fitting = 0
        self.rejected: Counter[str] = Counter()
        self._last: deque[str] = deque(maxlen=question["last"] or LINES_SHOWN)
        self._groups: Counter[str] = Counter()
        self._values: Counter[float] = Counter()
        self._unit: str | None = None
        self._beyond = 0

    def take(self, lines: Column, at: Seconds | None) -> None:
        """Looks at a block of lines, and when each was written (None where no question asks for it)."""
        chosen = self._chosen(lines, at)
        self.fitting += len(chosen)
        if not len(chosen) or self.ask == "count":
            return
        if self.ask == "top":
            self._group(chosen)
        elif self.ask == "statistics":
            self._measure(chosen)
        else:
            most = self._last.maxlen or 0
            self._last.extend(line[:LONGEST_SHOWN] for line in chosen.slice(max(0, len(chosen) - most)).to_pylist())

    def _chosen(self, lines: Column, at: Seconds | None) -> Column:
        since = self.question["since"]
        if since is not None and at is not None:
            self.rejected["without a time"] += int((at == NEVER).sum())
            lines = lines.filter(pa.array(at >= since))
        for pattern in self.question["patterns"]:
            lines = lines.filter(pc.match_substring_regex(lines, pattern))
        for pattern in self.question["without"]:
            lines = lines.filter(pc.invert(pc.match_substring_regex(lines, pattern)))
        return lines

    def _group(self, lines: Column) -> None:
        groups = grouped(lines, self.question["by"] or "line")
        self.rejected["without what it is counted by"] += groups.null_count
        for one in pc.value_counts(groups.drop_null()).to_pylist():
            if one["values"] in self._groups or len(self._groups) < MOST_GROUPS:
                self._groups[one["values"]] += one["counts"]
            else:
                self._beyond += one["counts"]

    def _measure(self, lines: Column) -> None:
        # What has a comma among its digits may mean one or the other: a thousand in one country is one in another.
        found = pc.extract_regex(lines, rf"(?i)(?:^|[^\w]){re.escape(self.question['figure'])}{_NUMBER}")
        self.rejected[f"without {self.question['figure']}"] += found.null_count
        table = pa.table({word: pc.struct_field(found, word) for word in ("number", "unit", "more")}).drop_null()
        ambiguous = pc.not_equal(table["more"], "")
        self.rejected[f"with a comma in {self.question['figure']}"] += pc.sum(ambiguous).as_py() or 0
        table = table.filter(pc.invert(ambiguous))
        counted = table.group_by(["number", "unit"]).aggregate([([], "count_all")])
        for one in counted.to_pylist():
            self._add(float(one["number"]), one["unit"], one["count_all"])

    def _add(self, number: float, unit: str, count: int) -> None:
        if self._unit is None:
            self._unit = unit
        value = number if unit == self._unit else _converted(number, unit, self._unit)
        if value is None:
            self.rejected[f"in {unit or 'no unit'} and not in {self._unit or 'none'}"] += count
            return
        if value not in self._values and len(self._values) >= MOST_GROUPS:
            value = float(f"{value:.3g}")  # a thousandth is lost, no line
        self._values[value] += count

    def answer(self) -> dict[str, Any]:
        """The answer: figures by word, rows to show, and a sentence."""
        match self.ask:
            case "count":
                return {"figures": {"count": self.fitting}, "rows": [], "sentence": _lines(self.fitting)}
            case "top":
                return self._top()
            case "statistics":
                return self._statistics()
        rows = list(self._last)
        shown = f", the last {len(rows)} shown" if len(rows) < self.fitting else ""
        return {"figures": {"count": self.fitting}, "rows": rows, "sentence": f"{_lines(self.fitting)}{shown}"}

    def _top(self) -> dict[str, Any]:
        most = self._groups.most_common(self.question["last"] or GROUPS_SHOWN)
        rows = [(group[:LONGEST_SHOWN], count) for group, count in most]
        figures = {"groups": len(self._groups), "count": self.fitting}
        if not rows:
            return {"figures": figures, "rows": [], "sentence": "no line fits"}
        sentence = f"{len(self._groups)} different in {_lines(self.fitting)}, most often {rows[0][0][:100]!r} ({rows[0][1]})"
        if len(self._groups) == 1 and not re.search(r"\w", rows[0][0]):
            sentence += f"; {self.question['by']} is the same in every line, and by: message counts by what lines say"
        if self._beyond:
            sentence += f"; {_lines(self._beyond)} of rare ones are counted together"
        return {"figures": figures, "rows": rows, "sentence": sentence}

    def _statistics(self) -> dict[str, Any]:
        count = self._values.total()
        if not count:
            return {"figures": {"count": 0}, "rows": [], "sentence": f"no line has a number behind {self.question['figure']}"}
        values = sorted(self._values)
        figures = {
            "count": count,
            "mean": sum(value * times for value, times in self._values.items()) / count,
            "min": values[0],
            "max": values[-1],
            "p50": self._percentile(values, count, 50),
            "p95": self._percentile(values, count, 95),
            "p99": self._percentile(values, count, 99),
        }
        unit = self._unit or ""
        words = {"mean": "mean", "min": "least", "max": "greatest", "p95": "95 % at most"}
        sentence = ", ".join(f"{said} {figures[word]:.6g}{unit and ' '}{unit}" for word, said in words.items())
        return {"figures": figures, "rows": [], "unit": unit, "sentence": f"{sentence} ({_lines(count)})"}

    def _percentile(self, values: list[float], count: int, percent: int) -> float:
        """The least value that so many percent of all do not exceed (nearest rank)."""
        rank, seen = -(-count * percent // 100), 0
        for value in values:
            seen += self._values[value]
            if seen >= rank:
                return value
        return values[-1]


def _lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"


def _converted(number: float, unit: str, to: str) -> float | None:
    have, want = _UNITS.get(unit.lower()), _UNITS.get(to.lower())
    if have is None or want is None or have[0] != want[0]:
        return None
    return number * have[1] / want[1]
