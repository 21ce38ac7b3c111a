"""``POST /api/v1/metrics``: measurements that somebody brings, in Prometheus' text format or OpenMetrics; answered when they are stored."""

import asyncio
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from starlette.requests import Request

from keepwell.kernel.problems import KeepwellError, Problem, StorageError, UsageError
from keepwell.kernel.quoting import quoted
from keepwell.ports.clock import Clock
from keepwell.ports.offer import Route
from keepwell.rooms.samples.admission import Kept
from keepwell.rooms.samples.model import Ids, Labels
from keepwell.rooms.samples.offer import WRITE

from .scraping.intake import own_instants
from .scraping.model import Store
from .scraping.parse import Page, PageError, Reader

LARGEST = 16 * 1024 * 1024
"""Bytes of a body once it is unpacked."""

SOURCE = "push"
"""As what the store counts all of it."""

PATIENCE = 30.0
"""Seconds that a caller waits for the disk."""

_AT_ONCE = 2
_IN_TURN = 500
_PARAMETERS = ("job", "instance")
_HINT = "send Prometheus' text format, or OpenMetrics with its Content-Type"


def routes(store: Store, clock: Clock) -> tuple[Route, ...]:
    """The route. ``?job=`` and ``?instance=`` set these labels on every series, over those that the body has."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def push(request: Request) -> dict[str, Any]:
        labels = _labels(request.query_params.multi_items())
        async with room:
            body, headers = await request.body(), request.headers
            encoding, kind = headers.get("content-encoding", ""), headers.get("content-type", "")
            page = await asyncio.to_thread(read, body, encoding, kind)
            return await _store(store, page, labels, round(clock.now().timestamp() * 1000))

    return (Route("POST", "/api/v1/metrics", WRITE, push, "Store measurements: Prometheus' text format or OpenMetrics, gzip too"),)


def read(body: bytes, encoding: str, content_type: str) -> Page:
    """The rows of a body. Raises UsageError with the line that cannot be read, or KeepwellError (request.too-large)."""
    try:
        return Reader().read(unpacked(body, encoding), content_type)
    except PageError as error:
        raise UsageError(Problem("metrics.unreadable", f"Nothing was stored: {error}", _HINT)) from None


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its encoding (RFC 9110, 8.4), never unpacked further than LARGEST. Raises UsageError or KeepwellError."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in ("gzip", "x-gzip"):
        raise UsageError(Problem("metrics.encoding", f"The body is encoded as {quoted(encoding)}", "send it as it is, or as gzip"))
    found, rest = bytearray(), body
    try:
        while rest:
            member = zlib.decompressobj(wbits=31)  # RFC 1952; several members may follow each other
            found += member.decompress(rest, LARGEST + 1 - len(found))
            if len(found) > LARGEST:
                raise KeepwellError(Problem("request.too-large", f"The body is larger than {LARGEST} bytes unpacked", "send less at once"))
            if not member.eof:
                raise zlib.error("it ends too early")
            rest = member.unused_data
    except zlib.error:
        raise UsageError(Problem("metrics.encoding", "The body is not the gzip that its Content-Encoding says", _HINT)) from None
    return bytes(found)


def _labels(given: list[tuple[str, str]]) -> Labels:
    """The labels that the address sets. Raises UsageError for any other parameter, as it would be a slip."""
    names = [name for name, _ in given]
    if wrong := next((name for name in names if name not in _PARAMETERS or names.count(name) > 1), None):
        raise UsageError(
            Problem("metrics.parameter", f"The parameter {quoted(wrong)} is none, or stands twice", "there are job and instance")
        )
    return {name: value for name, value in given if value}


async def _store(store: Store, page: Page, labels: Labels, now: int) -> dict[str, Any]:
    ids = await _identified(store, page, labels)
    refused = {reason: count for reason, count in _left_out(page).items() if count}
    if page.metrics:
        await store.describe(page.metrics)
    if not len(page):
        return {"stored": 0, "refused": refused}
    bringing = asyncio.ensure_future(store.add(SOURCE, ids[page.slot], own_instants(page.at, len(page), now), page.value))
    try:
        async with asyncio.timeout(PATIENCE):
            kept: Kept = await asyncio.shield(bringing)  # the store goes on with it, whoever waits
    except TimeoutError:
        problem = Problem("samples.slow", f"The samples were not stored within {PATIENCE:g} s: the disk is slow", "send them again")
        raise StorageError(problem) from None
    return {"stored": kept.stored, "refused": {**refused, **kept.refused}}


def _left_out(page: Page) -> Mapping[str, int]:
    return {"lines that are too long to be meant": page.monstrous, "native histograms: only numbers are kept": page.histograms}


async def _identified(store: Store, page: Page, labels: Labels) -> Ids:
    """The numbers of the body's series by slot."""
    slots = sorted(page.fresh)
    ids = np.empty(len(slots), np.int32)
    for start in range(0, len(slots), _IN_TURN):
        some = slots[start : start + _IN_TURN]
        ids[some] = store.identify(SOURCE, [{**page.fresh[slot], **labels} for slot in some])
        await asyncio.sleep(0)
    return ids
