"""What files hold, as the reader of questions asks for it. A file that is damaged is named once by ``Damages`` and gives nothing."""

from pathlib import Path

from keepwell.rooms.samples.log import joined
from keepwell.rooms.samples.model import Ids, Rolled, Rows, Tier
from keepwell.rooms.samples.rollup import join


class KeptFiles:
    """The files of one folder of samples. Any thread may ask."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def count(self, tier: Tier, start: int, end: int) -> int:
        """How many files of a tier hold something of this time (both included)."""
        return 0

    def rows(self, ids: Ids, start: int, end: int) -> Rows:
        """Raw samples, sorted by (series, at)."""
        return joined([])

    def rolled(self, tier: Tier, ids: Ids, start: int, end: int) -> tuple[Rolled, list[tuple[int, int]]]:
        """Rolled-up rows, and the stretches (start, end not contained) for which this tier has files that can be read."""
        return join([]), []
