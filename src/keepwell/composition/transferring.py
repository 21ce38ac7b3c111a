"""What ``keepwell samples export`` and ``import`` work on: the running server of a data directory, or its store where none runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from keepwell.composition import verbs
from keepwell.kernel.problems import Problem, StorageError
from keepwell.rooms.samples.transfer.commands import Purpose, Server

if TYPE_CHECKING:
    from keepwell.rooms.samples.transfer.opened import Opened
    from keepwell.rooms.samples.work.store import Settings


def server() -> Server:
    """The running server."""
    return Server(verbs.server_runs, verbs.tell_server, verbs.download)


@asynccontextmanager
async def open_store(data: str | None, operations: str | None, purpose: Purpose) -> "AsyncIterator[Opened]":
    """The store of a data directory, held for this process; to ``judge`` samples nothing is opened or made. Raises StorageError where
    another has it, it cannot be used or, to ``read``, it is not there, and ConfigurationError for an operations directory that is not
    valid."""
    import logging

    from keepwell.machine.clock import SystemClock
    from keepwell.rooms.samples.files.child import work
    from keepwell.rooms.samples.files.parquet import be_frugal
    from keepwell.rooms.samples.files.reading import Files
    from keepwell.rooms.samples.log import NAME
    from keepwell.rooms.samples.transfer.opened import Opened
    from keepwell.rooms.samples.work.store import SampleStore
    from keepwell.storage.directory import DataDirectory

    settings = _settings(operations)
    logging.getLogger("keepwell").addHandler(logging.NullHandler())  # what is wrong is an error of the command, said once
    directory, clock = DataDirectory(verbs.data_directory(data)), SystemClock()
    folder = directory.path / "samples"
    files = Files(folder)
    store = SampleStore(folder, clock, settings, files)
    opened = Opened(store, settings.keep, lambda: int(clock.now().timestamp() * 1000), work, folder / NAME, files)
    if purpose == "judge":
        yield opened
        return
    if purpose == "read" and not folder.is_dir():
        hint = "name the server's data directory with --data"
        raise StorageError(Problem("samples.absent", f"there are no samples in {directory.path}", hint))
    with directory.lock():
        be_frugal()
        await store.begin()
        try:
            if fault := store.figures.fault:
                raise StorageError(Problem("samples.closed", f"the samples in {folder} cannot be opened: {fault}", "see what holds it up"))
            yield opened
        finally:
            await store.end()


def _settings(operations: str | None) -> "Settings":
    from dataclasses import replace

    from keepwell.composition.samples import settings_of
    from keepwell.rooms.samples.work.store import Settings

    found = settings_of(verbs.load(operations).values["samples"]) if operations else Settings()
    return replace(found, every=0.0)  # one batch waits for the other, so nothing is gained by waiting for more
