"""What an export is asked for, as text. ``now`` is an argument."""

from dataclasses import dataclass
from datetime import timedelta

from keepwell.kernel.problems import UsageError
from keepwell.kernel.quoting import quoted
from keepwell.ports.samples import Matcher
from keepwell.rooms.samples.questions.asked import read_stretch
from keepwell.rooms.samples.questions.parameters import Asked
from keepwell.rooms.samples.selectors import read_selector

from .model import Format

USUAL = timedelta(hours=24)
"""How long an export goes back where nothing is said."""


class ExportAsked(Asked):
    """Which series, from when to when, and as what: csv, openmetrics or parquet."""

    match: str
    format: str = "openmetrics"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which series, from ``start`` to before ``end`` (milliseconds since 1970), as what."""

    matchers: tuple[Matcher, ...]
    start: int
    end: int
    format: Format


def wanted(asked: ExportAsked, now: int) -> Wanted:
    """Reads what was asked for. Raises UsageError with one sentence."""
    words = [one.value for one in Format]
    if asked.format not in words:
        raise UsageError(f"{quoted(asked.format)} is no format of an export", hint=f"write one of {', '.join(words)}")
    stretch = read_stretch(asked.start, asked.end, asked.over, now, USUAL)
    return Wanted(read_selector(asked.match), stretch.start, stretch.end, Format(asked.format))
