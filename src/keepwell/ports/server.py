"""The running server of a data directory, as commands ask it, write to it and copy from it; and the arguments that they share."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

from .offer import Argument

AskServer = Callable[[str | None, str], Awaitable[Any]]
"""Reads a path, with its query, from the server of a data directory (None: the usual one). Raises KeepwellError where none runs."""

Download = Callable[[str | None, str], AsyncIterator[bytes]]
"""What the server sends for a path, piece by piece. Raises KeepwellError where none runs."""


class TellServer(Protocol):
    """Writes to the server of a data directory: a path, its body, and how. Raises KeepwellError where none runs, or it refuses."""

    def __call__(self, data: str | None, path: str, body: Any = None, method: str = "POST", /) -> Awaitable[Any]: ...


DATA = Argument(("--data",), "the server's data directory", {"metavar": "DIR"})
BY = Argument(("--by",), "who does it (default: the user of this command)", {"metavar": "NAME", "default": ""})
