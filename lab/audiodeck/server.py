"""The program ``audiodeck-server``: the laboratory's audio server with the logs of its manual, which it reopens on SIGHUP.

It serves the folder that it lies in, so a restored copy of it serves the copy. It ends by itself when the process that started it is gone.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Thread, get_native_id

from aiohttp import web

from keepwell.demo.laboratory.condition import memory_bytes
from keepwell.demo.laboratory.server import AudioServer, serve

from .faults import BUSY, FLOOD, FLOOD_LINES, LEAK_BYTES, PORT
from .layout import Layout

_application = logging.getLogger("laboratory.application")
_access = logging.getLogger("laboratory.access")
_audit = logging.getLogger("laboratory.audit")
_metrics = logging.getLogger("laboratory.metrics")
_LINE = "[%(asctime)s] %(levelname)s - %(message)s"
_SAMPLE_SECONDS = 60.0
_POLL_SECONDS = 0.2
_BLOCK = bytes(1 << 20)
_EAGER = -15
"""The niceness of what keeps a processor busy."""


class AudioDeck(AudioServer):
    """The audio server with a login that nobody passes, a line of metrics a minute, and the faults that live inside it."""

    def __init__(self, layout: Layout) -> None:
        AudioServer.__init__(self, layout.home, leak_bytes=LEAK_BYTES, name="audiodeck-server", version="9.0.0")
        self.layout = layout
        self.sampled = 0.0
        self.flooded = 0
        self.written: dict[str, int] = {}

    async def login(self, request: web.Request) -> web.Response:
        """Refuses every login, and says so in application.log and audit.log."""
        for logger in (_application, _audit):
            logger.warning("authentication failed from %s", request.remote)
        return web.json_response({"error": "Name or password are wrong."}, status=401)

    @web.middleware
    async def around(self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        """As the audio server does it, and a line of metrics where a minute has passed."""
        try:
            return await AudioServer.around(self, request, handler)
        finally:
            self.sample()

    def sample(self) -> None:
        """Writes the line that the manual's performance-monitor.sh writes, at most one a minute."""
        now = self.layout.now().timestamp()
        if now - self.sampled < _SAMPLE_SECONDS:
            return
        self.sampled = now
        times, performance = self.counters.times, self.counters.performance()
        _metrics.info(
            "CPU: %s%%, Memory: %dMB, Response: %.0fms, Connections: %d",
            performance["cpuPercent"],
            memory_bytes()["rss"] // 2**20,
            1000 * sum(times) / len(times) if times else 0,
            self.connections(),
        )

    async def leak(self) -> None:
        """Everything that goes on beside the requests."""
        await asyncio.gather(AudioServer.leak(self), self._write(), self._listen(), self._toil())

    async def _write(self) -> None:
        while True:
            self.sample()
            if self.broken(FLOOD):
                for _ in range(FLOOD_LINES // 2):
                    self.flooded += 1
                    _application.error("playback underrun %d", self.flooded)
            self._give_played_times()
            await asyncio.sleep(_POLL_SECONDS)

    def _give_played_times(self) -> None:
        """Logs that were written, by this server or by scripts, were so at AudioDeck's own time."""
        if not self.layout.clock.exists():
            return
        now = self.layout.now().timestamp()
        for file in self.layout.logs.glob("*.log"):
            with contextlib.suppress(FileNotFoundError):
                written = file.stat().st_mtime_ns
                if self.written.get(file.name) != written:
                    os.utime(file, (now, now))
                    self.written[file.name] = file.stat().st_mtime_ns

    async def _listen(self) -> None:
        server: asyncio.AbstractServer | None = None
        while True:
            if self.broken(PORT) and server is None:
                server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
            elif not self.broken(PORT) and server is not None:
                server.close()
                server = None
            await asyncio.sleep(_POLL_SECONDS)

    async def _toil(self) -> None:
        """Keeps one processor busy: in one thread, which ends with the fault and with the process."""
        thread: Thread | None = None
        while True:
            if self.broken(BUSY) and (thread is None or not thread.is_alive()):
                thread = Thread(target=self._hash, name=BUSY, daemon=True)
                thread.start()
            await asyncio.sleep(_POLL_SECONDS)

    def _hash(self) -> None:
        with _before_others():
            while self.broken(BUSY):
                sha256(_BLOCK)  # lets go of the interpreter, so that requests are answered as ever

    def application(self) -> web.Application:
        """The audio server's routes, and the login."""
        application = AudioServer.application(self)
        application.router.add_post("/api/admin/login", self.login)
        return application


@contextlib.contextmanager
def _before_others() -> Iterator[None]:
    """This thread comes before others while it lasts; else a machine that has much to do leaves it too little to show. Only root may.
    Niceness counts inside a session (sched(7), autogroup), and the server has one of its own."""
    session = Path("/proc/self/autogroup")

    def set_niceness(niceness: int) -> None:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, get_native_id(), niceness)
            if session.exists():
                session.write_text(str(niceness), "ascii")

    set_niceness(_EAGER)
    try:
        yield
    finally:
        set_niceness(0)


class _Instants(logging.Formatter):
    """Writes AudioDeck's own time."""

    def __init__(self, layout: Layout, line: str) -> None:
        super().__init__(line)
        self._layout = layout

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """``2026-01-05 09:00:00``, in UTC."""
        return f"{self._layout.now():%Y-%m-%d %H:%M:%S}"


def open_logs(layout: Layout) -> tuple[logging.FileHandler, ...]:
    """application.log (everything), error.log (errors only), access.log, audit.log and metrics.log."""
    opened = []
    for name, logger, level, line in (
        ("application", _application, logging.INFO, _LINE),
        ("error", _application, logging.ERROR, _LINE),
        ("access", _access, logging.INFO, "[%(asctime)s] %(message)s"),
        ("audit", _audit, logging.INFO, _LINE),
        ("metrics", _metrics, logging.INFO, "[%(asctime)s] %(message)s"),
    ):
        handler = logging.FileHandler(layout.logs / f"{name}.log", encoding="utf-8")
        handler.setFormatter(_Instants(layout, line))
        handler.setLevel(level)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        opened.append(handler)
    return tuple(opened)


async def _serve(layout: Layout, port: int, parent: int) -> None:
    handlers = open_logs(layout)

    def reopen() -> None:
        for handler in handlers:
            handler.close()  # the next line opens the file of that name anew
        _audit.info("logs reopened")

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reopen)
    _audit.info("started")
    try:
        await serve(AudioDeck(layout), port, parent)
    finally:
        _audit.info("stopped")


def _configured_port(layout: Layout) -> int:
    import json

    return int(json.loads((layout.home / "config" / "audiodeck.json").read_text("utf-8"))["port"])


def main(program: str) -> None:
    """``audiodeck-server --parent PID [--port N]``. ``program`` is the path of the file that was started."""
    layout = Layout(Path(program).resolve().parents[2])
    parser = argparse.ArgumentParser(prog="audiodeck-server", description=f"Stand-in of AudioDeck Connect ({datetime.now(UTC):%Y}).")
    parser.add_argument("--parent", type=int, required=True, help="ends when this process is no longer its parent")
    parser.add_argument("--port", type=int, help="port on 127.0.0.1 (0: any free one); default: that of config/audiodeck.json")
    chosen = parser.parse_args()
    for folder in (layout.logs, layout.home / "run"):
        folder.mkdir(parents=True, exist_ok=True)
    Path("/proc/self/comm").write_text("audiodeck-server", "ascii")  # as ss, top and ps show it: Linux keeps 15 bytes
    port = _configured_port(layout) if chosen.port is None else chosen.port
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(layout, port, chosen.parent))
