"""The words of routing: routes, inhibition rules, time intervals, and what mutes. Alertmanager's, field by field."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from keepwell.kernel.windows import Window
from keepwell.rooms.alerts.matchers import Fits
from keepwell.rooms.alerts.model import Alert, Group, Matcher

GROUP_WAIT, GROUP_INTERVAL, REPEAT_INTERVAL = timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=4)
"""What counts where no route says otherwise (dispatch/route.go, DefaultRouteOpts)."""


@dataclass(frozen=True, slots=True)
class Route:
    """One node of the tree, with what it inherits filled in.

    ``path`` names the route and no other; ``key`` is Alertmanager's text for it (the matchers of it and of the routes above it), which
    two routes may share. ``group_by`` without a value: by all labels, so that every alert is a group of its own. Where several receivers
    are told, each has groups of its own: ``receiver`` is the first, ``twins`` are the same route for the others.
    """

    path: str
    key: str
    receiver: str
    fits: Fits
    group_by: tuple[str, ...] | None = ()
    group_wait: timedelta = GROUP_WAIT
    group_interval: timedelta = GROUP_INTERVAL
    repeat_interval: timedelta = REPEAT_INTERVAL
    matchers: tuple[Matcher, ...] = ()
    goes_on: bool = False
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    escalate: str = ""
    routes: "tuple[Route, ...]" = ()
    twins: "tuple[Route, ...]" = ()

    @property
    def receivers(self) -> tuple[str, ...]:
        """Everybody whom it tells."""
        return (self.receiver, *(twin.receiver for twin in self.twins)) if self.receiver else ()

    def all(self) -> "Iterator[Route]":
        """This route and all below it, without twins."""
        yield self
        for route in self.routes:
            yield from route.all()


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """While an alert that fits ``source`` fires, those that fit ``target`` and have the same values of the labels ``equal`` are muted.

    With ``but`` the values of all labels must be the same, those of ``but`` excepted.
    """

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()
    but: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers from ``first`` to ``last``, both contained."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """Alertmanager's time interval: open while every field that is given holds on the wall clock of ``zone``.

    ``times`` are minutes of the day (the last not contained), ``weekdays`` 0 (Sunday) to 6, ``days_of_month`` 1 to 31 or -31 to -1 counted
    from the month's end, ``months`` 1 to 12.
    """

    times: tuple[Span, ...] = ()
    weekdays: tuple[Span, ...] = ()
    days_of_month: tuple[Span, ...] = ()
    months: tuple[Span, ...] = ()
    years: tuple[Span, ...] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))


Interval = Sequence[TimeInterval] | Window
"""What one name stands for: time intervals of which one must be open, or a window of the section ``windows``."""


@dataclass(frozen=True, slots=True)
class WindowMute:
    """A window in which alerts that fit ``matchers`` are muted."""

    name: str
    window: Window
    matchers: tuple[Matcher, ...]


@dataclass(frozen=True, slots=True)
class Routing:
    """All of it, as the configuration says it."""

    root: Route
    inhibit_rules: tuple[InhibitRule, ...] = ()
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    window_mutes: tuple[WindowMute, ...] = ()


@dataclass(frozen=True, slots=True)
class Flush:
    """What a look at a group comes to. ``group`` is the group after it; ``alerts`` are told of (none: nobody is told anything), in
    Alertmanager's order; ``reason`` says why now, or why nobody is told. ``is_new``: some fire of which nobody was told.

    ``leaving`` are the numbers of the alerts that have ended and of whose end nobody is to be told any more: they leave the group.
    """

    group: Group
    alerts: Sequence[Alert]
    reason: str
    is_new: bool = False
    leaving: frozenset[int] = frozenset()
