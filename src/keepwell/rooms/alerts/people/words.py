"""Lengths of time in words."""

from collections.abc import Mapping
from typing import Any

from keepwell.kernel.comparisons import Unit, describe

NONE = "-"
"""What stands where nothing is known."""


def length(seconds: float | None) -> str:
    """A length of time, in the one or two units that a person would say."""
    if seconds is None:
        return NONE
    return describe(float(round(seconds)) if seconds >= 10 else round(max(0.0, seconds), 1), Unit.SECONDS)


def took(times: Mapping[str, Any]) -> str:
    """How long something usually took: median and mean."""
    return f"{length(times['median'])} (mean {length(times['mean'])})" if times["count"] else NONE
