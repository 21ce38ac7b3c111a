"""The sections ``objectives`` and ``windows``, and what of them is in force. Imports nothing costly."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keepwell.ports.offer import Section

if TYPE_CHECKING:
    from keepwell.config.decoding import Entry
    from keepwell.kernel.windows import Window

    from .options import ObjectiveOptions

_OBJECTIVES = """\
# objectives:
#   # What is promised; keepwell samples objectives measures it.
#   api: {availability: 99.9%, warning: "< 99.5%", critical: "< 99%", over: 30d}     # of the target api, or check: NAME
#   speed: {check: api-health, latency: "p95 < 2s"}
#   disk: {metric: 'disk_used_ratio{check="disk"}', want: "< 90%"}
"""
_WINDOWS = """\
# windows:
#   weekly: {on: "Sunday 02:00-04:00", zone: UTC}      # an outage in it does not count against availability
"""


def sections() -> tuple[Section, ...]:
    """Both sections."""
    return (
        Section(
            "objectives",
            "What is promised: availability, latency, errors; recovery time and point",
            _objectives,
            named=True,
            sample=_OBJECTIVES,
        ),
        Section("windows", "When work on the service is foreseen", _windows, named=True, sample=_WINDOWS),
    )


def windows_of(entries: "Mapping[str, Entry]") -> "dict[str, Window]":
    """The windows of a configuration, by name."""
    return {name: entry.common.window for name, entry in entries.items()}  # type: ignore[attr-defined]


def objectives_of(entries: "Mapping[str, Entry]") -> "dict[str, ObjectiveOptions]":
    """The objectives of a configuration, by name."""
    return {name: entry.common for name, entry in entries.items()}  # type: ignore[misc]


def _objectives() -> type[Any]:
    from .options import ObjectiveOptions

    return ObjectiveOptions


def _windows() -> type[Any]:
    from .options import WindowOptions

    return WindowOptions
