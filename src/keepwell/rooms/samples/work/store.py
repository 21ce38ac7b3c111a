"""The store of samples: what is brought is checked, logged and then seen; questions are answered from memory and from the hours' files."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np

from keepwell.kernel.problems import StorageError
from keepwell.ports.clock import Clock
from keepwell.ports.samples import NAME, Sample
from keepwell.rooms.samples.admission import DEFAULT_LIMITS, LABELS, LIMIT, UNFIT, Kept, Limits, timely
from keepwell.rooms.samples.index import SeriesIndex
from keepwell.rooms.samples.log import Log, Point, by_hour, nothing
from keepwell.rooms.samples.model import Ids, Instants, Keep, Labels, Metric, Rows, Values
from keepwell.rooms.samples.window import BLOCK, picked
from keepwell.storage.faults import CLOSED

from .ageing import count_living, note_seen
from .early import Early
from .recall import Recall
from .recovery import is_damage, put_aside, renewed
from .restart import MOST_IN_MEMORY, NO_FILES, Files, Opening, State, leave, open_state
from .rounds import RETRY_AFTER, SHED, Round, Rounds, Waiting, prepare
from .trimming import trim

T = TypeVar("T")

OWN = "keepwell"
"""The source of samples that other rooms leave through the port."""

MUCH_FREE = 200_000_000
"""Bytes of the log's file that hold nothing."""

PATIENCE = 2.0
"""Seconds that a start waits for the disk."""

_MOST_CACHED = 10_000
"""Sets of labels (checks) whose series are remembered."""

_SEAL_AFTER = 60_000
"""Milliseconds after a block's end: samples are rarely later."""

_log = logging.getLogger("keepwell.samples")


@dataclass(frozen=True, slots=True)
class Settings:
    """How long samples are kept, in memory and at all; how many series; and the seconds between two writes while batches keep coming (each
    costs a flush of the disk)."""

    keep: Keep = field(default_factory=Keep)
    window: timedelta = timedelta(hours=1)
    limits: Limits = DEFAULT_LIMITS
    every: float = 1.0


DEFAULT = Settings()


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


