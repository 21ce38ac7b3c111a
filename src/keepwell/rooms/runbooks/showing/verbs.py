"""What the faces of runbooks ask: of who keeps the runs, of who gives permissions, and of the database."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from starlette.requests import Request

from keepwell.kernel.problems import NotFound
from keepwell.rooms.runbooks.model import Ready
from keepwell.rooms.runbooks.work.permissions import PermissionDesk
from keepwell.rooms.runbooks.work.runs import Runs

T = TypeVar("T")


class Read(Protocol):
    """Puts a question to the database. Raises StorageError."""

    def __call__(self, question: Callable[[Connection], T], /) -> Awaitable[T]: ...


@dataclass(frozen=True, slots=True)
class Verbs:
    """All of it. ``caller`` is the name of who sent a request, ``ready`` gives the runbooks in force by path."""

    runs: Runs
    permissions: PermissionDesk
    ready: Callable[[], Mapping[str, Ready]]
    read: Read
    now: Callable[[], datetime]
    caller: Callable[[Request], str]

    def runbook(self, name: str) -> Ready:
        """A runbook by its path, or by its file's name with or without ``.md``. Raises NotFound with those that are like it."""
        ready = self.ready()
        for path in (name, f"runbooks/{name}", f"runbooks/{name}.md", f"{name}.md"):
            if path in ready:
                return ready[path]
        from difflib import get_close_matches

        names = {path.removeprefix("runbooks/").removesuffix(".md"): path for path in ready}
        near = get_close_matches(name, names, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "keepwell runs runbooks lists them"
        raise NotFound(f"there is no runbook {name!r}", hint=hint)
