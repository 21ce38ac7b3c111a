"""A prometheus that sends its alerts here: from a target that goes away to the notices that people get, and what they do meanwhile."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import yaml

from tests.alertmanager_clients import Amtool, Api, configured, token_of
from tests.alerts_server import Alerting
from tests.prometheus_server import prometheus_over
from tests.serving import Served, operations, pause, serving
from tests.support import free_port, wait_until
from tests.webhook_listener import Listener, listening

ROUTES = "{group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}"
REPEATING = ROUTES.replace("1h", "1s")
RULES = """
groups:
- name: shop
  interval: 1s
  rules:
  - alert: ShopDown
    expr: up{job="shop"} == 0
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: ShopSlow
    expr: shop_seconds > 1
    labels: {severity: warning}
"""


@contextmanager
def shop(port: int, seconds: float = 0.1) -> Iterator[None]:
    """Something that prometheus scrapes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"shop_seconds {seconds}\n".encode()
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def sending(folder: Path, target: int, server: Served) -> str:
    """prometheus.yml: an Alertmanager like any other, but for its path and its token."""
    token, rules = folder / "prometheus.token", folder / "rules.yml"
    token.touch(0o600)
    token.write_text(token_of(server, "prometheus"))
    rules.write_text(RULES)
    alertmanager = {
        "path_prefix": "/alertmanager",
        "authorization": {"credentials_file": str(token)},
        "static_configs": [{"targets": [f"127.0.0.1:{server.port}"]}],
    }
    content = {
        "global": {"scrape_interval": "1s", "external_labels": {"cluster": "east"}},
        "alerting": {"alertmanagers": [alertmanager]},
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}],
    }
    return yaml.safe_dump(content)


def told_of(hook: Listener, name: str, status: str) -> Mapping[str, Any]:
    """The first alert of that name and status that the webhook was told of; waits for it."""
    wait_until(lambda: (name, status) in hook.alerts(), 30, f"{name} {status} at the webhook")
    every = [alert for message in hook.told() for alert in message["alerts"]]
    return next(alert for alert in every if (alert["labels"]["alertname"], alert["status"]) == (name, status))


def test_from_a_target_that_goes_away_to_the_notice_that_it_is_back(tmp_path: Path) -> None:
    """People are told again and again until somebody silences it, then again until somebody knows of it, and at last that it is over."""
    target, directory = free_port(), tmp_path / "ops"
    with listening() as hook, ExitStack() as running:
        operations(directory, configured(hook.url, REPEATING))
        server = running.enter_context(serving(directory, tmp_path / "data"))
        with shop(target):
            prometheus = running.enter_context(prometheus_over(tmp_path / "blocks", sending(tmp_path, target, server)))
            wait_until(lambda: is_up(prometheus), 30, "prometheus scraping the shop")
        alert = told_of(hook, "ShopDown", "firing")
        labels = {"alertname": "ShopDown", "cluster": "east", "instance": f"127.0.0.1:{target}", "job": "shop", "severity": "critical"}
        assert alert["labels"] == labels
        assert alert["annotations"] == {"summary": f"127.0.0.1:{target} does not answer"}
        assert "/graph?g0.expr=up" in alert["generatorURL"]
        repeated(hook)
        silenced_and_back(tmp_path, server, hook)
        repeated(hook)
        acknowledged(server)
        quiet(server, hook)
        with shop(target, seconds=2.5):
            back = told_of(hook, "ShopDown", "resolved")
            assert back["fingerprint"] == alert["fingerprint"]
            told_of(hook, "ShopSlow", "firing")
            assert asking(server).names() == ["ShopSlow"]
    (*before, last) = [status for name, status in hook.alerts() if name == "ShopDown"]
    assert (set(before), last) == ({"firing"}, "resolved")


def repeated(hook: Listener) -> None:
    """Who is told is told again."""
    count = len(hook.calls)
    wait_until(lambda: len(hook.calls) > count, 20, "one notice more")


def quiet(server: Served, hook: Listener) -> None:
    """After what is under way, nobody is told anything for three times as long as it takes to be told again."""
    wait_until(lambda: server.get("/api/v1/outbox?state=waiting")["notices"] == [], 20, "the delivery of all notices")
    count = len(hook.calls)
    pause(3)
    assert len(hook.calls) == count


def asking(server: Served) -> Api:
    """The API v2 for questions, which need no token."""
    return Api(f"http://127.0.0.1:{server.port}/alertmanager")


def is_up(prometheus: str) -> bool:
    """Whether prometheus has seen its target."""
    with urllib.request.urlopen(f"{prometheus}/api/v1/query?query=up%3D%3D1", timeout=10) as answer:
        return bool(json.load(answer)["data"]["result"])


def silenced_and_back(folder: Path, server: Served, hook: Listener) -> None:
    """Somebody silences it by amtool, sees that it is, hears no more of it, and ends the silence."""
    amtool = Amtool(folder, server)
    (shown,) = amtool.json("alert", "query", "ShopDown")
    id = amtool("silence", "add", "alertname=ShopDown", "cluster=east", "--comment=known", "--author=ops").strip()
    (silenced,) = amtool.json("alert", "query", "--silenced", "ShopDown")
    assert silenced["status"] == {"state": "suppressed", "silencedBy": [id], "inhibitedBy": []}
    assert silenced["fingerprint"] == shown["fingerprint"]
    quiet(server, hook)
    amtool("silence", "expire", id)
    assert [alert["status"]["state"] for alert in amtool.json("alert", "query", "ShopDown")] == ["active"]


def acknowledged(server: Served) -> None:
    """Somebody says that they know, and it is shown."""
    (alert,) = server.get("/api/v1/alerts")["active_alerts"]
    people = Alerting(server, token_of(server, "people"))
    status, _ = people.post(f"/api/v1/alerts/{alert['id']}/acknowledge", {"by": "alex", "note": "looking"})
    assert status == 200
    assert server.get(f"/api/v1/alerts/{alert['id']}")["acknowledged"]["note"] == "looking"


def test_a_keepwell_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    target = free_port()
    with listening() as hook:
        directory = operations(tmp_path / "ops", configured(hook.url, ROUTES))
        server = Served(directory, tmp_path / "data")
        try:
            with prometheus_over(tmp_path / "blocks", sending(tmp_path, target, server.ready())) as prometheus:
                first = told_of(hook, "ShopDown", "firing")
                server.kill()
                server = Served(directory, tmp_path / "data", port=server.port)
                server.ready()
                (alert,) = asking(server).get("/alerts")
                assert alert["fingerprint"] == first["fingerprint"], "stored, whether or not anybody has told of it again"
                with shop(target):
                    wait_until(lambda: is_up(prometheus), 30, "prometheus scraping the shop")
                    told_of(hook, "ShopDown", "resolved")
                    assert asking(server).get("/alerts") == []
        finally:
            server.stop()
        once = {call.headers["idempotency-key"]: call.told["status"] for call in hook.calls}
        assert list(once.values()) == ["firing", "resolved"], "what was sent when it was killed may come again, with the same key"
