"""The real servers below the services: PostgreSQL in a data directory of its own, and Redis.

Both end when the process that holds them does.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import psycopg

from keepwell.demo.laboratory.processes import Service
from keepwell.demo.laboratory.supervisor import LaboratoryError, answers

_EXTRA_PLACES = (*map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), "/usr/sbin")
_PATIENCE_SECONDS = 20.0
CONNECTIONS = 20
OWNER = "speechtotext"
_SETTINGS = f"""\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_preload_libraries = 'pg_stat_statements'
fsync = off
full_page_writes = off
max_connections = {CONNECTIONS}
shared_buffers = 16MB
"""


def find_program(name: str) -> str:
    """The path of a server's program. Raises LaboratoryError where it is not installed."""
    path = shutil.which(name) or shutil.which(name, path=os.pathsep.join(_EXTRA_PLACES))
    if path is None:
        raise LaboratoryError(f"{name} is not installed", hint="make deps installs it")
    return path


def tied(command: Sequence[str], end: str, user: str = "") -> tuple[str, ...]:
    """The command, which the kernel ends with that signal when the process that starts it is gone; as another user where we are root."""
    other = (f"--reuid={user}", f"--regid={user}", "--clear-groups") if user and os.geteuid() == 0 else ()
    return ("setpriv", *other, f"--pdeathsig={end}", *command)


class Database:
    """PostgreSQL with one database and its owner of the same name; anybody on loopback is let in."""

    def __init__(self, output: Path, port: int) -> None:
        self.port = port
        self.url = f"postgresql://{OWNER}@127.0.0.1:{port}/{OWNER}"
        self._service = Service("PostgreSQL", output)
        self._folder = Path()

    @property
    def pid(self) -> int | None:
        """The number of the server's first process, where it runs."""
        return self._service.pid

    async def make(self) -> None:
        """Makes the data directory (0.9 s), starts the server, and makes role and database."""
        self._folder = Path(tempfile.mkdtemp(prefix="keepwell-lab-postgresql-"))
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres", "postgres")  # it refuses to run as root
        data = self._folder / "data"
        options = ("-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        command = tied((find_program("initdb"), *options), "KILL", "postgres")
        await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, cwd=self._folder)
        (data / "postgresql.conf").write_text(_SETTINGS, "utf-8")
        await self.start()
        async with await self._superuser() as connection:
            await connection.execute(f"CREATE ROLE {OWNER} LOGIN IN ROLE pg_monitor, pg_signal_backend".encode())
            await connection.execute(f"CREATE DATABASE {OWNER} OWNER {OWNER}".encode())
        async with await self._superuser(OWNER) as connection:
            await connection.execute("CREATE EXTENSION pg_stat_statements")

    async def start(self) -> None:
        """Starts the server on its data, and waits until it lets somebody in. Raises LaboratoryError."""
        command = (find_program("postgres"), "-D", str(self._folder / "data"), "-p", str(self.port))
        await self._service.start(tied(command, "INT", "postgres"))
        await until_ready(self._service, self._lets_in)

    async def stop_at_once(self) -> None:
        """An immediate shutdown (SIGQUIT), as after a power cut: the next start recovers."""
        await self._service.stop(signal.SIGQUIT)

    async def remove(self) -> None:
        """Stops the server and removes its data."""
        await self._service.stop(signal.SIGINT)  # a fast shutdown: ends open sessions
        if self._folder != Path():
            shutil.rmtree(self._folder, ignore_errors=True)

    async def session(self) -> psycopg.AsyncConnection:
        """A session of the owner's. Raises psycopg.Error."""
        return await psycopg.AsyncConnection.connect(self.url, connect_timeout=2, autocommit=True)

    async def _superuser(self, database: str = "postgres") -> psycopg.AsyncConnection:
        address = f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        return await psycopg.AsyncConnection.connect(address, connect_timeout=2, autocommit=True)

    async def _lets_in(self) -> bool:
        try:
            await (await self._superuser()).close()
        except psycopg.OperationalError:
            return False
        return True


class Cache:
    """Redis without a file: what it holds is gone when it ends."""

    def __init__(self, output: Path, port: int) -> None:
        self.url = f"redis://127.0.0.1:{port}/0"
        self._service = Service("Redis", output)
        self._folder = output.parent
        self._port = port

    @property
    def pid(self) -> int | None:
        """The number of the server's process, where it runs."""
        return self._service.pid

    async def start(self) -> None:
        """Starts the server and waits until it accepts connections. Raises LaboratoryError."""
        settings = ("--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--maxmemory", "20mb", "--dir", str(self._folder))
        await self._service.start(tied((find_program("redis-server"), *settings), "KILL"))
        await until_ready(self._service, self._accepts)

    async def _accepts(self) -> bool:
        return answers(self._port)

    async def stop(self) -> None:
        """Stops the server."""
        await self._service.stop()

    async def kill(self) -> None:
        """Kills the server."""
        await self._service.kill()


async def until_ready(service: Service, ready: Callable[[], Awaitable[bool]]) -> None:
    """Waits until it is. Raises LaboratoryError, with its last words, where it ends meanwhile or takes too long."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not await ready():
                if not service.running:
                    raise LaboratoryError(f"{service.name} ended while it started", hint=f"its last words: {service.last_words()}")
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise LaboratoryError(f"{service.name} did not answer within {_PATIENCE_SECONDS:g} s") from None


def program_of(module: str) -> tuple[str, ...]:
    """The command of one of our own services."""
    return (sys.executable, "-m", module)
