"""A webhook's far end, for tests: a real HTTP server on loopback that keeps what it is sent."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One request: when it came (monotonic seconds), where to, with which headers (lower-case names), and its body."""

    at: float
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        """The body as JSON."""
        content: dict[str, Any] = json.loads(self.body)
        return content


@dataclass(slots=True)
class Listener:
    """``status`` and ``body`` are what the next requests are answered with."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    calls: list[Call] = field(default_factory=list)

    def told(self) -> list[dict[str, Any]]:
        """What was told so far, in order: Alertmanager's webhook messages."""
        return [call.told for call in list(self.calls)]

    def alerts(self) -> list[tuple[str, str]]:
        """Name and status of each alert told of, in order."""
        return [(alert["labels"].get("alertname", ""), alert["status"]) for message in self.told() for alert in message["alerts"]]


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener on a free port for the length of a ``with``."""
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            listener.calls.append(Call(monotonic(), self.path, headers, body))
            self.send_response(listener.status)
            self.send_header("content-length", str(len(listener.body)))
            self.end_headers()
            self.wfile.write(listener.body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
