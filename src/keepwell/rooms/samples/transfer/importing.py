"""Import: a file of any size into the store, in batches, saying exactly what was taken."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from keepwell.rooms.samples.model import Labels, Metric

from .lines import Broken, Lines
from .model import Batch, Complaint, Sink
from .openmetrics_writing import series_text
from .reading import Reader
from .texts import second_texts, value_texts

BATCH = 100_000
"""Samples that are stored at once."""

_SHOWN = 10


@dataclass(slots=True)
class Report:
    """What became of a file. ``lines`` were read; up to and with line ``safe`` everything that could be taken is stored."""

    lines: int = 0
    safe: int = 0
    stored: int = 0
    known: int = 0
    series: int = 0
    first: int | None = None
    last: int | None = None
    refused: Counter[str] = field(default_factory=Counter)
    passed_over: int = 0
    faults: list[str] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether everything in the file was taken or was there already."""
        return not (self.refused or self.passed_over or self.faults)


Reject = Callable[[Complaint], None]
"""Hears of every line that was not taken."""

Watch = Callable[[int], None]
"""Hears how many bytes of the file were read."""


class Import:
    """One file on its way into a sink."""

    def __init__(self, reader: Reader, sink: Sink, reject: Reject, watch: Watch) -> None:
        self._reader, self._sink, self._reject, self._watch = reader, sink, reject, watch
        self._storing: asyncio.Future[None] | None = None
        self.report = Report()

    async def run(self, stream: BinaryIO, name: str) -> Report:
        """Reads the file to its end, or to where it breaks off. Raises KeepwellError where it cannot be read at all or the sink does not
        take it; ``report`` then says what was taken before."""
        lines = Lines(stream, name)
        try:
            broken = await self._read(lines)
            await self._store(lines.number)
            await self._stored()
        finally:
            await self._settled()
        self.report.lines = lines.number
        if broken:
            self.report.faults = [broken]
        self._watch(lines.done)
        return self.report

    async def _read(self, lines: Lines) -> str:
        """Reads to the end, or to where the file breaks off: then why."""
        broken = ""
        try:
            for chunk in lines:
                self._reader.feed(chunk)
                await self._after(lines)
        except Broken as error:
            broken = str(error)
        self._reader.end(lines.is_whole or bool(broken))
        self._listen()
        return broken

    async def _after(self, lines: Lines) -> None:
        self.report.lines = lines.number
        self._listen()
        if len(self._reader.gathered) >= BATCH:
            await self._store(lines.number)
        self._watch(lines.done)
        await asyncio.sleep(0)  # so that storing goes on beside reading

    def _listen(self) -> None:
        for complaint in self._reader.gathered.take_complaints():
            if complaint.line:
                self.report.passed_over += 1
                self._tell(complaint)
            else:
                self.report.faults.append(complaint.reason)

    def _tell(self, complaint: Complaint) -> None:
        if len(self.report.complaints) < _SHOWN:
            self.report.complaints.append(complaint)
        self._reject(complaint)

    async def _store(self, line: int) -> None:
        """Begins to store what was gathered, up to a line; what was gathered before is stored by then. So the file is read while the disk
        writes."""
        await self._stored()
        gathered = self._reader.gathered
        batch, metrics, named = gathered.take(), gathered.take_metrics(), gathered.named
        self._storing = asyncio.ensure_future(self._store_batch(batch, metrics, named, line))

    async def _stored(self) -> None:
        if self._storing is not None:
            await asyncio.shield(self._storing)
            self._storing = None

    async def _settled(self) -> None:
        """Whatever happened: what is under way comes to its end, so that the report says what is stored."""
        if self._storing is not None:
            await asyncio.gather(self._storing, return_exceptions=True)

    async def _store_batch(self, batch: Batch, metrics: Mapping[str, Metric], named: Sequence[Labels], line: int) -> None:
        if len(batch):
            taken = await self._sink.take(named, batch)
            self._count(named, batch, taken.stored, taken.known)
            self._refused(named, batch, taken.refused)
        if metrics:
            await self._sink.describe(metrics)
        self.report.safe = line

    def _count(self, named: Sequence[Labels], batch: Batch, stored: int, known: int) -> None:
        report = self.report
        report.stored += stored
        report.known += known
        report.series = len(named)
        first, last = int(batch.at.min()), int(batch.at.max())
        report.first = first if report.first is None else min(report.first, first)
        report.last = last if report.last is None else max(report.last, last)

    def _refused(self, named: Sequence[Labels], batch: Batch, refused: Mapping[str, Iterable[int]]) -> None:
        for reason, found in refused.items():
            places = np.asarray(found, np.int64)
            self.report.refused[reason] += len(places)
            texts = zip(value_texts(batch.value[places]), second_texts(batch.at[places]), strict=True)
            for place, (value, time) in zip(places.tolist(), texts, strict=True):
                text = f"{series_text(named[int(batch.series[place])])} {value} {time}"
                self._tell(Complaint(int(batch.line[place]), reason, text.encode()))
