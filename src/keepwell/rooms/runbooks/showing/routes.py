"""The routes below ``/api/v1`` by which people and programs speak of runbooks and runs."""

from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.requests import Request

from keepwell.kernel.durations import parse_duration
from keepwell.kernel.problems import NotFound, Refused
from keepwell.ports.offer import Query, Route
from keepwell.rooms.runbooks import store
from keepwell.rooms.runbooks.model import Run, State, Wish
from keepwell.storage import journal

from .shown import plan_json, run_json, runbook_json, runs_json
from .verbs import Verbs

READ, WRITE, APPROVE = "runbooks.read", "runbooks.run", "runbooks.approve"
LARGEST_NUMBER = 2**63 - 1

_STRICT = ConfigDict(frozen=True, extra="forbid")
_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"

Text = Annotated[str, Field(max_length=10_000)]
Variable = Annotated[str, Field(pattern=_NAME)]


LONGEST_PERMISSION = timedelta(days=3650)


def _duration(text: str) -> str:
    if parse_duration(text) > LONGEST_PERMISSION:
        raise ValueError(f"a permission lasts {LONGEST_PERMISSION.days}d at most")
    return text


class NewRun(BaseModel):
    """A runbook (its path, or its file's name) that is to be run. ``arguments`` are what its steps ask for, ``skip`` the names of steps
    that are left out; ``confirmed``: what it destroys is meant. The same ``key`` again is the same run."""

    model_config = _STRICT

    runbook: str = Field(min_length=1, max_length=1000)
    arguments: dict[Variable, Text] = {}
    skip: list[str] = []
    confirmed: bool = False
    key: str = Field(default="", max_length=200)


class RunsAsked(BaseModel):
    """Which runs, newest first: of this runbook, in these states, with a number below ``before``."""

    model_config = _STRICT

    runbook: str | None = None
    state: list[Literal["waiting", "running", "done", "failed", "asks", "refused"]] = []
    before: int | None = Field(default=None, ge=1, le=LARGEST_NUMBER)
    limit: int = Field(default=50, ge=1, le=1000)


class Tick(BaseModel):
    """A step that a person did: who (without ``by``, who sends this), and what they saw."""

    model_config = _STRICT

    note: Text = ""
    by: Annotated[str, Field(max_length=200)] = ""


class Resume(BaseModel):
    """What next at the step where a run stands."""

    model_config = _STRICT

    what: Literal["repeat", "skip", "stop"]
    note: Text = ""


class Answer(BaseModel):
    """What steps ask for, by name."""

    model_config = _STRICT

    arguments: dict[Variable, Text] = Field(min_length=1)


class Decide(BaseModel):
    """A permission is given, or not. ``lasts``: the same text is permitted so long, whoever wants it. ``digest``, as the list of approvals
    has it: where another text is asked for by now, nothing is decided."""

    model_config = _STRICT

    granted: bool = True
    note: Text = ""
    lasts: Annotated[str, AfterValidator(_duration)] | None = None
    digest: Annotated[str, Field(max_length=64)] = ""


def routes(verbs: Verbs) -> tuple[Route, ...]:
    """All of them."""
    return (*_runbooks(verbs), *_runs(verbs), *_people(verbs), *_permissions(verbs))


def _runbooks(verbs: Verbs) -> tuple[Route, ...]:
    async def listed() -> dict[str, Any]:
        newest = await verbs.read(store.newest_of_each)
        return {"runbooks": [runbook_json(ready, newest.get(path)) for path, ready in verbs.ready().items()]}

    async def one(name: str) -> dict[str, Any]:
        return plan_json(verbs.runbook(name))

    return (
        Route("GET", "/api/v1/runbooks", READ, listed, "Every runbook, what it waits for, and its last run"),
        Route("GET", "/api/v1/runbooks/{name:path}", READ, one, "What each step of a runbook would do: a dry run"),
    )


