"""Heartbeats put together: the desk where pings arrive, on the database, the clock and the secrets of this machine."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from keepwell.kernel.problems import NotFound
from keepwell.kernel.redaction import redact_patterns
from keepwell.ports.host import Host
from keepwell.ports.offer import Face
from keepwell.ports.pings import Address, Heard
from keepwell.rooms.checks.heartbeats import offer
from keepwell.rooms.checks.heartbeats.desk import Desk
from keepwell.rooms.checks.model import Check
from keepwell.storage.database import Database

if TYPE_CHECKING:
    from keepwell.rooms.checks.heartbeats.model import Ping

KIND = "heartbeat"
_log = logging.getLogger("keepwell")


class Heartbeats:
    """The desk and what it stands on."""

    def __init__(self, database: Database, host: Host) -> None:
        self.desk = Desk(host.secrets, host.clock, self._keep)
        self._database = database
        self._host = host
        self._addresses: dict[str, Address] = {}

    async def begin(self, checks: Sequence[Check]) -> None:
        """Takes what was stored, and the first configuration."""
        from keepwell.rooms.checks.heartbeats import store

        def stored(connection: Any) -> Any:
            return store.all_heard(connection), store.last_life(connection)

        self.desk.begin(*await self._database.read(stored))
        await self.configure(checks)

    async def configure(self, checks: Sequence[Check]) -> None:
        """Listens at the addresses of a configuration. A check whose secret waits for acceptance is not listened for."""
        its = [check for check in checks if check.kind == KIND and not check.waiting]
        self._addresses = {check.name: Address(check.settings.key, check.settings.slug) for check in its}
        await self.desk.configure(self._addresses.values())

    async def forget(self, kept: timedelta) -> None:
        """Deletes what was heard at addresses that are no longer listened at, after so long a silence."""
        from keepwell.rooms.checks.heartbeats import store

        before, addresses = self._host.clock.now() - kept, self.desk.addresses
        count = await self._database.write(lambda connection: store.forget(connection, addresses, before))
        if count:
            _log.info("forgot heartbeats", extra={"facts": {"count": count}})

    def face(self) -> Face:
        """The routes by which jobs call."""
        return offer.face(self.desk, self._newest)

    async def _newest(self, name: str, limit: int) -> list[dict[str, Any]]:
        from keepwell.rooms.checks.heartbeats import store

        if name not in self._addresses:
            raise NotFound(f"no heartbeat is called {name}")
        digest = await self.desk.digest(self._addresses[name])
        found = await self._database.read(lambda connection: store.newest(connection, digest, limit))
        return [{**ping, "body": redact_patterns(self._host.secrets.redact(ping["body"]))} for ping in found]

    async def _keep(self, address: str, heard: Heard, ping: "Ping | None", now: datetime) -> None:
        from keepwell.rooms.checks.heartbeats import store

        await self._database.write(lambda connection: store.keep(connection, address, heard, ping, now))
