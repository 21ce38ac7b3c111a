"""``keepwell up``: the living composition. Builds the rooms, runs the engine and the servers, reloads, stops."""

import asyncio
import contextlib
import hashlib
import logging
import os
import resource
import signal
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from keepwell.api.access import check_listen_address
from keepwell.api.application import build_application
from keepwell.api.figures import Measured
from keepwell.api.gate import Policy
from keepwell.api.server import Servers, address_of, bind_tcp, page_address
from keepwell.api.tokens import TokenFile
from keepwell.composition import verbs
from keepwell.composition.alerting import AlertRoom
from keepwell.composition.doing import OwnRecords
from keepwell.composition.heartbeats import Heartbeats
from keepwell.composition.hosts import hosts_of
from keepwell.composition.live import Live, Rooms
from keepwell.composition.samples import SampleRoom
from keepwell.composition.working import Ground, WorkingRooms
from keepwell.config.acceptance import read_acceptances
from keepwell.config.operations import Operations
from keepwell.kernel.problems import ConfigurationError, KeepwellError, NotAccepted, StorageError
from keepwell.kernel.redaction import redact_patterns
from keepwell.machine import notify
from keepwell.machine.log import configure_logging
from keepwell.machine.memory import be_modest
from keepwell.ports.host import Host
from keepwell.rooms.health.decide import percentile
from keepwell.rooms.health.model import Web
from keepwell.storage.database import Database
from keepwell.storage.directory import DataDirectory, bind_unix
from keepwell.web.pages import Site

GRACE = 10.0
"""Seconds that looks under way get to end when Keepwell is stopped."""

OPEN_FILES = 16384
"""Open files wanted: every look under way holds a socket or two, and the usual soft limit is 1024."""

BLOCKING = 32
"""Threads for what blocks or computes for long (disks, certificates, resolvers). The usual six would all hang on one dead network disk."""

_log = logging.getLogger("keepwell")


_IDENTITY = 150
"""Characters of a server's name; a lease has room for 200, and rooms add a word of theirs."""


def identity_of(machine: str, directory: str) -> str:
    """The name of the server of a data directory among all that use its database, the same after a restart: what is too long, or is no
    text that a database takes, ends with its digest."""
    name = f"{machine}:{directory}"
    plain = name.encode("utf-8", "backslashreplace").decode()
    if plain == name and len(name) <= _IDENTITY:
        return name
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:32]
    return f"{plain[: _IDENTITY - len(digest) - 1]}~{digest}"


@dataclass(frozen=True, slots=True)
class Settings:
    """The command line of ``keepwell up``."""

    directory: str
    data: str | None = None
    listen: str | None = None
    log_format: str = "text"
    log_level: str = "info"


async def serve(settings: Settings, open_local: Callable[[], AbstractAsyncContextManager[Host]] = verbs.local_host) -> int:
    """Runs until SIGINT or SIGTERM; 0 after a graceful stop. ``open_local`` gives the ports of this machine.

    Raises ConfigurationError, UsageError (a port in use, a public address) or StorageError before anything runs.
    """
    be_modest()
    configure_logging(settings.log_format, settings.log_level)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: None)  # while starting, everything is being read anyway
    operations = verbs.load(settings.directory)
    verbs.check_more(operations)
    checks = verbs.resolve_checks(operations, verbs.effective_user())
    address = check_listen_address(settings.listen or operations.values["web"].listen)
    _raise_open_files()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(BLOCKING, thread_name_prefix="keepwell-blocking"))
    data = DataDirectory(verbs.data_directory(settings.data))
    async with AsyncExitStack() as stack:
        tcp = stack.enter_context(contextlib.closing(bind_tcp(*address)))
        stack.enter_context(data.lock())
        unix = stack.enter_context(contextlib.closing(bind_unix(data.socket)))
        stack.callback(data.socket.unlink, missing_ok=True)
        host = await stack.enter_async_context(open_local())
        configure_logging(settings.log_format, settings.log_level, lambda text: redact_patterns(host.secrets.redact(text)))
        database = await Database.open(await _place(operations, host, data), verbs.tables(), host.clock.now())
        stack.push_async_callback(database.close)
        heartbeats = Heartbeats(database, host)
        records = OwnRecords()
        host = replace(host, pings=heartbeats.desk, records=records)
        hosts = await stack.enter_async_context(hosts_of(host, operations.options("hosts")))
        samples = SampleRoom(data.path / "samples", host, operations)
        await samples.begin()
        stack.push_async_callback(samples.end)
        alerts = AlertRoom(database, host, operations)
        ground = Ground(database, host, hosts, samples, alerts, records, data.path, identity_of(socket.gethostname(), str(data.path)))
        working = WorkingRooms(ground, operations, settings.directory)
        stack.push_async_callback(working.doing.end)
        live = Live(settings.directory, operations, hosts, Rooms(database, heartbeats, samples, alerts, working))
        working.meet(live.checks)
        await live.begin(checks)
        await _run(live, host, Sockets(tcp, unix, data))
    return 0


