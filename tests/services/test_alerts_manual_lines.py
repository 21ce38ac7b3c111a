"""The curl and jq lines of a manual that speak to health, metrics and alerts, run as they stand there against a running Keepwell.

Only host and port are others, and the token comes from curl's own configuration file (``CURL_HOME``), so that no line is changed for it.
"""

import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving import Served, keepwell, operations, pause, serving
from tests.support import need, outside, wait_until
from tests.webhook_listener import Listener, listening

HOSTS = re.compile(r"http://(?:localhost:8080|dashboard\.whisper-server\.local)(?=/api/v1/)")
HEREDOC = re.compile(r"cat > (/tmp/\S+) << EOF\n.*?\nEOF\n", re.DOTALL)
FENCE = re.compile(r"^```bash\n(.*?)^```", re.DOTALL | re.MULTILINE)

OPERATIONS = """
keepwell: 1
service: whisper
checks:
  disk: {{host: {{mount: /}}, every: 1s}}
receivers:
  hook: {{webhook: {{url: "{hook}"}}}}
routes: {{receiver: hook, group_by: [alertname], group_wait: 0s}}
rules:
  - {{alert: high_error_rate, group: json_interface, expr: "json_error_ratio > 0.1", severity: critical}}
"""


def lines() -> list[str]:
    """Every command of the manual that asks ``/api/v1`` with curl, whole, in order; with the file that it sends, where it sends one."""
    found = []
    for block in FENCE.findall(outside("manuals", "whisper-background-server.md").read_text()):
        files = {match[1]: match[0] for match in HEREDOC.finditer(block)}
        for command in _commands(HEREDOC.sub("", block)):
            sent = next((text for path, text in files.items() if f"@{path}" in command), "")
            found.append(sent + command)
    return found


def _commands(block: str) -> Iterator[str]:
    rest = iter(block.splitlines())
    for line in rest:
        if "curl " not in line or line.lstrip().startswith("#"):
            continue
        command = line.strip()
        while not _is_whole(command):
            command += "\n" + next(rest)
        if HOSTS.search(command):
            yield command


def _is_whole(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:
        return False
    return True


def test_the_manual_has_the_lines_that_are_meant() -> None:
    paths = {re.sub(r"[?'\" ].*", "", found) for line in lines() for found in re.findall(r"/api/v1/[^\s\"']+", line)}
    assert paths == {
        "/api/v1/health",
        "/api/v1/metrics/current",
        "/api/v1/test-alert",
        "/api/v1/alert",
        "/api/v1/alerts",
        "/api/v1/alerts/config",
        "/api/v1/alerts/{alert_id}/resolve",
        "/api/v1/alerts/history",
    }
    assert len(lines()) == 24


class Shell:
    """Runs lines of the manual against a server; files that they write are the test's own."""

    def __init__(self, server: Served, folder: Path) -> None:
        self.server, self._folder = server, folder
        need("curl")
        need("jq")
        made = keepwell("token", "create", "manual", "--data", str(server.data), "--json")
        token = json.loads(made.stdout)["token"]
        (folder / ".curlrc").write_text(f'header = "Authorization: Bearer {token}"\n')

    def prepared(self, line: str) -> str:
        """The line for this server."""
        return HOSTS.sub(f"http://127.0.0.1:{self.server.port}", line).replace("/tmp/", f"{self._folder}/")

    def run(self, line: str) -> str:
        """Its output; it must succeed."""
        done = subprocess.run(
            ["bash", "-c", self.prepared(line)], capture_output=True, text=True, timeout=60, env=self._environment, check=False
        )
        assert done.returncode == 0, (line, done.stderr)
        return done.stdout

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "CURL_HOME": str(self._folder), "no_proxy": "*"}

    def goes_on(self, line: str, seconds: float) -> bool:
        """Whether a line that watches still does after so long; it is ended."""
        process = subprocess.Popen(["bash", "-c", self.prepared(line)], env=self._environment, start_new_session=True)
        try:
            pause(seconds)
            return process.poll() is None
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)


@pytest.fixture(scope="module")
def hook() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, hook: Listener) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("manual")
    with serving(operations(folder / "ops", OPERATIONS.format(hook=hook.url)), folder / "data") as server:
        wait_until(lambda: server.get("/api/v1/health")["status"] == "healthy", 20, "health")
        wait_until(lambda: bool(server.get("/api/v1/metrics/current")["metrics"]), 20, "samples")
        yield Shell(server, folder)


def those(word: str, without: str = "\n\n\n") -> list[str]:
    """The lines that have a word."""
    found = [line for line in lines() if word in line and without not in line]
    assert found, word
    return found


def test_health(shell: Shell) -> None:
    for line in those("/api/v1/health", without="while true"):
        said = json.loads(shell.run(line))
        assert (said if isinstance(said, str) else said["status"]) == "healthy", line


def test_watching_health_after_a_deployment(shell: Shell) -> None:
    (line,) = those("while true")
    assert shell.goes_on(line, 2.0)


def test_metrics(shell: Shell) -> None:
    for line in those("/api/v1/metrics/current"):
        command = shlex.split(line)[-1] if line.startswith("watch ") else line  # what watch runs again and again
        said: dict[str, Any] = json.loads(shell.run(command))
        assert said.get("metrics", said), line


def test_a_test_alert_reaches_the_receiver(shell: Shell, hook: Listener) -> None:
    (line,) = those("/api/v1/test-alert")
    said = json.loads(shell.run(line))
    assert [(one["receiver"], one["state"]) for one in said["receivers"]] == [("hook", "delivered")]
    assert any("Test alert" in json.dumps(message) for message in hook.told())


def test_alerts_are_told_of_listed_sorted_by_severity_and_resolved(shell: Shell, hook: Listener) -> None:
    for line in those("/api/v1/alert "):
        assert json.loads(shell.run(line))["state"] == "firing", line
    (grouped,) = those("group_by")
    plain, *again = those("/api/v1/alerts |", without="group_by")
    assert {one["message"] for one in json.loads(shell.run(plain))} >= {"High CPU usage detected", "High disk usage detected"}
    assert {"severity": "error", "count": 1} in json.loads(shell.run(grouped))
    for line in again:
        assert isinstance(json.loads(shell.run(line)), list), line
    wait_until(lambda: ("High disk usage detected", "firing") in hook.alerts(), 20, "the notice")
    number = next(one["id"] for one in json.loads(shell.run(plain)) if one["severity"] == "error")
    (line,) = those("/resolve")
    resolved = json.loads(shell.run(line.replace("{alert_id}", str(number))))
    assert (resolved["state"], "Issue resolved" in resolved["reason"]) == ("resolved", True)
    (line,) = those("/api/v1/alerts/history")
    assert number in [one["id"] for one in json.loads(shell.run(line))]


def test_thresholds_are_shown_and_changed(shell: Shell) -> None:
    shown, changing = those("/api/v1/alerts/config")
    before = json.loads(shell.run(shown))
    assert before["rules"]["json_interface"]["high_error_rate"]["threshold"] == 0.1
    shell.run(changing)
    after = json.loads(shell.run(shown))
    assert after["rules"]["json_interface"]["high_error_rate"]["threshold"] == 0.05
