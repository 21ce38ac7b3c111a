"""A server with runbooks, for tests: the directory is written and accepted, and runs are started and read over the API."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.serving import Served, environment, keepwell, operations
from tests.support import wait_until

ENDED = ("done", "failed", "refused")
SETTINGS = "keepwell: 1\nservice: shop\n"


BEGIN = """
import asyncio, pathlib, sys
from keepwell.api.client import ServerClient
client = ServerClient(pathlib.Path(sys.argv[1]))
print(asyncio.run(client.post("/api/v1/runs", {"runbook": sys.argv[2]}))["id"])
"""


class Runs:
    """A server and how its runbooks are spoken to, as the user who runs the test."""

    def __init__(self, directory: Path, data: Path) -> None:
        self.directory, self.data = directory, data
        self.server = Served(directory, data)

    def again(self, *, kill: bool) -> None:
        """Ends the server, by force or gracefully, and starts another one."""
        self.server.kill() if kill else self.server.stop()
        self.server = Served(self.directory, self.data, port=self.server.port).ready()

    def said(self, *arguments: str) -> Any:
        """What a command prints as JSON, whatever its exit code."""
        done = keepwell(*arguments, "--data", str(self.data), "--json")
        assert done.stdout, f"{arguments}: {done.stderr}"
        return json.loads(done.stdout)

    def run(self, name: str, *more: str) -> Any:
        """Runs a runbook until it ends or waits."""
        return self.said("run", name, *more)

    def begin(self, name: str) -> int:
        """Begins a runbook and does not wait; the number of its run."""
        told = subprocess.run(
            [sys.executable, "-c", BEGIN, str(self.data), name], capture_output=True, text=True, timeout=60, check=True, env=environment()
        )
        return int(told.stdout)

    def show(self, number: int) -> Any:
        """A run as it stands."""
        return self.server.get(f"/api/v1/runs/{number}")

    def until(self, number: int, *states: str, seconds: float = 30.0) -> Any:
        """Waits until a run is in one of these states, and gives it."""
        wait_until(lambda: self.show(number)["state"] in states, seconds, f"run {number} in {states}")
        return self.show(number)

    def step(self, number: int, name: str) -> Any:
        """A step of a run."""
        return next(step for step in self.show(number)["steps"] if step["name"] == name)

    def output(self, number: int, name: str) -> str:
        """What a step printed."""
        return str(self.server.get(f"/api/v1/runs/{number}/output?step={name}")["output"])

    def events(self, number: int) -> list[str]:
        """What the journal has of a run, oldest first."""
        answer = keepwell("journal", "list", "--limit", "1000", "--data", str(self.data), "--json")
        found = json.loads(answer.stdout)
        return [entry["event"] for entry in sorted(found, key=lambda entry: int(entry["number"])) if entry["subject"] == f"runs/{number}"]


def written(folder: Path, runbooks: Mapping[str, str], settings: str = "policy: {destructive: allow}\n") -> Path:
    """An operations directory with these runbooks, all of their texts accepted."""
    ops = operations(folder / "ops", SETTINGS + settings)
    (ops / "runbooks").mkdir(exist_ok=True)
    for name, text in runbooks.items():
        (ops / "runbooks" / f"{name}.md").write_text(text)
    accept(ops)
    return ops


def accept(ops: Path) -> None:
    """Accepts every text of a directory."""
    done = keepwell("accept", str(ops), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def running(folder: Path, runbooks: Mapping[str, str], settings: str = "policy: {destructive: allow}\n") -> Iterator[Runs]:
    """A server over such a directory for the length of a ``with``."""
    runs = Runs(written(folder, runbooks, settings), folder / "data")
    try:
        runs.server.ready()
        yield runs
    finally:
        runs.server.stop()
