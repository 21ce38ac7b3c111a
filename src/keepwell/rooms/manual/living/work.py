"""Puts the living manual together: the text of the last import, what import said of it, and what ran since."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from keepwell.kernel.problems import KeepwellError, NotFound

from .decide import coverage_of, items_of, kept_of, shown_lines
from .model import Kept, Manual, Ran

REPORT = "import-report.json"
"""What import says of each item (importing/work.py)."""
_LARGEST = 50_000_000
Asking = Callable[[], Awaitable[dict[str, Ran]]]
"""What of one room ran last, by place."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of the files, and by which stamps they were as they were."""

    stamp: tuple[int, ...]
    name: str
    service: str
    lines: Sequence[str]
    kept: Sequence[Kept]


class Living:
    """The living manual of an operations directory. ``folder`` is that directory, ``data`` the data directory, in which import keeps the
    manual itself."""

    def __init__(self, folder: Path, data: Path, asking: Callable[[], Sequence[Asking]], now: Callable[[], datetime]) -> None:
        self._folder, self._data, self._asking, self._now = folder, data, asking, now
        self._read: _Read | None = None

    async def manual(self) -> Manual:
        """The manual with what is known now. Raises NotFound where nothing was imported into the directory."""
        read = await asyncio.to_thread(self._fresh)
        evidence: dict[str, Ran] = {}
        for ask in self._asking():
            try:
                evidence |= await ask()
            except KeepwellError:  # what a room cannot tell now stands as if it had not run; its own page says what is wrong
                continue
        items = items_of(read.kept, evidence)
        return Manual(read.name, read.service, read.lines, items, coverage_of(items), self._now())

    def _fresh(self) -> _Read:
        """What stands in the files, read again when one of them changed."""
        from keepwell.rooms.manual.importing.keep import kept_path

        report = self._folder / REPORT
        try:
            stamp = _stamp(report)
        except OSError:
            raise _nothing(self._folder) from None
        with contextlib.suppress(OSError):  # import keeps the text after it wrote the report
            stamp += _stamp(kept_path(self._data, self._folder))
        if self._read is None or self._read.stamp != stamp:
            self._read = self._from_files(report, stamp)
        return self._read

    def _from_files(self, report: Path, stamp: tuple[int, ...]) -> _Read:
        from keepwell.rooms.manual.importing.keep import read_kept
        from keepwell.rooms.manual.reading.text import read_text

        kept = read_kept(self._data, self._folder)
        if kept is None:
            raise NotFound(
                f"the text of the manual is not kept below {self._data}",
                hint="import it again with --data and this directory: keepwell import MANUAL -o DIR --data ...",
            )
        try:
            with report.open("rb") as file:
                held = json.loads(file.read(_LARGEST))
            items = kept_of(held)
            service = str(held["service"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotFound(f"{report} cannot be read: {error}", hint="import the manual again") from None
        lines = shown_lines(read_text(kept.manual, kept.name).lines)
        return _Read(stamp, kept.name.rpartition("/")[2], service, lines, items)


def _stamp(file: Path) -> tuple[int, ...]:
    """What of a file is other when it was replaced."""
    found = file.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _nothing(folder: Path) -> NotFound:
    return NotFound(
        f"no manual was imported into {folder}", hint="keepwell import MANUAL -o DIR does; the pages of the rooms stand without it"
    )
