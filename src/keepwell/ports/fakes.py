"""Fakes of every port, in memory: for the tests of whoever uses the ports. They keep what they were asked, and invent nothing:
a question for which no answer was prepared raises LookupError.
"""

import asyncio
import functools
import heapq
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.redaction import Redactor

from .databases import Query, Rows
from .files import FileFacts
from .host import Host
from .http import Request, Response
from .names import Answered, Lookup
from .redis import Inquiry, Replies
from .runner import Command, Result
from .samples import Sample

Prepared = TypeVar("Prepared")


def _give(answer: Prepared | Exception) -> Prepared:
    if isinstance(answer, Exception):
        raise answer
    return answer


class FakeClock:
    """Time that stands until a test moves it. ``sleep`` returns when ``advance`` has passed its end."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        if now.tzinfo is None:
            raise ValueError("the clock needs an instant with a time zone")
        self._now = now.astimezone(UTC)
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The instant that was set."""
        return self._now

    def monotonic(self) -> float:
        """Seconds that ``advance`` was given so far."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Waits for ``advance``; at once where not positive."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed + seconds, future))
        await future

    def advance(self, seconds: float) -> None:
        """Both clocks go on; whoever slept so long is woken, earliest first."""
        self._elapsed += seconds
        self._now += timedelta(seconds=seconds)
        for end, future in sorted(self._sleepers, key=lambda sleeper: sleeper[0]):
            if end <= self._elapsed and not future.done():
                future.set_result(None)
        self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[1].done()]

    def set(self, now: datetime) -> None:
        """The calendar's clock is corrected; the monotonic one does not follow."""
        self._now = now.astimezone(UTC)


