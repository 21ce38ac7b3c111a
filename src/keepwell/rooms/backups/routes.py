"""The routes of backups."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from keepwell.kernel.problems import NotFound
from keepwell.ports.offer import Route
from keepwell.ports.work import Occasion, Work

from .decide import retention
from .views import copy_json, run_json, shown_json, verdicts_json
from .work.showing import Showing

READ, RUN = "backups.read", "backups.run"
_BASE = "/api/v1/backups"


class Recovering(BaseModel):
    """Which paths, from the root, are put back, and out of which copy (by its id; without it the newest that can be relied on)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    paths: tuple[str, ...] = Field(min_length=1, max_length=100)
    copy_id: str = Field(default="", max_length=64, alias="copy")


class Proving(BaseModel):
    """Which copy is proved: by its id; without it the newest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    copy_id: str = Field(default="", max_length=64, alias="copy")


def routes(showing: Showing, now: Callable[[], datetime], caller: Callable[[Request], str]) -> tuple[Route, ...]:
    """All of them."""
    backups = showing.backups

    async def listed() -> dict[str, Any]:
        return {"backups": [shown_json(one, now()) for one in await showing.listed()]}

    async def one(name: str) -> dict[str, Any]:
        shown = await showing.one(name)
        verdicts = verdicts_json(retention(shown.copies, shown.backup.keep, now()))
        copies = [{**copy_json(copy), "kept": verdicts[copy.id]} for copy in reversed(shown.copies)]
        runs = [run_json(run) for run in await showing.runs(name)]
        return {**shown_json(shown, now()), "copies_there": copies, "runs": runs}

    async def run(request: Request, name: str) -> dict[str, Any]:
        return run_json(await backups.start(Work("backup", name), _occasion(request)))

    async def prove(request: Request, name: str, asked: Proving | None = None) -> dict[str, Any]:
        wanted = {"copy": asked.copy_id} if asked is not None and asked.copy_id else {}
        await known(name, wanted.get("copy", ""))
        return run_json(await backups.start(Work("proof", name, wanted), _occasion(request)))

    async def recover(request: Request, name: str, asked: Recovering) -> dict[str, Any]:
        wanted = {"paths": "\n".join(asked.paths), "copy": asked.copy_id}
        await known(name, asked.copy_id)
        return run_json(await backups.start(Work("recovery", name, wanted), _occasion(request)))

    async def known(name: str, copy_id: str) -> None:
        if copy_id:  # a slip of who asks is no failure of the backup
            await backups.copy(name, copy_id)

    async def accept(request: Request, name: str, id: str) -> dict[str, Any]:
        return copy_json(await backups.accept(name, id, caller(request)))

    async def of_run(id: int) -> dict[str, Any]:
        found = await showing.run(id)
        if found is None:
            raise NotFound(f"there is no run {id} of a backup")
        return run_json(found)

    async def key() -> dict[str, Any]:
        return await showing.key()

    def _occasion(request: Request) -> Occasion:
        return Occasion(f"asked/{uuid4()}", caller(request).removeprefix("uid:"), now())

    return (
        Route("GET", _BASE, READ, listed, "Every backup with its newest copy and proof, and its recovery time and point"),
        Route("GET", "/api/v1/backup-signing-key", READ, key, "The public key that signs manifests"),
        Route("GET", "/api/v1/backup-runs/{id:int}", READ, of_run, "One making or proving"),
        Route("GET", _BASE + "/{name}", READ, one, "One backup with its copies and what was done"),
        Route("POST", _BASE + "/{name}/run", RUN, run, "Make it now; the work goes on after the answer"),
        Route("POST", _BASE + "/{name}/prove", RUN, prove, "Prove it now: restore a copy beside, compare and question it"),
        Route("POST", _BASE + "/{name}/recover", RUN, recover, "Put paths of a copy in the place of what is there, which is kept"),
        Route("POST", _BASE + "/{name}/copies/{id}/accept", RUN, accept, "Say that an implausible copy is right"),
    )
