"""Questions to a PostgreSQL database: fixed statements, read-only, within a time limit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. Its parameters travel beside the text (``%(name)s``), never in it."""

    text: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


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
class Rows:
    """What came back: for each statement its rows by column, or, where that statement failed, a sentence in ``errors`` by its number.

    ``version`` is the server's as a number (150004), ``connect`` the seconds that connecting took."""

    results: tuple[tuple[Mapping[str, Any], ...], ...]
    errors: Mapping[int, str]
    version: int
    connect: float
    seconds: float


class Databases(Protocol):
    """Asks databases."""

    async def ask(self, query: Query) -> Rows:
        """Puts the statements.

        Raises AnswerError where the database gives no usable answer: refused, wrong password, unknown database, too many connections,
        starting up, time limit. Raises AskError where the fault is ours: the client library is not installed, no route, a secret that
        cannot be resolved.
        """
        ...
