"""Samples put together: the store on the data directory, and what fills, keeps and asks it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from keepwell.composition.samples_shown import page_verbs
from keepwell.config.operations import Operations
from keepwell.ports.activity import Activity
from keepwell.ports.host import Host
from keepwell.ports.offer import Face
from keepwell.ports.records import Recoveries
from keepwell.rooms.checks.model import Check
from keepwell.rooms.samples import log, push, views_page
from keepwell.rooms.samples.admission import Limits
from keepwell.rooms.samples.model import Keep
from keepwell.rooms.samples.objectives.offer import objectives_of, windows_of
from keepwell.rooms.samples.questions.routes import routes as question_routes
from keepwell.rooms.samples.scraping import listing
from keepwell.rooms.samples.scraping.routes import routes as target_routes
from keepwell.rooms.samples.scraping.work import Scraping
from keepwell.rooms.samples.transfer.routes import Transfer
from keepwell.rooms.samples.transfer.routes import routes as transfer_routes
from keepwell.rooms.samples.transfer.source import StoreSource
from keepwell.rooms.samples.work.asking import Asker, CheckFacts, Facts, Maintenance, no_maintenance, no_recovery
from keepwell.rooms.samples.work.kept import KeptFiles
from keepwell.rooms.samples.work.reader import Reader
from keepwell.rooms.samples.work.rolled_asked import RolledAsked
from keepwell.rooms.samples.work.store import SampleStore, Settings
from keepwell.rooms.samples.work.upkeep import Upkeep


class SampleRoom:
    """The room of samples while a server runs."""

    def __init__(self, folder: Path, host: Host, operations: Operations) -> None:
        self._settings = settings_of(operations.values["samples"])
        self._clock = host.clock
        self._files = KeptFiles(folder)
        self.store = SampleStore(folder, host.clock, self._settings, self._files)
        self.scraping = Scraping(host.http, host.clock, self.store)
        self._upkeep = Upkeep(self.store, self._files.files, folder / log.NAME, self._keep, host.clock)
        self._reader = Reader(self.store, self._files, self._keep, host.clock)
        self.rolled = RolledAsked(self._reader, self.store, self._keep)
        self._facts = Facts(operations.service, {}, {}, {})
        self.maintenance: Maintenance = no_maintenance
        """Who knows of work that was begun by hand; set before ``face``."""
        self.recovery: Recoveries = no_recovery
        """Who knows how backups can be brought back; set before ``face``."""

    @property
    def activities(self) -> Sequence[Activity]:
        """What the engine runs for it."""
        return (self.scraping, self._upkeep)

    async def begin(self) -> None:
        """Opens the store; one that cannot be opened yet is tried again, and says so."""
        await self._upkeep.begin()
        await self.store.begin()

    def configure(self, operations: Operations, checks: Sequence[Check]) -> None:
        """Takes a configuration."""
        asked = {check.name: CheckFacts(check.options.every, check.looks_at) for check in checks}
        windows, objectives = windows_of(operations.entries("windows")), objectives_of(operations.entries("objectives"))
        self._facts = Facts(operations.service, asked, windows, objectives)
        self._settings = settings_of(operations.values["samples"])
        self.store.configure(self._settings)
        self.scraping.configure(operations.options("scrape"))

    async def end(self) -> None:
        """Stores what waits, and closes."""
        await self.scraping.end()
        await self._upkeep.end()
        await self.store.end()

    def asker(self) -> Asker:
        """What questions are answered from."""
        return Asker(self._reader, lambda: self._facts, self.maintenance, self.recovery)

    def face(self) -> Face:
        """What is shown of samples."""
        shown = page_verbs(self.store, self._files, self._clock, self._targets, self._problems)
        return Face(
            "samples",
            routes=(
                *question_routes(self.asker()),
                *target_routes(self.scraping),
                *push.routes(self.store, self._clock),
                *transfer_routes(
                    Transfer(StoreSource(self.store, self._files.files.hours), self.store, self._now, self._keep, self._upkeep.everything)
                ),
            ),
            pages=views_page.pages(shown),
            templates=str(Path(views_page.__file__).parent / "pages"),
        )

    def _keep(self) -> Keep:
        return self._settings.keep

    def _now(self) -> int:
        return round(self._clock.now().timestamp() * 1000)

    def _targets(self) -> Mapping[str, Any]:
        return listing.listing(self.scraping)

    def _problems(self) -> Iterator[str]:
        yield from self._upkeep.problems()
        yield from listing.problems(self.scraping)


def settings_of(options: Any) -> Settings:
    """The store's settings from the section ``samples``."""
    keep = Keep(options.keep.raw, options.keep.five_minutes, options.keep.hour)
    return Settings(keep, options.window, Limits(options.series, options.series_per_source))
