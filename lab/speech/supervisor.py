"""The speech laboratory as one thing: started, broken, repaired and stopped."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp
import psycopg

from keepwell.demo.laboratory.faults import Fault
from keepwell.demo.laboratory.processes import Service
from keepwell.demo.laboratory.sound import write_tone
from keepwell.demo.laboratory.supervisor import free_ports
from keepwell.kernel.problems import NotFound
from keepwell.kernel.quoting import quoted

from .faults import FAULTS, JOBS_OF_A_GROWING_QUEUE, TRANSCRIPTION_PAUSED
from .jobs import Jobs
from .servers import CONNECTIONS, Cache, Database, program_of, until_ready

ROOT = Path(__file__).resolve().parents[2]
_FOLDERS = ("faults", "logs", "run", "uploads")


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports of loopback; 0 takes a free one."""

    api: int = 0
    transcription: int = 0
    database: int = 0
    cache: int = 0

    def filled(self) -> "Ports":
        """The same with a free port for every 0."""
        given = asdict(self)
        free = iter(free_ports(len(given)))
        return Ports(**{name: port or next(free) for name, port in given.items()})


REFUSALS = 10
"""Refusals in a row, a tenth of a second apart, after which no connection is free."""


class SpeechLaboratory:
    """The services and servers of one folder, which must be new or empty. All methods are for one event loop.

    Everything ends when the process that holds this object ends, however it ends; the folder stays, it belongs to the caller.
    """

    def __init__(self, folder: Path, ports: Ports | None = None) -> None:
        self.folder = folder.resolve()
        self.ports = (ports or Ports()).filled()
        self.broken: frozenset[str] = frozenset()
        logs = self.folder / "logs"
        self.database = Database(logs / "postgresql.log", self.ports.database)
        self.cache = Cache(logs / "redis.log", self.ports.cache)
        self._services = {name: Service(name, logs / f"{name}.log") for name in ("api", "transcription")}
        self._sessions: list[psycopg.AsyncConnection] = []
        self._query: asyncio.Task[None] | None = None
        self._special: dict[str, Callable[[bool], Awaitable[None]]] = {
            "api-down": lambda broken: self._killed("api", broken),
            "api-status-down": self._without_uploads,
            "transcription-down": lambda broken: self._killed("transcription", broken),
            "queue-grows": self._growing_queue,
            "database-down": self._database_down,
            "database-full": self._database_full,
            "long-query": self._long_query,
            "cache-down": self._cache_down,
        }

    @property
    def addresses(self) -> dict[str, str]:
        """Where everything answers."""
        services = {name: f"http://127.0.0.1:{getattr(self.ports, name)}" for name in self._services}
        return {**services, "database": self.database.url, "cache": self.cache.url}

    def pids(self) -> tuple[int, ...]:
        """The numbers of the processes that were started here and run now."""
        every = (*(service.pid for service in self._services.values()), self.database.pid, self.cache.pid)
        return tuple(pid for pid in every if pid is not None)

    def state(self) -> dict[str, object]:
        """The laboratory as JSON can say it."""
        faults = [{"name": fault.name, "does": fault.does, "on": fault.name in self.broken} for fault in FAULTS]
        return {"folder": str(self.folder), "addresses": self.addresses, "pids": self.pids(), "faults": faults}

    async def start(self) -> None:
        """Makes the folder's contents and starts everything. Raises LaboratoryError where something does not come up; none is left then."""
        for name in _FOLDERS:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        try:
            await asyncio.gather(self.database.make(), self.cache.start())
            await Jobs(self.database.url).prepare()
            await asyncio.gather(*map(self._start, self._services))
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stops everything and removes the database."""
        await self._end_query()
        await self._close_sessions()
        await asyncio.gather(*(service.stop() for service in self._services.values()))
        await asyncio.gather(self.database.remove(), self.cache.stop())

    async def break_(self, name: str) -> Fault:
        """Brings a fault about; breaking what is broken changes nothing. Raises NotFound, LaboratoryError."""
        return await self._change(name, broken=True)

    async def repair(self, name: str) -> Fault:
        """Ends a fault. Raises NotFound, LaboratoryError."""
        return await self._change(name, broken=False)

    async def submit(self, count: int = 1) -> list[int]:
        """Sends tones to the API service as a user would; the numbers of the jobs."""
        tone = self.folder / "run" / "tone.wav"
        write_tone(tone, seconds=0.1)
        numbers = []
        async with aiohttp.ClientSession() as session:
            for _ in range(count):
                async with session.post(self.addresses["api"] + "/api/v1/transcriptions", data=tone.read_bytes()) as answer:
                    numbers.append(int((await answer.json())["id"]))
        return numbers

    async def _change(self, name: str, *, broken: bool) -> Fault:
        known = {fault.name: fault for fault in FAULTS}
        if name not in known:
            raise NotFound(f"the laboratory has no fault named {quoted(name)}", hint="it has " + ", ".join(known))
        if (name in self.broken) != broken:
            change = self._special.get(name)
            await (change(broken) if change else self._flag(name, broken))
            self.broken = self.broken | {name} if broken else self.broken - {name}
        return known[name]

    async def _flag(self, name: str, broken: bool) -> None:
        flag = self.folder / "faults" / name
        flag.touch() if broken else flag.unlink(missing_ok=True)

    async def _start(self, name: str) -> None:
        note = self.folder / "run" / name
        note.unlink(missing_ok=True)
        addresses = ("--database", self.database.url, "--cache", self.cache.url)
        options = ("--folder", str(self.folder), "--port", str(getattr(self.ports, name)), *addresses, "--parent", str(os.getpid()))
        service = self._services[name]
        await service.start((*program_of(f"lab.speech.{name}"), *options), ROOT)

        async def answers() -> bool:
            return note.exists()

        await until_ready(service, answers)

    async def _killed(self, name: str, broken: bool) -> None:
        await (self._services[name].kill() if broken else self._start(name))

    async def _without_uploads(self, broken: bool) -> None:
        here, away = self.folder / "uploads", self.folder / "run" / "uploads"
        here.rename(away) if broken else away.rename(here)

    async def _growing_queue(self, broken: bool) -> None:
        await self._flag(TRANSCRIPTION_PAUSED, broken)
        if broken:
            await asyncio.sleep(0.2)  # it may be about to look for a job, and would take the first one
            await self.submit(JOBS_OF_A_GROWING_QUEUE)

    async def _database_down(self, broken: bool) -> None:
        await (self.database.stop_at_once() if broken else self.database.start())

    async def _database_full(self, broken: bool) -> None:
        if not broken:
            await self._close_sessions()
            return
        refused = 0
        # A service may have held a connection for a moment and given it back: full is what stays full.
        while len(self._sessions) < CONNECTIONS and refused < REFUSALS:
            try:
                self._sessions.append(await self.database.session())
                refused = 0
            except psycopg.OperationalError:
                refused += 1
                await asyncio.sleep(0.1)

    async def _close_sessions(self) -> None:
        sessions, self._sessions = self._sessions, []
        await asyncio.gather(*(session.close() for session in sessions), return_exceptions=True)

    async def _long_query(self, broken: bool) -> None:
        if not broken:
            await self._end_query()
            return
        session = await self.database.session()
        self._query = asyncio.create_task(_endless(session))

    async def _end_query(self) -> None:
        if self._query is not None:
            self._query.cancel()
            await asyncio.gather(self._query, return_exceptions=True)
            self._query = None

    async def _cache_down(self, broken: bool) -> None:
        await (self.cache.kill() if broken else self.cache.start())


async def _endless(session: psycopg.AsyncConnection) -> None:
    """Runs a query without an end; cancelled, it ends the query and the session."""
    try:
        await session.execute("SELECT pg_sleep(86400) -- a report over all jobs")
    finally:
        await session.close()
