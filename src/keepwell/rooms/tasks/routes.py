"""The routes of tasks."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from keepwell.ports.asked import Instant
from keepwell.ports.offer import Query, Route

from .model import Run, Standing, Tally, Task
from .views import instant, listing, run_json, task_json

READ, WRITE = "tasks.read", "tasks.write"
_BASE = "/api/v1/tasks"
_STRICT = ConfigDict(frozen=True, extra="forbid")


class Kept(Protocol):
    """How tasks stand."""

    def shown(self) -> Sequence[tuple[Task, Standing]]: ...

    def find(self, name: str) -> tuple[Task, Standing]: ...

    def news(self) -> AsyncIterator[None]: ...


class Doable(Protocol):
    """What people do with tasks."""

    async def run_now(self, name: str, by: str) -> Run: ...

    async def done(self, name: str, by: str, note: str, actor: str) -> Run: ...

    async def skip(self, name: str, by: str, note: str, actor: str) -> Run: ...

    async def rewind(self, name: str, by: str, actor: str) -> None: ...


class RunsAsked(BaseModel):
    """Which page of the occasions: of one task or of all, due before an instant."""

    model_config = _STRICT

    task: str | None = Field(default=None, max_length=200)
    before: Instant | None = None
    limit: int = Field(default=50, ge=1, le=1000)


class Said(BaseModel):
    """What a person says of an occasion: ``note`` is kept, ``by`` is who says it where that is not who asks."""

    model_config = _STRICT

    note: str = Field(default="", max_length=2000)
    by: str = Field(default="", max_length=200)


class Runs(Protocol):
    """Occasions, newest first: of one task or of all, due before an instant, at most so many."""

    async def __call__(self, task: str | None, before: datetime | None, limit: int, /) -> Sequence[Run]: ...


@dataclass(frozen=True, slots=True)
class Verbs:
    """What routes and pages ask. ``caller`` is the name of who sent a request."""

    kept: Kept
    deeds: Doable
    runs: Runs
    tallies: Callable[[datetime, datetime], Awaitable[Sequence[Tally]]]
    now: Callable[[], datetime]
    caller: Callable[[Request], str]


def routes(verbs: Verbs) -> tuple[Route, ...]:
    """All of them."""
    return (*_questions(verbs), *_wishes(verbs))


def _questions(verbs: Verbs) -> tuple[Route, ...]:
    kept, now = verbs.kept, verbs.now

    async def tasks() -> dict[str, Any]:
        return listing(kept.shown(), now())

    async def runs(asked: Annotated[RunsAsked, Query()]) -> dict[str, Any]:
        found = await verbs.runs(asked.task, asked.before, asked.limit)
        more = await verbs.runs(asked.task, found[-1].due_at, 1) if len(found) >= asked.limit else ()
        return {"runs": [run_json(run) for run in found], "next": instant(found[-1].due_at) if more else None}

    async def one(name: str) -> dict[str, Any]:
        task, standing = kept.find(name)
        return {**task_json(task, standing, now()), "runs": [run_json(run) for run in await verbs.runs(name, None, 20)]}

    return (
        Route("GET", _BASE, READ, tasks, "Every task, how it stands, and when it is due next"),
        Route("GET", "/api/v1/task-runs", READ, runs, "Occasions and what came of each, newest first; before= pages on"),
        Route("GET", _BASE + "/{name:path}", READ, one, "One task and its newest occasions"),
    )


def _wishes(verbs: Verbs) -> tuple[Route, ...]:
    deeds = verbs.deeds

    async def run(request: Request, name: str) -> dict[str, Any]:
        # In the name of who sends it: what the work needs a permission for, another person than that one gives.
        return run_json(await deeds.run_now(name, _person(verbs.caller(request))))

    async def done(request: Request, name: str, said: Said | None = None) -> dict[str, Any]:
        return run_json(await deeds.done(name, _who(request, said), (said or Said()).note, verbs.caller(request)))

    async def skip(request: Request, name: str, said: Said | None = None) -> dict[str, Any]:
        return run_json(await deeds.skip(name, _who(request, said), (said or Said()).note, verbs.caller(request)))

    async def rewind(request: Request, name: str, said: Said | None = None) -> dict[str, Any]:
        await deeds.rewind(name, _who(request, said), verbs.caller(request))
        task, standing = verbs.kept.find(name)
        return task_json(task, standing, verbs.now())

    def _who(request: Request, said: Said | None) -> str:
        return (said.by if said is not None else "") or _person(verbs.caller(request))

    return (
        Route("POST", _BASE + "/{name:path}/run", WRITE, run, "Do it now; the work goes on after the answer"),
        Route("POST", _BASE + "/{name:path}/done", WRITE, done, "A person did it"),
        Route("POST", _BASE + "/{name:path}/skip", WRITE, skip, "It is not done this time"),
        Route("POST", _BASE + "/{name:path}/rewind", WRITE, rewind, "The clock had been ahead: what it decided of the future is forgotten"),
    )


def _person(caller: str) -> str:
    """A caller of the Unix socket by the bare name of the user."""
    return caller.removeprefix("uid:")
