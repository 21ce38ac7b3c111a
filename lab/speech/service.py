"""What both services share: their settings, their metrics, the faults that live inside them, and how they are served until they end."""

import argparse
import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from .faults import SLOW_SECONDS

QUEUE = "jobs"
"""The list of Redis in which a submitted job's number wakes the transcription service."""

_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a service answers and what it works with. ``folder`` holds ``uploads/``, ``faults/`` and ``run/``."""

    folder: Path
    port: int
    database: str
    cache: str
    parent: int

    def broken(self, fault: str) -> bool:
        """Whether a fault is switched on: a file of its name lies in ``faults/``."""
        return (self.folder / "faults" / fault).exists()


def read_settings(program: str) -> Settings:
    """The settings as the command line gives them."""
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument("--database", required=True, help="postgresql://...")
    parser.add_argument("--cache", required=True, help="redis://...")
    parser.add_argument("--parent", type=int, required=True, help="ends when this process is no longer its parent")
    return Settings(**vars(parser.parse_args()))


class Metrics:
    """What a service counts; the names are those that such services usually have."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter("http_requests", "Answered requests", ["method", "path", "status"], registry=self.registry)
        self.seconds = Histogram("http_request_duration_seconds", "Seconds of an answer", registry=self.registry)
        self.uploads = Counter("transcription_uploads", "Jobs that arrived", registry=self.registry)
        self.finished = Counter("transcription_jobs", "Jobs worked on", registry=self.registry)
        self.failures = Counter("transcription_failures", "Jobs that failed", registry=self.registry)
        self.queue = Gauge("transcription_queue_jobs", "Jobs that wait", registry=self.registry)

    async def show(self, request: web.Request) -> web.Response:
        """The exposition text of Prometheus."""
        return web.Response(body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


@dataclass(slots=True)
class Around:
    """Counts and times every request, and applies the faults ``slow`` and ``errors`` (their names, empty where it has none)."""

    settings: Settings
    metrics: Metrics
    slow: str = ""
    errors: str = ""
    middleware: Callable[..., Awaitable[web.StreamResponse]] = field(init=False)

    def __post_init__(self) -> None:
        @web.middleware
        async def middleware(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
            return await self._answer(request, handler)

        self.middleware = middleware

    async def _answer(self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        start = time.perf_counter()
        status = 500
        try:
            if self.slow and self.settings.broken(self.slow):
                await asyncio.sleep(SLOW_SECONDS)
            if self.errors and self.settings.broken(self.errors):
                return web.json_response({"status": 500, "error": "Internal Server Error"}, status=500)
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as answer:
            status = answer.status
            raise
        finally:
            resource = request.match_info.route.resource
            self.metrics.requests.labels(request.method, resource.canonical if resource else "unknown", str(status)).inc()
            self.metrics.seconds.observe(time.perf_counter() - start)


async def serve(application: web.Application, settings: Settings, name: str) -> None:
    """Serves until SIGTERM or SIGINT, or until the process that started this one is gone. ``run/NAME`` is there once it answers."""
    runner = web.AppRunner(application, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", settings.port, reuse_address=True).start()
        (settings.folder / "run" / name).touch()
        await _until_told(settings.parent)
    finally:
        await runner.cleanup()


async def _until_told(parent: int) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    while not told.is_set() and os.getppid() == parent:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), _POLL_SECONDS)
