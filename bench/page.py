"""The page of 1,000 checks: how long the server takes to give it, and how large it is."""

import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from bench.checks import TARGET, fetch, free_port
from bench.measure import KEEPWELL, Row, show
from bench.startup import thousand_checks


def main() -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as folder:
        target_port, port = free_port(), free_port()
        directory = thousand_checks(Path(folder) / "ops", target_port, every="1h")
        target = subprocess.Popen([sys.executable, "-c", TARGET, str(target_port)])
        argv = [KEEPWELL, "up", str(directory), "--data", f"{folder}/data", "--listen", f"127.0.0.1:{port}", "--log-level", "warning"]
        server = subprocess.Popen(argv)
        try:
            time.sleep(15)
            assert fetch(port, "/api/v1/checks")["counts"]["ok"] == 1000
            seconds, size = [], 0
            for _ in range(9):
                started = time.monotonic()
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
                    size = len(answer.read())
                seconds.append(time.monotonic() - started)
        finally:
            for process in (server, target):
                process.send_signal(signal.SIGTERM)
                process.wait(30)
    show(
        "The page of 1,000 checks (median of 9)",
        [Row("request to last byte", statistics.median(seconds), "s"), Row("size", size / 1e6, "MB")],
    )


if __name__ == "__main__":
    main()
