"""All files of samples as one: which of them answer, what cannot be read is named once and passed over, and the rest is served.

Arrow is imported when a file is read, not before: a server of whom nobody asks the past never pays its forty megabytes.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from keepwell.rooms.samples.files.damage import Damaged, Damages, Stamp, stamp
from keepwell.rooms.samples.files.layout import VERIFIED, File, Layout, Piece, file_named, pieces
from keepwell.rooms.samples.files.recent import Recent, within
from keepwell.rooms.samples.files.seal import check_seal
from keepwell.rooms.samples.log import joined
from keepwell.rooms.samples.model import Ids, Labels, Rolled, Rows, Tier
from keepwell.rooms.samples.rollup import join

if TYPE_CHECKING:
    from keepwell.rooms.samples.files.parquet import Opened

FOOTER_BYTES = 16_000_000
"""How many bytes of footers are remembered: sixty files with ten thousand series each, or a month of hours with a few hundred."""

_ATTEMPTS = 100
"""How often files may vanish under a question before it takes what is left: a day's merge takes the hours away that it merged."""

T = TypeVar("T")


class Files:
    """Reads the files below a folder. Synchronous; any thread may use it."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder)
        self.damages = Damages()
        self._footers: OrderedDict[Path, tuple[Stamp, Opened]] = OrderedDict()
        self._footer_bytes = 0
        self._inspected: dict[Path, Stamp] = {}
        self._recent = Recent()
        self._guard = threading.Lock()

    def rows(self, ids: Ids | None, start: int, end: int) -> Rows:
        """The samples in files of these series (ascending; None for all) from ``start`` to ``end``, both included, sorted by (series,
        at)."""
        parts = self._read(Tier.RAW, start, end, lambda opened, piece: _rows(opened, ids, piece))
        rows = joined(parts)
        if len(parts) < 2:
            return rows
        order = np.argsort(rows.series, kind="stable")  # the parts are in order of time
        return Rows(rows.series[order], rows.at[order], rows.value[order])

    def apart(self, start: int) -> Rows | None:
        """None: these files are read in this process (work/kept.py reads in another)."""
        return None

    def rolled(self, tier: Tier, ids: Ids | None, start: int, end: int, *, bins: bool = True) -> Rolled:
        """The roll-ups of these series (ascending; None for all) that begin from ``start`` to ``end``, both included, sorted by (series,
        start). Without ``bins`` no row has any."""
        return join(self._read(tier, start, end, lambda opened, piece: self._piece(opened, ids, piece, bins)))

    def _piece(self, opened: "Opened", ids: Ids | None, piece: Piece, bins: bool) -> Rolled:
        if bins or ids is None:
            return _rolled(opened, ids, piece, bins)
        whole = Piece(piece.file, piece.file.start, piece.file.end)
        return within(self._recent.rows(opened, ids, lambda: _rolled(opened, ids, whole, bins)), piece.start, piece.end)

    def nans(self, tier: Tier, start: int, end: int) -> frozenset[int] | None:
        """The series of which the roll-ups of this time (both included) left out a NaN that is no staleness marker; None where it is not
        known."""
        found: set[int] = set()
        for piece in pieces(self._fine(tier), start, end):
            opened = self.usable(piece.file)
            noted = None if opened is None else _nans(opened)
            if noted is None:
                return None
            found |= noted
        return frozenset(found)

    def hours(self) -> frozenset[int]:
        """The hours that have a file of raw samples which can be read, as far as is known."""
        return frozenset(file.start for file in self._fine(Tier.RAW))

    def labels(self) -> dict[int, Labels]:
        """The series of all files with their labels, by number: from what the index can be made again."""
        found: dict[int, Labels] = {}
        for file in (file for tier in Tier for file in reversed(self._listed(tier))):
            opened = self.usable(file)
            if opened is not None:
                found = _labels(opened) | found
        return found

    def inspect(self) -> dict[Tier, list[File]]:
        """All files by tier, earliest first. Those that are new since the last time are looked at, and noted where their ends are
        damaged."""
        files = {tier: self._listed(tier) for tier in Tier}
        seen: dict[Path, Stamp] = {}
        for file in (file for tier in Tier for file in files[tier]):
            seen[file.path] = stamp(file.path)
            if self._inspected.get(file.path) != seen[file.path]:
                self._look_at(file)
        self._inspected = seen
        return files

    def _listed(self, tier: Tier) -> list[File]:
        """What is there of a tier; nothing where its folder cannot be read, which is then noted."""
        try:
            return self.layout.files(tier)
        except OSError as error:
            self.damages.note(Damaged(self.layout.folder / tier.value, f"cannot be read ({error.strerror or error})"))
            return []

    def _fine(self, tier: Tier) -> list[File]:
        damaged = self.damages.paths()
        return [file for file in self._listed(tier) if file.path not in damaged]

    def _look_at(self, file: File) -> None:
        try:
            check_seal(file)
        except Damaged as damaged:
            self.damages.note(damaged)
        except FileNotFoundError:
            pass

    def verified(self) -> int | None:
        """When all files were checked last, in milliseconds since 1970; None where they never were."""
        try:
            return (self.layout.folder / VERIFIED).stat().st_mtime_ns // 1_000_000
        except OSError:
            return None

    def note(self, tier: Tier, name: str, reason: str) -> None:
        """Takes down that a file was found to be damaged."""
        file = file_named(self.layout.folder / tier.value, name, tier)
        if file is not None:
            self.damages.note(Damaged(file, reason))

    def usable(self, file: File) -> "Opened | None":
        """The opened file; None where it is gone or damaged, which is then noted."""
        try:
            return self.opened(file)
        except Damaged as damaged:
            self.damages.note(damaged)
        except FileNotFoundError:
            pass
        return None

    def opened(self, file: File) -> "Opened":
        """The opened file. Raises Damaged (FileNotFoundError where it is gone)."""
        from keepwell.rooms.samples.files.parquet import be_frugal
        from keepwell.rooms.samples.files.raw import open_hour
        from keepwell.rooms.samples.files.rolled import open_rolled

        be_frugal()
        state = stamp(file.path)
        with self._guard:
            known = self._footers.get(file.path)
            if known is not None and known[0] == state and state is not None:
                self._footers.move_to_end(file.path)
                return known[1]
        opened = open_hour(file) if file.tier is Tier.RAW else open_rolled(file)
        self._remember(state, opened)
        return opened

    def _remember(self, state: Stamp, opened: "Opened") -> None:
        with self._guard:
            before = self._footers.pop(opened.file.path, None)
            self._footers[opened.file.path] = (state, opened)
            self._footer_bytes += opened.size - (before[1].size if before else 0)
            while self._footer_bytes > FOOTER_BYTES:
                self._footer_bytes -= self._footers.popitem(last=False)[1][1].size

    def _read(self, tier: Tier, start: int, end: int, read: Callable[["Opened", Piece], T]) -> list[T]:
        """One answer for each piece of time, in order of time. Where a file vanishes or proves to be damaged, the question is put again to
        those that are left: what an hour's file cannot tell, its day's may."""
        vanished = 0
        while True:
            try:
                return [read(self.opened(piece.file), piece) for piece in pieces(self._fine(tier), start, end)]
            except Damaged as found:
                self.damages.note(found)
            except FileNotFoundError:
                vanished += 1
                if vanished > _ATTEMPTS:
                    raise


def _labels(opened: "Opened") -> dict[int, Labels]:
    from keepwell.rooms.samples.files.facts import labels_in

    return labels_in(opened)


def _nans(opened: "Opened") -> frozenset[int] | None:
    from keepwell.rooms.samples.files.facts import nans_in

    return nans_in(opened)


def _rows(opened: "Opened", ids: Ids | None, piece: Piece) -> Rows:
    from keepwell.rooms.samples.files.raw import read_rows

    return read_rows(opened, ids, piece.start, piece.end)


def _rolled(opened: "Opened", ids: Ids | None, piece: Piece, bins: bool) -> Rolled:
    from keepwell.rooms.samples.files.rolled import read_rolled

    return read_rolled(opened, ids, piece.start, piece.end, bins=bins)