class SampleStore(Recall):
    """One folder of samples, used by one server. Nothing is shown that is not committed. Call everything on the event loop's thread."""

    def __init__(self, folder: Path, clock: Clock, settings: Settings = DEFAULT, files: Files = NO_FILES, point: Point = nothing) -> None:
        self.folder = folder
        self._clock = clock
        self._settings = settings
        super().__init__(State(SeriesIndex(Limits(0, 0))), files)
        self._point = point
        self._cache: dict[tuple[tuple[str, str], ...], dict[str, int]] = {}
        """By labels and name, the numbers of what the port brought; a key for each name would hold the labels of a check nine times."""
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="keepwell-samples")
        self._fault = ""
        self._is_damaged = False
        self._crowded_until = 0
        self._new: list[int] = []
        self._early = Early()
        self._tried = asyncio.Event()
        self._is_ending = asyncio.Event()
        self._rounds = Rounds(self, self._writer, settings.every)
        self._tasks: list[asyncio.Task[None]] = []
        self.is_urgent: Callable[[Ids], bool] = lambda series: False
        """Whether somebody waits for samples of these series: then they are stored sooner."""
        self.on_stored: Callable[[Ids], None] = lambda series: None
        """Called with the series of samples that are kept and seen from now on."""

    # --- life ---

    async def begin(self, patience: float = PATIENCE) -> None:
        """Opens the log and loads what it has, in the background where that takes longer than so many seconds. A disk on which it fails is
        tried again and again. Until it is open, samples wait.
        """
        opening = asyncio.create_task(self._open_until_done(), name="samples open")
        self._tasks = [opening, asyncio.create_task(self._rounds.run(), name="samples")]
        first = asyncio.create_task(self._tried.wait())
        await asyncio.wait([first], timeout=patience)
        first.cancel()

    async def _open_until_done(self) -> None:
        while not self._is_ending.is_set():
            is_open = await self._open()
            self._tried.set()
            if is_open:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_ending.wait(), RETRY_AFTER[-1])

    async def _open(self) -> bool:
        settings = self._settings
        opening = Opening(self.folder, self._files, settings.limits, self._now(), _milliseconds(settings.window), self._point)
        try:
            self._state = await self._in_writer(lambda: open_state(opening))
        except Exception as error:
            # One that we did not foresee stops no more of Keepwell than a disk does.
            if not self._fault:
                _log.error("samples cannot be stored; everything else goes on", exc_info=not isinstance(error, StorageError))
            self._fault = str(error) or repr(error)
            self._early.failed(self._not_open())
            return False
        self._fault = ""
        self._state.index.limits = self._settings.limits
        count_living(self._state, self._now())
        self._early.bring()
        return True

    def configure(self, settings: Settings) -> None:
        """Other settings from now on; except ``every``, which holds from the next start."""
        self._settings = settings
        if self._state.log is not None:
            self._state.index.limits = settings.limits

    async def end(self) -> None:
        """Stores what waits (or cannot), and closes."""
        self._is_ending.set()
        self._rounds.end()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._early.end()
        log, self._state.log = self._state.log, None
        if log is not None:
            await self._in_writer(log.close)
        self._writer.shutdown()

    # --- taking ---

    async def append(self, samples: Sequence[Sample]) -> None:
        """The port: takes a batch and never waits. What is refused or shed is counted."""
        if self._state.log is None:
            self._put_early(len(samples), lambda: self._append(samples), None)
        else:
            self._append(samples)

    def _append(self, samples: Sequence[Sample]) -> None:
        ids = np.fromiter((self._number(sample) for sample in samples), np.int32, len(samples))
        at = np.fromiter((round(sample.at.timestamp() * 1000) for sample in samples), np.int64, len(samples))
        value = np.fromiter((sample.value for sample in samples), np.float64, len(samples))
        self._put(Rows(ids, at, value), None)

    def _number(self, sample: Sample) -> int:
        key = tuple(sample.labels.items())
        named = self._cache.get(key)
        if named is None:
            if len(self._cache) >= _MOST_CACHED:
                self._cache.clear()
            named = self._cache[key] = {}
        number = named.get(sample.name)
        if number is None:
            number = self._state.index.identify(OWN, {**sample.labels, NAME: sample.name})
            if number >= 0:
                named[sample.name] = number
        return number

    def identify(self, source: str, labels: Sequence[Labels]) -> Ids:
        """The numbers of series, new ones where needed. Where a limit refuses: admission.LIMITED (-1); where labels cannot be kept:
        admission.UNFIT (-2). ``add`` counts the samples of both.
        """
        identify = self._state.index.identify
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
        outcome: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        # Whoever does not wait for it need not hear of a fault: the figures tell.
        outcome.add_done_callback(lambda done: done.cancelled() or done.exception())

        def bring() -> None:
            ids = series if isinstance(series, np.ndarray) else self.identify(source, series)
            self._put(Rows(ids.astype(np.int32, copy=False), np.asarray(at, np.int64), np.asarray(value, np.float64)), outcome, is_old)

        if self._state.log is None:
            self._put_early(len(at), None if isinstance(series, np.ndarray) else bring, outcome)
        else:
            bring()
        return outcome

    def _put_early(self, samples: int, bring: Callable[[], None] | None, outcome: "asyncio.Future[Kept] | None") -> None:
        """The store is not open. Numbers of series (no ``bring``) mean nothing yet; otherwise the samples wait."""
        if bring is not None and not self._is_ending.is_set():
            self._early.put(samples, bring, outcome)
        else:
            self._early.shed += samples
        if outcome is not None and (bring is None or self._fault or self._is_ending.is_set()) and not outcome.done():
            outcome.set_exception(self._not_open())

    def _not_open(self) -> StorageError:
        return StorageError(replace(SHED, message=self._fault or "the store of samples is not open"))

    def _put(self, rows: Rows, outcome: "asyncio.Future[Kept] | None", is_old: bool = False) -> None:
        taken, refused = timely(rows.at, self._now(), self._settings.keep.raw)
        is_series = self._state.index.has(rows.series)
        if not is_series.all():
            unfit = int(np.count_nonzero(rows.series <= UNFIT))
            counts = {LABELS: unfit, LIMIT: int(np.count_nonzero(~is_series)) - unfit}
            taken, refused = timely(rows.at, self._now(), self._settings.keep.raw, is_series)
            refused |= {reason: count for reason, count in counts.items() if count}
        self._rounds.figures.refuse(refused)
        rows = rows if taken.all() else picked(rows, taken)
        if len(rows):
            self._rounds.put(Waiting(rows, refused, outcome, is_old))
            if self.is_urgent(rows.series):
                self._rounds.hurry()
        elif outcome is not None and not outcome.done():
            outcome.set_result(Kept(0, refused))

    def plan(self) -> Callable[[Sequence[Waiting]], Round]:
        """How the next batches are stored (rounds.Keeper), with the series that are new by now."""
        state, new = self._state, self._state.index.unsaved()
        self._new = [number for number, _, _ in new]

        def store(batches: Sequence[Waiting]) -> Round:
            if state.log is None:
                raise CLOSED.at(str(self.folder))
            done = prepare(batches, state.window)
            return replace(done, places=state.log.append(by_hour(done.rows), new))

        return store

    async def stored(self, done: Round) -> None:
        """They are committed: now they are seen (rounds.Keeper)."""
        state, rows = self._state, done.rows
        state.index.saved(self._new)
        for hour, number in done.places:
            state.pending.setdefault(hour, set()).add(number)
        if any(batch.is_old for batch in done.batches):
            old = np.fromiter((batch.is_old for batch in done.batches), np.bool_, len(done.batches))
            bound = max(self._limit(), state.since)
            left = old[done.batch] & (rows.at < bound)
            if (rows.at[left] >= state.since).any():
                state.since = bound
            rows = picked(rows, ~left)
        state.window.add(rows)
        for block in state.window.to_seal(self._now() - _SEAL_AFTER):
            state.window.put_sealed(block, await asyncio.to_thread(block.seal))
        self._trim()
        self.on_stored(rows.series)

    async def failed(self, error: StorageError) -> None:
        """A round was not stored: where the log itself is damaged, it is set aside and a new one begun (rounds.Keeper)."""
        state = self._state
        self._is_damaged = self._is_damaged or is_damage(error)
        if not self._is_damaged or state.log is None:
            return
        log, series, held = state.log, state.index.everything(), state.window.all()
        last = max((max(ids) for ids in state.pending.values() if ids), default=0)
        try:
            state.log, state.pending, sentence = await self._in_writer(lambda: renewed(log, series, held, last))
            state.sentences.append(sentence)
            self._is_damaged = False
        except StorageError as worse:
            self._rounds.figures.fault = str(worse)

    def _trim(self) -> None:
        self._crowded_until = trim(self._state, self._now(), self._limit(), self._crowded_until)

    def _limit(self) -> int:
        """Where the window begins."""
        return (self._now() - _milliseconds(self._settings.window)) // BLOCK * BLOCK

    # --- what becomes files ---

    async def used_hours(self) -> list[int]:
        """The hours (their starts in milliseconds, ascending) of which the log has samples."""
        return sorted(self._state.pending)

    def batches(self) -> dict[int, list[int]]:
        """What the log has by hours, ascending: the numbers of its batches."""
        return {hour: sorted(self._state.pending[hour]) for hour in sorted(self._state.pending)}

    @property
    def newest(self) -> int | None:
        """The instant of the newest sample."""
        return self._state.window.newest

    async def compacted(self, hour: int, batches: Sequence[int], damaged: Sequence[int] = ()) -> None:
        """These batches of an hour are in its file now: they leave the log, and memory once they are older than the window. ``damaged``
        ones are put aside. Doing it again is harmless. Raises StorageError.
        """
        state = self._state
        log = state.log
        if log is None:
            return
        await self._in_writer(lambda: log.forget(batches))
        leave(state.pending, batches)
        if damaged:
            state.sentences.append(await self._in_writer(lambda: put_aside(log, damaged)))
            leave(state.pending, damaged)
        self._trim()
        await self._note_seen(log)
        await self._shrink_much(log)

    async def shrink(self) -> None:
        """Gives what the log does not need back to the disk, a little at a time between writes. Raises StorageError."""
        log = self._state.log
        while log is not None and not self._is_ending.is_set() and await self._in_writer(log.shrink):
            pass

    async def _shrink_much(self, log: Log) -> None:
        """An hour's room is needed again in an hour; what an import took is not."""
        free, size = await self._in_writer(log.free)
        if free > MUCH_FREE and free > size * 3 // 4:
            await self.shrink()

    async def _note_seen(self, log: Log) -> None:
        keep = self._settings.keep
        longest = max(keep.raw, keep.five_minutes, keep.hour) + timedelta(days=1)
        seen, gone = note_seen(self._state, self._now(), _milliseconds(longest))
        if gone:
            self._cache.clear()
        await self._in_writer(lambda: log.saw(seen, gone))

    async def describe(self, metrics: Mapping[str, Metric]) -> None:
        """Keeps what metrics are; of two descriptions the later holds. Raises StorageError."""
        state, log = self._state, self._state.log
        changed = {name: metric for name, metric in metrics.items() if state.metrics.get(name) != metric}
        if changed and log is not None:
            await self._in_writer(lambda: log.describe(changed))
            state.metrics |= changed

    # --- about itself ---

    @property
    def figures(self) -> StoreFigures:
        """Figures for people and for Keepwell's own samples."""
        of, window = self._rounds.figures, self._state.window
        fault = of.fault or self._fault
        waiting, shed = of.waiting + self._early.waiting, of.shed + self._early.shed
        return StoreFigures(len(self._state.index), len(window), window.size, waiting, of.stored, shed, dict(of.refused), fault)

    def problems(self) -> list[str]:
        """What people should know, a sentence each: a disk that does not take samples, what was damaged, sources with too many series."""
        fault = self._rounds.figures.fault or self._fault
        sentences = [f"samples cannot be stored: {fault}"] if fault else []
        if self._crowded_until:
            until = datetime.fromtimestamp(self._crowded_until / 1000, UTC)
            sentences.append(
                f"more than {MOST_IN_MEMORY:,} samples came within the window of memory: those before {until:%H:%M} UTC are safe, but seen "
                "only when their hour is over; take fewer series, or choose a shorter samples.window"
            )
        refusing = self._state.index.problems() if self._state.log is not None else []
        return [*sentences, *self._state.sentences, *refusing]

    def _now(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    async def _in_writer(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, act)


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
