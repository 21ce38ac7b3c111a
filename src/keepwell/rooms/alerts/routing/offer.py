"""What routing declares: the sections ``routes``, ``inhibit_rules`` and ``time_intervals``, and what is made of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from keepwell.kernel.problems import ConfigurationError, Problem
from keepwell.ports.offer import Section

if TYPE_CHECKING:
    from keepwell.config.operations import Operations
    from keepwell.kernel.windows import Window

    from .model import Routing

_ROUTES = """\
# routes:
#   # Who is told of what. Without this section every receiver is told of everything.
#   receiver: people
#   group_by: [service, alertname]
#   routes:
#     - {matchers: ['severity="critical"'], receiver: oncall, repeat_interval: 1h}
#     - {matchers: ['severity="info"'], receiver: people, mute_time_intervals: [nights]}
"""
_INHIBIT_RULES = """\
# inhibit_rules:
#   # Nobody is told of warnings while the same service has a critical alert.
#   - {source_matchers: ['severity="critical"'], target_matchers: ['severity="warning"'], equal: [service]}
"""
_TIME_INTERVALS = """\
# time_intervals:
#   nights:
#     - {times: [{start_time: "22:00", end_time: "24:00"}, {start_time: "00:00", end_time: "06:00"}], location: Europe/Berlin}
"""


class Foreseen(Protocol):
    """A window of the section ``windows``, and the alerts that it mutes: texts of matchers."""

    @property
    def window(self) -> "Window": ...

    @property
    def mutes(self) -> Sequence[str]: ...


def sections() -> tuple[Section, ...]:
    """The three sections."""
    return (
        Section("routes", "Which alert goes to which receiver, with which others, and when", _routes, sample=_ROUTES),
        Section("inhibit_rules", "Which alerts mute which others", _inhibit_rules, listed=True, sample=_INHIBIT_RULES),
        Section("time_intervals", "Times in which routes are muted or active", _time_intervals, named=True, sample=_TIME_INTERVALS),
    )


def routing_of(operations: "Operations", receivers: Sequence[str], windows: "Mapping[str, Foreseen]") -> "Routing":
    """All of routing as a configuration says it. ``receivers`` are all there are, who are told where ``routes`` names none; ``windows``
    what the section ``windows`` has."""
    from .configured import root_of
    from .model import Routing, WindowMute
    from .options import matchers_of

    intervals = {name: tuple(one.interval for one in options.intervals) for name, options in operations.options("time_intervals").items()}
    return Routing(
        root_of(operations.options("routes"), receivers),
        tuple(options.rule for options in operations.options("inhibit_rules")),
        {**{name: one.window for name, one in windows.items()}, **intervals},
        tuple(WindowMute(name, one.window, matchers_of(one.mutes)) for name, one in windows.items() if one.mutes),
    )


def check(operations: "Operations", windows: "Mapping[str, Foreseen]") -> None:
    """Raises ConfigurationError where a window mutes by what are no matchers, or has the name of a time interval."""
    problems = [*_unreadable(operations, windows), *_ambiguous(operations, windows)]
    if problems:
        raise ConfigurationError(*problems)


def _unreadable(operations: "Operations", windows: "Mapping[str, Foreseen]") -> Iterator[Problem]:
    from .options import matchers_of

    for name, one in windows.items():
        try:
            matchers_of(one.mutes)
        except ValueError as error:
            place = operations.entries("windows")[name].place
            yield Problem("config.value", f"windows.{name}.mutes: {error}", "", place)


def _ambiguous(operations: "Operations", windows: Iterable[str]) -> Iterator[Problem]:
    entries = operations.entries("time_intervals")
    for name in windows:
        if name in entries:
            message = f"{name} is the name of a window and of a time interval"
            yield Problem("config.ambiguous", message, "a route could mean either: rename one", entries[name].place)


def _routes() -> type[Any]:
    from .options import RoutesOptions

    return RoutesOptions


def _inhibit_rules() -> type[Any]:
    from .options import InhibitRuleOptions

    return InhibitRuleOptions


def _time_intervals() -> type[Any]:
    from .options import TimeIntervalOptions

    return TimeIntervalOptions