class VirtualClock:
    """Time that jumps: while ``play`` runs, both clocks go straight to the end of the next sleep as soon as nothing else happens, so that
    weeks pass in minutes. What takes real time (a database, a process, a network) goes through ``holding``: meanwhile time stands still.
    """

    def __init__(self, now: datetime, settle: float = 0.001) -> None:
        """``settle``: real seconds without anything new after which nothing happens any more."""
        if now.tzinfo is None:
            raise ValueError("the clock needs an instant with a time zone")
        self._begin = now.astimezone(UTC)
        self._elapsed = 0.0
        self._settle = settle
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._held = 0
        self._events = 0
        self._changed = asyncio.Event()

    def now(self) -> datetime:
        """The instant that was reached."""
        return self._begin + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Virtual seconds since the beginning."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Waits until ``play`` has come so far; at once where not positive."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._happens()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, self._events, future))
        await future

    def holding(self, port: Prepared) -> Prepared:
        """The same port; while one of its coroutines runs, time stands still."""
        return cast("Prepared", _Holding(self, port))

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Time stands still inside of this."""
        self._held += 1
        self._happens()
        try:
            yield
        finally:
            self._held -= 1
            self._happens()

    async def play(self, until: datetime) -> None:
        """Lets time pass until that instant, from one end of a sleep to the next."""
        end = (until - self._begin).total_seconds()
        while self._elapsed < end:
            await self._settled()
            while self._sleepers and self._sleepers[0][2].done():  # whoever slept was cancelled
                heapq.heappop(self._sleepers)
            self._elapsed = max(self._elapsed, min(end, self._sleepers[0][0]) if self._sleepers else end)
            while self._sleepers and self._sleepers[0][0] <= self._elapsed:
                future = heapq.heappop(self._sleepers)[2]
                if not future.done():
                    future.set_result(None)
        await self._settled()

    def _happens(self) -> None:
        self._events += 1
        self._changed.set()

    async def _settled(self) -> None:
        """Returns when nothing has happened for a moment, and nothing holds time."""
        while True:
            events = self._events
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            if self._events == events and not self._held:
                await asyncio.sleep(self._settle)
                if self._events == events:
                    return
            elif self._held:
                self._changed.clear()
                await self._changed.wait()


_TURNS = 10


class _Holding:
    def __init__(self, clock: VirtualClock, port: Any) -> None:
        self._clock, self._port = clock, port

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not inspect.iscoroutinefunction(value):
            return value

        @functools.wraps(value)
        async def held(*arguments: Any, **more: Any) -> Any:
            with self._clock.standing_still():
                return await value(*arguments, **more)

        return held


class FakeRunner:
    """Answers by ``argv``. ``answers`` maps an argv to a Result or an exception to raise; or is a function of the Command."""

    def __init__(
        self,
        answers: Mapping[tuple[str, ...], Result | Exception] | Callable[[Command], Result | Exception] = {},  # noqa: B006 (read only)
    ) -> None:
        self._answers = answers
        self.asked: list[Command] = []

    async def run(self, command: Command) -> Result:
        """The prepared Result. Raises the prepared exception, or LookupError where nothing was prepared."""
        self.asked.append(command)
        return _give(self._answers(command) if callable(self._answers) else self._answers[command.argv])


def result(stdout: str = "", *, status: int = 0, stderr: str = "", seconds: float = 0.01) -> Result:
    """The Result of a program that ended by itself."""
    return Result(status=status, signal=None, stdout=stdout, stderr=stderr, seconds=seconds)


class FakeHttp:
    """Answers by address. ``answers`` maps a URL to a Response or an exception to raise; or is a function of the Request."""

    def __init__(
        self,
        answers: Mapping[str, Response | Exception] | Callable[[Request], Response | Exception] = {},  # noqa: B006 (read only)
    ) -> None:
        self._answers = answers
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Response:
        """The prepared Response. Raises the prepared exception, or LookupError where nothing was prepared."""
        self.asked.append(request)
        return _give(self._answers(request) if callable(self._answers) else self._answers[request.url])


class FakeDatabases:
    """Answers by address. ``answers`` maps an address to Rows or an exception to raise; or is a function of the Query."""

    def __init__(
        self,
        answers: Mapping[str, Rows | Exception] | Callable[[Query], Rows | Exception] = {},  # noqa: B006 (read only)
    ) -> None:
        self._answers = answers
        self.asked: list[Query] = []

    async def ask(self, query: Query) -> Rows:
        """The prepared Rows. Raises the prepared exception, or LookupError where nothing was prepared."""
        self.asked.append(query)
        return _give(self._answers(query) if callable(self._answers) else self._answers[query.address])


def rows(*results: Sequence[Mapping[str, Any]], version: int = 150004, connect: float = 0.004) -> Rows:
    """The Rows of statements that all succeeded, in order."""
    return Rows(tuple(tuple(result) for result in results), {}, version, connect, connect + 0.001, "127.0.0.1:5432/shop")


class FakeRedis:
    """Answers by address. ``answers`` maps an address to Replies or an exception to raise; or is a function of the Inquiry."""

    def __init__(
        self,
        answers: Mapping[str, Replies | Exception] | Callable[[Inquiry], Replies | Exception] = {},  # noqa: B006 (read only)
    ) -> None:
        self._answers = answers
        self.asked: list[Inquiry] = []

    async def ask(self, inquiry: Inquiry) -> Replies:
        """The prepared Replies. Raises the prepared exception, or LookupError where nothing was prepared."""
        self.asked.append(inquiry)
        return _give(self._answers(inquiry) if callable(self._answers) else self._answers[inquiry.address])


class FakeNames:
    """Answers by name. ``answers`` maps a name to an Answered or an exception to raise; or is a function of the Lookup."""

    def __init__(
        self,
        answers: Mapping[str, Answered | Exception] | Callable[[Lookup], Answered | Exception] = {},  # noqa: B006 (read only)
    ) -> None:
        self._answers = answers
        self.asked: list[Lookup] = []

    async def look_up(self, lookup: Lookup) -> Answered:
        """The prepared Answered. Raises the prepared exception, or LookupError where nothing was prepared."""
        self.asked.append(lookup)
        return _give(self._answers(lookup) if callable(self._answers) else self._answers[lookup.name])


class FakeFiles:
    """Files from a mapping of path to content, or to an exception to raise. Directories are implied by the paths."""

    def __init__(self, contents: Mapping[str, bytes | Exception]) -> None:
        self.contents = dict(contents)

    async def read(self, path: str, limit: int = 1024 * 1024) -> bytes:
        """The first ``limit`` bytes. Raises AnswerError where there is no such path, AskError for a directory."""
        if path in self.contents:
            return _give(self.contents[path])[:limit]
        if self._below(path):
            raise AskError(f"{path} is a directory")
        raise AnswerError(f"{path} does not exist")

    async def facts(self, path: str) -> FileFacts:
        """Size as prepared; owner, group and modification time are 0. Raises AnswerError where there is no such path."""
        if path in self.contents:
            return FileFacts(path, len(_give(self.contents[path])), 0o100644, 0, 0, 0.0, is_directory=False)
        if self._below(path):
            return FileFacts(path, 0, 0o040755, 0, 0, 0.0, is_directory=True)
        raise AnswerError(f"{path} does not exist")

    async def names(self, path: str) -> tuple[str, ...]:
        """The names below a directory, sorted. Raises AnswerError where there is no such path, AskError where it is a file."""
        if path in self.contents:
            raise AskError(f"{path} is not a directory")
        names = self._below(path)
        if not names:
            raise AnswerError(f"{path} does not exist")
        return tuple(sorted(names))

    def _below(self, path: str) -> set[str]:
        prefix = path.rstrip("/") + "/"
        return {known.removeprefix(prefix).partition("/")[0] for known in self.contents if known.startswith(prefix)}


class FakeSecrets:
    """Resolves references from a mapping of whole reference (``secret:NAME``) to value."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.asked: list[str] = []

    async def resolve(self, reference: str) -> str:
        """The prepared value. Raises AskError where there is none."""
        self.asked.append(reference)
        if reference not in self._values:
            raise AskError(f"there is no {reference}")
        return self._values[reference]

    def redact(self, text: str) -> str:
        """The text without the values that were asked for."""
        return Redactor(self._values[reference] for reference in self.asked if reference in self._values).redact(text)


