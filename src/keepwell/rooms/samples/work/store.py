"""The store of samples: what is brought is checked, logged and then seen; questions are answered from memory and from the hours' files."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np

from keepwell.kernel.problems import Problem, Refused
from keepwell.ports.clock import Clock
from keepwell.ports.samples import NAME, Column, Matcher, Sample
from keepwell.rooms.samples import log as logs
from keepwell.rooms.samples.admission import DEFAULT_LIMITS, LABELS, LIMIT, UNFIT, Kept, Limits, timely
from keepwell.rooms.samples.index import SeriesIndex
from keepwell.rooms.samples.log import Log, Point, by_hour, nothing
from keepwell.rooms.samples.model import Ids, Instants, Keep, Labels, Metric, Rows, Values, is_stale
from keepwell.rooms.samples.window import BLOCK, Window, picked
from keepwell.storage.faults import CLOSED

from .rounds import Round, Rounds, Waiting

T = TypeVar("T")

MOST_AT_ONCE = 5_000_000
"""Samples in one answer."""

OWN = "keepwell"
"""The source of samples that other rooms leave through the port."""

_IN_TURN = 500
"""Series; questions about more are answered in a thread."""

_MOST_CACHED = 50_000
_SEAL_AFTER = 60_000
"""Milliseconds after a block's end: samples are rarely later."""


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """What the store says of itself. ``size`` is bytes in memory, ``refused`` counts by reason."""

    series: int
    in_memory: int
    size: int
    waiting: int
    stored: int
    shed: int
    refused: Mapping[str, int]
    fault: str


