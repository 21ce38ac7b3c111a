"""In which unit the end of a metric's name says that its values are (Prometheus, "Metric and label naming"). Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from keepwell.kernel.comparisons import Unit, describe
from keepwell.ports.samples import NAME

_INSTANTS = ("_time_seconds", "_timestamp_seconds", "_timestamp")
_UNITS = (("_seconds", Unit.SECONDS), ("_bytes", Unit.BYTES), ("_ratio", Unit.RATIO))


def unit_of(labels: Mapping[str, str]) -> Unit:
    """The unit of one series; a number where its name says none."""
    name = labels.get(NAME, "").removesuffix("_total").removesuffix("_sum")
    if name.endswith(_INSTANTS):
        return Unit.NUMBER
    return next((unit for ending, unit in _UNITS if name.endswith(ending)), Unit.NUMBER)


def common_unit(all_labels: Iterable[Mapping[str, str]]) -> Unit:
    """The unit that all of the series have; a number where they differ."""
    units = {unit_of(labels) for labels in all_labels}
    return units.pop() if len(units) == 1 else Unit.NUMBER


def in_words(labels: Mapping[str, str], value: str) -> str:
    """The value as people read it, where the name says how: ``1.5 GiB``, ``2 min``, an instant; empty otherwise."""
    name, unit = labels.get(NAME, ""), unit_of(labels)
    if name.endswith(_INSTANTS):
        return instant(float(value)) if 0 < float(value) < 4e9 else ""
    return "" if unit is Unit.NUMBER else describe(float(value), unit)


def instant(at: float) -> str:
    """Seconds since 1970 as RFC 3339 in UTC, with milliseconds where there are any. Beyond the calendar the number itself."""
    try:
        read = datetime.fromtimestamp(round(at, 3), UTC)
    except (ValueError, OverflowError, OSError):
        return f"{at:g}"
    return read.isoformat(timespec="milliseconds" if read.microsecond else "seconds").replace("+00:00", "Z")
