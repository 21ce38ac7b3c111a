"""The words of rules: what is measured, what it is compared with, and what an alert of it looks like."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from keepwell.kernel.comparisons import Comparison
from keepwell.kernel.problems import Place

Labels = Mapping[str, str]

WARNING, CRITICAL = "warning", "critical"
KPI = "kpi"
"""The label of a KPI's alerts: the figure's name."""


@dataclass(frozen=True, slots=True)
class Parts:
    """An expression taken apart: see rooms/promql/apart.py."""

    measured: str
    operator: str
    bound: float | None
    metrics: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Language:
    """What is asked of PromQL while rules are read. Both raise KeepwellError for a text that is none of theirs."""

    take_apart: Callable[[str], Parts]
    check_template: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Point:
    """One series of an expression's value, without its metric's name."""

    labels: Labels
    value: float


class Ask(Protocol):
    """The value of an expression at an instant (milliseconds since 1970); one number alone has no labels. Raises KeepwellError."""

    async def __call__(self, text: str, at: int, /) -> Sequence[Point]: ...


class Write(Protocol):
    """Texts of an alert as templates about one series, expanded, at an instant (milliseconds since 1970)."""

    async def __call__(self, texts: Mapping[str, str], point: Point, at: int, /) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a condition must hold before its alert fires, and how long the alert fires on after it."""

    hold: timedelta = timedelta(0)
    keep_firing: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Face:
    """What an alert of a rule looks like: its name, its labels and annotations (templates). ``said`` is the figure in words."""

    name: str
    labels: Labels = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    said: str = ""


@dataclass(frozen=True, slots=True)
class Recovery:
    """When an alert is over: a comparison of what is measured, or an expression."""

    limit: Comparison | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class MeasuredRule:
    """A rule over samples. ``text`` is its whole expression, ``measured`` the side of its top-level comparison that is measured (empty
    where it has none), ``limit`` what that is compared with where it is a number. ``metrics`` are the metrics that it needs, None where
    that cannot be said. ``waits_for`` names a figure that nothing defines: such a rule is shown, and not evaluated. ``is_overridden``: its
    threshold is another than the file's."""

    group: str
    key: str
    face: Face
    text: str
    measured: str = ""
    limit: Comparison | None = None
    recovery: Recovery | None = None
    timing: Timing = Timing()
    every: timedelta = timedelta(seconds=15)
    no_data_for: timedelta = timedelta(minutes=5)
    metrics: frozenset[str] | None = None
    waits_for: str = ""
    enabled: bool = True
    is_overridden: bool = False
    place: Place | None = None

    @property
    def source(self) -> str:
        """Who tells of its alerts."""
        return f"rules/{self.group}/{self.key}"


@dataclass(frozen=True, slots=True)
class CheckRule:
    """A rule over a check's state. ``check`` is a check's name, or ``*`` for those that no rule names. ``states`` are a reason."""

    group: str
    key: str
    face: Face
    check: str
    states: frozenset[str]
    timing: Timing = Timing()
    enabled: bool = True
    place: Place | None = None


Changed = Mapping[tuple[str, str], Mapping[str, float | bool]]
"""What was changed while Keepwell runs: by group and name, a rule's ``threshold`` (or ``warning`` and ``critical``) and ``enabled``."""


@dataclass(frozen=True, slots=True)
class Adjustable:
    """A rule as it may be changed: what the file says, by key, and the comparisons of its thresholds."""

    group: str
    name: str
    file: Mapping[str, float | bool]
    limits: Mapping[str, Comparison] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of a configuration."""

    measured: Sequence[MeasuredRule] = ()
    checks: Sequence[CheckRule] = ()
    adjustable: Sequence[Adjustable] = ()
