"""Files that are rotated by size: looked at every minute, whatever their cadence."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from keepwell.kernel.problems import KeepwellError
from keepwell.ports.activity import Job
from keepwell.ports.clock import Clock
from keepwell.ports.work import Outcome, Performed
from keepwell.rooms.logs import store
from keepwell.rooms.logs.files.listing import Found, live_files
from keepwell.rooms.logs.model import Policy
from keepwell.rooms.logs.words import reason

from .rotate import Blocking

EVERY = 60.0
_log = logging.getLogger("keepwell.logs")


class Sizes:
    """An activity that has a policy rotated as soon as one of its files is too large. The occasion is named by that file, so that each is
    rotated once. What keeps failing for one reason is tried anew, and said in the program's log once; so it is in the journal (see
    ``store.says_the_same``)."""

    def __init__(self, clock: Clock, blocking: Blocking, full: Callable[[Policy, str], Awaitable[Performed]]) -> None:
        self._clock, self._blocking, self._full = clock, blocking, full
        self._policies: Sequence[Policy] = ()
        self._due: float | None = None
        self._said: dict[str, str] = {}

    def configure(self, policies: Mapping[str, Policy]) -> None:
        """Takes the policies in force."""
        self._policies = [policy for policy in policies.values() if policy.rotate is not None and policy.rotate.size is not None]
        self._due = (self._due or self._clock.monotonic() + EVERY) if self._policies else None

    def next_due(self) -> float | None:
        """When it looks next."""
        return self._due

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """The one job, where it is due."""
        if self._due is None or monotonic < self._due:
            return ()
        job = Job(self._due, "look at the sizes of logs", self.look)
        self._due = monotonic + EVERY
        return (job,)

    async def look(self) -> None:
        """Looks at the sizes, and has rotated what is too large."""
        for policy in self._policies:
            limit = policy.rotate.size if policy.rotate is not None else None
            found = await self._blocking(_listing(policy))
            full = [live for live in found.files if limit is not None and live.size >= limit]
            if full:
                file = full[0].identity
                await self._rotate(policy, f"{store.by_size(policy.name)}{file.device}-{file.inode}-{full[0].size}")

    async def _rotate(self, policy: Policy, key: str) -> None:
        try:
            performed = await self._full(policy, key)
        except KeepwellError as error:
            self._say(policy.name, str(error))
            return
        self._say(policy.name, performed.sentence if performed.outcome is not Outcome.DONE else "")

    def _say(self, name: str, why: str) -> None:
        """That it fails for another reason than before; empty: it works."""
        if why and reason(why) != self._said.get(name):
            _log.warning("rotation by size", extra={"facts": {"logs": name, "why": why}})
        self._said[name] = reason(why)


def _listing(policy: Policy) -> Callable[[], Found]:
    return lambda: live_files(policy.paths)
