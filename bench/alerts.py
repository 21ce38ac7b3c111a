"""From a sample to a person: ``python -m bench.alerts [checks] [rules] [storm] [switch] [--trials N]``.

checks: a check fails, until the webhook is told. rules: a pushed sample crosses a rule's threshold, until the webhook is told.
storm: 10,000 alerts in one request of Alertmanager's API. switch: 10,000 checks behind one target that dies.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.alerts_ends import Hook, Targets, hook, pause, targets
from bench.checks import fetch, free_port
from bench.measure import KEEPWELL, Row, process_memory, show
from bench.scene import Running, keepwell, nginx

AT_ONCE = 10
MANY = 10_000
LONGEST = 30.0


def checks(folder: Path, trials: int) -> list[Row]:
    """The time from the answer that decides to the notice. ``group_wait`` is 0, ``fail_after`` 1."""
    with targets() as far, hook() as near:
        lines = [f'  check-{at}: {{http: {{url: "http://127.0.0.1:{far.port}/{at}"}}, every: 1s}}' for at in range(AT_ONCE)]
        directory = _operations(folder / "ops", near, ["checks:", *lines])
        with keepwell(directory, folder / "data") as running:
            _until(lambda: fetch(running.port, "/api/v1/checks")["counts"]["ok"] == AT_ONCE)
            took = [_trial_of_a_check(far, near, number % AT_ONCE) for number in range(trials)]
    return _times("from the answer that decides to the webhook", took)


def _trial_of_a_check(far: Targets, near: Hook, number: int) -> float:
    name, began = f"check-{number}", time.monotonic()
    pause()
    if near.heard(began, "firing", "check", name) is not None:
        raise SystemExit(f"{name} failed though its target was well: the machine is too busy to measure")
    far.fail(number)
    _until(lambda: near.heard(began, "firing", "check", name) is not None)
    took = (near.heard(began, "firing", "check", name) or 0.0) - far.first_failed[number]
    far.recover(number)
    _until(lambda: near.heard(began, "resolved", "check", name) is not None)
    return took


def rules(folder: Path, trials: int) -> list[Row]:
    """The same for a rule over samples, which are pushed."""
    with hook() as near:
        lines = ["rules:", "  - {alert: QueueDeep, expr: queue_depth > 10, severity: critical}"]
        directory = _operations(folder / "ops", near, [*lines, "checks: {}"])
        token = _token(folder / "data", "samples.write")
        with keepwell(directory, folder / "data") as running:
            for number in range(AT_ONCE):
                _push(running, token, number, 0)
            took = [_trial_of_a_rule(running, token, near, number % AT_ONCE) for number in range(trials)]
    return _times("from the sample that decides (pushed) to the webhook", took)


def _trial_of_a_rule(running: Running, token: str, near: Hook, number: int) -> float:
    queue = str(number)
    pause()
    began = time.monotonic()
    _push(running, token, number, 20)
    _until(lambda: near.heard(began, "firing", "queue", queue) is not None)
    took = (near.heard(began, "firing", "queue", queue) or 0.0) - began
    recovered = time.monotonic()
    _push(running, token, number, 0)
    _until(lambda: near.heard(recovered, "resolved", "queue", queue) is not None)
    return took


def storm(folder: Path, _trials: int) -> list[Row]:
    """Everything fires at once, told by a program as Prometheus tells."""
    with hook() as near:
        directory = _operations(folder / "ops", near, ["checks: {}"], group_by="[alertname]")
        token = _token(folder / "data", "alerts.write")
        with keepwell(directory, folder / "data") as running:
            before, began = running.resident, time.monotonic()
            _post(running, token, "/alertmanager/api/v2/alerts", json.dumps([_told(number) for number in range(MANY)]).encode())
            posted = time.monotonic() - began
            _until(lambda: bool(near.calls))
            told = near.calls[0].at - began
            time.sleep(5)
            resident, peak = process_memory(running.pid)
            listed = len(fetch(running.port, "/alertmanager/api/v2/alerts"))
            first = near.calls[0].told
    return [
        Row("alerts that fire", listed, "", MANY),
        Row("notices", len(near.calls), "", 1),
        Row("alerts that the notice tells of, and counts beside them", len(first["alerts"]) + first.get("truncatedAlerts", 0), "", MANY),
        Row("until they are stored", posted, "s"),
        Row("until the webhook has the notice", told, "s"),
        Row("memory before", before, "MB"),
        Row("memory after", resident, "MB"),
        Row("memory at its peak", peak, "MB"),
    ]


def switch(folder: Path, _trials: int) -> list[Row]:
    """10,000 checks of ports behind a switch. It dies, and with it everything behind it."""
    port = free_port()
    with hook() as near, nginx(folder / "nginx", port) as server:
        lines = [
            "targets:",
            f"  switch: {{url: http://127.0.0.1:{port}}}",
            f"  behind: {{url: http://127.0.0.1:{port}, depends_on: [switch]}}",
        ]
        lines += ["checks:", "  switch: {http: {target: switch}, every: 1s}"]
        lines += [f"  port-{at:05}: {{http: {{target: behind, path: /{at}}}, every: 10s}}" for at in range(MANY)]
        directory = _operations(folder / "ops", near, lines)
        with keepwell(directory, folder / "data") as running:
            _until(lambda: fetch(running.port, "/api/v1/checks")["counts"]["ok"] == MANY + 1, 120)
            time.sleep(15)  # what the rush of the start upset has settled
            near.calls.clear()
            before, began = running.resident, time.monotonic()
            server.terminate()
            server.wait()
            _until(lambda: bool(near.calls), 60)
            told = near.calls[0].at - began
            time.sleep(25)
            counts = fetch(running.port, "/api/v1/checks")["counts"]
            resident, peak = process_memory(running.pid)
            names = sorted({one["labels"]["check"] for call in near.calls for one in call.told["alerts"]})
    return [
        Row("checks that are unknown because the switch is down", counts["unknown"], "", MANY),
        Row("notices", len(near.calls), "", 1),
        Row("checks that they tell of", len(names), "", 1),
        Row("until the webhook has the first", told, "s"),
        Row("memory before", before, "MB"),
        Row("memory after", resident, "MB"),
        Row("memory at its peak", peak, "MB"),
    ]


# --- what they share ---


def _operations(folder: Path, near: Hook, lines: Sequence[str], group_by: str = "[...]") -> Path:
    folder.mkdir(parents=True)
    head = ["keepwell: 1", "service: bench", "receivers:", f"  hook: {{webhook: {{url: {near.url}}}}}"]
    route = f"routes: {{receiver: hook, group_by: {group_by}, group_wait: 0s, group_interval: 1s}}"
    (folder / "keepwell.yaml").write_text("\n".join([*head, route, *lines]) + "\n")
    return folder


def _token(data: Path, permission: str) -> str:
    command = [KEEPWELL, "token", "create", "bench", "--permission", permission, "--data", str(data), "--json"]
    made = subprocess.run(command, capture_output=True, check=True)
    return str(json.loads(made.stdout)["token"])


def _push(running: Running, token: str, number: int, depth: int) -> None:
    _post(running, token, "/api/v1/metrics", f'queue_depth{{queue="{number}"}} {depth}\n'.encode())


def _post(running: Running, token: str, path: str, body: bytes) -> None:
    kind = "application/json" if path.startswith("/alertmanager") else "text/plain"
    headers = {"authorization": f"Bearer {token}", "content-type": kind}
    request = urllib.request.Request(f"http://127.0.0.1:{running.port}{path}", body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=60) as reply:
        reply.read()


def _told(number: int) -> dict[str, Any]:
    labels = {"alertname": "PortDown", "port": str(number), "instance": f"host-{number % 100}:9100", "severity": "critical", "job": "ports"}
    annotations = {"summary": f"Port {number} is down", "description": f"Port {number} of host {number % 100} has been down for a minute"}
    return {"labels": labels, "annotations": annotations, "startsAt": datetime.now(UTC).isoformat()}


def _until(holds: Callable[[], bool], seconds: float = LONGEST) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise SystemExit("what was to happen did not happen in time")
        time.sleep(0.002)


def _times(what: str, took: Sequence[float]) -> list[Row]:
    ordered = sorted(took)
    return [
        Row("trials", len(ordered), ""),
        Row(f"{what}, median", statistics.median(ordered), "s"),
        Row("99th percentile", ordered[int(0.99 * len(ordered))], "s", 1.0),
        Row("longest", ordered[-1], "s"),
    ]


PARTS: dict[str, tuple[str, Callable[[Path, int], list[Row]]]] = {
    "checks": ("A check that fails, until the webhook has the notice", checks),
    "rules": ("A rule over samples, until the webhook has the notice", rules),
    "storm": ("10,000 alerts at once", storm),
    "switch": ("10,000 checks behind a switch that dies", switch),
}


def main() -> None:
    """Runs the parts that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    parser.add_argument("--trials", type=int, default=200)
    arguments = parser.parse_args()
    for name in arguments.parts or PARTS:
        title, part = PARTS[name]
        with tempfile.TemporaryDirectory(prefix="keepwell-bench-") as folder:
            show(title, part(Path(folder), arguments.trials))


if __name__ == "__main__":
    main()
