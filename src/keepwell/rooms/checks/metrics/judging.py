"""Several series judged together: each against the limits, or their sum, least, greatest or number."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from keepwell.config.options import Limit
from keepwell.kernel.comparisons import Comparison, Unit, describe
from keepwell.kernel.states import State
from keepwell.rooms.checks.limits import Verdict, WarnsBeforeItFails, finite, judge, together
from keepwell.rooms.checks.texts import show

Taken = Literal["each", "sum", "least", "greatest", "number"]
_MOST_NAMED = 20
_MOST_TOLD = 3
_COMBINE: Mapping[str, Callable[[list[float]], float]] = {"sum": sum, "least": min, "greatest": max}
_WORDS = {"sum": "the sum of {count}", "least": "the least of {count}", "greatest": "the greatest of {count}"}


class AnyLimits(WarnsBeforeItFails):
    """When a value is worth a warning or a failure. Prometheus counts in base units: seconds, bytes, ratios."""

    warn: Limit | None = None
    """The check is ``warn`` where this holds, for example ``> 4``, ``> 80%`` of a ratio, ``> 500ms`` of seconds, ``< 2GB`` of bytes."""
    fail: Limit | None = None
    """The check is ``fail`` where this holds, for example ``> 8``, ``> 90%``, ``> 2s``, ``< 500MB``."""

    def describe(self, value: float) -> str:
        """A value in the unit of a limit."""
        limit: Comparison | None = self.warn or self.fail
        return limit.describe(value) if limit is not None else describe(value, Unit.NUMBER)


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its labels and its value now."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on some series, and the numbers to keep of them."""

    verdict: Verdict
    values: Mapping[str, float]


def finite_series(series: Sequence[Series]) -> list[Series]:
    """Those with a number: not-a-number and infinity say nothing that could be judged."""
    return [one for one in series if finite(one.value) is not None]


def judged(name: str, seen: str, series: Sequence[Series], take: Taken, limits: AnyLimits) -> Result:
    """The verdict on at least one series with a number. ``name`` is under which name they are kept, ``seen`` what sentences call them."""
    if take == "number":
        count = float(len(series))
        return Result(judge(f"{seen} has {len(series)} series", count, limits.warn, limits.fail), {name: count})
    if take != "each":
        value = finite(_COMBINE[take]([one.value for one in series]))
        if value is None:
            return Result(Verdict(State.FAIL, f"{seen}: {_WORDS[take].format(count=len(series))} is beyond what can be counted"), {})
        words = f"{seen} is {limits.describe(value)} ({_WORDS[take].format(count=len(series))} series)"
        return Result(judge(words, value, limits.warn, limits.fail), {name: value})
    if len(series) == 1:
        words = f"{seen} is {limits.describe(series[0].value)}"
        return Result(judge(words, series[0].value, limits.warn, limits.fail), {name: series[0].value})
    return _each(name, seen, series, limits)


def _each(name: str, seen: str, series: Sequence[Series], limits: AnyLimits) -> Result:
    """The worst are told, the others counted."""
    apart = _telling(series)
    verdicts = [
        judge(f"{seen} is {limits.describe(one.value)} at {_at(one, apart)}", one.value, limits.warn, limits.fail) for one in series
    ]
    bad = [verdict for verdict in verdicts if verdict.state is not State.OK]
    worst = together(bad).state if bad else State.OK
    told = [verdict for verdict in bad if verdict.state is worst][:_MOST_TOLD]
    well = len(verdicts) - len(bad)
    if not bad:
        values = [one.value for one in series]
        words = f"{seen} is {limits.describe(min(values))} to {limits.describe(max(values))} at {len(series)} series"
        limit = [f"{state} {text}" for state, text in (("warn", limits.warn), ("fail", limits.fail)) if text is not None]
        return Result(Verdict(State.OK, ", ".join([words, *limit])), _named(name, series, apart))
    rest = len(bad) - len(told)
    others = f"{rest} more beyond a limit, " if rest else ""
    told.append(Verdict(State.OK, f"{others}{well} of {len(verdicts)} are well"))
    return Result(together(told), _named(name, series, apart))


def _telling(series: Sequence[Series]) -> list[str]:
    """The labels that tell the series apart."""
    names = sorted({label for one in series for label in one.labels if label != "__name__"})
    return [label for label in names if len({one.labels.get(label, "") for one in series}) > 1]


def _at(one: Series, labels: Sequence[str]) -> str:
    return show(", ".join(f"{label}={one.labels.get(label, '')}" for label in labels))[1:-1]


def _named(name: str, series: Sequence[Series], labels: Sequence[str]) -> dict[str, float]:
    """A value for each of the first series, named by what tells them apart; of two with the same name the first."""
    values: dict[str, float] = {f"{name}_series": float(len(series))}
    for one in series[:_MOST_NAMED]:
        suffix = re.sub("[^a-z0-9]+", "_", " ".join(one.labels.get(label, "") for label in labels).lower())[:60].strip("_")
        values.setdefault(f"{name}_{suffix}" if suffix else name, one.value)
    return values
