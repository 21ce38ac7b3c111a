"""The figures by which a service is judged: those of the configuration, else those that follow from its checks and objectives. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from keepwell.kernel.comparisons import Comparison, Unit

from .model import State
from .sources import CheckFacts

if TYPE_CHECKING:
    from .options import KpiOptions

Verdict = Literal["on target", "off target", "warning", "critical", "within limits", "not measured"]

_STATES: Mapping[Verdict, State] = {
    "on target": "ok",
    "within limits": "ok",
    "off target": "warn",
    "warning": "warn",
    "critical": "fail",
    "not measured": "unknown",
}


@dataclass(frozen=True, slots=True)
class Kpi:
    """A figure: ``measure`` is ``uptime`` or ``errors`` of the check ``about``, or the figure (``p95``) of the series that the selector
    ``about`` names; and what is wanted of it."""

    name: str
    measure: str
    about: str
    target: Comparison | None = None
    warning: Comparison | None = None
    critical: Comparison | None = None

    @property
    def unit(self) -> Unit:
        """That of its limits."""
        limit = self.target or self.warning or self.critical
        return limit.unit if limit is not None else Unit.NUMBER

    def describe(self, value: float) -> str:
        """A measured value in words, as its limits write theirs; shares with enough digits to tell 99.95 from 99.9 %."""
        limit = self.target or self.warning or self.critical
        if self.unit is Unit.RATIO:
            return f"{value * 100:.3f}".rstrip("0").rstrip(".") + " %"
        return limit.describe(value) if limit is not None else f"{value:g}"


def verdict(kpi: Kpi, value: float | None) -> Verdict:
    """How a measured value stands: the worst that can be said of it."""
    if value is None:
        return "not measured"
    if kpi.critical is not None and kpi.critical.holds(value):
        return "critical"
    if kpi.warning is not None and kpi.warning.holds(value):
        return "warning"
    if kpi.target is None:
        return "within limits"
    return "on target" if kpi.target.holds(value) else "off target"


def state_of(word: Verdict) -> State:
    """How that is to be seen."""
    return _STATES[word]


def is_worse(kpi: Kpi, one: float, other: float) -> bool:
    """Whether one value is worse than another: further the way in which the limits lie."""
    if kpi.target is not None:
        return one < other if kpi.target.operator[0] == ">" else one > other
    limit = kpi.warning or kpi.critical
    return one < other if limit is not None and limit.operator[0] == "<" else one > other


def configured(options: "Mapping[str, KpiOptions]") -> tuple[Kpi, ...]:
    """Those of the section ``kpis``."""
    return tuple(_configured(name, one) for name, one in options.items())


def _configured(name: str, options: "KpiOptions") -> Kpi:
    measure, about = ("uptime", options.uptime) if options.uptime else ("errors", options.errors) if options.errors else ("", "")
    title = options.title or name.replace("-", " ")
    return Kpi(title, measure or options.of, about or options.metric or "", options.target, options.warning, options.critical)


def derived(checks: Sequence[CheckFacts]) -> tuple[Kpi, ...]:
    """Where the configuration names none: every value of a check that has limits, at its 95th percentile (a limit from below: its
    minimum)."""
    return tuple(
        Kpi(f"{check.name}: {one.title}", _figure(one.warning or one.critical), one.selector, None, one.warning, one.critical)
        for check in checks
        for one in check.limits
    )


def _figure(limit: Comparison | None) -> str:
    return "min" if limit is not None and limit.operator[0] == "<" else "p95"
