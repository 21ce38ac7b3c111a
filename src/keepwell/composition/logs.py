"""Logs put together: policies of the configuration, the machine's files, the database, and who else needs them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from keepwell.composition import verbs
from keepwell.ports.host import Host
from keepwell.ports.work import Occasion, Performed, Work
from keepwell.rooms.logs.offer import policies_of, texts_of
from keepwell.rooms.logs.work.perform import Performing
from keepwell.rooms.logs.work.rotate import Blocking, in_thread
from keepwell.storage.database import Database

if TYPE_CHECKING:
    from keepwell.config.acceptance import Executable
    from keepwell.config.operations import Operations


class LogRoom:
    """The room of logs. ``blocking`` runs what waits for disks and writers in a thread; a virtual clock hands its own."""

    def __init__(self, database: Database, host: Host, blocking: Blocking = in_thread) -> None:
        self._performing = Performing(database, host, blocking)

    async def perform(self, work: Work, occasion: Occasion) -> Performed:
        """Rotations, cleanups and analyses: ``keepwell.ports.work.Perform``."""
        return await self._performing.perform(work, occasion)

    async def configure(self, operations: "Operations") -> None:
        """Takes a configuration."""
        self._performing.policies = policies_of(operations)
        self._performing.why = why_not(operations)


def executables_of(operations: "Operations", user: str) -> "list[Executable]":
    """The texts of the section ``logs`` that run only when accepted."""
    from keepwell.config.acceptance import Executable

    return [Executable(name, text, "", verbs.LOCAL, user) for name, text in texts_of(operations).items()]


def why_not(operations: "Operations") -> Callable[[str, str], str]:
    """Says of a text why it may not run; nothing where a person accepted exactly this one."""
    from keepwell.config.acceptance import Executable, read_acceptances

    acceptances, user = read_acceptances(operations.directory), verbs.effective_user()

    def why(name: str, text: str) -> str:
        executable = Executable(name, text, "", verbs.LOCAL, user)
        return "" if acceptances.accepts(executable) else acceptances.why_not(executable)

    return why