def _runs(verbs: Verbs) -> tuple[Route, ...]:
    async def listed(asked: Annotated[RunsAsked, Query()]) -> Any:
        return runs_json(await found_runs(verbs, asked))

    async def one(number: int) -> dict[str, Any]:
        return await shown(verbs, number)

    async def start(request: Request, asked: NewRun) -> dict[str, Any]:
        by = verbs.caller(request)
        path = verbs.runbook(asked.runbook).path
        busy = await verbs.read(
            lambda connection: store.listing(connection, runbook=path, states=[State.RUNNING.value], before=None, limit=1)
        )
        if busy and busy[0].key != f"by/{by}/{asked.key}":
            raise Refused(f"run {busy[0].number} of {path} is under way", hint=f"keepwell runs show {busy[0].number}")
        key = f"by/{by}/{asked.key or uuid4().hex}"
        run = await verbs.runs.start(Wish(path, key, by, verbs.now(), asked.arguments, tuple(asked.skip), asked.confirmed))
        return run_json(run)

    async def output(number: int, step: str) -> dict[str, Any]:
        found = (await verbs.runs.find(number)).step(step)
        if found is None or not found.output_digest:
            raise NotFound(f"run {number} has no output of a step {step!r}")
        content = await verbs.read(lambda connection: journal.output(connection, found.output_digest))
        return {"digest": found.output_digest, "output": None if content is None else content.decode("utf-8", "replace")}

    return (
        Route("GET", "/api/v1/runs", READ, listed, "Runs, newest first; before= pages on"),
        Route("POST", "/api/v1/runs", WRITE, start, "Run a runbook"),
        Route("GET", "/api/v1/runs/{number:int}", READ, one, "One run with its steps, and what the step that runs has printed"),
        Route("GET", "/api/v1/runs/{number:int}/output", READ, output, "What a step printed"),
    )


async def found_runs(verbs: Verbs, asked: RunsAsked) -> list[Run]:
    """The runs that are asked for. Raises NotFound for a runbook that there is not."""
    path = verbs.runbook(asked.runbook).path if asked.runbook else None
    query = partial(store.listing, runbook=path, states=asked.state, before=asked.before, limit=asked.limit)
    return await verbs.read(query)


async def shown(verbs: Verbs, number: int) -> dict[str, Any]:
    """A run with the permissions that it waits for."""
    run = await verbs.runs.find(number if number <= LARGEST_NUMBER else 0)
    waiting = await verbs.permissions.waiting_for(f"runs/{number}/") if run.state is State.WAITING else []
    return run_json(run, verbs.runs.news.output(number), waiting)


def _people(verbs: Verbs) -> tuple[Route, ...]:
    async def tick(request: Request, number: int, step: str, asked: Tick | None = None) -> dict[str, Any]:
        said = asked or Tick()
        await verbs.runs.tick(number, step, said.by or verbs.caller(request), said.note, verbs.caller(request))
        return await shown(verbs, number)

    async def resume(request: Request, number: int, asked: Resume) -> dict[str, Any]:
        await verbs.runs.resume(number, asked.what, verbs.caller(request), asked.note)
        return await shown(verbs, number)

    async def answer(request: Request, number: int, asked: Answer) -> dict[str, Any]:
        known = (await verbs.runs.find(number if number <= LARGEST_NUMBER else 0)).arguments
        others = any(known.get(name, value) != value for name, value in asked.arguments.items())
        if others and await verbs.permissions.waiting_for(f"runs/{number}/"):
            hint = f"stop it (keepwell runs resume {number} --stop), and start another with other values"
            raise Refused(f"run {number} waits for a permission for the values that it has", hint=hint)
        await verbs.runs.answer(number, asked.arguments, verbs.caller(request))
        return await shown(verbs, number)

    one = "/api/v1/runs/{number:int}"
    return (
        Route("POST", one + "/steps/{step:path}/tick", WRITE, tick, "Say that a person did a step"),
        Route("POST", f"{one}/resume", WRITE, resume, "Say what next: repeat the step where it stands, skip it, or stop"),
        Route("POST", f"{one}/answer", WRITE, answer, "Give what steps ask for"),
    )


def _permissions(verbs: Verbs) -> tuple[Route, ...]:
    async def listed(all: bool = False) -> dict[str, Any]:
        return {"approvals": await verbs.permissions.listing(waiting=not all)}

    async def decide(request: Request, number: int, asked: Decide) -> dict[str, Any]:
        until: datetime | None = verbs.now() + parse_duration(asked.lasts) if asked.lasts else None
        subject = await verbs.permissions.decide(number, asked.granted, verbs.caller(request), asked.note, until, digest=asked.digest)
        return {"id": number, "subject": subject, "state": "granted" if asked.granted else "denied"}

    return (
        Route("GET", "/api/v1/approvals", READ, listed, "What waits for a permission; all=true: what was decided too"),
        Route("POST", "/api/v1/approvals/{number:int}", APPROVE, decide, "Give a permission, or deny it"),
    )
