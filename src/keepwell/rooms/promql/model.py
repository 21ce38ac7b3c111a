"""The words of PromQL's answers: values, remarks about them, bounds of a query, and what can go wrong with one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from keepwell.kernel.problems import Place, Refused

Instants = NDArray[np.int64]
"""Milliseconds since 1970 in UTC."""

Values = NDArray[np.float64]

Flags = NDArray[np.bool_]

LOOK_BACK = 300_000
"""How long a sample stands for its series, in milliseconds (Prometheus' default for ``--query.lookback-delta``)."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One number at one instant (milliseconds since 1970)."""

    at: int
    value: float


@dataclass(frozen=True, slots=True)
class String:
    """One text at one instant."""

    at: int
    value: str


@dataclass(frozen=True, slots=True)
class Point:
    """One series' number in an instant vector."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class InstantVector:
    """Series with one number each at one instant, in the order in which the expression gives them."""

    at: int
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Series:
    """One series over time: ``at`` ascending, as many values."""

    labels: Mapping[str, str]
    at: Instants = field(repr=False)
    values: Values = field(repr=False)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Series over time, ordered by their labels."""

    series: Sequence[Series]


Value = Scalar | String | InstantVector | Matrix


@dataclass(frozen=True, slots=True)
class Result:
    """What a query gives: its value, and remarks in Prometheus' words. A warning says that the answer may be wrong, an info that the
    question may be."""

    value: Value
    warnings: Sequence[str] = ()
    infos: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one query."""

    samples: int = 50_000_000
    """How many numbers are held at once, by the samples that are read or by any step on the way (Prometheus: ``--query.max-samples``)."""
    points: int = 11_000
    """How many moments a range query has at most (Prometheus' HTTP API: the maximum resolution)."""
    seconds: float = 120.0
    """How long a query takes at most (Prometheus: ``--query.timeout``)."""
    default_step: int = 60_000
    """The step of a subquery that names none, in milliseconds (Prometheus: the global evaluation interval)."""
    look_back: int = LOOK_BACK
    """How long a sample stands for its series, in milliseconds."""


ErrorKind = Literal["bad_data", "execution", "timeout", "canceled"]
"""Prometheus' error types ("HTTP API", "Format overview")."""


class QueryError(Refused):
    """A query that gives no value. ``kind`` is the type under which Prometheus' HTTP API reports it."""

    code = "promql"
    kind: ErrorKind = "execution"

    def __init__(self, message: str, *, hint: str = "", where: Place | None = None) -> None:
        super().__init__(message, hint=hint, where=where)


class BadQuery(QueryError):
    """The text is no expression, or the query's parameters are impossible."""

    code = "promql.bad-query"
    kind: ErrorKind = "bad_data"


class OutsideScope(BadQuery):
    """The text is PromQL, with a construct that is not part of the language here. ``construct`` names it (scope.py lists them)."""

    code = "promql.outside-scope"

    def __init__(self, construct: str, message: str, *, where: Place | None = None) -> None:
        super().__init__(message, where=where)
        self.construct = construct


class ExecutionError(QueryError):
    """The expression has no value over these series."""

    code = "promql.execution"


class TimedOut(QueryError):
    """The query took longer than it may."""

    code = "promql.timeout"
    kind: ErrorKind = "timeout"


class Cancelled(QueryError):
    """Whoever asked has left."""

    code = "promql.cancelled"
    kind: ErrorKind = "canceled"
