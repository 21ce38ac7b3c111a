"""What incidents ask of others: of the database, of alerts, of the hosts that diagnostics run on, and of who tells people."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from keepwell.ports.alerts import Tell
from keepwell.ports.clock import Clock
from keepwell.ports.runner import Command, Result

from .model import Deed, Seen

T = TypeVar("T")

SOURCE = "incidents"
"""The source of alerts that tell of incidents; what it tells opens none."""


class OnDatabase(Protocol):
    """Reads or writes in a transaction. Raises StorageError."""

    def __call__(self, question: Callable[[Connection], T], /) -> Awaitable[T]: ...


class Alerts(Protocol):
    """Who keeps the alerts. Those of the source ``SOURCE`` are never among them."""

    def firing(self, fits: Callable[[str], bool], but: Collection[int], /) -> Sequence[Seen]:
        """Those that fire and that nothing mutes, of severities that fit, without these numbers."""
        ...

    def active(self) -> Collection[int]:
        """The numbers of all that are pending or fire, muted ones too."""
        ...

    def pending(self) -> Collection[int]:
        """The numbers of those of them that do not fire yet."""
        ...

    def acknowledged(self, numbers: Collection[int], /) -> Mapping[int, str]:
        """Which of these somebody acknowledged, and who."""
        ...

    async def past(self, numbers: Collection[int], /) -> Sequence[Seen]:
        """Those of these that fired, unmuted, and have ended. Raises StorageError."""
        ...

    async def acknowledge(self, numbers: Collection[int], deed: Deed, actor: str, also: Callable[[Connection], T], /) -> T:
        """Somebody knows of these; those that have ended are left out. What ``also`` stores is stored in the same transaction; its answer.
        Raises StorageError and what ``also`` raises, and then nothing is changed."""
        ...

    def news(self) -> AsyncIterator[frozenset[int]]:
        """The numbers of those that changed, as they change; none where what mutes them did."""
        ...


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A command whose output is evidence; ``why_not``: a sentence where it may not run."""

    name: str
    host: str
    command: Command
    why_not: str = ""


class Run(Protocol):
    """Runs a command on a host of that name. Raises AskError where it cannot be started."""

    def __call__(self, host: str, command: Command, /) -> Awaitable[Result]: ...


@dataclass(frozen=True, slots=True)
class Verbs:
    """All of it."""

    read: OnDatabase
    write: OnDatabase
    alerts: Alerts
    tell: Tell
    run: Run
    clock: Clock


Diagnostics = Mapping[str, Diagnostic]
