"""Questions to a PostgreSQL database: statements in read-only transactions, within a time limit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. Its parameters travel beside the text (``%(name)s``), never in it; without parameters a ``%`` means itself.

    ``search_path`` are the schemas in which names are looked up, so that nobody's function of the same name runs instead of the
    server's own; None leaves those of the user who connects.
    """

    text: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    search_path: str | None = "pg_catalog"


@dataclass(frozen=True, slots=True)
class Query:
    """Statements for one database, asked over one connection in one read-only transaction each.

    ``address`` is a connection string or a reference to one (``secret:NAME``), resolved at the last moment and redacted from every
    message. ``timeout`` (seconds) covers connecting and all statements; of each result at most ``most_rows`` rows are read.
    """

    address: str
    statements: tuple[Statement, ...]
    timeout: float = 10.0
    most_rows: int = 1000


@dataclass(frozen=True, slots=True)
class StatementFault:
    """Why a statement has no rows: PostgreSQL's code for it (SQLSTATE, such as ``42P01``; empty where it gave none) and a sentence."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Rows:
    """What came back: for each statement its rows by column, or, where that statement failed, the reason in ``errors`` by its number.

    Values are plain: numbers, texts, true and false, None, aware datetimes; intervals are seconds. ``server`` is host, port and database
    as a sentence names them, ``version`` the server's as a number (150004), ``connect`` the seconds that connecting took. ``more`` are the
    numbers of statements that had more rows than were read.
    """

    results: tuple[tuple[Mapping[str, Any], ...], ...]
    errors: Mapping[int, StatementFault]
    version: int
    connect: float
    seconds: float
    server: str = "the server"
    more: frozenset[int] = frozenset()


class Databases(Protocol):
    """Asks databases."""

    async def ask(self, query: Query) -> Rows:
        """Puts the statements.

        Raises AnswerError where the database gives no usable answer: refused, wrong password, unknown database, too many connections,
        starting up, time limit. Raises AskError where the fault is ours: the client library is not installed, no route, a secret that
        cannot be resolved.
        """
        ...
