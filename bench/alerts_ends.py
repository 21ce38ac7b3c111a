"""The two ends of an alert's way, for benchmarks: targets that fail when told to, and a webhook that notes when it was called."""

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class Targets:
    """Addresses ``/NUMBER`` of one server. ``failing`` answer 500; ``first_failed`` is when each did so first since it was told to."""

    port: int = 0
    failing: set[int] = field(default_factory=set)
    first_failed: dict[int, float] = field(default_factory=dict)

    def fail(self, number: int) -> None:
        """From now on it fails."""
        self.first_failed.pop(number, None)
        self.failing.add(number)

    def recover(self, number: int) -> None:
        """From now on it is well."""
        self.failing.discard(number)


@dataclass(frozen=True, slots=True)
class Call:
    """One notice: when it had arrived, and what it says."""

    at: float
    told: dict[str, Any]


@dataclass(slots=True)
class Hook:
    """A webhook."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)

    def heard(self, since: float, status: str, label: str, value: str) -> float | None:
        """When it was first told, after that instant, that an alert with this label has this status."""
        for call in list(self.calls):
            if call.at >= since and any(one["status"] == status and one["labels"].get(label) == value for one in call.told["alerts"]):
                return call.at
        return None


@contextmanager
def targets() -> Iterator[Targets]:
    """The failing ones' server."""
    state = Targets()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            number = int(self.path.rpartition("/")[2])
            fails = number in state.failing
            if fails:
                state.first_failed.setdefault(number, time.monotonic())
            self.send_response(500 if fails else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with _served(Handler) as state.port:
        yield state


@contextmanager
def hook() -> Iterator[Hook]:
    """A webhook that takes everything."""
    state = Hook()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.calls.append(Call(time.monotonic(), json.loads(body)))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with _served(Handler) as port:
        state.url = f"http://127.0.0.1:{port}/"
        yield state


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # a busy machine takes connections late


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pause() -> None:
    """A moment of its own length, so that trials meet every phase of an interval."""
    time.sleep(random.random())
