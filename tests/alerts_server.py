"""A running Keepwell for tests of alerts, and how to write to it: with a token that permits just that."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.serving import Served, keepwell, operations, serving, token_in

QUIET = "keepwell: 1\nservice: shop\nchecks: {}\n"


class Alerting:
    """The server and a token for ``alerts.write``."""

    def __init__(self, server: Served, token: str) -> None:
        self.server, self.token = server, token
        self.address = f"http://127.0.0.1:{server.port}"

    def get(self, path: str) -> Any:
        """A JSON answer."""
        return self.server.get(path)

    def refused(self, path: str) -> tuple[int, str]:
        """The status and the sentence of a read that is refused."""
        try:
            self.get(path)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["error"]["message"]
        raise AssertionError(f"GET {path} was answered")

    def post(self, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
        """Status and JSON of the answer to a write."""
        headers = {"content-type": "application/json", "authorization": f"Bearer {token or self.token}"}
        content = json.dumps(body).encode() if body is not None else b""
        request = urllib.request.Request(f"{self.address}{path}", content, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def fire(self, message: str, severity: str = "critical", **more: Any) -> int:
        """Tells of an alert; its number."""
        status, alert = self.post("/api/v1/alert", {"message": message, "severity": severity, **more})
        assert status == 200, alert
        return int(alert["id"])

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code and output of a command that asks this server."""
        done = keepwell(*arguments, "--data", str(self.server.data))
        return done.returncode, done.stdout + done.stderr


@contextmanager
def alerting(folder: Path, text: str = QUIET) -> Iterator[Alerting]:
    """One server for the length of a ``with``."""
    directory, data = operations(folder / "ops", text), folder / "data"
    token = token_in(data, "alerts.write")
    with serving(directory, data) as server:
        yield Alerting(server, token)
