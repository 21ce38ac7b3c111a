"""Alertmanager's API v2 when things go wrong: what it took is kept, what it could not keep it says, and bad clients harm nobody."""

import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.alertmanager_clients import Api, api_of, configured, told
from tests.serving import Served, operations, serving
from tests.support import wait_until
from tests.webhook_listener import Listener, listening

ROUTES = "{group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}"


@pytest.fixture
def hook() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def directory(tmp_path: Path, hook: Listener) -> Path:
    return operations(tmp_path / "ops", configured(hook.url, ROUTES))


@contextmanager
def locked(server: Served) -> Iterator[None]:
    """Another program holds the database."""
    with closing(sqlite3.connect(server.data / "keepwell.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


SILENCE: dict[str, Any] = {
    "matchers": [{"name": "alertname", "value": "Full", "isRegex": False}],
    "startsAt": "2020-01-01T00:00:00Z",
    "endsAt": "2036-01-01T00:00:00Z",
    "createdBy": "ops",
    "comment": "deploy",
}


def test_what_cannot_be_stored_is_refused_and_nothing_has_changed(tmp_path: Path, directory: Path, hook: Listener) -> None:
    with serving(directory, tmp_path / "data") as server:
        api = api_of(server)
        api.post_alerts(told("Old"))
        wait_until(lambda: hook.alerts() == [("Old", "firing")], 20)
        before = api.get("/alerts"), api.get("/alerts/groups"), api.get("/silences")
        with locked(server), ThreadPoolExecutor(2) as both:
            refused = (
                both.submit(api.ask, "POST", "/alerts", [told("Full"), told("Old")]),
                both.submit(api.ask, "POST", "/silences", SILENCE),
            )
            assert api.names() == ["Old"], "questions are answered meanwhile"
            for one in refused:
                status, sentence = one.result()
                assert status == 500
                assert "locked" in sentence
        assert (api.get("/alerts"), api.get("/alerts/groups"), api.get("/silences")) == before
        api.post_alerts(told("Full"))
        assert api.ask("POST", "/silences", SILENCE).status == 200
        assert api.names() == ["Full", "Old"]
        wait_until(lambda: ("Full", "firing") in hook.alerts(), 20)


class Sender:
    """Posts one alert after the other until nobody answers, as one who must not lose any: what was taken is known."""

    def __init__(self, api: Api, numbers: Iterator[int]) -> None:
        self.taken: list[str] = []
        self._api, self._numbers = api, numbers
        self._thread = Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        for number in self._numbers:
            name = f"A{number:04}"
            try:
                if self._api.ask("POST", "/alerts", [told(name)], seconds=20).status != 200:
                    return
            except OSError:
                return
            self.taken.append(name)

    def end(self) -> list[str]:
        """The names of the alerts that were taken."""
        self._thread.join(60)
        return self.taken


@pytest.mark.timeout(240)  # starts five servers
def test_what_was_taken_is_there_after_sigkill_and_told_of(tmp_path: Path, directory: Path, hook: Listener) -> None:
    taken: list[str] = []
    numbers, port, api = count(), None, None
    for enough in (3, 11, 24, 1):
        server = Served(directory, tmp_path / "data", port=port).ready()
        api, port = api or api_of(server), server.port
        assert set(taken) <= set(api.names())
        sender = Sender(api, numbers)
        wait_until(lambda sender=sender, enough=enough: len(sender.taken) >= enough, 30, "alerts that were taken")  # type: ignore[misc]
        server.kill()
        taken += sender.end()
    server = Served(directory, tmp_path / "data", port=port).ready()
    try:
        assert api is not None
        assert set(taken) <= set(api.names())
        wait_until(lambda: {(name, "firing") for name in taken} <= set(hook.alerts()), 30, "a notice of each")
        assert {status for _, status in hook.alerts()} == {"firing"}, "nothing has ended"
        keys: dict[str, set[str]] = {}
        for call in hook.calls:
            for alert in call.told["alerts"]:
                keys.setdefault(alert["labels"]["alertname"], set()).add(call.headers["idempotency-key"])
        assert {len(of_one) for of_one in keys.values()} == {1}, "what is sent again has the key that it had"
    finally:
        server.stop()


def test_two_senders_of_the_same_alerts_make_one_of_each(tmp_path: Path, directory: Path, hook: Listener) -> None:
    """As a pair of prometheis does."""
    with serving(directory, tmp_path / "data") as server:
        api = api_of(server)
        alerts = [told("Down", instance=f"host-{number}") for number in range(200)]
        parts = [alerts[first : first + 64] for first in range(0, 200, 64)] * 6
        with ThreadPoolExecutor(8) as senders:
            assert {reply.status for reply in senders.map(lambda part: api.ask("POST", "/alerts", part), parts)} == {200}
        assert len(api.get("/alerts")) == 200
        wait_until(lambda: sum(len(message["alerts"]) for message in hook.told()[-1:]) == 200, 20, "a notice of all")
        listed = server.get("/api/v1/alerts?limit=1000")["active_alerts"]
        assert len({alert["id"] for alert in listed}) == 200


_POST = b"POST /alertmanager/api/v2/alerts HTTP/1.1\r\nhost: {host}\r\nauthorization: {token}\r\n"
BROKEN = (
    _POST + b"content-length: 500\r\n\r\n[{",
    _POST + b"transfer-encoding: chunked\r\n\r\nff\r\n[{",
    _POST + b"content-length: 99999999999\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)


def test_clients_that_leave_or_talk_nonsense(tmp_path: Path, directory: Path) -> None:
    with serving(directory, tmp_path / "data") as server:
        api = api_of(server)
        for sent in BROKEN:
            request = sent.replace(b"{host}", b"127.0.0.1:%d" % server.port).replace(b"{token}", api.headers["authorization"].encode())
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", server.port), 10) as client:
                    client.sendall(request)
        api.post_alerts(told("Full"))
        assert api.names() == ["Full"]
        assert "internal fault" not in server.log
        assert "Traceback" not in server.log


def test_deep_and_wide_json_is_refused_at_once(tmp_path: Path, directory: Path) -> None:
    with serving(directory, tmp_path / "data") as server:
        api = api_of(server)
        deep = b"[" * 1_000_000
        wide = b'[{"labels":{' + b",".join(b'"l%d":"v"' % number for number in range(100_000)) + b"}}]"
        for body, statuses in ((deep, {400}), (b'[{"labels":' + b'{"a":' * 100_000, {400}), (wide, {200})):
            assert api.ask("POST", "/alerts", body).status in statuses
        assert len(api.get("/alerts")) == 1
