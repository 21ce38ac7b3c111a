"""What was asked of log files, and the newest answers."""

from collections.abc import Sequence

from keepwell.rooms.reports.model import Cell, Part, Table
from keepwell.rooms.reports.sources import Analysed
from keepwell.rooms.reports.words import instant

KEY, TITLE = "logs", "Questions to logs"


def part(analysed: Sequence[Analysed]) -> Part:
    """The part."""
    if not analysed:
        return Part(KEY, TITLE, why_not="no question was put to log files in this time")
    rows = tuple((Cell(one.name), Cell(one.sentence), Cell(instant(one.at), one.at.isoformat())) for one in analysed)
    return Part(KEY, TITLE, tables=(Table(("question", "newest answer", "asked"), rows),))
