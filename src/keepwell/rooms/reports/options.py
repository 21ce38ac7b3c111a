"""The sections ``kpis`` and ``reports``."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from keepwell.config.options import CadenceText, Limit, Options, Reference, ZoneName
from keepwell.kernel.cadences import parse_cadence
from keepwell.kernel.comparisons import Comparison, Unit
from keepwell.kernel.durations import parse_duration
from keepwell.kernel.zones import find_zone

from .periods import parse_period_word

Of = Literal["mean", "min", "max", "last", "p50", "p90", "p95", "p99"]
_FORMS = ("metric", "uptime", "errors")


class KpiOptions(Options):
    """One figure by which the service is judged: what is measured, what is wanted, and from where on it is bad."""

    title: str = ""
    """What it is called in reports; without it the entry's name."""
    metric: Annotated[str, Field(min_length=1)] | None = None
    """Series, as Prometheus selects them, such as duration_seconds{check="api"}; of several, the worst counts."""
    of: Of = "p95"
    """With metric: which figure of the span is judged."""
    uptime: Annotated[str, Reference("checks")] | None = None
    """The check whose uptime (a share of the time) is the figure."""
    errors: Annotated[str, Reference("checks")] | None = None
    """The check of whose looks the share that failed is the figure."""
    target: Limit | None = None
    """What is wanted, such as < 50ms."""
    warning: Limit | None = None
    """From where on it is a warning, such as > 100ms."""
    critical: Limit | None = None
    """From where on it is critical, such as > 500ms."""

    @property
    def limits(self) -> tuple[Comparison, ...]:
        """Those that are written."""
        return tuple(one for one in (self.target, self.warning, self.critical) if one is not None)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        written = [form for form in _FORMS if getattr(self, form) is not None]
        if len(written) != 1:
            raise ValueError(f"a figure has exactly one of metric, uptime and errors; it has {' and '.join(written) or 'none'}")
        if "of" in self.model_fields_set and self.metric is None:
            raise ValueError("of belongs to metric: remove it")
        if not self.limits:
            raise ValueError("nothing is wanted of it: write target, warning, critical or several of them")
        units = {one.unit for one in self.limits}
        if len(units) > 1:
            raise ValueError("target, warning and critical must be in one unit")
        if self.metric is None and units != {Unit.RATIO}:
            raise ValueError("uptime and errors are shares: write limits such as >= 99.9%")
        return self


def _period(text: str) -> str:
    parse_period_word(text)
    return text


class ReportOptions(Options):
    """One report: of which kind, over which time, when it is made and who gets it. ``weekly`` and ``capacity`` are there without being
    written; an entry of that name changes them."""

    kind: Literal["weekly", "capacity"] | None = None
    """weekly: how the service did. capacity: where it is heading, and when limits are reached. Needed where the name is neither."""
    title: str = ""
    """Its title."""
    period: Annotated[str, AfterValidator(_period)] | None = None
    """Over which time: day, week, month (so long until it is made), last-week, last-month (of the calendar), or a duration such as 14d."""
    every: CadenceText | None = None
    """When it is made, such as Monday 09:00 or first Monday; without it only when somebody asks, or a task does."""
    zone: ZoneName = "UTC"
    """The zone of these times and of the calendar."""
    to: tuple[Annotated[str, Reference("receivers")], ...] = ()
    """The receivers that get it each time it is made by its schedule."""
    late: str = "6h"
    """How long after its time it is still made, where Keepwell did not run then."""

    @property
    def late_for(self) -> timedelta:
        """``late`` as a duration."""
        return parse_duration(self.late)

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        find_zone(self.zone)
        parse_duration(self.late)
        if self.every is not None:
            parse_cadence(self.every, self.zone)
        return self
