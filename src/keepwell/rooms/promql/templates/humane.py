"""Numbers for people, as Prometheus' templates write them (prometheus/template/template.go, common/helpers/templates)."""

import math
from datetime import UTC, datetime, timedelta

from .model import TemplateError
from .printing import shortened

_LARGE = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL = ("m", "u", "n", "p", "f", "a", "z", "y")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FARTHEST = (1 << 63) / 1e9


def humanize(value: float) -> str:
    """With the prefixes of SI: ``1.234k``, ``12.5m``."""
    if value == 0 or not math.isfinite(value):
        return shortened(value, 4)
    if abs(value) < 1:
        return _small(value, "")
    prefix = ""
    for letter in _LARGE:
        if abs(value) < 1000:
            break
        prefix, value = letter, value / 1000
    return shortened(value, 4) + prefix


def humanize1024(value: float) -> str:
    """With the prefixes of IEC: ``1.5Gi``."""
    if abs(value) <= 1 or not math.isfinite(value):
        return shortened(value, 4)
    prefix = ""
    for letter in _LARGE:
        if abs(value) < 1024:
            break
        prefix, value = letter + "i", value / 1024
    return shortened(value, 4) + prefix


def humanize_duration(value: float) -> str:
    """Seconds as ``1d 2h 3m 4s``, or below one as ``12.5ms``."""
    if not math.isfinite(value):
        return shortened(value, 4)
    if value == 0:
        return "0s"
    if abs(value) < 1:
        return _small(value, "s")
    sign, value = "-" if value < 0 else "", abs(value)
    minutes, seconds = divmod(int(value), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    if minutes:
        return f"{sign}{minutes}m {seconds}s"
    return f"{sign}{shortened(value, 4)}s"


def humanize_percentage(value: float) -> str:
    """A ratio as a percentage: ``12.35%``."""
    return shortened(value * 100, 4) + "%"


def humanize_timestamp(value: float) -> str:
    """Seconds since 1970 as ``2009-11-10 23:00:00.5 +0000 UTC``."""
    if not math.isfinite(value):
        return shortened(value, 4)
    return show_time(to_time(value))


def to_time(value: float) -> datetime:
    """Seconds since 1970, cut to milliseconds. Raises TemplateError for what is no time."""
    if not abs(value) < _FARTHEST:
        raise TemplateError(f"{shortened(value, 4)} cannot be represented as a timestamp: the nanoseconds overflow 64 bits")
    return _EPOCH + timedelta(milliseconds=int(value * 1000))


def show_time(moment: datetime) -> str:
    """An instant as Go's ``Time.String`` writes it."""
    fraction = f".{moment.microsecond:06}".rstrip("0").rstrip(".") if moment.microsecond else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def show_span(seconds: float) -> str:
    """A span as Go's ``Duration.String`` writes it: ``1h30m0s``, ``1.5s``, ``20ms``."""
    if not abs(seconds) < _FARTHEST:
        raise TemplateError(f"{shortened(seconds, 4)} s are no span: the nanoseconds overflow 64 bits")
    left, sign = abs(int(seconds * 1e9)), "-" if seconds < 0 else ""
    if left < 1_000_000_000:
        unit, length = next(((unit, length) for unit, length in (("ms", 1_000_000), ("µs", 1000), ("ns", 1)) if left >= length), ("s", 1))
        return f"{sign}{_fraction(left, length)}{unit}" if left else "0s"
    minutes, left = divmod(left, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    before = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{before}{_fraction(left, 1_000_000_000)}s"


def _fraction(amount: int, length: int) -> str:
    whole, rest = divmod(amount, length)
    return f"{whole}.{rest:0{len(str(length)) - 1}}".rstrip("0") if rest else str(whole)


_LAYOUT = (
    ("2006", "%Y"), ("January", "%B"), ("Jan", "%b"), ("Monday", "%A"), ("Mon", "%a"), ("MST", "UTC"), ("-07:00", "+00:00"),
    ("-0700", "+0000"), ("Z07:00", "Z"), ("01", "%m"), ("02", "%d"), ("15", "%H"), ("03", "%I"), ("04", "%M"), ("05", "%S"), ("PM", "%p"),
    ("06", "%y"),
)  # fmt: skip


def format_time(moment: datetime, layout: str) -> str:
    """An instant in one of Go's layouts (package time, "Layout"), with the parts that have two digits or are words."""
    text, rest = "", layout
    while rest:
        part = next(((go, ours) for go, ours in _LAYOUT if rest.startswith(go)), None)
        text += moment.strftime(part[1]) if part and part[1].startswith("%") else part[1] if part else rest[0]
        rest = rest[len(part[0]) if part else 1 :]
    return text


def _small(value: float, unit: str) -> str:
    prefix = ""
    for letter in _SMALL:
        if abs(value) >= 1:
            break
        prefix, value = letter, value * 1000
    return shortened(value, 4) + prefix + unit
