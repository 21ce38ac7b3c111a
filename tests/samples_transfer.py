"""What tests of transfer share: a store in memory, bytes through a reader, and samples to compare."""

import io
import math
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout

import numpy as np

from keepwell.app import commands
from keepwell.cli import program
from keepwell.ports.samples import NAME, Matcher
from keepwell.rooms.samples.model import Ids, Labels, Metric, Rows
from keepwell.rooms.samples.transfer.csv_reading import CsvReader
from keepwell.rooms.samples.transfer.exporting import export
from keepwell.rooms.samples.transfer.importing import Import, Report
from keepwell.rooms.samples.transfer.model import Batch, Complaint, Format, Series, Sink, Taken
from keepwell.rooms.samples.transfer.openmetrics_reading import OpenMetricsReader
from keepwell.rooms.samples.transfer.reading import Gathered, Reader

Key = tuple[tuple[str, str], ...]
EVERYTHING = (Matcher(NAME, "=~", ".+"),)


def key(labels: Labels) -> Key:
    """Labels as they can be compared."""
    return tuple(sorted(labels.items()))


class Memory:
    """A source and a sink: every sample once, the first wins."""

    def __init__(self) -> None:
        self.samples: dict[Key, dict[int, float]] = {}
        self.metrics: dict[str, Metric] = {}
        self.asked = 0

    def put(self, labels: Labels, at: int, value: float) -> bool:
        """Whether it is new."""
        column = self.samples.setdefault(key(labels), {})
        return column.setdefault(at, value) is value if at not in column else False

    async def series(self, matchers: Sequence[Matcher]) -> Sequence[Series]:
        return [Series(number, dict(labels)) for number, labels in enumerate(self.samples)]

    async def span(self) -> tuple[int, int] | None:
        instants = [at for column in self.samples.values() for at in column]
        return (min(instants), max(instants)) if instants else None

    async def rows(self, ids: Ids, start: int, end: int) -> Rows:
        columns = list(self.samples.values())
        found = [(number, at, columns[number][at]) for number in ids.tolist() for at in sorted(columns[number]) if start <= at <= end]
        self.asked = max(self.asked, len(found))
        series, instants, values = ([row[place] for row in found] for place in range(3))
        return Rows(np.array(series, np.int32), np.array(instants, np.int64), np.array(values, np.float64))

    def metric(self, name: str) -> Metric | None:
        return self.metrics.get(name)

    async def describe(self, metrics: Mapping[str, Metric]) -> None:
        self.metrics.update(metrics)

    async def take(self, named: Sequence[Labels], batch: Batch) -> Taken:
        columns = zip(batch.series.tolist(), batch.at.tolist(), batch.value.tolist(), strict=True)
        new = sum([self.put(named[number], at, value) for number, at, value in columns])
        return Taken(new, {}, len(batch) - new)


async def exported(source: Memory, format: Format, start: int = -(10**15), end: int = 10**15) -> bytes:
    """The whole file."""
    return b"".join([piece async for piece in export(source, EVERYTHING, start, end, format)])


def reader_of(format: Format) -> Reader:
    """The reader of what an export writes."""
    gathered = Gathered({})
    return CsvReader(gathered) if format is Format.CSV else OpenMetricsReader(gathered)


async def bring(text: bytes, reader: Reader, sink: Sink, rejected: list[Complaint] | None = None) -> Report:
    """Imports bytes."""
    reject = (lambda complaint: None) if rejected is None else rejected.append
    return await Import(reader, sink, reject, lambda done: None).run(io.BytesIO(text), "the file")


async def read(text: bytes, reader: Reader | None = None) -> tuple[Memory, Report]:
    """What a text says, in an empty store."""
    memory = Memory()
    return memory, await bring(text, reader or OpenMetricsReader(Gathered({})), memory)


def same(one: Memory, other: Memory) -> bool:
    """Whether both hold the same samples, bit by bit but for the kind of a NaN."""

    def bits(memory: Memory) -> dict[tuple[Key, int], object]:
        return {
            (labels, at): "NaN" if math.isnan(value) else value.hex()
            for labels, column in memory.samples.items()
            for at, value in column.items()
        }

    return bits(one) == bits(other)


def command(*arguments: str) -> tuple[int, str, str]:
    """One ``keepwell samples`` command in this process (a process of its own costs seconds on a busy machine): exit code and outputs."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = program.run(commands(), "test", ["samples", *arguments])
        out.flush()
        err.flush()
    said, told = (stream.detach().getvalue().decode() for stream in (out, err))  # type: ignore[attr-defined]
    return code, said, told
