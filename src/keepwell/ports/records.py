"""What Keepwell itself did: the records that other rooms keep, as a check asks for them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Records(Protocol):
    """Tells what was done last. Each raises AskError where nobody keeps such records, or there is no such backup or task."""

    async def newest_proof(self, backup: str | None) -> datetime | None:
        """When a backup was last proven by restoring it: that of this name, or, of all, the one proven longest ago. None: never."""
        ...

    async def last_success(self, task: str) -> datetime | None:
        """When a task last ended well. None: never."""
        ...


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was measured of backups: ``time`` is how many seconds the newest proof needed to bring one back, ``point`` how many seconds lie
    between now and the newest copy that can be relied on. None where it was not measured, and then ``why``. ``by`` names the backup."""

    time: float | None
    point: float | None
    by: str = ""
    why: str = ""


class Recoveries(Protocol):
    """Tells recovery time and point of the backup of that name; where none is called so, of all of them, the worst."""

    async def __call__(self, name: str, /) -> Recovery: ...
