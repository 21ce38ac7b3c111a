"""Objectives measured: what was promised, what samples say, and how much may still fail."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from keepwell.kernel.comparisons import Comparison, Unit, describe
from keepwell.kernel.durations import format_duration
from keepwell.kernel.percentages import format_percentage
from keepwell.kernel.problems import KeepwellError
from keepwell.ports.samples import NAME, Matcher
from keepwell.rooms.samples import rollup
from keepwell.rooms.samples.questions import errors as failing
from keepwell.rooms.samples.questions import promises as judging
from keepwell.rooms.samples.questions.asked import Stretch, aligned, iso
from keepwell.rooms.samples.questions.points import quantile_of
from keepwell.rooms.samples.questions.promises import Budget, Promise
from keepwell.rooms.samples.tiers import Answered, Need

from .asking import Asker, Facts, answered_json, number, select
from .measuring import counters_failed, edges_json, looks_failed, step_for
from .reader import Extent, by_series, samples_by_series
from .uptime import Measured as Uptime
from .uptime import measure

if TYPE_CHECKING:
    from keepwell.rooms.samples.objectives.options import ObjectiveOptions

_SCARCE = 0.5
_MOST_SERIES = 200


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure: ``by`` says of what (a check, a series); None where nothing was measured, and ``why``."""

    value: float | None
    by: str = ""
    budget: Budget | None = None
    answered: Answered | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One thing that is promised: its name, what must hold, and how it is measured."""

    kind: str
    promise: Promise
    measured: Callable[[], Coroutine[Any, Any, Measured]]
    words: str


async def objectives(asker: Asker) -> dict[str, Any]:
    """Every promise of every objective with its verdict, in the order of the configuration."""
    now, found = asker.reader.now(), []
    for name, options in asker.facts().objectives.items():
        stretch = Stretch(max(0, now - options.over // timedelta(milliseconds=1)), now)
        found += [await _judged(name, options, asked, stretch) for asked in _asked(asker, name, options, stretch)]
        promised = [(kind, limit) for kind in ("rto", "rpo") if (limit := getattr(options, kind)) is not None]
        found += [await _of_backups(asker, name, kind, limit) for kind, limit in promised]
    counts = {word: sum(one["verdict"] == word for one in found) for word in ("met", "missed", "warning", "critical", "no data")}
    return {"timestamp": iso(now), "counts": counts, "objectives": found}


async def _judged(name: str, options: "ObjectiveOptions", asked: _Asked, stretch: Stretch) -> dict[str, Any]:
    try:
        measured = await asked.measured()
    except KeepwellError as error:  # too many series, for example: the other objectives are answered all the same
        measured = Measured(None, why=str(error))
    want, budget = asked.promise.want, measured.budget
    value = None if measured.value is None else number(measured.value)
    return {
        "name": name,
        "promise": asked.words,
        "kind": asked.kind,
        "target": str(want),
        "bound": want.bound,
        "unit": want.unit.value,
        "over": format_duration(options.over),
        **edges_json(stretch),
        "by": measured.by,
        "measured": value,
        "measured_words": "-" if value is None else _said(value, want),
        "verdict": judging.verdict(asked.promise, value),
        "warning": str(asked.promise.warning) if asked.promise.warning else None,
        "critical": str(asked.promise.critical) if asked.promise.critical else None,
        "budget": budget and {"allowed": budget.allowed, "used": budget.used, "left": budget.left, "left_ratio": budget.left_ratio},
        "budget_words": "" if budget is None else _budget_words(budget),
        **(answered_json(measured.answered) if measured.answered else {"tier": None, "exact": False, "note": ""}),
        "why": measured.why,
    }


def _said(value: float, want: Comparison) -> str:
    if want.unit is Unit.RATIO:
        return f"{value * 100:.4f}".rstrip("0").rstrip(".") + " %"
    return want.describe(value)


def _budget_words(budget: Budget) -> str:
    allowed = describe(budget.allowed, budget.unit)
    if budget.left < 0:  # a negative length of time, of minus some thousand per cent, tells nobody anything
        return f"none: {describe(budget.used, budget.unit)} used of {allowed}"
    ratio = "" if budget.left_ratio is None else f" ({budget.left_ratio:.0%})"
    return f"{describe(budget.left, budget.unit)} of {allowed}{ratio}"


async def _of_backups(asker: Asker, name: str, kind: str, limit: timedelta) -> dict[str, Any]:
    """A recovery time or point beside what was promised: backups measure it."""
    words = {"rto": "recovery time", "rpo": "recovery point"}[kind]
    recovery = await asker.recovery(name)
    seconds = recovery.time if kind == "rto" else recovery.point
    nothing = dict.fromkeys(("warning", "critical", "budget", "tier", "start", "end", "seconds"))
    return {
        **nothing,
        "name": name,
        "promise": words,
        "kind": kind,
        "target": f"<= {format_duration(limit)}",
        "bound": limit.total_seconds(),
        "unit": Unit.SECONDS.value,
        "over": "",
        "by": recovery.by,
        "measured": seconds,
        "measured_words": "-" if seconds is None else describe(seconds, Unit.SECONDS),
        "verdict": "no data" if seconds is None else "met" if seconds <= limit.total_seconds() else "missed",
        "budget_words": "",
        "exact": False,
        "note": "",
        "why": recovery.why if seconds is None else "",
    }


def _asked(asker: Asker, name: str, options: "ObjectiveOptions", stretch: Stretch) -> Sequence[_Asked]:
    """What an objective promises that samples can tell."""
    found = []
    if options.availability is not None:
        words = f">= {format_percentage(options.availability)}"
        want = Comparison(">=", options.availability, Unit.RATIO, words)
        found.append(_one("availability", options, want, lambda: _availability(asker, name, options, stretch), "availability"))
    if options.latency is not None:
        percentile = options.latency.percentile
        words = f"latency p{percentile:g}"
        found.append(_one("latency", options, options.latency.limit, lambda: _latency(asker, name, options, stretch), words))
    if options.errors is not None:
        found.append(_one("errors", options, options.errors, lambda: _errors(asker, name, options, stretch), "share of errors"))
    if options.want is not None:
        found.append(_one("metric", options, options.want, lambda: _metric(asker, options, stretch), f"{options.of} of {options.metric}"))
    return found


def _one(
    kind: str, options: "ObjectiveOptions", want: Comparison, measured: Callable[[], Coroutine[Any, Any, Measured]], words: str
) -> _Asked:
    return _Asked(kind, Promise(want, options.warning, options.critical), measured, words)


def checks_of(facts: Facts, name: str, options: "ObjectiveOptions") -> list[str]:
    """The checks by which an objective is measured: the one it names, those of the target it names, or of what has its own name."""
    if options.check is not None:
        return [options.check]
    target = options.target or name
    of_target = [check for check, known in facts.checks.items() if known.target == target]
    return of_target or ([name] if options.target is None and name in facts.checks else [])


def _nobody(options: "ObjectiveOptions") -> Measured:
    if options.target is not None:
        return Measured(None, why=f"no check looks at the target {options.target}: write one, or check: NAME")
    return Measured(None, why="nothing says by what it is measured: write check: NAME or target: NAME")


async def _availability(asker: Asker, name: str, options: "ObjectiveOptions", stretch: Stretch) -> Measured:
    windows = None if options.windows is None else ",".join(options.windows) or "none"
    checks = checks_of(asker.facts(), name, options)
    if not checks:
        return _nobody(options)
    found = [_of_check(await measure(asker, check, stretch, windows), options.availability or 0.0) for check in checks]
    return min(found, key=lambda one: (one.value is None, one.value))


def _of_check(one: Uptime, target: float) -> Measured:
    found = one.found
    if found.ratio is None:
        return Measured(None, one.check, why=f"{one.check} was neither seen up nor down in this time")
    known = (found.up + found.down + found.unknown + found.maintenance) / (one.stretch.length / 1000)
    scarce = f"only {known:.0%} of this time was measured" if known < _SCARCE else ""
    return Measured(found.ratio, one.check, judging.time_budget(target, found.up, found.down), one.answered, scarce)


async def _latency(asker: Asker, name: str, options: "ObjectiveOptions", stretch: Stretch) -> Measured:
    assert options.latency is not None
    checks = checks_of(asker.facts(), name, options)
    if not checks:
        return _nobody(options)
    matchers = [(Matcher(NAME, "=", "duration_seconds"), Matcher("check", "=", check)) for check in checks]
    ids = np.unique(np.concatenate([asker.reader.ids(one) for one in matchers]))
    found, answered = await _figures(asker, ids.astype(np.int32), stretch, options.latency.percentile / 100)
    if not found:
        return Measured(None, why="no look of these checks has told how long it took")
    number_, value = max(found, key=lambda one: one[1])
    return Measured(value, asker.reader.labels(number_).get("check", ""), answered=answered)


async def _errors(asker: Asker, name: str, options: "ObjectiveOptions", stretch: Stretch) -> Measured:
    assert options.errors is not None
    shares: dict[str, tuple[failing.Share, Answered]] = {}
    if options.failed is not None and options.all is not None:
        groups, answered, _ = await counters_failed(asker, (options.failed, options.all), (), stretch)
        shares[options.all] = (failing.total(groups.values()), answered)
    else:
        for check in checks_of(asker.facts(), name, options):
            share, answered, _ = await looks_failed(asker, check, stretch)
            shares[check] = (share, answered)
        if not shares:
            return _nobody(options)
    known = {by: one for by, one in shares.items() if one[0].share is not None}
    if not known:
        return Measured(None, ", ".join(shares), why="nothing happened in this time of which a share could have failed")
    by, (share, answered) = max(known.items(), key=lambda one: one[1][0].share or 0.0)
    return Measured(share.share, by, judging.share_budget(options.errors.bound, share.failed, share.all), answered)


async def _metric(asker: Asker, options: "ObjectiveOptions", stretch: Stretch) -> Measured:
    assert options.metric is not None
    assert options.want is not None
    want = options.want
    chosen = select(asker, options.metric, most=_MOST_SERIES)
    quantile = float(options.of[1:]) / 100 if options.of.startswith("p") else None
    found, answered = await _figures(asker, chosen.ids, stretch, quantile, options.of)
    if not found:
        return Measured(None, options.metric, why="there are no such samples in this time")
    worst = found[0]
    for one in found[1:]:
        worst = one if judging.worse(one[1], worst[1], want) else worst
    return Measured(worst[1], _selector(asker.reader.labels(worst[0])), answered=answered)


def _selector(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()) if label != NAME)
    return f"{labels.get(NAME, '')}{{{inner}}}"


async def _figures(
    asker: Asker, ids: Any, stretch: Stretch, quantile: float | None, of: str = ""
) -> tuple[list[tuple[int, float]], Answered]:
    """One figure of each series over the stretch: a quantile, or what ``of`` names."""
    reader = asker.reader
    need = Need.WHOLE if quantile is None else Need.QUANTILE
    answered = reader.plan(stretch.start, stretch.end, step_for(stretch), need)
    if quantile is not None and answered.exact:
        rows = await reader.rows(Extent(ids, stretch.start, stretch.end))
        return [(one, quantile_of(values, quantile)) for one, _, values in samples_by_series(rows)], answered
    whole = aligned(stretch, answered.step)
    rolled = await reader.rolled_rows(Extent(ids, whole.start, whole.end, bins=quantile is not None), answered)
    found = []
    for one, mine in by_series(rolled):
        inside = rollup.take(mine, np.flatnonzero(mine.start >= whole.start))
        if len(inside):
            merged = rollup.merge(inside, int(inside.start[-1]) + 1)
            figure = rollup.quantile(merged, quantile) if quantile is not None else _FIGURES[of](merged)
            found.append((one, float(figure[0])))
    return found, answered


_FIGURES: Mapping[str, Callable[[Any], Any]] = {
    "avg": lambda rolled: rolled.sum / rolled.count,
    "min": lambda rolled: rolled.minimum,
    "max": lambda rolled: rolled.maximum,
    "last": lambda rolled: rolled.last,
}
