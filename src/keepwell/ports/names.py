"""The domain name system: a question to a resolver, and what it answered."""

from dataclasses import dataclass
from typing import Protocol

from keepwell.kernel.problems import AnswerError


@dataclass(frozen=True, slots=True)
class Lookup:
    """One question: a name, a record type (A, AAAA, MX, TXT, ...), and whom to ask (``host`` or ``host:port``; empty: the system's
    resolvers). ``dnssec``: ask for validated data."""

    name: str
    record: str = "A"
    server: str = ""
    dnssec: bool = False
    timeout: float = 5.0


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer: the records' texts sorted, the least time to live in seconds, whether the resolver says that it validated them, who
    answered, and how long that took."""

    values: tuple[str, ...]
    ttl: int
    authenticated: bool
    server: str
    seconds: float


class Absent(AnswerError):
    """The server says with authority that the name does not exist (NXDOMAIN), or has no record of that type."""

    code = "answer.absent"


class Names(Protocol):
    """Asks resolvers."""

    async def look_up(self, lookup: Lookup) -> Answered:
        """Puts the question.

        Raises Absent where there is no such name or record; AnswerError where the server cannot or will not answer (SERVFAIL, REFUSED, each
        named), or where the one that was named is silent; AskError where none of the system's resolvers answers, or there is no route.
        """
        ...
