"""Scripts that outlive the process which starts them: what a step of a runbook runs as."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Script:
    """A text and the interpreter that gets it as a file: ``argv`` and then the file's path. ``directory`` is where it starts, ``timeout``
    in seconds; ``environment`` is added to the few variables that are let through. No value is ever part of the text."""

    argv: tuple[str, ...]
    text: str
    directory: str
    timeout: float
    environment: Mapping[str, str] = field(default_factory=dict)
    output_limit: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Ended:
    """How a script ended: with ``status``, or killed at its time limit (``timed_out``), or unknown (``lost``: it began, and neither it
    nor its end is to be found). ``output`` is what it printed, both streams in one, decoded and redacted; ``dropped`` counts the bytes
    left out in the middle."""

    status: int | None
    output: str
    seconds: float
    timed_out: bool = False
    lost: bool = False
    dropped: int = 0

    @property
    def succeeded(self) -> bool:
        """Whether it ended by itself with status 0."""
        return self.status == 0 and not self.timed_out and not self.lost


class Scripts(Protocol):
    """Runs scripts, each under a ticket: a name that is used once. Whatever happens to the caller, a script begins at most once."""

    def ticket(self, name: str, /) -> str:
        """A ticket for a name that was not used before."""
        ...

    async def run(self, ticket: str, script: Script, on_output: Callable[[str], None], /) -> Ended:
        """Begins it and waits for its end. Cancelled, it goes on. Raises AskError where it cannot be begun; then it never will be."""
        ...

    async def resume(self, ticket: str, timeout: float, on_output: Callable[[str], None], /) -> Ended | None:
        """Goes on waiting for one that another process began, ``timeout`` seconds more; None where it never began, and then it never
        will."""
        ...

    def tidy(self, tickets: Collection[str], /) -> None:
        """Removes what is kept of all others: of scripts whose end was stored just before a crash."""
        ...

    def forget(self, ticket: str, /) -> None:
        """Removes what is kept of it, once its end is stored."""
        ...
