"""One real PostgreSQL for a whole test run (of each xdist worker), with a fresh database for each test that asks.

``postgresql_url`` is the address of an empty database; ``database_place`` gives each test twice: a SQLite file, and such an address.
``postgresql_server`` is the server itself; its role ``locked`` (password ``right``) is let in only with that password.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.support import free_port, need

_ADMISSION = """\
host all locked 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""
_SETTINGS = """\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
full_page_writes = off
max_connections = 60
shared_buffers = 16MB
max_wal_size = 128MB
log_min_messages = fatal
log_min_error_statement = panic
"""


@dataclass(frozen=True, slots=True)
class PostgresqlServer:
    """A running server; anybody is let in as ``postgres``."""

    port: int
    pid: int

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """The address of a database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str) -> None:
        """Runs one statement as the superuser, outside a transaction."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def create_database(self) -> str:
        """Makes an empty database and gives its name."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        return name


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """The server, started when the first test asks and stopped at the end; no process and no file is left."""
    postgres, initdb = need("postgres"), need("initdb")
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        data = folder / "data"
        options = ("-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        subprocess.run(unprivileged([initdb, "-D", str(data), *options]), check=True, capture_output=True, cwd=folder)
        (data / "pg_hba.conf").write_text(_ADMISSION)
        (data / "postgresql.conf").write_text(_SETTINGS)
        process, port = _start(postgres, data)
        try:
            server = PostgresqlServer(port, process.pid)
            server.run("CREATE ROLE locked LOGIN PASSWORD 'right'")
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # "fast shutdown": ends open sessions
            process.wait(20)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def postgresql_url(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """The address of an empty database, removed afterwards even where sessions are left open."""
    name = postgresql_server.create_database()
    yield postgresql_server.url(name)
    postgresql_server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a test may open a database: a SQLite file that does not exist yet, or an empty PostgreSQL database."""
    if request.param == "sqlite":
        return tmp_path / "keepwell.sqlite"
    return str(request.getfixturevalue("postgresql_url"))


def unprivileged(argv: Sequence[str]) -> list[str]:
    """The command as the user postgres where we are root: the server refuses to run as root."""
    if os.geteuid() != 0:
        return list(argv)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=INT", *argv]


def _start(postgres: str, data: Path) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(5):
        port = free_port()
        log = (data.parent / "log").open("wb")
        with log:
            command = unprivileged([postgres, "-D", str(data), "-p", str(port)])
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=data.parent)
        if _answers(process, port):
            return process, port
        process.kill()
        process.wait()
    pytest.fail("PostgreSQL did not start: " + (data.parent / "log").read_text()[-1000:])


def _answers(process: subprocess.Popen[bytes], port: int, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=postgres dbname=postgres connect_timeout=2").close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return True
    return False
