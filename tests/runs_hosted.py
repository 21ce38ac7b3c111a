"""Keepwell with runbooks inside a booted host (tests/systemd_host.py): it is a unit there, and restarts the units beside it.

It runs from the checkout, as the host's root. The checkout must not lie below /tmp or /run, which the host has for itself.
"""

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

from tests.runs_served import BEGIN
from tests.serving import KEEPWELL
from tests.support import wait_until
from tests.systemd_host import SystemdHost

UNIT = "keepwell-play"
DIRECTORY = "/srv/operations"
DATA = "/var/lib/keepwell-play"
SETTINGS = "keepwell: 1\nservice: shop\npolicy: {destructive: allow}\n"

_UNIT = """\
[Service]
Type=notify
NotifyAccess=main
ExecStart=%s up %s --data %s --listen 127.0.0.1:8750
KillMode=%s
"""


class HostedRuns:
    """Keepwell in the host, not started yet. Whether its steps outlive it there is a matter of its unit: see ``start``."""

    def __init__(self, host: SystemdHost, runbooks: Mapping[str, str], settings: str = SETTINGS) -> None:
        self.host = host
        host.write(f"{DIRECTORY}/keepwell.yaml", settings)
        for name, text in runbooks.items():
            host.write(f"{DIRECTORY}/runbooks/{name}.md", text)
        host.run(KEEPWELL, "accept", DIRECTORY, "--yes")

    def start(self, kill_mode: str = "mixed") -> None:
        """Starts it and waits until it is ready. ``kill_mode`` is its unit's KillMode (systemd.kill(5)): with ``process`` what it started
        outlives it, with ``mixed``, as in the unit that we ship, it does not."""
        self.host.write(f"/etc/systemd/system/{UNIT}.service", _UNIT % (KEEPWELL, DIRECTORY, DATA, kill_mode))
        self.host.systemctl("daemon-reload")
        self.host.systemctl("reset-failed", UNIT, check=False)
        started = self.host.systemctl("start", UNIT, check=False, seconds=90)
        assert started.returncode == 0, self.host.journal(UNIT)

    def stop(self) -> None:
        """Stops it gracefully."""
        self.host.systemctl("stop", UNIT, check=False, seconds=60)

    def kill(self) -> None:
        """SIGKILL to its main process; back when systemd has seen that."""
        self.host.systemctl("kill", "--kill-whom=main", "--signal=KILL", UNIT)
        wait_until(lambda: self.host.show(UNIT, "ActiveState") == ["failed"], 20, "the end of Keepwell")

    def said(self, *arguments: str) -> Any:
        """What a command prints as JSON, whatever its exit code."""
        done = self.host.run(KEEPWELL, *arguments, "--data", DATA, "--json", check=False, seconds=180)
        assert done.stdout, f"{arguments}: {done.stderr}"
        return json.loads(done.stdout)

    def run(self, name: str, *more: str) -> Any:
        """Runs a runbook until it ends or waits; ``seconds`` is how long that took."""
        began = time.monotonic()
        run = self.said("run", name, *more)
        return {**run, "seconds": time.monotonic() - began}

    def begin(self, name: str) -> int:
        """Begins a runbook and does not wait; the number of its run."""
        return int(self.host.run(sys.executable, "-c", BEGIN, DATA, name).stdout)

    def get(self, path: str) -> Any:
        """A JSON answer of its API."""
        return json.loads(self.host.run("curl", "-fsS", f"http://127.0.0.1:8750{path}").stdout)

    def until(self, number: int, *states: str, seconds: float = 60.0) -> Any:
        """Waits until a run is in one of these states, and gives it."""
        wait_until(lambda: self.get(f"/api/v1/runs/{number}")["state"] in states, seconds, f"run {number} in {states}")
        return self.get(f"/api/v1/runs/{number}")

    def output(self, number: int, name: str) -> str:
        """What a step printed."""
        return str(self.get(f"/api/v1/runs/{number}/output?step={name}")["output"])
