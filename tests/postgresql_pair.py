"""A primary and its replica, with pg_stat_statements, TLS and few connections: for tests of what is asked of a server in operation.

``postgresql_pair`` starts both once for a module and leaves no process and no file. Its role ``clerk`` (password ``right``) has no rights.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import trustme

from tests.postgresql import unprivileged
from tests.support import free_port, need, wait_until

_SETTINGS = """\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
full_page_writes = off
max_connections = 13
superuser_reserved_connections = 3
max_wal_senders = 4
max_replication_slots = 4
shared_buffers = 16MB
shared_preload_libraries = 'pg_stat_statements'
max_prepared_transactions = 2
ssl = on
autovacuum = off
log_min_messages = fatal
log_min_error_statement = panic
wal_receiver_status_interval = 1
"""
_ADMISSION = """\
host all clerk 127.0.0.1/32 scram-sha-256
host all,replication postgres 127.0.0.1/32 trust
hostssl all tls_only 127.0.0.1/32 trust
"""


@dataclass(slots=True)
class Node:
    """One server. ``process`` is None while it is stopped."""

    data: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres", user: str = "postgres", more: str = "") -> str:
        """The address of a database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}{more}"

    def run(self, statement: str, database: str = "postgres") -> None:
        """Runs one statement as the superuser, outside a transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self, *, waits: bool = True) -> None:
        """Starts it and, usually, waits until it accepts connections."""
        command = unprivileged([need("postgres"), "-D", str(self.data), "-p", str(self.port)])
        with (self.data.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.data.parent)
        if waits:
            wait_until(self.accepts, 30, f"PostgreSQL on port {self.port}")

    def accepts(self) -> bool:
        """Whether it lets the superuser in."""
        assert self.process is not None
        assert self.process.poll() is None, (self.data.parent / "log").read_text()[-1000:]
        try:
            psycopg.connect(self.url(more="?connect_timeout=2")).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Stops it, ending open sessions."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(20)
            self.process = None


@dataclass(frozen=True, slots=True)
class Pair:
    """A primary, the replica that follows it by the slot ``r1``, and the file with the authority of their certificate."""

    primary: Node
    replica: Node
    authority: Path


@pytest.fixture(scope="module")
def postgresql_pair() -> Iterator[Pair]:
    """Both servers."""
    initdb, copy = need("initdb"), need("pg_basebackup")
    folder = Path(tempfile.mkdtemp(prefix="postgresql-pair-"))
    primary, replica = Node(folder / "primary", free_port()), Node(folder / "replica", free_port())
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        options = ("-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        _run([initdb, "-D", str(primary.data), *options], folder)
        (primary.data / "pg_hba.conf").write_text(_ADMISSION)
        (primary.data / "postgresql.conf").write_text(_SETTINGS)
        _certify(authority, primary.data)
        primary.start()
        primary.run("CREATE ROLE clerk LOGIN PASSWORD 'right'")
        primary.run("CREATE ROLE tls_only LOGIN")
        _run([copy, "-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres", "-D", str(replica.data), *_COPY], folder)
        replica.start()
        yield Pair(primary, replica, folder / "authority.pem")
    finally:
        replica.stop()
        primary.stop()
        shutil.rmtree(folder)


_COPY = ("-R", "-X", "stream", "-C", "-S", "r1", "-c", "fast", "--no-sync")


def _run(argv: list[str], folder: Path) -> None:
    subprocess.run(unprivileged(argv), check=True, capture_output=True, cwd=folder)


def _certify(authority: trustme.CA, data: Path) -> None:
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(data / "server.key")
    certificate.cert_chain_pems[0].write_to_path(data / "server.crt")
    for name in ("server.key", "server.crt"):
        (data / name).chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(data / name, "postgres", "postgres")
