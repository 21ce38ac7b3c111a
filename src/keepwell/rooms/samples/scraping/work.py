"""Scraping: asks every target for its page when it is due, and brings what it says to the store. An Activity of the engine."""

import asyncio
import heapq
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.quoting import quoted
from keepwell.ports.activity import Job
from keepwell.ports.clock import Clock
from keepwell.ports.http import Http, Response
from keepwell.ports.samples import NAME
from keepwell.rooms.samples.admission import Kept
from keepwell.rooms.samples.model import STALE, Ids, Rows

from .due import aligned, first_due, following
from .intake import Intake, Taken, notes_of, own_instants
from .lines import Page, PageError
from .model import Health, Scraped, Store, Target
from .stale import NOTHING, difference, markers
from .targets import targets_of

if TYPE_CHECKING:
    from .options import ScrapeOptions

REPORTED = ("up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added")
"""What is written of each scrape beside its page (Prometheus, "Jobs and instances")."""

_IN_TURN = 16 * 1024
"""Bytes of a page; a longer one is read in a thread, so that nothing else waits for it."""

_AT_ONCE = 500
"""Series that the store is asked for before others have their turn."""

_log = logging.getLogger("keepwell.samples")


@dataclass(slots=True, eq=False)
class Watched:
    """One target in memory. ``followed`` are the series of its newest page, ``reported`` those of REPORTED, ``last`` is when
    (milliseconds since 1970) it was asked last; ``missed`` counts the times that it was due while its page was still awaited."""

    target: Target
    due: float
    intake: Intake
    followed: Ids = field(default_factory=lambda: NOTHING)
    reported: Ids = field(default_factory=lambda: NOTHING)
    last: int = 0
    shown: Scraped = field(default_factory=Scraped)
    missed: int = 0
    busy: bool = False
    retired: bool = False


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How one scrape went: when (milliseconds since 1970) and how long, and its rows where there are any."""

    at: int
    shown: Scraped
    taken: Taken | None = None


class Scraping:
    """Asks the targets of all jobs. One that is slow or broken delays no other."""

    def __init__(self, http: Http, clock: Clock, store: Store) -> None:
        self.refused: tuple[str, ...] = ()
        """A sentence for each target that cannot be asked as it is configured."""
        self.dropped: Mapping[str, int] = {}
        """How many targets of a job relabelling dropped."""
        self._http = http
        self._clock = clock
        self._store = store
        self._watched: dict[object, Watched] = {}
        self._timers: list[tuple[float, int, Watched]] = []
        self._order = 0
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="keepwell-pages")
        self._going: set[asyncio.Future[Kept]] = set()
        self._describing: set[asyncio.Future[None]] = set()
        self._wake: Callable[[], None] = lambda: None

    # --- configuration ---

    def configure(self, jobs: "Mapping[str, ScrapeOptions]") -> None:
        """Takes the jobs of a configuration. A target that stays keeps its place in time; the series of one that goes end."""
        planned = {name: targets_of(name, options) for name, options in jobs.items()}
        self.refused = tuple(sentence for one in planned.values() for sentence in one.refused)
        self.dropped = {name: one.dropped for name, one in planned.items() if one.dropped}
        before, self._watched, self._timers = self._watched, {}, []
        for target in (target for one in planned.values() for target in one.targets):
            watched = self._watched[target.key] = self._continued(before.pop(target.key, None), target)
            self._push(watched)
        for gone in before.values():
            gone.retired = True
            self._end_series(gone)
        self._wake()

    def _continued(self, known: Watched | None, target: Target) -> Watched:
        started = self._clock.monotonic()
        if known is None:
            return Watched(target, first_due(target.key, target.every, started), Intake(target))
        if known.target != target:
            known.retired = True  # a scrape under way is of the old configuration
            due = known.due if known.target.every == target.every else first_due(target.key, target.every, started)
            return replace(known, target=target, due=due, intake=Intake(target), busy=False, retired=False)
        return known

    def _push(self, watched: Watched) -> None:
        self._order += 1
        heapq.heappush(self._timers, (watched.due, self._order, watched))

    def _end_series(self, watched: Watched) -> None:
        """Marks the series of a target that is gone as ended."""
        ids = np.concatenate((watched.followed, watched.reported[watched.reported >= 0]))
        self._bring(watched.target.source, markers(ids, max(self._now(), watched.last + 1)), None)

    async def end(self) -> None:
        """Waits for nothing any more. Nothing is marked: after a restart the series go on."""
        for watched in self._watched.values():
            watched.retired = True
        self._watched, self._timers = {}, []
        self._threads.shutdown(wait=False, cancel_futures=True)

    # --- the engine's questions ---

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm: called when something may be due earlier than ``next_due`` said."""
        self._wake = wake

    def next_due(self) -> float | None:
        """When the next target is due."""
        return self._timers[0][0] if self._timers else None

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """The targets that are due. One whose page is still awaited is skipped, and counted."""
        jobs: list[Job] = []
        while self._timers and self._timers[0][0] <= monotonic:
            due, _, watched = heapq.heappop(self._timers)
            watched.due = following(due, watched.target.every, monotonic)
            self._push(watched)
            if watched.busy:
                watched.missed += 1
                continue
            watched.busy = True
            jobs.append(Job(due, f"scrape {watched.target.request.url}", lambda watched=watched: self._scrape(watched)))  # type: ignore[misc]
        return jobs

    # --- one scrape ---

    async def _scrape(self, watched: Watched) -> None:
        try:
            outcome = await self._asked(watched)
            if not watched.retired:
                self._take(watched, outcome)
        finally:
            watched.busy = False

    async def _asked(self, watched: Watched) -> _Outcome:
        target, started, now = watched.target, self._clock.monotonic(), self._clock.now()
        at = aligned(round(now.timestamp() * 1000), watched.last, target.every)
        health, error, taken = Health.UP, "", None
        if len(watched.reported) == 0 or (watched.reported < 0).any():  # before its page, which may use up the limit of series
            labels = [{**target.labels, NAME: name} for name in REPORTED]
            watched.reported = self._store.identify(target.source, labels)
        try:
            taken = await self._page(watched, started)
        except AskError as fault:
            health, error = Health.UNKNOWN, str(fault)
        except AnswerError as fault:
            health, error = Health.DOWN, str(fault)
        except PageError as fault:
            health, error = Health.DOWN, f"the page of {quoted(target.request.url, 200)[1:-1]} cannot be taken: {fault}"
        duration = self._clock.monotonic() - started
        counts = (taken.scraped, len(taken.ids)) if taken is not None else (0, 0)
        return _Outcome(at, Scraped(health, error, now, duration, *counts), taken)

    async def _page(self, watched: Watched, monotonic: float) -> Taken:
        """Raises AskError, AnswerError or PageError."""
        response = _whole(await self._http.ask(watched.target.request), watched.target)
        intake, kind = watched.intake, response.headers.get("Content-Type", "")
        if len(response.body) <= _IN_TURN:
            page = intake.digest(response.body, kind, monotonic)
        else:
            loop = asyncio.get_running_loop()
            page = await loop.run_in_executor(self._threads, intake.digest, response.body, kind, monotonic)
        if not watched.retired:
            await self._introduce(watched, page, monotonic)
        return intake.rows(page)

    async def _introduce(self, watched: Watched, page: Page, monotonic: float) -> None:
        """Asks the store for the series that are new."""
        unknown = dict(watched.intake.unknown(monotonic))
        slots = list(unknown)
        for start in range(0, len(slots), _AT_ONCE):
            some = slots[start : start + _AT_ONCE]
            watched.intake.know(some, self._store.identify(watched.target.source, [unknown[slot] for slot in some]))
            await asyncio.sleep(0)
        if page.metrics:  # without waiting for the disk
            describing = asyncio.ensure_future(self._store.describe(page.metrics))
            self._describing.add(describing)
            describing.add_done_callback(self._described)

    def _described(self, done: "asyncio.Future[None]") -> None:
        """Metadata that the disk does not take is told by the store itself."""
        self._describing.discard(done)
        if not done.cancelled() and (fault := done.exception()) is not None:
            _log.warning("what metrics mean was not stored", extra={"facts": {"why": str(fault)}})

    def _take(self, watched: Watched, outcome: _Outcome) -> None:
        """Brings one scrape to the store: its page, what has ended, and what is reported of it."""
        taken, at = outcome.taken, outcome.at
        change = difference(watched.followed, taken.ids if taken else NOTHING, taken.at if taken else None)
        watched.followed, watched.last = change.followed, at
        watched.shown = replace(outcome.shown, notes=notes_of(taken.page, {}) if taken else ())
        parts = [markers(change.ended, at), self._report(watched, outcome, len(change.begun))]
        if taken is not None:
            parts.append(Rows(taken.ids, own_instants(taken.at, len(taken.ids), at), taken.value))
        self._bring(watched.target.source, _joined(parts), watched)

    def _report(self, watched: Watched, outcome: _Outcome, added: int) -> Rows:
        """Where our own side is at fault, nothing is said of the target: ``up`` ends."""
        shown = outcome.shown
        up = STALE if shown.health is Health.UNKNOWN else float(shown.health is Health.UP)
        values = np.array([0.0, shown.duration, shown.samples, shown.series, added], dtype=np.float64)
        values[0] = up
        return Rows(watched.reported, np.full(len(REPORTED), outcome.at, np.int64), values)

    def _bring(self, source: str, rows: Rows, watched: Watched | None) -> None:
        """Hands rows over without waiting for the disk; what the store refuses of them is noted when it says so."""
        if not len(rows):
            return
        going = asyncio.ensure_future(self._store.add(source, rows.series, rows.at, rows.value))
        self._going.add(going)
        shown = watched.shown if watched is not None else None

        def ended(done: "asyncio.Future[Kept]") -> None:
            self._going.discard(done)
            if watched is None or watched.shown is not shown or done.cancelled():
                return
            fault = done.exception()
            if fault is None:
                refused = [f"{count} samples are refused: {reason}" for reason, count in done.result().refused.items()]
            else:
                refused = [str(fault)]
            watched.shown = replace(watched.shown, notes=(*watched.shown.notes, *refused))

        going.add_done_callback(ended)

    # --- showing ---

    def shown(self) -> list[Watched]:
        """Every target, in the configuration's order."""
        return list(self._watched.values())

    def _now(self) -> int:
        return round(self._clock.now().timestamp() * 1000)


def _whole(response: Response, target: Target) -> Response:
    """The response where it is a whole page. Raises AnswerError or PageError."""
    if response.status != 200:
        raise AnswerError(f"{quoted(response.url, 200)[1:-1]} answered {response.status}, expected 200")
    if response.truncated:
        raise PageError(0, f"it is larger than the {target.request.body_limit} bytes of body_size_limit")
    return response


def _joined(parts: Sequence[Rows]) -> Rows:
    return Rows(
        np.concatenate([part.series for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.value for part in parts]),
    )