class SampleStore:
    """One folder of samples, used by one server. Nothing is shown that is not committed. Call everything on the event loop's thread."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        keep: Keep | None = None,
        window: timedelta = timedelta(hours=1),
        limits: Limits = DEFAULT_LIMITS,
        point: Point = nothing,
    ) -> None:
        self.folder = folder
        self._clock = clock
        self._keep = keep or Keep()
        self._for = window // timedelta(milliseconds=1)
        self._point = point
        self._index = SeriesIndex(limits)
        self._window = Window()
        self._metrics: dict[str, Metric] = {}
        self._pending: dict[int, set[int]] = {}
        self._cache: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="keepwell-samples")
        self._log: Log | None = None
        self._since = 0
        self._rounds = Rounds(self._window, self._writer, self._plan, self._stored)
        self._running: asyncio.Task[None] | None = None

    # --- life ---

    async def begin(self) -> None:
        """Opens the log and loads what it has. Raises StorageError where that is impossible."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._log = await self._in_writer(lambda: Log.open(self.folder / logs.NAME, self._point))
        self._since = (self._now() - self._for) // BLOCK * BLOCK
        self._running = asyncio.create_task(self._rounds.run(), name="samples")

    async def end(self) -> None:
        """Stores what waits (or cannot), and closes."""
        self._rounds.end()
        if self._running is not None:
            await self._running
        if self._log is not None:
            await self._in_writer(self._log.close)
        self._writer.shutdown()

    # --- taking ---

    async def append(self, samples: Sequence[Sample]) -> None:
        """The port: takes a batch and never waits. What is refused or shed is counted."""
        ids = np.fromiter((self._number(sample) for sample in samples), np.int32, len(samples))
        at = np.fromiter((round(sample.at.timestamp() * 1000) for sample in samples), np.int64, len(samples))
        value = np.fromiter((sample.value for sample in samples), np.float64, len(samples))
        self._put(Rows(ids, at, value), None)

    def _number(self, sample: Sample) -> int:
        key = (sample.name, tuple(sample.labels.items()))
        number = self._cache.get(key)
        if number is None:
            number = self._index.identify(OWN, {**sample.labels, NAME: sample.name})
            if number >= 0:
                if len(self._cache) >= _MOST_CACHED:
                    self._cache.clear()
                self._cache[key] = number
        return number

    def identify(self, source: str, labels: Sequence[Labels]) -> Ids:
        """The numbers of series, new ones where needed. Where a limit refuses: admission.LIMITED (-1); where labels cannot be kept:
        admission.UNFIT (-2). ``add`` counts the samples of both.
        """
        identify = self._index.identify
        return np.fromiter((identify(source, each) for each in labels), np.int32, len(labels))

    def add(self, source: str, series: Sequence[Labels] | Ids, at: Instants, value: Values) -> "asyncio.Future[Kept]":
        """Takes samples: columns of one length, in any order. The outcome comes once they are committed; it is StorageError where the disk
        does not take them (they then wait all the same, and may be brought again without harm).
        """
        return self._add(source, series, at, value, is_old=False)

    def backfill(self, source: str, series: Sequence[Labels] | Ids, at: Instants, value: Values) -> "asyncio.Future[Kept]":
        """As ``add``, for many old samples: those before the window go to the log only, and are seen when their hour is in a file."""
        return self._add(source, series, at, value, is_old=True)

    def _add(self, source: str, series: Sequence[Labels] | Ids, at: Instants, value: Values, *, is_old: bool) -> "asyncio.Future[Kept]":
        ids = series if isinstance(series, np.ndarray) else self.identify(source, series)
        rows = Rows(ids.astype(np.int32, copy=False), np.asarray(at, np.int64), np.asarray(value, np.float64))
        outcome: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        # Whoever does not wait for it need not hear of a fault: the figures tell.
        outcome.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._put(rows, outcome, is_old)
        return outcome

    def _put(self, rows: Rows, outcome: "asyncio.Future[Kept] | None", is_old: bool = False) -> None:
        taken, refused = timely(rows.at, self._now(), self._keep.raw)
        is_series = (rows.series >= 0) & (rows.series < self._index.end)
        if not is_series.all():
            unfit = int(np.count_nonzero(rows.series <= UNFIT))
            counts = {LABELS: unfit, LIMIT: int(np.count_nonzero(~is_series)) - unfit}
            refused = _together(refused, {reason: count for reason, count in counts.items() if count})
            taken &= is_series
        self._rounds.figures.refuse(refused)
        rows = rows if taken.all() else picked(rows, taken)
        if len(rows):
            self._rounds.put(Waiting(rows, refused, outcome, is_old))
        elif outcome is not None:
            outcome.set_result(Kept(0, refused))

    def _plan(self) -> Callable[[Rows], list[tuple[int, int]]]:
        """How the next round is written, in the writer's thread, with the series that are new by now."""
        new, log = self._index.unsaved(), self._log

        def write(rows: Rows) -> list[tuple[int, int]]:
            if log is None:
                raise CLOSED.at(str(self.folder / logs.NAME))
            return log.append(by_hour(rows), new)

        return write

    async def _stored(self, done: Round, ids: list[tuple[int, int]]) -> None:
        self._index.saved(done.rows.series)
        for hour, number in ids:
            self._pending.setdefault(hour, set()).add(number)
        rows = done.rows
        if any(batch.is_old for batch in done.batches):
            old = np.fromiter((batch.is_old for batch in done.batches), np.bool_, len(done.batches))
            rows = picked(rows, ~old[done.batch] | (rows.at >= self._since))
        self._window.add(rows)
        for block in self._window.to_seal(self._now() - _SEAL_AFTER):
            self._window.put_sealed(block, await asyncio.to_thread(block.seal))

    # --- asking ---

    def ids(self, matchers: Sequence[Matcher]) -> Ids:
        """The series that fit all matchers, ascending. Raises Refused for a pattern that is none."""
        return self._index.find(matchers)

    def labels(self, number: int) -> Labels:
        """The labels of a series. Raises KeyError where there is none of this number."""
        return self._index.labels(number)

    @property
    def since(self) -> int:
        """From this instant (milliseconds) on, memory has every sample; of earlier ones it has some."""
        return self._since

    async def select(self, matchers: Sequence[Matcher], start: int, end: int) -> list[Column]:
        """Every series that fits and has samples from ``start`` to ``end`` (ports.samples.Select), from memory and files."""
        return self._columns(await self.select_ids(self.ids(matchers), start, end))

    async def select_ids(self, ids: Ids, start: int, end: int) -> Rows:
        """The samples of these series (ascending), sorted by (series, at). Raises Refused where they are too many."""
        rows = self.rows(ids, start, end) if len(ids) <= _IN_TURN else await asyncio.to_thread(self.rows, ids, start, end)
        if len(rows) > MOST_AT_ONCE:
            message = f"that is more than {MOST_AT_ONCE:,} samples"
            raise Refused(Problem("samples.too-many", message, "Ask for fewer series, or for less time."))
        return rows

    def rows(self, ids: Ids, start: int, end: int) -> Rows:
        """What memory has of these series (ascending) from ``start`` to ``end``, sorted by (series, at)."""
        return self._window.rows(ids, start, end)

    async def latest(self, matchers: Sequence[Matcher], now: int, within: int = 300_000) -> list[tuple[Labels, int, float]]:
        """The newest sample of each series that fits, at ``now`` (milliseconds) and at most so long before; none where the series has
        ended (a staleness marker).
        """
        ids = self.ids(matchers)
        at, value = self._window.latest(ids)
        ahead = at > now
        if ahead.any():
            at, value = at.copy(), value.copy()
            at[ahead], value[ahead] = _last(self.rows(ids[ahead], now - within, now), ids[ahead])
        fits = np.flatnonzero((at > now - within) & ~is_stale(value))
        labels = self._index.labels
        return list(zip(map(labels, ids[fits].tolist()), at[fits].tolist(), value[fits].tolist(), strict=True))

    def _columns(self, rows: Rows) -> list[Column]:
        edges = [*np.flatnonzero(np.diff(rows.series, prepend=-1)).tolist(), len(rows)]
        return [
            Column(self._index.labels(int(rows.series[first])), rows.at[first:end], rows.value[first:end]) for first, end in pairwise(edges)
        ]

    # --- what metrics are ---

    async def describe(self, metrics: Mapping[str, Metric]) -> None:
        """Keeps what metrics are; of two descriptions the later holds. Raises StorageError."""
        changed = {name: metric for name, metric in metrics.items() if self._metrics.get(name) != metric}
        log = self._log
        if changed and log is not None:
            await self._in_writer(lambda: log.describe(changed))
            self._metrics |= changed

    def metric(self, name: str) -> Metric:
        """What is known of a metric."""
        return self._metrics.get(name, _UNKNOWN)

    # --- about itself ---

    @property
    def figures(self) -> StoreFigures:
        """Figures for people and for Keepwell's own samples."""
        of = self._rounds.figures
        return StoreFigures(
            len(self._index), len(self._window), self._window.size, of.waiting, of.stored, of.shed, dict(of.refused), of.fault
        )

    def problems(self) -> list[str]:
        """What people should know, a sentence each."""
        fault = self._rounds.figures.fault
        return [f"Samples cannot be stored: {fault}."] if fault else []

    def _now(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    async def _in_writer(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, act)


_UNKNOWN = Metric()


def _together(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    return {reason: first.get(reason, 0) + second.get(reason, 0) for reason in {**first, **second}}


def _last(rows: Rows, ids: Ids) -> tuple[Instants, Values]:
    """The last row of each series (ascending), of rows sorted by (series, at); the instant is the smallest int64 where there is none."""
    place = np.searchsorted(rows.series, ids, side="right") - 1
    found = (place >= 0) & (rows.series[np.maximum(place, 0)] == ids) if len(rows) else np.zeros(len(ids), np.bool_)
    at = np.full(len(ids), np.iinfo(np.int64).min, np.int64)
    value = np.full(len(ids), np.nan)
    at[found], value[found] = rows.at[place[found]], rows.value[place[found]]
    return at, value
