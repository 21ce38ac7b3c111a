"""Where pings arrive: which addresses there are, what was heard at each, and how that is kept.

What was heard is known at once and stored before the caller is told OK. Where the database does not take it, the caller is told so and
tries again, as the usual clients do; the check knows it all the same.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from keepwell.kernel.problems import AskError, StorageError
from keepwell.ports.clock import Clock
from keepwell.ports.pings import Address, Heard, Silence
from keepwell.ports.secrets import Secrets

from .model import Ping, after, ping_of

STORED_WITHIN = 5.0
"""Seconds that a caller waits for the database; then it is told to try again."""

BURST, A_SECOND = 20.0, 1.0
"""Pings that one job may send at once, and how many more each second."""

_log = logging.getLogger("keepwell.checks")


class Keep(Protocol):
    """Stores what is known of a job and the ping that made it so. Raises StorageError."""

    async def __call__(self, address: str, heard: Heard, ping: Ping | None, now: datetime, /) -> None: ...


@dataclass(slots=True)
class _Job:
    heard: Heard
    allowance: float = BURST
    counted_at: float = 0.0

    def may_ping(self, monotonic: float) -> bool:
        """Whether another ping is within the rate; it is counted."""
        self.allowance = min(BURST, self.allowance + (monotonic - self.counted_at) * A_SECOND)
        self.counted_at = monotonic
        if self.allowance < 1.0:
            return False
        self.allowance -= 1.0
        return True


@dataclass(frozen=True, slots=True)
class Reply:
    """What a caller is told, in the words that clients of Healthchecks know."""

    status: int
    text: str


class Desk:
    """Takes pings, and tells the checks what was heard (it is the port ``Pings``)."""

    def __init__(self, secrets: Secrets, clock: Clock, keep: Keep) -> None:
        self._secrets = secrets
        self._clock = clock
        self._keep = keep
        self._jobs: dict[str, _Job] = {}
        self._digests: dict[Address, str] = {}
        now = clock.now()
        self._silence = Silence(now, now)

    def begin(self, heard: Mapping[str, Heard], last_life: datetime | None) -> None:
        """Takes what was stored, and when Keepwell last lived."""
        self._jobs = {digest: _Job(one) for digest, one in heard.items()}
        now = self._clock.now()
        self._silence = Silence(min(last_life, now) if last_life is not None else now, now)

    async def configure(self, addresses: Iterable[Address]) -> None:
        """Listens at these addresses, and at no other. Until every secret is resolved, those of before are listened at."""
        digests: dict[Address, str] = {}
        for address in addresses:
            try:
                digests[address] = await self.digest(address)
            except AskError as error:
                _log.warning("a heartbeat cannot be heard", extra={"facts": {"why": str(error)}})
        self._digests = digests
        for digest in set(digests.values()):
            await self._wait_for(digest)

    @property
    def addresses(self) -> frozenset[str]:
        """The digests of the addresses that are listened at."""
        return frozenset(self._digests.values())

    async def heard(self, address: Address) -> tuple[Heard, Silence]:
        """What was heard; see the port ``Pings``."""
        digest = self._digests[address] = await self.digest(address)  # anew: a secret that was changed has another address
        await self._wait_for(digest)
        return self._jobs[digest].heard, self._silence

    async def digest(self, address: Address) -> str:
        """Under what the address is stored. Raises AskError where its secret cannot be resolved."""
        parts = [await self._secrets.resolve(address.key)] if address.key is not None else []
        return _digest([*parts, *([address.slug] if address.slug is not None else [])])

    async def _wait_for(self, digest: str) -> None:
        if digest in self._jobs:
            return
        now = self._clock.now()
        self._jobs[digest] = _Job(Heard(since=now))
        try:
            await self._keep(digest, self._jobs[digest].heard, None, now)
        except StorageError as error:
            _log.warning("a new heartbeat is not stored yet", extra={"facts": {"why": str(error)}})

    async def take(self, parts: Iterable[str], word: str, run: str, body: bytes) -> Reply:
        """One ping: the parts of its address, the last word (``start``, ``fail``, ``log``, an exit status, or empty), ``rid`` and body."""
        digest = _digest(parts)
        if digest not in self._digests.values() or digest not in self._jobs:
            return Reply(404, "not found")
        try:
            ping = ping_of(word, run, body)
        except ValueError as error:
            return Reply(400, str(error))
        job = self._jobs[digest]
        if not job.may_ping(self._clock.monotonic()):
            return Reply(429, "rate limited")
        now = self._clock.now()
        job.heard = after(job.heard, ping, now)
        return await self._stored(self._keep(digest, job.heard, ping, now))

    async def _stored(self, storing: Awaitable[None]) -> Reply:
        # Shielded: a caller that goes away, or waits no longer, does not take the ping back.
        task = asyncio.ensure_future(storing)
        task.add_done_callback(_noticed)
        try:
            async with asyncio.timeout(STORED_WITHIN):
                await asyncio.shield(task)
        except (TimeoutError, StorageError):
            return Reply(503, "not stored, try again")
        return Reply(200, "OK")


def _noticed(task: "asyncio.Future[None]") -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _log.error("a ping could not be stored", extra={"facts": {"why": str(error)}})


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("/".join(parts).lower().encode()).hexdigest()
