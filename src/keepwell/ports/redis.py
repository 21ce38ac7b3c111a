"""Questions to a Redis server (or Valkey, which speaks the same): commands that only read, over one connection."""

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Scan:
    """Which keys to walk through with SCAN, which never holds the server up as KEYS does.

    ``pattern`` is a glob as SCAN's MATCH takes it. At most ``most`` matching keys are looked at, for at most two thirds of the inquiry's
    time. Of each is asked whether it expires, and, where ``sizes``, how many bytes it takes.
    """

    pattern: str
    most: int
    sizes: bool = False


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Commands for one server, put over one connection within ``timeout`` seconds.

    ``address`` is ``redis://HOST:PORT/DATABASE``, ``rediss://`` (TLS) or ``unix:///PATH``, or a reference to one (``secret:NAME``).
    ``password`` is a reference; both are resolved at the last moment and redacted from every message. ``authority`` is the path of a PEM
    file with the certificate authorities to trust instead of the system's.
    """

    address: str
    commands: tuple[tuple[str, ...], ...]
    scan: Scan | None = None
    user: str = ""
    password: str | None = None
    timeout: float = 10.0
    verify: bool = True
    authority: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyFault:
    """The error that the server answered one command with: its first word (``NOPERM``), and all of it."""

    code: str
    text: str


Reply = str | int | None | ReplyFault | tuple[Any, ...]
"""A text (bytes that are no UTF-8 stand in it as surrogate escapes), a number, nothing, an error, or several replies."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a walk found: keys that match, those among them that never expire (and the first few of them by name), and the largest with
    its bytes. ``complete``: the walk came to its end; otherwise only a part of the keys was seen. ``fault``: why it broke off."""

    matching: int
    without_expiry: int
    examples: tuple[str, ...] = ()
    largest: str = ""
    largest_bytes: int = 0
    complete: bool = True
    fault: ReplyFault | None = None


@dataclass(frozen=True, slots=True)
class Replies:
    """The reply to each command, in order; and what the walk through the keys found.

    ``connect`` are the seconds until the connection stood (name, TCP, TLS, password, database), ``ping`` those from a PING to its answer.
    """

    values: tuple[Reply, ...]
    keys: Keys | None
    connect: float
    ping: float
    server: str = "the server"


class Redis(Protocol):
    """Asks Redis servers."""

    async def ask(self, inquiry: Inquiry) -> Replies:
        """Connects, lets itself in, puts a PING, the commands and the walk.

        Raises AnswerError where the server gives no usable answer: refused, wrong or missing password, loading, its primary lost, unable
        to save, no connection left, no Redis at all, time limit. Raises AskError where the fault is ours: no route, an address that
        cannot be read, a secret that cannot be resolved.
        """
        ...
