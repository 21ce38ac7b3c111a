"""What logs show while a server runs: routes for programs, pages for people."""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.requests import Request

from keepwell.kernel.problems import NotFound
from keepwell.ports.offer import Face, Page, Route
from keepwell.ports.work import Occasion, Perform, Performed, Work

from . import store
from .model import Policy, Step
from .work.perform import FOR
from .work.shown import files_of, policy_json

READ, WRITE = "logs.read", "logs.write"
_BASE = "/api/v1/logs"
_NEWEST = 20

T = TypeVar("T")


class ReadDatabase(Protocol):
    """Asks the database."""

    def __call__(self, question: Callable[[Connection], T], /) -> Awaitable[T]: ...


@dataclass(frozen=True, slots=True)
class Verbs:
    """What the face needs of the room and of others."""

    policies: Callable[[], Mapping[str, Policy]]
    perform: Perform
    would_clean: Callable[[Policy], Awaitable[Sequence[Step]]]
    counted: Callable[[], Mapping[tuple[str, str], int]]
    faults: Callable[[], Sequence[str]]
    read: ReadDatabase
    now: Callable[[], datetime]
    caller: Callable[[Request], str]


class Asked(BaseModel):
    """For whom (where that is not the caller: the journal notes it), and for analyses which question."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: str = Field(default="", max_length=200)
    question: str = Field(default="", max_length=150)
    dry_run: bool = False


class Shown:
    """The answers."""

    def __init__(self, verbs: Verbs) -> None:
        self._verbs = verbs

    async def every(self) -> dict[str, Any]:
        """All policies, without their files."""
        policies = self._verbs.policies().values()
        return {"logs": [await self._one(policy) for policy in policies], "problems": list(self._verbs.faults())}

    async def one(self, name: str) -> dict[str, Any]:
        """One policy with its files and the newest that was done. Raises NotFound."""
        policy = self._policy(name)
        done = {kind: await self._newest(kind, name) for kind in ("rotation", "cleanup")}
        asked = [await self._newest("analysis", name), *[await self._newest("analysis", f"{name}/{one.name}") for one in policy.questions]]
        answers = _answers([each for found in asked for each in found])
        return {**await self._one(policy), **await files_of(policy), "work": done, "answers": answers}

    async def perform(self, kind: str, request: Request, name: str, asked: Asked) -> dict[str, Any]:
        """Does it now, under an occasion of its own. Raises NotFound."""
        now = self._verbs.now()
        self._policy(name)
        # In the name of who sends this, in the record too: whoever could say another would permit it to themselves.
        work = Work(kind, f"{name}/{asked.question}" if asked.question else name, {FOR: asked.by})
        occasion = Occasion(f"logs/{name}/{kind}/{now.isoformat()}/{os.urandom(4).hex()}", self._verbs.caller(request), now)
        performed = await self._verbs.perform(work, occasion)
        stored = await self._verbs.read(lambda connection: store.of_key(connection, occasion.key))
        return {**_performed(performed), "details": stored.details if stored is not None else []}

    async def would_clean(self, name: str) -> dict[str, Any]:
        """What cleaning up would delete now."""
        steps = await self._verbs.would_clean(self._policy(name))
        told = [{"path": step.path, "bytes": step.size, "did": step.did, "why": step.why} for step in steps]
        return {"outcome": "dry", "sentence": f"{len(steps)} files would go", "record": f"logs/{name}", "facts": {}, "details": told}

    def _policy(self, name: str) -> Policy:
        found = self._verbs.policies().get(name)
        if found is None:
            raise NotFound(f"no logs are called {name}", hint=f"there are: {', '.join(self._verbs.policies()) or 'none'}")
        return found

    async def _one(self, policy: Policy) -> dict[str, Any]:
        counted = {watch: count for (log, watch), count in self._verbs.counted().items() if log == policy.name}
        newest = await self._verbs.read(lambda connection: store.newest(connection, "rotation", policy.name))
        return {**policy_json(policy), "counted": counted, "rotated": store.shown(newest[0]) if newest else None}

    async def _newest(self, kind: str, name: str) -> list[Mapping[str, Any]]:
        found = await self._verbs.read(lambda connection: store.newest(connection, kind, name, _NEWEST))
        return [store.shown(one) for one in found]


def face(verbs: Verbs) -> Face:
    """Routes and pages."""
    shown = Shown(verbs)

    async def listing() -> dict[str, Any]:
        return await shown.every()

    async def one(name: str) -> dict[str, Any]:
        return await shown.one(name)

    async def rotate(request: Request, name: str, asked: Asked | None = None) -> dict[str, Any]:
        return await shown.perform("rotation", request, name, asked or Asked())

    async def clean(request: Request, name: str, asked: Asked | None = None) -> dict[str, Any]:
        wanted = asked or Asked()
        return await shown.would_clean(name) if wanted.dry_run else await shown.perform("cleanup", request, name, wanted)

    async def analyse(request: Request, name: str, asked: Asked | None = None) -> dict[str, Any]:
        return await shown.perform("analysis", request, name, asked or Asked())

    async def page_of_one(name: str) -> Mapping[str, Any]:
        return {"log": await shown.one(name)}

    path = _BASE + "/{name}"
    return Face(
        "logs",
        routes=(
            Route("GET", _BASE, READ, listing, "Every group of log files, and what was counted in them"),
            Route("GET", path, READ, one, "One group: its files, what was done to them, the newest answers"),
            Route("POST", f"{path}/rotate", WRITE, rotate, "Rotate its files now"),
            Route("POST", f"{path}/clean", WRITE, clean, "Delete what is old now; with dry_run only say what"),
            Route("POST", f"{path}/analyse", WRITE, analyse, "Answer its questions now, or one of them"),
        ),
        pages=(
            Page("/logs", "Logs", READ, "logs/logs.html", listing),
            Page("/logs/{name}", "Logs", READ, "logs/log.html", page_of_one, within="/logs"),
        ),
        templates=str(Path(__file__).parent / "pages"),
    )


def _performed(performed: Performed) -> dict[str, Any]:
    return {
        "outcome": performed.outcome.value,
        "sentence": performed.sentence,
        "record": performed.record,
        "facts": dict(performed.facts),
    }


def _answers(analyses: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The newest answer to each question."""
    newest: dict[str, Mapping[str, Any]] = {}
    for analysis in sorted((one for one in analyses if one["ended_at"] is not None), key=lambda one: one["ended_at"], reverse=True):
        for answer in analysis["details"]:
            newest.setdefault(answer["name"], {**answer, "at": analysis["ended_at"]})
    return list(newest.values())
