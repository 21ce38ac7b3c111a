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


def main() -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as folder:
        directory = str(thousand_checks(Path(folder)))
        rows = [
            Row("python -c pass", cpu_seconds([sys.executable, "-c", "pass"], 9), "CPU s"),
            Row("keepwell --help", cpu_seconds([KEEPWELL, "--help"], 9), "CPU s", 0.2),
            Row("keepwell validate, 1,000 checks", cpu_seconds([KEEPWELL, "validate", directory], 9), "CPU s", 0.4),
        ]
    show("Start-up (median of 9)", rows)


if __name__ == "__main__":
    main()
