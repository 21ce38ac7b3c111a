"""PostgreSQL databases, asked over one fresh connection for each question, which is closed again.

What the connection string leaves out is filled in as libpq does it for every program: from PGUSER and its kin and from ``~/.pgpass``.
"""

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keepwell.kernel.problems import AnswerError, AskError, KeepwellError
from keepwell.kernel.redaction import Redactor, redact_patterns
from keepwell.ports.databases import Query, Rows, Statement, StatementFault
from keepwell.ports.secrets import Secrets

from .addresses import Resolver
from .database_values import numbered

if TYPE_CHECKING:
    from .database_connection import Connection

_MISSING = "asking PostgreSQL needs psycopg, which is not installed: pip install 'keepwell[postgresql]'"
_UNREADABLE = "the connection string cannot be read: write postgresql://USER:PASSWORD@HOST:PORT/NAME, or host=... dbname=... user=..."
_SECRET_KEYS = ("password", "sslpassword", "oauth_client_secret", "scram_client_key")
_MOST_ADDRESSES = 16
_CANCELLED = "57014"
_SHARE = 0.95
"""Of the time that is left, how much the server gives a statement: it should speak before we stop listening."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One address to try: what libpq is told, and how sentences name it."""

    settings: Mapping[str, str]
    place: str
    peer: str


