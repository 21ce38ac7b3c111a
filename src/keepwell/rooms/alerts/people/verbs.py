"""What the faces for people ask: of who keeps the alerts, of the database, and of who delivers notices."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from starlette.requests import Request

from keepwell.rooms.alerts.escalation.model import Rota
from keepwell.rooms.alerts.model import Acknowledgement, Alert, Escalating, Group, Labels, Posted, Silence

T = TypeVar("T")


class Alerts(Protocol):
    """Who keeps the alerts. ``actor`` is who asked, for the journal.

    What changes something is stored before it returns. Raises StorageError where it cannot be stored (then nothing changed), NotFound for
    an alert or a silence that there is not, and KeepwellError ``alerts.resolved`` for an alert that has ended.
    """

    def active(self) -> Sequence[Alert]:
        """Those pending and firing, in any order."""
        ...

    def groups(self) -> Sequence[Group]:
        """What is notified together."""
        ...

    def group_digests(self, labels: Labels, /) -> Sequence[str]:
        """The groups that an alert with these labels belongs to."""
        ...

    def escalating(self) -> Sequence[Escalating]:
        """Escalations on their way."""
        ...

    def silences(self) -> Sequence[Silence]:
        """Those that have not ended, and those that ended of late."""
        ...

    def silenced(self) -> Mapping[str, int]:
        """How many alerts that fire each silence mutes now, by its id."""
        ...

    async def acknowledge(self, number: int, acknowledgement: Acknowledgement, actor: str, /) -> Alert:
        """Somebody knows of it."""
        ...

    async def unacknowledge(self, number: int, actor: str, /) -> Alert:
        """Takes that back."""
        ...

    async def assign(self, number: int, to: str, actor: str, /) -> Alert:
        """Somebody does something about it; to nobody, where ``to`` is empty."""
        ...

    async def resolve(self, number: int, reason: str, actor: str, /) -> Alert:
        """Somebody says that it has ended."""
        ...

    async def post(self, posted: Sequence[Posted], actor: str, /) -> Sequence[Alert]:
        """Alerts that programs tell of."""
        ...

    async def silence(self, silence: Silence, actor: str, /) -> Silence:
        """Adds a silence, or changes the one of that id."""
        ...

    async def expire_silence(self, id: str, actor: str, /) -> Silence:
        """Ends a silence now."""
        ...

    def news(self) -> AsyncIterator[frozenset[int]]:
        """The numbers of alerts that changed; none where silences, groups, escalations or notices did."""
        ...


class Read(Protocol):
    """Puts a question to the database. Raises StorageError."""

    def __call__(self, question: Callable[[Connection], T], /) -> Awaitable[T]: ...


class Outbox(Protocol):
    """Who delivers notices. Raises StorageError, and NotFound for a notice that there is not."""

    async def retry(self, id: int, actor: str, /) -> None:
        """Tries a notice again, now."""
        ...

    async def drop(self, id: int, actor: str, /) -> None:
        """Gives a notice up."""
        ...

    async def test(self, receivers: Sequence[str], severity: str, message: str, by: str, /) -> Sequence[Mapping[str, Any]]:
        """Sends a test to these receivers (none: to all) and says of each what became of it."""
        ...


@dataclass(frozen=True, slots=True)
class Verbs:
    """All of it. ``caller`` is the name of who sent a request, ``escalation_words`` says in one sentence where an escalation is, ``rotas``
    gives those of the configuration in force by name."""

    alerts: Alerts
    read: Read
    outbox: Outbox
    now: Callable[[], datetime]
    caller: Callable[[Request], str]
    service: str
    escalation_words: Callable[[Escalating], str]
    rotas: Callable[[], Mapping[str, Rota]] = dict
