"""CPU time of the commands that a person waits for."""

import sys
import tempfile
from pathlib import Path

from bench.measure import KEEPWELL, Row, cpu_seconds, show


def thousand_checks(folder: Path, port: int = 8080, every: str = "10s") -> Path:
    """An operations directory with 1,000 HTTP checks."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["keepwell: 1", "service: bench", "targets:", f"  api: {{url: http://127.0.0.1:{port}}}", "checks:"]
    for number in range(1000):
        expect = '{status: 200, "json.status": healthy}'
        lines.append(f'  check-{number:04}: {{http: {{target: api, path: "/health?n={number}", expect: {expect}}}, every: {every}}}')
    (folder / "keepwell.yaml").write_text("\n".join(lines) + "\n")
    return folder


def with_tasks(folder: Path, checks: Path) -> Path:
    """The same with 200 tasks, each with a runbook of five steps, in three zones and one window."""
    (folder / "runbooks").mkdir(parents=True)
    lines = [(checks / "keepwell.yaml").read_text("utf-8"), 'windows: {night: {on: "daily 01:00-05:00", zone: UTC}}', "tasks:"]
    steps = "".join(f'```sh {{"name": "step-{number}", "line": "{number}"}}\nsystemctl restart app\n```\n\n' for number in range(5))
    for number in range(200):
        every = ("daily 01:00", f"{number % 60} 3 * * *", "Sunday 02:30", "*/5 * * * *", "first Monday 09:00")[number % 5]
        zone = ("UTC", "Europe/Berlin", "America/New_York")[number % 3]
        lines.append(f'  task-{number:03}: {{run: runbooks/{number}.md, every: "{every}", zone: {zone}, window: night}}')
        (folder / "runbooks" / f"{number}.md").write_text(f"---\ntitle: Work {number}\n---\n\n{steps}")
    (folder / "keepwell.yaml").write_text("\n".join(lines) + "\n")
    return folder


def main() -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as folder:
        checks = thousand_checks(Path(folder) / "checks")
        directory, planned = str(checks), str(with_tasks(Path(folder) / "tasks", checks))
        rows = [
            Row("python -c pass", cpu_seconds([sys.executable, "-c", "pass"], 9), "CPU s"),
            Row("keepwell --help", cpu_seconds([KEEPWELL, "--help"], 9), "CPU s", 0.2),
            Row("keepwell validate, 1,000 checks", cpu_seconds([KEEPWELL, "validate", directory], 9), "CPU s", 0.4),
            Row("keepwell plan, 1,000 checks and 200 tasks", cpu_seconds([KEEPWELL, "plan", planned], 9), "CPU s", 0.5),
        ]
    show("Start-up (median of 9)", rows)


if __name__ == "__main__":
    main()
