"""The routes of transfer: export as a stream, and the way by which ``keepwell samples import`` goes through the running server."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from keepwell.kernel.problems import Problem, UsageError
from keepwell.ports.offer import Query, Route
from keepwell.rooms.samples.model import Keep, Labels, Metric
from keepwell.rooms.samples.offer import READ, WRITE

from .asked import ExportAsked, wanted
from .exporting import export
from .model import Source, Taken
from .sinks import PATH, SOURCE, Store, by_time, store_rows, unpacked

Answer = dict[str, Any]

WAIT = 5.0
"""Seconds that one request waits for files to be made."""


class Settled(Protocol):
    """What became of the log's samples."""

    @property
    def duplicates(self) -> int:
        """How many were there already."""
        ...


@dataclass(frozen=True, slots=True)
class Transfer:
    """What the routes work on: where an export reads, where an import writes, the time (milliseconds since 1970), how long is kept, and
    how the log's hours that are over become files at once."""

    source: Source
    store: Store
    now: Callable[[], int]
    keep: Callable[[], Keep]
    settle: Callable[[], Awaitable[Settled]]


def routes(transfer: Transfer) -> tuple[Route, ...]:
    """All of them."""
    return (*_exporting(transfer), *_importing(transfer))


def _exporting(transfer: Transfer) -> tuple[Route, ...]:
    async def exported(request: Request, asked: Annotated[ExportAsked, Query()]) -> Response:
        what = wanted(asked, transfer.now())
        headers = {"content-disposition": f'attachment; filename="samples.{what.format.suffix}"', "cache-control": "no-store"}
        if request.method == "HEAD":
            return Response(media_type=what.format.media_type, headers=headers)
        pieces = export(transfer.source, what.matchers, what.start, what.end - 1, what.format)
        return StreamingResponse(pieces, media_type=what.format.media_type, headers=headers)

    return (Route("GET", "/api/v1/samples/export", READ, exported, "Samples as a file: CSV, OpenMetrics or Parquet"),)


def _importing(transfer: Transfer) -> tuple[Route, ...]:
    epoch = secrets.token_hex(8)
    """Numbers of series hold while this server runs; after a restart a client asks for them again."""

    def refuse(at: Any) -> Mapping[str, Any]:
        return by_time(at, transfer.now(), transfer.keep().raw)

    async def series(request: Request) -> Answer:
        named = _series(await _body(request))
        return {"epoch": epoch, "numbers": transfer.store.identify(SOURCE, named).tolist()}

    async def metrics(request: Request) -> Answer:
        await transfer.store.describe(_metrics(await _body(request)))
        return {}

    async def rows(request: Request) -> Answer:
        body = await _body(request)
        if body.get("epoch") != epoch:
            raise _gone()
        numbers, at, value = _column(body, "series", "<i4"), _column(body, "at", "<i8"), _column(body, "value", "<f8")
        if not len(numbers) == len(at) == len(value):
            raise _malformed("series, at and value are not of one length")
        return _told(await store_rows(transfer.store, numbers, at, value, refuse))

    async def check(request: Request) -> Answer:
        refused = refuse(_column(await _body(request), "at", "<i8"))
        return {"refused": {reason: places.tolist() for reason, places in refused.items()}}

    settling = _Settling(transfer.settle)

    return (
        Route("POST", f"{PATH}/settle", WRITE, settling.wait, "An import is at its end: its hours become files, which are asked"),
        Route("POST", f"{PATH}/series", WRITE, series, "Numbers of series that keepwell samples import brings samples of"),
        Route("POST", f"{PATH}/metrics", WRITE, metrics, "What the metrics of an import are"),
        Route("POST", f"{PATH}/rows", WRITE, rows, "Samples of keepwell samples import"),
        Route("POST", f"{PATH}/check", WRITE, check, "Which instants would not be taken"),
    )


class _Settling:
    """Settles once for all who ask meanwhile, however long it takes: who asks waits some seconds, and asks again."""

    def __init__(self, settle: Callable[[], Awaitable[Settled]]) -> None:
        self._settle = settle
        self._task: asyncio.Task[Settled] | None = None

    async def wait(self) -> Answer:
        task = self._task = self._task or asyncio.ensure_future(self._settle())
        done, _ = await asyncio.wait([task], timeout=WAIT)
        if not done:
            return {"done": False, "known": 0}
        self._task = None
        return {"done": True, "known": task.result().duplicates}


def _told(taken: Taken) -> Answer:
    refused = {reason: places.tolist() for reason, places in taken.refused.items()}
    return {"stored": taken.stored, "known": taken.known, "refused": refused}


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise _malformed(f"it is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise _malformed("it is no JSON object")
    return body


def _column(body: Mapping[str, Any], name: str, kind: str) -> Any:
    try:
        return unpacked(body[name], kind)
    except (KeyError, TypeError, ValueError):
        raise _malformed(f"{name} is no column of numbers in base64") from None


def _series(body: Mapping[str, Any]) -> list[Labels]:
    named = body.get("series")
    if not isinstance(named, list) or not all(isinstance(labels, dict) and _texts(labels) for labels in named):
        raise _malformed("series is no list of labels")
    return named


def _metrics(body: Mapping[str, Any]) -> dict[str, Metric]:
    told = body.get("metrics")
    if not isinstance(told, dict) or not all(isinstance(one, dict) and _texts(one) for one in told.values()):
        raise _malformed("metrics is no object of kind, help and unit by name")
    return {name: Metric(one.get("kind", "unknown"), one.get("help", ""), one.get("unit", "")) for name, one in told.items()}


def _texts(values: Mapping[str, Any]) -> bool:
    return all(isinstance(value, str) for value in values.values())


def _malformed(why: str) -> UsageError:
    return UsageError(Problem("samples.import", f"the body cannot be used: {why}", "bring files with keepwell samples import"))


def _gone() -> UsageError:
    return UsageError(Problem("samples.restarted", "the server was started anew in between", "run the import again: what is stored stays"))
