"""The sections ``objectives`` and ``windows``."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from keepwell.config.options import Duration, Limit, Options, Percentage, Reference
from keepwell.kernel.comparisons import Comparison, Unit, parse_comparison
from keepwell.kernel.problems import KeepwellError
from keepwell.kernel.windows import Window, parse_window
from keepwell.rooms.samples.selectors import read_selector

_LATENCY = re.compile(r"(?:p([0-9]{1,2}(?:\.[0-9])?) ?)?(<=? ?\S.*)")
_USUAL = 95.0


@dataclass(frozen=True, slots=True)
class LatencyLimit:
    """``p95 < 2s``: the percentile (0 to 100) and what it must be."""

    percentile: float
    limit: Comparison

    def __str__(self) -> str:
        return f"p{self.percentile:g} {self.limit}"


def _latency(value: Any) -> LatencyLimit:
    if isinstance(value, LatencyLimit):
        return value
    expected = "a percentile with its limit such as p95 < 2s"
    found = _LATENCY.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= 64 else None
    if found is None:
        raise PydanticCustomError("expected", "expected {expected}", {"expected": expected})
    try:
        limit = parse_comparison(found[2])
    except ValueError as error:
        raise PydanticCustomError("quantity", "{reason}", {"reason": str(error)}) from None
    if limit.unit is not Unit.SECONDS:
        raise PydanticCustomError("expected", "expected {expected}", {"expected": f"{expected}, with a duration"})
    return LatencyLimit(float(found[1] or _USUAL), limit)


def _share_of_time(value: float) -> float:
    if not 0 < value <= 1:
        raise PydanticCustomError("quantity", "{reason}", {"reason": "a share of time is above 0% and at most 100%"})
    return value


def _share_that_fails(value: Comparison) -> Comparison:
    if value.unit is not Unit.RATIO or value.operator not in ("<", "<="):
        raise PydanticCustomError("expected", "expected {expected}", {"expected": "a share that may fail such as < 1%"})
    return value


def _selector(value: str) -> str:
    try:
        read_selector(value)
    except KeepwellError as error:
        raise PydanticCustomError("selector", "{reason}", {"reason": str(error)}) from None
    return value


_LATENCY_SCHEMA = {"type": "string", "description": "a percentile with its limit", "examples": ["p95 < 2s", "< 500ms"]}
Latency = Annotated[LatencyLimit, PlainValidator(_latency, json_schema_input_type=str), WithJsonSchema(_LATENCY_SCHEMA)]
Selector = Annotated[str, AfterValidator(_selector)]
"""Series as Prometheus selects them."""


class WindowOptions(Options):
    """Days and hours in which work on the service is foreseen. An outage in them is no failure of the service."""

    on: str
    """Days and a span, such as Sunday 02:00-04:00, weekdays 22:00-23:00 or daily 22:00-06:00 (into the next day)."""
    zone: str = "UTC"
    """The zone of these times, such as UTC or Europe/Berlin."""
    mutes: tuple[str, ...] = ()
    """The alerts that nobody is told of in this window, such as 'service="api"'; all must fit. Without it none is muted."""

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        parse_window(self.on, self.zone)
        return self

    @property
    def window(self) -> Window:
        """The window."""
        return parse_window(self.on, self.zone)


class ObjectiveOptions(Options):
    """One objective: what is promised, and by what it is measured. Without a check or a target, an objective that has the name of one is
    measured by that."""

    check: Annotated[str, Reference("checks")] | None = None
    """The check whose looks measure availability, latency and errors."""
    target: Annotated[str, Reference("targets")] | None = None
    """The target instead: each of its checks is measured, and the worst counts."""
    over: Duration = timedelta(days=30)
    """So long a past is measured."""
    availability: Annotated[Percentage, AfterValidator(_share_of_time)] | None = None
    """At least this share of the time it is up, by time; maintenance windows are kept apart."""
    latency: Latency | None = None
    """How long a look takes (duration_seconds), such as p95 < 2s; without a percentile p95 is meant."""
    errors: Annotated[Limit, AfterValidator(_share_that_fails)] | None = None
    """The share that may fail, such as < 1%: of looks, or of what failed and all count."""
    failed: Selector | None = None
    """The counters of what failed, such as http_requests_total{code=~"5.."}."""
    all: Selector | None = None
    """The counters of everything, of which failed is a share."""
    metric: Selector | None = None
    """Any series instead, such as disk_used_ratio{check="disk"}; of several, the worst counts."""
    of: Literal["avg", "min", "max", "last", "p50", "p90", "p95", "p99"] = "avg"
    """Which figure of the metric is judged."""
    want: Limit | None = None
    """What that figure must be, such as < 80%."""
    warning: Limit | None = None
    """From where on a warning is given, such as < 99.5%; only where one thing is promised."""
    critical: Limit | None = None
    """From where on it is critical, such as < 99%; only where one thing is promised."""
    windows: tuple[Annotated[str, Reference("windows")], ...] | None = None
    """The windows that are kept apart; without it all of them, with [] none."""
    rto: Duration | None = None
    """Within this time it is back after a disaster. Backups measure it, not samples."""
    rpo: Duration | None = None
    """At most so much of the past may be lost. Backups measure it, not samples."""

    @property
    def promises(self) -> int:
        """How many things samples can measure are promised."""
        return sum(one is not None for one in (self.availability, self.latency, self.errors, self.want))

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if (self.metric is None) is not (self.want is None):
            raise ValueError("metric and want belong together: write both, such as metric: queue_depth and want: < 10")
        if (self.failed is None) is not (self.all is None) or (self.failed is not None and self.errors is None):
            raise ValueError("failed and all belong together, and to errors: write all three, or errors with a check")
        if self.check is not None and self.target is not None:
            raise ValueError("check and target say the same thing twice: write one of them")
        if not self.promises and self.rto is None and self.rpo is None:
            raise ValueError("nothing is promised: write availability, latency, errors, metric with want, rto or rpo")
        if self.over <= timedelta(0):
            raise ValueError("over is no length of time: write over: 30d")
        return self

    @model_validator(mode="after")
    def _levels_fit(self) -> Self:
        levels = [one for one in (self.warning, self.critical) if one is not None]
        if levels and self.promises != 1:
            raise ValueError("warning and critical need one promise: write an objective of its own for each")
        for limit in levels:
            if limit.unit is not self._unit or limit.operator[0] not in "<>":
                raise ValueError(f"{limit} cannot be compared with what is promised: write it in the same unit, with < or >")
        return self

    @property
    def _unit(self) -> Unit:
        if self.want is not None:
            return self.want.unit
        return Unit.SECONDS if self.latency is not None else Unit.RATIO
