"""SIGKILL twenty times during a run: no state change that was shown is lost, and the journal's chain is whole."""

import http.client
import json
import random
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.serving import Served, Target, keepwell, operations, pause

KILLS = 20
CHECKS = 12


class Watcher:
    """Reads state changes and standings from the API as fast as it can, and remembers everything it was ever shown."""

    def __init__(self) -> None:
        self.changes: dict[int, dict[str, Any]] = {}
        self.standings: set[tuple[str, str, str]] = set()
        self.server: Served | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.01):
            server = self.server
            if server is None:
                continue
            try:
                shown = server.get("/api/v1/changes?limit=1000")["changes"]
                checks = server.get("/api/v1/checks")["checks"]
            except (OSError, http.client.HTTPException, json.JSONDecodeError):  # killed in the middle of an answer
                continue
            for change in shown:
                earlier = self.changes.setdefault(change["number"], change)
                assert earlier == change, "a state change that was shown is another one now"
            self.standings |= {(check["name"], check["since"], check["state"]) for check in checks if check["since"]}


@pytest.mark.timeout(300)  # twenty-one starts, on a machine that may have other work
def test_no_state_change_that_was_shown_is_lost(tmp_path: Path) -> None:
    chance = random.Random(20)
    with Target(tmp_path) as target, Watcher() as watcher:
        lines = ["keepwell: 1", "service: kill", "checks:"]
        lines += [f"  check-{number}: {{http: {{url: {target.url}/{number}}}, every: 1s}}" for number in range(CHECKS)]
        directory, data = operations(tmp_path / "ops", "\n".join(lines)), tmp_path / "data"
        for kill in range(KILLS):
            server = Served(directory, data).ready()
            watcher.server = server
            target.answer(503 if kill % 2 else 200)
            pause(chance.uniform(0.3, 1.4))
            target.answer(200 if kill % 2 else 503)
            pause(chance.uniform(0.0, 0.6))
            watcher.server = None
            server.kill()
        final = Served(directory, data).ready()
        kept = _all_changes(final)
        final.stop()
    assert len(watcher.changes) > KILLS, "the test saw too few changes to say anything"
    assert {number: kept.get(number) for number in watcher.changes} == watcher.changes
    in_changes = {(change["check"], change["at"], change["after"]) for change in kept.values()}
    assert watcher.standings <= in_changes, "a page showed a state that no stored change explains"
    _journal_agrees(data, kept)


def _all_changes(server: Served) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    before = ""
    while True:
        page = server.get(f"/api/v1/changes?limit=1000{before}")
        found |= {change["number"]: change for change in page["changes"]}
        if page["next"] is None:
            return found
        before = f"&before={page['next']}"


def _journal_agrees(data: Path, kept: dict[int, dict[str, Any]]) -> None:
    verified = keepwell("journal", "verify", "--data", str(data), "--json")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    listed = keepwell("journal", "list", "--data", str(data), "--limit", "100000", "--json")
    entries = [entry for entry in json.loads(listed.stdout) if entry["event"] == "check.state-changed"]
    written = Counter((entry["subject"], entry["facts"]["after"], entry["facts"]["sentence"]) for entry in entries)
    stored = Counter((f"checks/{change['check']}", change["after"], change["sentence"]) for change in kept.values())
    assert stored <= written, "a stored change has no entry in the journal"
    assert (written - stored).total() <= CHECKS, "only what changed between the last reading and the stop is in the journal alone"
