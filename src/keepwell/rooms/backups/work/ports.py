"""What the work on backups is done by, and the folder in which copies are restored to prove them."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from keepwell.ports.host import Host
from keepwell.storage.database import Database

T = TypeVar("T")


class Blocking(Protocol):
    """Runs a function that blocks, in a thread; its answer."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


async def in_thread(work: Callable[[], T]) -> T:
    """The usual ``Blocking``."""
    return await asyncio.to_thread(work)


@dataclass(frozen=True, slots=True)
class Ports:
    """The database, this machine, the data directory, how to block, the service's and the user's name, and ``stop``, which raises where
    work that blocks shall end."""

    database: Database
    host: Host
    data: Path
    blocking: Blocking
    service: str = ""
    user: str = ""
    stop: Callable[[], None] = lambda: None


def scratch(data: Path) -> Path:
    """The folder below which copies are restored to prove them."""
    return data / "scratch"


def remove_scratch(data: Path) -> None:
    """Removes what is left there of proofs that were cut off. Blocks."""
    if scratch(data).is_dir():
        for folder in scratch(data).glob("proof-*"):
            remove(folder)


def remove(folder: Path) -> None:
    """Removes a folder, also one that holds folders which may not be written. Blocks."""
    if not folder.exists():
        return
    os.chmod(folder, 0o700)
    for path, names, _ in os.walk(folder):
        for below in (os.path.join(path, name) for name in names):
            if not os.path.islink(below):
                os.chmod(below, 0o700)  # before os.walk goes into it
    shutil.rmtree(folder)
