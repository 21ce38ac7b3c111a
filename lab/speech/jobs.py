"""The table of jobs, and the four statements that both services share. Each call has a connection of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'done', 'failed')),
    submitted_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    result text
)
"""
_INDEX = "CREATE INDEX IF NOT EXISTS jobs_queued ON jobs (id) WHERE state = 'queued'"
_LIMITS = "-c statement_timeout=2000 -c lock_timeout=1000"


@dataclass(frozen=True, slots=True)
class Job:
    """A row of the table."""

    number: int
    state: str
    result: str | None


class Jobs:
    """The table, at an address of PostgreSQL. Every method raises psycopg.Error where the database does not do what is asked."""

    def __init__(self, url: str) -> None:
        self._url = url

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection]:
        async with await psycopg.AsyncConnection.connect(self._url, connect_timeout=2, options=_LIMITS) as connection:
            yield connection

    async def prepare(self) -> None:
        """Makes the table where it is not there."""
        async with self._connection() as connection:
            await connection.execute(SCHEMA)
            await connection.execute(_INDEX)

    @asynccontextmanager
    async def submitted(self) -> AsyncIterator[int]:
        """A new job's number; it is queued when the block ends well, and not before."""
        async with self._connection() as connection:
            row = await (await connection.execute("INSERT INTO jobs DEFAULT VALUES RETURNING id")).fetchone()
            assert row is not None
            yield int(row[0])

    async def find(self, number: int) -> Job | None:
        """The job of that number."""
        async with self._connection() as connection:
            row = await (await connection.execute("SELECT id, state, result FROM jobs WHERE id = %s", (number,))).fetchone()
            return Job(*row) if row else None

    async def queued(self) -> int:
        """How many jobs wait."""
        async with self._connection() as connection:
            row = await (await connection.execute("SELECT count(*) FROM jobs WHERE state = 'queued'")).fetchone()
            assert row is not None
            return int(row[0])

    @asynccontextmanager
    async def taken(self) -> AsyncIterator["Taken | None"]:
        """The oldest queued job that nobody else works on, for the length of a transaction; None where there is none."""
        async with self._connection() as connection:
            oldest = "SELECT id FROM jobs WHERE state = 'queued' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
            row = await (await connection.execute(oldest)).fetchone()
            yield Taken(int(row[0]), connection) if row else None


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that is being worked on. What is written of it counts when the transaction ends."""

    number: int
    connection: psycopg.AsyncConnection

    async def finish(self, state: str, result: str) -> None:
        """Writes what became of it."""
        # clock_timestamp(): now() is when this transaction began, which may be before the job that it found was submitted.
        statement = "UPDATE jobs SET state = %s, result = %s, finished_at = clock_timestamp() WHERE id = %s"
        await self.connection.execute(statement, (state, result, self.number))
