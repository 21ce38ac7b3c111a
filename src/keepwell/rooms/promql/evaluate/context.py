"""What an evaluation has at hand: the moments, the samples that were fetched, a guard that bounds it, and where remarks are left."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from keepwell.ports.samples import Column, Matcher, is_stale
from keepwell.rooms.promql.evaluate.vectors import Vector
from keepwell.rooms.promql.labels import Labels
from keepwell.rooms.promql.model import LOOK_BACK, ExecutionError, Instants, Values

if TYPE_CHECKING:
    from keepwell.rooms.promql.evaluate.rolled import RolledWindows
    from keepwell.rooms.promql.expression import Selector

Places = NDArray[np.int64]
"""Positions in concatenated columns."""

Guard = Callable[[int], None]
"""Called before every step with how many numbers it will hold: raises where that is too many, where time is up, or where nobody waits."""


@dataclass(slots=True)
class Remarks:
    """Warnings and infos, each text once, in the order in which they came up."""

    warnings: dict[str, None] = field(default_factory=dict)
    infos: dict[str, None] = field(default_factory=dict)

    def warn(self, text: str) -> None:
        """The answer may be wrong."""
        self.warnings[f"PromQL warning: {text}"] = None

    def info(self, text: str) -> None:
        """The question may be wrong."""
        self.infos[f"PromQL info: {text}"] = None


@dataclass(frozen=True, slots=True)
class Track:
    """Columns one after the other; series ``i`` has the samples from ``bounds[i]`` to ``bounds[i + 1]``."""

    labels: Sequence[Labels]
    at: Instants
    values: Values
    bounds: Places


@dataclass(frozen=True)
class Stretch:
    """What was fetched for one selector: ``columns`` with all samples from ``start`` to ``end`` (milliseconds, both included)."""

    matchers: tuple[Matcher, ...]
    start: int
    end: int
    columns: Sequence[Column]

    @cached_property
    def track(self) -> Track:
        """All samples."""
        lengths = [len(column.timestamps) for column in self.columns]
        bounds = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).astype(np.int64)
        at = np.concatenate([column.timestamps for column in self.columns]) if self.columns else np.empty(0, dtype=np.int64)
        values = np.concatenate([column.values for column in self.columns]) if self.columns else np.empty(0)
        return Track([Labels(column.labels) for column in self.columns], at, values, bounds)

    @cached_property
    def fresh(self) -> Track:
        """All samples but for staleness markers."""
        track = self.track
        stale = is_stale(track.values)
        if not stale.any():
            return track
        before = np.concatenate(([0], np.cumsum(~stale)))
        return Track(track.labels, track.at[~stale], track.values[~stale], before[track.bounds])


@dataclass(frozen=True, slots=True)
class Context:
    """One evaluation: ``moments`` are those at which the expression is worth something (ascending), ``start`` and ``end`` those of the
    whole query (a subquery has moments of its own). ``default_step`` is the step of a subquery that names none, ``known`` what selectors
    have already given at these moments, ``rolled`` what roll-ups gave instead of samples."""

    text: str
    moments: Instants
    start: int
    end: int
    default_step: int
    stretches: Sequence[Stretch]
    guard: Guard
    remarks: Remarks
    known: dict[object, tuple[Vector, Values]] = field(default_factory=dict)
    look_back: int = LOOK_BACK
    rolled: "Mapping[Selector, RolledWindows]" = field(default_factory=dict)

    def at(self, moments: Instants) -> "Context":
        """The same for other moments."""
        return replace(self, moments=moments, known={})

    def fetched(self, matchers: tuple[Matcher, ...], start: int, end: int) -> Stretch:
        """The stretch that holds these series from ``start`` to ``end``. The plan has seen to it that there is one."""
        for stretch in self.stretches:
            if stretch.matchers == matchers and stretch.start <= start and end <= stretch.end:
                return stretch
        raise ExecutionError("a selector needs samples that were not fetched; this is a fault of the planner")

    def spot(self, place: int) -> str:
        """A place as Prometheus writes it behind a remark: ``(line:column)``."""
        before = self.text[:place]
        return f"({before.count(chr(10)) + 1}:{place - before.rfind(chr(10))})"
