"""Samples put together: the store on the data directory, and what fills, keeps and asks it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keepwell.config.operations import Operations
from keepwell.ports.host import Host
from keepwell.ports.offer import Face
from keepwell.rooms.checks.model import Check
from keepwell.rooms.samples.admission import Limits
from keepwell.rooms.samples.model import Keep
from keepwell.rooms.samples.questions.routes import routes as question_routes
from keepwell.rooms.samples.work.asking import Asker, CheckFacts, Facts
from keepwell.rooms.samples.work.kept import KeptFiles
from keepwell.rooms.samples.work.reader import Reader
from keepwell.rooms.samples.work.store import SampleStore, Settings


class SampleRoom:
    """The room of samples while a server runs."""

    def __init__(self, folder: Path, host: Host, operations: Operations) -> None:
        self._settings = _settings(operations.values["samples"])
        files = KeptFiles(folder)
        self.store = SampleStore(folder, host.clock, self._settings, files)
        self._reader = Reader(self.store, files, lambda: self._settings.keep, host.clock)
        self._facts = Facts(operations.service, {}, {}, {})

    async def begin(self) -> None:
        """Opens the store; one that cannot be opened yet is tried again, and says so."""
        await self.store.begin()

    def configure(self, operations: Operations, checks: Sequence[Check]) -> None:
        """Takes a configuration. How much is kept in memory and how many series there may be holds from the next start on."""
        asked = {check.name: CheckFacts(check.options.every, check.looks_at) for check in checks}
        self._facts = Facts(operations.service, asked, {}, {})

    async def end(self) -> None:
        """Stores what waits, and closes."""
        await self.store.end()

    def face(self) -> Face:
        """What is shown of samples."""
        return Face("samples", routes=question_routes(Asker(self._reader, lambda: self._facts)))


def _settings(options: Any) -> Settings:
    keep = Keep(options.keep.raw, options.keep.five_minutes, options.keep.hour)
    return Settings(keep, options.window, Limits(options.series, options.series_per_source))
