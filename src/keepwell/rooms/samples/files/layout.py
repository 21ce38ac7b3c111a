"""Which file holds which stretch of which tier: names, what is there, and which files answer a stretch of time.

``raw/20261122T06.parquet`` is an hour of samples, ``5m/20261122T06.parquet`` its roll-up, ``5m/20261122.parquet`` and
``1h/20261122.parquet`` are days. All times are UTC.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from keepwell.rooms.samples.model import DAY, HOUR, Tier

UNFINISHED = ".unfinished"
"""How the name of a file ends while it is written."""

SET_ASIDE = ".damaged"
"""How the name of a damaged file ends once another has taken its place."""

VERIFIED = ".verified"
"""The file in the folder of samples whose time of change says when all files were checked last."""

_NAME = re.compile(r"([0-9]{8})(?:T([0-9]{2}))?\.parquet")


@dataclass(frozen=True, slots=True, order=True)
class File:
    """One file: what it covers, ``start`` to before ``end``, in milliseconds since 1970."""

    start: int
    end: int
    path: Path
    tier: Tier

    @property
    def name(self) -> str:
        """Its name as people are told it: folder and file."""
        return f"{self.tier.value}/{self.path.name}"

    @property
    def is_hour(self) -> bool:
        """Whether it covers an hour (otherwise a day)."""
        return self.end - self.start == HOUR


@dataclass(frozen=True, slots=True)
class Piece:
    """What to read of a file: rows from ``start`` to ``end``, both included (milliseconds since 1970)."""

    file: File
    start: int
    end: int


class Layout:
    """The folder of samples. Nothing is remembered: every answer is what the folder holds now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self) -> list[Path]:
        """Makes the folders, and removes what writers that died left unfinished; gives what it removed. Raises OSError."""
        removed = []
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for tier in Tier:
            (self.folder / tier.value).mkdir(mode=0o700, exist_ok=True)
            for path in (self.folder / tier.value).glob(f"*{UNFINISHED}"):
                path.unlink(missing_ok=True)
                removed.append(path)
        return removed

    def hour(self, tier: Tier, start: int) -> File:
        """The file of an hour, whether it is there or not."""
        return self._file(tier, start, HOUR, "%Y%m%dT%H")

    def day(self, tier: Tier, start: int) -> File:
        """The file of a day, whether it is there or not."""
        return self._file(tier, start, DAY, "%Y%m%d")

    def _file(self, tier: Tier, start: int, length: int, form: str) -> File:
        begins = start - start % length
        name = datetime.fromtimestamp(begins / 1000, UTC).strftime(form)
        return File(begins, begins + length, self.folder / tier.value / f"{name}.parquet", tier)

    def files(self, tier: Tier) -> list[File]:
        """What is there of a tier, earliest first, a day before its hours. Files with other names are not ours and left out."""
        try:
            folder = self.folder / tier.value
            names = os.listdir(folder)
        except FileNotFoundError:
            return []
        found = (file_named(folder, name, tier) for name in names)
        return sorted((file for file in found if file is not None), key=lambda file: (file.start, not file.is_hour, -file.end))

    def aside(self) -> list[Path]:
        """The damaged files that were put aside, by name."""
        return sorted(path for tier in Tier for path in (self.folder / tier.value).glob(f"*{SET_ASIDE}"))

    def drop(self, files: Iterable[File], point: Callable[[str], None] = lambda _step: None) -> None:
        """Removes files, in their order, and the damaged ones that bore their names. Raises OSError."""
        for file in files:
            for path in (file.path, file.path.with_name(file.path.name + SET_ASIDE)):
                point(f"drop {path.name}")
                path.unlink(missing_ok=True)
        point("dropped")

    def pieces(self, tier: Tier, start: int, end: int) -> list[Piece]:
        """Which files answer the time from ``start`` to ``end`` (both included), and for which part of it, in order of time.

        Where a day's file and an hour's both hold an hour, the hour's answers: it is always made of all samples of the hour.
        """
        return pieces(self.files(tier), start, end)


@lru_cache(maxsize=8192)  # a question lists the same thousand names several times
def file_named(folder: Path, name: str, tier: Tier) -> File | None:
    """The file that a name in a tier's folder means; None where it is none of ours."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        begins = datetime.strptime(f"{match[1]}{match[2] or '00'}+0000", "%Y%m%d%H%z")
    except ValueError:
        return None
    start = int(begins.timestamp()) * 1000
    return File(start, start + (HOUR if match[2] else DAY), folder / name, tier)


def pieces(files: list[File], start: int, end: int) -> list[Piece]:
    """Which of the files, all of one tier, answer the time from ``start`` to ``end``, both included; see ``Layout.pieces``."""
    hours = {file.start for file in files if file.is_hour}
    found = []
    for file in files:
        parts = [(file.start, file.end)] if file.is_hour else _without(file, hours)
        for begins, ends in parts:
            if begins <= end and ends > start:
                found.append(Piece(file, max(begins, start), min(ends - 1, end)))
    return sorted(found, key=lambda piece: piece.start)


def _without(day: File, hours: set[int]) -> Iterator[tuple[int, int]]:
    """The stretches of a day that no hour's file covers."""
    begins = day.start
    for hour in range(day.start, day.end, HOUR):
        if hour in hours:
            if begins < hour:
                yield begins, hour
            begins = hour + HOUR
    if begins < day.end:
        yield begins, day.end