class FakeRecords:
    """What Keepwell did, from mappings of a backup's or task's name to the instant (None: never); ``all`` is the key for all backups."""

    def __init__(self, proofs: Mapping[str, datetime | None] = {}, tasks: Mapping[str, datetime | None] = {}) -> None:
        self._proofs, self._tasks = proofs, tasks

    async def newest_proof(self, backup: str | None) -> datetime | None:
        """The prepared instant. Raises AskError where there is no such backup."""
        return self._known(self._proofs, backup or "all", "backup")

    async def last_success(self, task: str) -> datetime | None:
        """The prepared instant. Raises AskError where there is no such task."""
        return self._known(self._tasks, task, "task")

    def _known(self, instants: Mapping[str, datetime | None], name: str, word: str) -> datetime | None:
        if name not in instants:
            raise AskError(f"there is no {word} {name}")
        return instants[name]


class ListSamples:
    """Keeps every sample in a list."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []

    async def append(self, samples: Sequence[Sample]) -> None:
        """Takes a batch."""
        self.samples.extend(samples)


def fake_host(
    name: str = "local",
    *,
    runner: FakeRunner | None = None,
    files: FakeFiles | None = None,
    http: FakeHttp | None = None,
    clock: FakeClock | None = None,
    secrets: FakeSecrets | None = None,
) -> Host:
    """A host all of whose ports are fakes; those not given have no answer prepared. Rarer ports are put in with ``dataclasses.replace``:
    ``replace(fake_host(), redis=FakeRedis(...))``."""
    return Host(
        name,
        runner or FakeRunner(),
        files or FakeFiles({}),
        http or FakeHttp(),
        clock or FakeClock(),
        secrets or FakeSecrets({}),
        databases=FakeDatabases(),
        redis=FakeRedis(),
        names=FakeNames(),
    )
