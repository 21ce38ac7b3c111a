"""What is asked of the room by those who look: people, reports, objectives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from keepwell.ports.records import Recovery
from keepwell.rooms.backups import store
from keepwell.rooms.backups.decide import WENT, in_order
from keepwell.rooms.backups.model import Copy, Run
from keepwell.rooms.backups.views import Shown

from .keeper import Backups


@dataclass(frozen=True, slots=True)
class Promise:
    """What an objective promises of backups: recovery time and point. ``backup`` is whose; empty: of every backup."""

    rto: timedelta | None
    rpo: timedelta | None
    backup: str = ""


class Showing:
    """Answers questions; ``promises`` are the objectives with a recovery time or point."""

    def __init__(self, backups: Backups, promises: Callable[[], Sequence[Promise]]) -> None:
        self.backups = backups
        self._promises = promises

    async def listed(self) -> list[Shown]:
        """Every backup as it stands, in the order of the configuration."""
        database = self.backups.ports.database
        copies = await database.read(lambda connection: store.copies(connection, with_gone=True))
        now = self.backups.ports.host.clock.now()
        newest = await database.read(store.newest_runs)
        return [
            Shown(
                backup,
                in_order([copy for copy in copies if copy.backup == name and copy.gone_at is None], now),
                newest.get((name, "backup")),
                newest.get((name, "proof")),
                **self._promised(name),
                lost=_lost([copy for copy in copies if copy.backup == name], newest.get((name, "backup"))),
            )
            for name, backup in self.backups.backups.items()
        ]

    async def one(self, name: str) -> Shown:
        """One of them. Raises NotFound."""
        self.backups.known(name)
        return next(shown for shown in await self.listed() if shown.backup.name == name)

    async def runs(self, name: str, limit: int = 20) -> list[Run]:
        """What was done with a backup, newest first."""
        return await self.backups.ports.database.read(lambda connection: store.runs(connection, name, limit))

    async def run(self, id: int) -> Run | None:
        """A making or proving by its number."""
        return await self.backups.ports.database.read(lambda connection: store.run(connection, id))

    async def key(self) -> dict[str, Any]:
        """The public key that signs manifests, and its fingerprint."""
        from .making import signer  # with cryptography

        key = await signer(self.backups.ports)
        return {"public_key": key.public.decode("ascii"), "fingerprint": key.fingerprint}

    async def recovery(self, name: str) -> Recovery:
        """Recovery time and point of a backup; of all, the worst, where none is called so (see ports.records.Recoveries)."""
        now = self.backups.ports.host.clock.now()
        names = (name,) if name in self.backups.backups else tuple(self.backups.backups)
        shown = [one for one in await self.listed() if one.backup.name in names and not one.backup.why_not]
        if not shown:
            return Recovery(None, None, why="no backup can be made as it is written" if self.backups.backups else "no backup is configured")
        unproven = [one.backup.name for one in shown if one.recovery is None]
        without = [one.backup.name for one in shown if one.point(now) is None]
        time = None if unproven else max(one.recovery or 0.0 for one in shown)
        point = None if without else max(one.point(now) or 0.0 for one in shown)
        why = f"{', '.join(without)} has no copy yet" if without else f"{', '.join(unproven)} was never proven" if unproven else ""
        return Recovery(time, point, ", ".join(one.backup.name for one in shown[:3]), why)

    def _promised(self, name: str) -> Mapping[str, timedelta | None]:
        """The strictest promises that hold for a backup: its own, else those for all."""
        own = [one for one in self._promises() if one.backup == name]
        held = own or [one for one in self._promises() if not one.backup]
        return {
            "rto": min((one.rto for one in held if one.rto is not None), default=None),
            "rpo": min((one.rpo for one in held if one.rpo is not None), default=None),
        }


def _lost(copies: Sequence[Copy], made: Run | None) -> int:
    """How many copies are gone that nobody deleted, since a backup said so last."""
    since = made.ended if made is not None else None
    return sum(copy.gone_why == WENT and copy.gone_at is not None and (since is None or copy.gone_at > since) for copy in copies)
