"""Questions to a Redis server: commands that read, over one connection."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


class RedisSession(Protocol):
    """One connection to a server."""

    async def command(self, *words: str | bytes | int) -> Any:
        """The reply to one command, text decoded as UTF-8 with replacement. Raises AnswerError where the server answers with an error."""
        ...

    async def commands(self, commands: Sequence[Sequence[str | bytes | int]]) -> list[Any]:
        """The replies to several, sent at once."""
        ...


class Redis(Protocol):
    """Opens connections."""

    def open(self, address: str, timeout: float, password: str = "") -> AbstractAsyncContextManager[RedisSession]:
        """A connection to ``redis://`` or ``rediss://`` address (or a reference to one). ``password`` is a reference too.

        Raises AnswerError (refused, wrong password, loading, no Redis at all, time limit) and AskError (no route, an invalid address, a
        secret that cannot be resolved)."""
        ...