@dataclass(frozen=True, slots=True)
class Sockets:
    """Where the server listens, bound beforehand, and the directory with its tokens."""

    tcp: Any
    unix: Any
    data: DataDirectory


async def _place(operations: Operations, host: Host, data: DataDirectory) -> Any:
    reference = operations.values["storage"].url
    acceptances = read_acceptances(operations.directory)
    for executable in verbs.storage_executables(operations, verbs.effective_user()):
        if acceptances.accepts(executable) is None:
            hint = f"read and accept it: keepwell accept {operations.directory}"
            raise NotAccepted(f"the database's address comes from a command that may not run: {acceptances.why_not(executable)}", hint=hint)
    return await host.secrets.resolve(reference) if reference is not None else data.database


async def _run(live: Live, host: Host, sockets: Sockets) -> None:
    loop = asyncio.get_running_loop()
    servers: Servers
    measured: Measured

    def web() -> Web:
        times = measured.seconds
        return Web(measured.requests, percentile(times, 0.5), percentile(times, 0.99), servers.connections)

    faces = live.faces(web)
    site = Site(faces, live.operations.service, host.clock)
    policy = Policy([address_of(sockets.tcp)], os.geteuid(), TokenFile(sockets.data.path).find)
    measured = Measured(build_application(faces, policy, site), host.clock.monotonic)
    servers = Servers(measured, [sockets.tcp, sockets.unix], site.close)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, live.stopping.set)
    reloads = Reloads(live)
    loop.add_signal_handler(signal.SIGHUP, reloads.ask)
    recording = loop.create_task(live.checks.recorder.run())
    engine = loop.create_task(live.engine.run())
    try:
        async with servers:
            _log.info("ready", extra={"facts": {"page": page_address(sockets.tcp), "checks": len(live.checks.shown())}})
            notify.ready()
            await _until_stopped(live, [recording, engine])
            notify.stopping()
            _log.info("stopping")
    finally:
        await live.engine.stop(GRACE)
        live.checks.recorder.end()
        await asyncio.gather(recording, engine, return_exceptions=True)
        await live.close()
        try:
            await live.note("keepwell.stopped", {})
        except StorageError as error:
            _log.error("the stop is not in the journal", extra={"facts": {"why": str(error)}})
    _log.info("stopped")


async def _until_stopped(live: Live, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Waits for the signal, feeding systemd's watchdog; a task that ends by itself is a defect and stops everything."""
    stop = asyncio.create_task(live.stopping.wait())
    pause = notify.watchdog_interval(os.environ)
    while not stop.done():
        await asyncio.wait([stop, *tasks], timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        notify.watchdog()
        for task in tasks:
            if task.done():
                stop.cancel()
                task.result()
                return


class Reloads:
    """Reads the directory again for each SIGHUP, one after another; those that come while one waits for its turn are the same wish."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Asks for a reload; never waits."""
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._wanted:
            self._wanted = False
            notify.reloading()
            try:
                await self._live.reload("signal")
            except ConfigurationError:
                pass  # said in the log, with every problem
            except KeepwellError as error:
                _log.error("the configuration could not be read again, the old one stays in force", extra={"facts": {"why": str(error)}})
            notify.ready()


def _raise_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
