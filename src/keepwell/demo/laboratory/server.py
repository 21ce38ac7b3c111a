"""The stand-in audio server: real endpoints over real state, one process, on loopback.

Its folder holds ``audio/`` (sound files), ``devices.json``, ``logs/`` and ``faults/``: a file named like a fault breaks the server for as
long as it is there, so the faults can be seen with ls and survive a restart. It ends by itself when the process that started it is gone.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import time
import wave
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from aiohttp import web

from keepwell import __version__

from .condition import OPERATIONAL, TONE, UNAVAILABLE, Counters, audio_condition, devices, memory_bytes, network_condition
from .faults import LEAK_BYTES, LEAK_STEP_BYTES, SLOW_SECONDS
from .sound import measure

_ACCESS_FORMAT = '%a "%r" %s %b rt=%Tf'
_POLL_SECONDS = 0.2
_application = logging.getLogger("laboratory.application")
_access = logging.getLogger("laboratory.access")


@dataclass(slots=True)
class AudioServer:
    """The handlers, and what they share."""

    folder: Path
    counters: Counters = field(default_factory=Counters)
    connections: Callable[[], int] = lambda: 0
    leaked: list[bytes] = field(default_factory=list)
    leak_bytes: int = LEAK_BYTES
    name: str = "tonehoused"
    version: str = __version__

    def broken(self, fault: str) -> bool:
        """Whether a fault is switched on."""
        return (self.folder / "faults" / fault).exists()

    async def health(self, request: web.Request) -> web.Response:
        """Healthy where every service is operational, else degraded; status 200 in both cases, because the server itself answers."""
        services = {
            "audio": audio_condition(self.folder / "audio"),
            "devices": OPERATIONAL if devices(self.folder / "devices.json") else UNAVAILABLE,
            "network": await network_condition(),
        }
        healthy = all(condition == OPERATIONAL for condition in services.values())
        if not healthy:
            _application.warning("degraded: %s", ", ".join(name for name, value in services.items() if value != OPERATIONAL))
        times = self.counters.times
        return web.json_response(
            {
                "status": "healthy" if healthy else "degraded",
                "timestamp": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
                "version": self.version,
                "uptime": int(self.counters.uptime),
                "services": services,
                "metrics": {
                    "memoryUsage": memory_bytes()["rss"],
                    "responseTime": round(1000 * sum(times) / len(times), 2) if times else 0,
                    "activeConnections": self.connections(),
                },
            }
        )

    async def status(self, request: web.Request) -> web.Response:
        """Who the server is and what it drives."""
        return web.json_response(
            {
                "name": self.name,
                "version": self.version,
                "pid": os.getpid(),
                "uptime": int(self.counters.uptime),
                "devices": devices(self.folder / "devices.json"),
                "sounds": sorted(file.name for file in (self.folder / "audio").glob("*.wav")),
                "requests": self.counters.requests,
            }
        )

    async def performance(self, request: web.Request) -> web.Response:
        """Processor share and response times, as measured."""
        return web.json_response(self.counters.performance())

    async def memory(self, request: web.Request) -> web.Response:
        """Resident and peak memory in bytes."""
        return web.json_response(memory_bytes())

    async def audio_test(self, request: web.Request) -> web.Response:
        """Reads a sound of the audio folder and answers its length and its level at the volume asked for; it makes no noise."""
        try:
            wanted = await request.json()
            name, volume = str(wanted.get("file", TONE)), float(wanted.get("volume", 1.0))
        except (ValueError, TypeError, AttributeError):
            return _refusal(400, 'The body is a JSON object like {"file": "tone.wav", "volume": 0.1}.')
        if name not in {file.name for file in (self.folder / "audio").iterdir()}:
            return _refusal(404, "There is no such sound.")
        if not 0 <= volume <= 1:
            return _refusal(400, "volume lies between 0 and 1.")
        try:
            seconds, peak = measure(self.folder / "audio" / name)
        except (OSError, EOFError, wave.Error, ValueError) as error:
            _application.error("audio test: %s", error)
            return _refusal(422, "The sound cannot be read.")
        return web.json_response({"file": name, "seconds": round(seconds, 3), "peak": round(peak * volume, 4)})

    @web.middleware
    async def around(self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        """Times every request, applies the faults, and turns an unexpected error into a logged 500."""
        start = time.perf_counter()
        failed = False
        try:
            if self.broken("api-slow"):
                await asyncio.sleep(SLOW_SECONDS)
            if self.broken("api-errors"):
                raise RuntimeError("the file faults/api-errors is there")
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception:
            failed = True
            _application.exception("%s %s failed", request.method, request.rel_url)
            return _refusal(500, "Internal server error.")
        finally:
            self.counters.note(time.perf_counter() - start, failed=failed)

    async def leak(self) -> None:
        """Takes memory step by step while that fault is on, and gives it back at once when it is off."""
        while True:
            if not self.broken("memory-leak"):
                self.leaked.clear()
            elif len(self.leaked) * LEAK_STEP_BYTES < self.leak_bytes:
                self.leaked.append(b"\xff" * LEAK_STEP_BYTES)
            await asyncio.sleep(_POLL_SECONDS)

    def application(self) -> web.Application:
        """The routes."""
        application = web.Application(middlewares=[self.around], client_max_size=64 * 1024)
        application.add_routes(
            [
                web.get("/health", self.health),
                web.get("/api/status", self.status),
                web.get("/api/system/performance", self.performance),
                web.get("/api/system/memory", self.memory),
                web.post("/api/audio/test", self.audio_test),
            ]
        )
        return application


def _refusal(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status)


def _open_logs(folder: Path) -> None:
    """application.log (everything), error.log (errors only) and access.log, each at most 1 MB and two older ones."""
    lines = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    for name, logger, level in (
        ("application.log", _application, logging.INFO),
        ("error.log", _application, logging.ERROR),
        ("access.log", _access, logging.INFO),
    ):
        handler = RotatingFileHandler(folder / name, maxBytes=1_000_000, backupCount=2, encoding="utf-8")
        handler.setFormatter(lines)
        handler.setLevel(level)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False


async def _until_told(parent: int) -> None:
    """Returns at SIGTERM or SIGINT, or when the process that started this one is gone."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    while not told.is_set() and os.getppid() == parent:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), _POLL_SECONDS)


