"""Whom the API v2 asks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from starlette.requests import Request

from keepwell.ports.clock import Clock
from keepwell.rooms.alerts.model import Alert, Posted, Silence
from keepwell.rooms.alerts.standing import Standings


class Alerts(Protocol):
    """Who keeps the alerts. ``actor`` is who asked, for the journal.

    What changes something is stored before it returns; StorageError where it cannot be stored: then nothing changed.
    """

    def standings(self) -> Standings:
        """The alerts that fire and the groups that they are in, now."""
        ...

    def silences(self) -> Sequence[Silence]:
        """Those that have not ended, and those that ended of late."""
        ...

    async def post(self, posted: Sequence[Posted], actor: str, /) -> Sequence[Alert]:
        """Takes alerts that are told of from outside, all in one transaction."""
        ...

    async def silence(self, silence: Silence, actor: str, /) -> Silence:
        """Adds a silence (its id is empty) or changes the one of that id. Raises NotFound."""
        ...

    async def expire_silence(self, id: str, actor: str, /) -> Silence:
        """Ends a silence now. Raises NotFound."""
        ...


@dataclass(frozen=True, slots=True)
class Answering:
    """Whom the routes ask. ``receivers`` are the names of all receivers, ``configuration`` is what is in force as Alertmanager's YAML,
    ``caller`` the name of who sent a request, ``started_at`` when this server began."""

    alerts: Alerts
    receivers: Callable[[], Sequence[str]]
    configuration: Callable[[], str]
    caller: Callable[[Request], str]
    clock: Clock
    started_at: datetime