class _Going:
    """A question on its way: where it is, for the sentence of a time limit, and the connection to close."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.hidden = Redactor(())
        self.waits_for = "the secret of its connection string was not resolved"

    def late(self, seconds: float) -> KeepwellError:
        if self.connection is None:
            return AskError(f"{self.waits_for} within {seconds:.3g} s")
        return self.connection.late(seconds)

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()


class PostgresqlDatabases:
    """Asks PostgreSQL databases; see ``keepwell.ports.databases.Databases``. psycopg is imported with the first question."""

    def __init__(self, secrets: Secrets, resolver: Resolver | None = None, environment: Mapping[str, str] = os.environ) -> None:
        self._secrets = secrets
        self._resolver = resolver or Resolver()
        self._environment = environment

    async def close(self) -> None:
        """Waits for no answer any more."""
        await self._resolver.close()

    async def ask(self, query: Query) -> Rows:
        """Puts the statements one after the other, each in a read-only transaction that is rolled back."""
        going = _Going()
        fault: KeepwellError
        try:
            async with asyncio.timeout(query.timeout):
                return await self._ask(query, going)
        except TimeoutError:
            fault = going.late(query.timeout)
        except KeepwellError as error:
            fault = error
        finally:
            going.close()
        raise type(fault)(redact_patterns(going.hidden.redact(str(fault))))

    async def _ask(self, query: Query, going: _Going) -> Rows:
        started = time.monotonic()
        end = started + query.timeout
        address = await self._secrets.resolve(query.address) if query.address.startswith("secret:") else query.address
        settings = _settings(address)
        going.hidden = Redactor(settings[key] for key in _SECRET_KEYS if settings.get(key))
        connection, connect = await self._connected(settings, going, end)
        results: list[tuple[Mapping[str, Any], ...]] = []
        errors: dict[int, StatementFault] = {}
        more: set[int] = set()
        for number, statement in enumerate(query.statements):
            answer, cut = await _put(connection, statement, query, end)
            if isinstance(answer, StatementFault):
                errors[number] = StatementFault(answer.code, redact_patterns(going.hidden.redact(answer.sentence)))
            results.append(() if isinstance(answer, StatementFault) else answer)
            more |= {number} if cut else set()
        seconds = time.monotonic() - started
        return Rows(tuple(results), errors, connection.version, connect, seconds, connection.place, frozenset(more))

    async def _connected(self, settings: dict[str, str], going: _Going, end: float) -> "tuple[Connection, float]":
        """A connection to the first address that lets us in, and the seconds that it took (looking up the name included)."""
        from .database_connection import Connection

        started = time.monotonic()
        going.waits_for = "the resolver gave no address of the database server"
        attempts = await self._attempts(settings)
        faults: list[KeepwellError] = []
        for left, attempt in zip(range(len(attempts), 0, -1), attempts, strict=True):
            connection = going.connection = Connection(attempt.place, attempt.peer)
            share = (end - time.monotonic()) / left
            try:
                # The last one has all that is left, and the limit of the whole question speaks for it.
                async with asyncio.timeout(share if left > 1 else None):
                    await connection.open(_conninfo(attempt.settings))
            except TimeoutError:
                faults.append(connection.late(share))
            except KeepwellError as error:
                faults.append(error)
            else:
                return connection, time.monotonic() - started
            connection.close()
        raise next((fault for fault in faults if isinstance(fault, AnswerError)), faults[0])

    async def _attempts(self, settings: dict[str, str]) -> list[_Attempt]:
        hosts = _listed(settings, "host", self._environment.get("PGHOST", ""))
        literals = _listed(settings, "hostaddr", self._environment.get("PGHOSTADDR", ""))
        ports = _listed(settings, "port", self._environment.get("PGPORT", ""))
        database = settings.get("dbname") or self._environment.get("PGDATABASE") or settings.get("user") or "its default database"
        count = max(len(hosts), len(literals))
        attempts: list[_Attempt] = []
        for number in range(count):
            host = hosts[number] if number < len(hosts) else ""
            literal = literals[number] if number < len(literals) else ""
            port = (ports[number] if len(ports) == count else ports[0]) or "5432"
            if not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65536:
                raise AskError(_UNREADABLE)
            attempts += [self._attempt(settings, host, port, one, database) for one in await self._addresses(host, literal, port)]
        return attempts[:_MOST_ADDRESSES]

    async def _addresses(self, host: str, literal: str, port: str) -> list[str]:
        """The addresses of one host; empty text for a Unix socket, which has none."""
        if literal or not host or host.startswith(("/", "@")):
            return [literal]
        return [str(address[0]) for _, address in await self._resolver.addresses(host, int(port))]

    def _attempt(self, settings: Mapping[str, str], host: str, port: str, address: str, database: str) -> _Attempt:
        name = host or address
        peer = f"{name}:{port}" if ":" not in name else f"[{name}]:{port}"
        if host.startswith(("/", "@")):
            peer = f"{host}/.s.PGSQL.{port}"
        elif not name:
            peer = f"the local socket of port {port}"
        own = {key: value for key, value in (("host", host), ("hostaddr", address), ("port", port)) if value}
        return _Attempt({**settings, **own}, f"{peer}/{database}" if name and not host.startswith("/") else f"{database} at {peer}", peer)


async def _put(
    connection: "Connection", statement: Statement, query: Query, end: float
) -> tuple[tuple[Mapping[str, Any], ...] | StatementFault, bool]:
    if not connection.is_open:
        return StatementFault("", "it was not asked, because the statement before it ended the connection"), False
    started = time.monotonic()
    allowed = max(0.001, (end - started) * _SHARE)
    path = "" if statement.search_path is None else f"; SET LOCAL search_path = {statement.search_path}"
    limits = f"SET LOCAL statement_timeout = {int(allowed * 1000) or 1}; SET LOCAL lock_timeout = {int(allowed * 500) or 1}"
    await connection.begin(limits + path)
    text, parameters = numbered(statement.text, statement.parameters)
    answer, cut = await connection.rows(text, parameters, query.most_rows)
    if isinstance(answer, StatementFault) and answer.code == _CANCELLED and time.monotonic() - started >= 0.9 * allowed:
        raise connection.late(query.timeout)
    return answer, cut


def _settings(address: str) -> dict[str, str]:
    """The parts of a connection string, with what we set where it says nothing. Raises AskError; never repeats what it holds."""
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise AskError(_MISSING) from None
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(address).items() if value is not None}
    except (psycopg.Error, ValueError):
        raise AskError(_UNREADABLE) from None
    if "service" in given:
        raise AskError("the connection string names a service, and service files are not read: write out host, database and user")
    for ours in ("connect_timeout", "client_encoding", "replication", "load_balance_hosts"):
        given.pop(ours, None)
    # Negotiating Kerberos would wait inside libpq; who needs it says so.
    return {"application_name": "keepwell", "gssencmode": "disable", **given, "client_encoding": "UTF8"}


def _conninfo(settings: Mapping[str, str]) -> str:
    from psycopg.conninfo import make_conninfo

    return make_conninfo(**settings)


def _listed(settings: Mapping[str, str], key: str, otherwise: str) -> list[str]:
    return (settings.get(key) or otherwise).split(",")