async def serve(server: AudioServer, port: int, parent: int) -> None:
    """Serves until told to stop. The port (0: any free one) is written to run/NAME.json once requests are answered."""
    folder = server.folder
    runner = web.AppRunner(server.application(), access_log=_access, access_log_format=_ACCESS_FORMAT, handle_signals=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
    await site.start()
    server.connections = lambda: len(runner.server.connections) if runner.server else 0
    address = runner.addresses[0]
    note = folder / "run" / f"{server.name}.new"
    note.write_text(json.dumps({"pid": os.getpid(), "port": address[1]}), "utf-8")
    note.replace(note.with_suffix(".json"))
    _application.info("listening on 127.0.0.1:%s", address[1])
    leak = asyncio.create_task(server.leak())
    try:
        await _until_told(parent)
    finally:
        leak.cancel()
        await runner.cleanup()
        _application.info("stopped")


def main(arguments: Sequence[str] | None = None) -> None:
    """The program: ``tonehoused --folder DIR --port N --parent PID``."""
    parser = argparse.ArgumentParser(prog="tonehoused", description="Stand-in audio server of the laboratory.")
    parser.add_argument("--folder", type=Path, required=True, help="holds audio/, devices.json, logs/, faults/ and run/")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (0: any free one)")
    parser.add_argument("--parent", type=int, required=True, help="ends when this process is no longer its parent")
    parser.add_argument("--leak", type=int, default=LEAK_BYTES, help="how many bytes the fault memory-leak takes")
    chosen = parser.parse_args(arguments)
    _open_logs(chosen.folder / "logs")
    asyncio.run(serve(AudioServer(chosen.folder, leak_bytes=chosen.leak), chosen.port, chosen.parent))
