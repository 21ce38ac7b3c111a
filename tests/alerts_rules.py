"""A running Keepwell with rules and a webhook that hears of everything at once, and samples brought to it; for tests."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.serving import Served, operations, token_in
from tests.support import wait_until
from tests.webhook_listener import Listener, listening

HEAD = """\
keepwell: 1
service: shop
web: {{external_url: "http://shop.test"}}
receivers: {{hook: {{webhook: {{url: "{url}"}}}}}}
routes:
  receiver: hook
  group_by: ["..."]
  group_wait: 0s
  group_interval: 1s
  routes: [{{matchers: ['kpi="queue depth"'], group_wait: 2s}}]
"""
"""Everything is told at once, but of a key figure: its two rules are judged one after the other, and the worse one inhibits the other."""

NO_FILES: Mapping[str, str] = {}


class Ruled:
    """The server, what its webhook heard, and a token for everything."""

    def __init__(self, server: Served, hook: Listener, token: str) -> None:
        self.server, self.hook, self.token = server, hook, token

    def again(self, *, kill: bool = False) -> None:
        """Stops the server, or kills it, and starts it again."""
        (self.server.kill if kill else self.server.stop)()
        self.server = Served(self.server.directory, self.server.data, port=self.server.port).ready()

    def push(self, text: str) -> None:
        """Brings samples, in Prometheus' text format."""
        self.call("POST", "/api/v1/metrics", text.encode(), "text/plain")

    def call(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> Any:
        """A JSON answer. Raises HTTPError."""
        headers = {"authorization": f"Bearer {self.token}", "content-type": kind}
        request = urllib.request.Request(f"http://127.0.0.1:{self.server.port}{path}", body, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def active(self, name: str) -> list[dict[str, Any]]:
        """The pending and firing alerts of that name, or about the rule of that name (``NoData Quiet``), as the API lists them."""
        alerts = self.server.get("/api/v1/alerts")["active_alerts"]
        return [alert for alert in alerts if _is_called(name, alert["labels"])]

    def until(self, name: str, *states: str, seconds: float = 60) -> list[dict[str, Any]]:
        """Waits until the alerts of that name are in these states."""
        wait_until(lambda: sorted(alert["state"] for alert in self.active(name)) == sorted(states), seconds, f"{name} {states}")
        return self.active(name)

    def told(self, name: str, *statuses: str, seconds: float = 60) -> None:
        """Waits until the webhook was told of the alert in this order. A notice that comes again with its key, as after a kill, is one."""

        def told() -> list[str]:
            once = {call.headers["idempotency-key"]: call.told for call in list(self.hook.calls)}
            alerts = [alert for message in once.values() for alert in message["alerts"]]
            return [alert["status"] for alert in alerts if _is_called(name, alert["labels"])]

        wait_until(lambda: told() == [*statuses], seconds, f"told of {name} {statuses}")


def _is_called(name: str, labels: Mapping[str, str]) -> bool:
    return name in (labels["alertname"], f"{labels['alertname']} {labels.get('rule')}")


@contextmanager
def ruled(folder: Path, rules: str, files: Mapping[str, str] = NO_FILES) -> Iterator[Ruled]:
    """One server for the length of a ``with``; ``files`` stand beside its configuration."""
    with listening() as hook:
        directory, data = operations(folder / "ops", HEAD.format(url=hook.url) + rules), folder / "data"
        for name, text in files.items():
            (directory / name).write_text(text)
        token = token_in(data)
        running = Ruled(Served(directory, data), hook, token)
        try:
            running.server.ready()
            yield running
        finally:
            running.server.stop()
