"""A real server says of itself what it measures, sends its sign of life, and names the cause of what fails below something that is down."""

import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.serving import operations, serving
from tests.support import free_port, wait_until


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server that takes signs of life: its address, and what was asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def text_of(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def test_what_fails_below_something_that_is_down_names_it_and_the_sign_of_life_arrives(
    tmp_path: Path, listener: tuple[str, list[str]]
) -> None:
    address, asked = listener
    gone = free_port()
    directory = operations(
        tmp_path / "ops",
        f"keepwell: 1\nservice: shop\nheartbeat: {{url: {address}/ping/1, every: 5s}}\n"
        f"targets:\n  db: {{url: http://127.0.0.1:{gone}}}\n  api: {{url: http://127.0.0.1:{gone}, depends_on: [db], at_once: 2}}\n"
        "guard: {checks: [up]}\n"
        "checks:\n  api: {http: {target: api}, every: 1s}\n  db: {http: {target: db}, every: 1s}\n"
        f"  up: {{http: {{url: {address}/up}}, every: 1s}}\n",
    )
    with serving(directory, tmp_path / "data") as server:
        server.until({"db": "fail", "api": "unknown", "up": "ok"})
        assert server.get("/api/v1/checks/api")["sentence"].startswith("db is down: db says GET / of db: connection refused")
        assert [change["after"] for change in server.get("/api/v1/checks/api")["changes"]] == ["unknown"]
        wait_until(lambda: "/ping/1" in asked, 10, "a sign of life")
        wait_until(lambda: server.get("/api/system/performance")["engine"]["signOfLife"]["sent"] >= 1, what="a sign that arrived")
        assert server.get("/health")["services"]["connection"] == "operational"
        page, metrics = text_of(server.port, "/keepwell"), text_of(server.port, "/metrics")
    assert "Looks started since the start" in page
    assert "sign of life" in page
    assert "keepwell_look_late_seconds_count" in metrics
    assert "keepwell_signs_of_life_total" in metrics
