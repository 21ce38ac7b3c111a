"""Export: the samples of a selector and a stretch of time as a stream of bytes, in bounded memory. The same samples give the same bytes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from keepwell.ports.samples import NAME, Matcher, is_stale
from keepwell.rooms.samples.model import Labels, Rows

from . import openmetrics_writing
from .conforming import Column, conforms
from .csv_writing import CsvWriter
from .families import Family, Group, Member, families, untyped
from .model import Format, Series, Source
from .reading_out import Part, Reading, of_series
from .texts import joined

if TYPE_CHECKING:
    from .parquet_writing import ParquetWriter

_UNRULED = frozenset({"gauge", "unknown"})
_LINES = 20_000
"""Lines of text that are made at once, between which others have their turn."""


async def export(source: Source, matchers: Sequence[Matcher], start: int, end: int, format: Format) -> AsyncIterator[bytes]:
    """Pieces of the file, from ``start`` to ``end`` (milliseconds since 1970, both included)."""
    series = sorted(await source.series(matchers), key=lambda one: _in_order(one.labels))
    first, last = await source.span() or (0, -1)
    reading = Reading(source, max(start, first), min(end, last))
    if format is Format.OPENMETRICS:
        pieces = _openmetrics(reading, series, source)
    elif format is Format.CSV:
        pieces = _csv(reading, series)
    else:
        pieces = _parquet(reading, series)
    async for piece in pieces:
        if piece:
            yield piece


def _in_order(labels: Labels) -> tuple[str, tuple[tuple[str, str], ...]]:
    return labels[NAME], tuple(sorted(labels.items()))


async def _csv(reading: Reading, series: Sequence[Series]) -> AsyncIterator[bytes]:
    writer = CsvWriter(name for one in series for name in one.labels)
    yield writer.head().encode()
    async for part in reading.parts([[one.number] for one in series]):
        for one in series[part.first : part.end]:
            at, value = _column(part.rows, one.number)
            for first in range(0, len(at), _LINES):
                piece = slice(first, first + _LINES)
                yield joined(await asyncio.to_thread(writer.lines, one.labels, at[piece], value[piece]))


async def _parquet(reading: Reading, series: Sequence[Series]) -> AsyncIterator[bytes]:
    from .parquet_writing import ParquetWriter  # pyarrow costs 45 MB

    writer = await asyncio.to_thread(ParquetWriter, [name for one in series for name in one.labels])
    async for part in reading.parts([[one.number] for one in series]):
        yield await asyncio.to_thread(_parquet_part, writer, part, series)
    yield await asyncio.to_thread(writer.end)


def _parquet_part(writer: "ParquetWriter", part: Part, series: Sequence[Series]) -> bytes:
    return b"".join(writer.rows(one.labels, *_column(part.rows, one.number)) for one in series[part.first : part.end])


async def _openmetrics(reading: Reading, series: Sequence[Series], source: Source) -> AsyncIterator[bytes]:
    """Family by family, as many at once as fit; one that does not fit is read twice: what its samples are decides what it may be called."""
    found = families(series, source.metric)
    first = 0
    while first < len(found):
        end = min(first + reading.groups, len(found))
        together = found[first:end]
        rows = await reading.whole([member.number for family in together for member in _members(family)])
        reading.note(end - first, None if rows is None else len(rows))
        if rows is None and len(together) > 1:
            continue
        async for piece in _families(together, rows, source) if rows is not None else _large_family(reading, together[0], source):
            yield piece
        first = end
    yield openmetrics_writing.END.encode()


def _members(family: Family) -> list[Member]:
    return [member for group in family.groups for member in group.members]


async def _families(together: Sequence[Family], rows: Rows, source: Source) -> AsyncIterator[bytes]:
    for family in together:
        async for piece in _family(family, rows, source):
            yield piece


async def _family(family: Family, rows: Rows, source: Source) -> AsyncIterator[bytes]:
    """A family all of whose samples are here."""
    fits = family.metric.kind in _UNRULED or all(_conforms(family, group, rows) for group in family.groups)
    for one in (family,) if fits else untyped(family, source.metric):
        head = openmetrics_writing.head(one).encode()
        for group in one.groups:
            text = joined(await asyncio.to_thread(openmetrics_writing.lines, group, _columns(group, rows)))
            if text:
                yield head + text
                head = b""


async def _large_family(reading: Reading, family: Family, source: Source) -> AsyncIterator[bytes]:
    fits = family.metric.kind in _UNRULED or await _all_conform(reading, family)
    for one in (family,) if fits else untyped(family, source.metric):
        async for piece in _in_parts(reading, one):
            yield piece


async def _in_parts(reading: Reading, family: Family) -> AsyncIterator[bytes]:
    head = openmetrics_writing.head(family).encode()
    async for part in reading.parts([[member.number for member in group.members] for group in family.groups]):
        for group in family.groups[part.first : part.end]:
            text = joined(await asyncio.to_thread(openmetrics_writing.lines, group, _columns(group, part.rows)))
            if text:
                yield head + text
                head = b""


async def _all_conform(reading: Reading, family: Family) -> bool:
    last = -1
    async for part in reading.parts([[member.number for member in group.members] for group in family.groups]):
        groups = family.groups[part.first : part.end]
        goes_on = part.first == last and len(groups[0].members) > 1  # so that it has several instants
        if goes_on or not all(_conforms(family, group, part.rows) for group in groups):
            return False
        last = part.first
    return True


def _conforms(family: Family, group: Group, rows: Rows) -> bool:
    """Whether what is here of a metric keeps the rules of its type. A series without samples here, an old bucket, is not asked."""
    here = [(member, column) for member, column in zip(group.members, _columns(group, rows), strict=True) if len(column[0])]
    present = Group(group.key, tuple(member for member, _ in here))
    return not here or conforms(family.metric.kind, family.name, present, [column for _, column in here])


def _columns(group: Group, rows: Rows) -> list[Column]:
    """The samples of each member, without staleness markers."""
    found = []
    for member in group.members:
        at, value = _column(rows, member.number)
        stale = is_stale(value)
        found.append((at[~stale], value[~stale]) if stale.any() else (at, value))
    return found


def _column(rows: Rows, number: int) -> Column:
    place = of_series(rows, number)
    return rows.at[place], rows.value[place]
