"""The pages of 1,000 checks, of one of them, and of 10,000 series: how long the server takes to give them, and how large they are."""

import contextlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from bench.checks import TARGET, fetch, free_port
from bench.measure import KEEPWELL, Row, show
from bench.startup import thousand_checks

METRICS, SERIES_EACH, SAMPLES_EACH = 100, 100, 30
TIMES = 9
ONE_CHECK = quote('{check="check-0000"}')

PAGES = (
    ("all 1,000 checks", "/"),
    ("one check", "/checks/check-0000"),
    (
        "the numbers of its charts, 24 h",
        f"/api/v1/samples/range?match={ONE_CHECK}&start=-24h&step=300&of=avg,count,min,max,last",
    ),
    ("its availability, 30 d", "/api/v1/samples/availability?check=check-0000&over=30d"),
    ("samples, 10,000 series and those of the checks", "/samples"),
    (
        "the numbers of 12 of 100 series, 1 h",
        "/api/v1/samples/range?match=bench_000_seconds&start=-1h&step=15&of=avg,count,min,max,last&limit=12",
    ),
)


def main() -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as folder:
        target_port, port = free_port(), free_port()
        directory = thousand_checks(Path(folder) / "ops", target_port, every="1h")
        bring(Path(folder))
        target = subprocess.Popen([sys.executable, "-c", TARGET, str(target_port)])
        argv = [KEEPWELL, "up", str(directory), "--data", f"{folder}/data", "--listen", f"127.0.0.1:{port}", "--log-level", "warning"]
        server = subprocess.Popen(argv)
        try:
            wait_for_looks(port)
            assert fetch(port, "/api/v1/samples/series?match=bench_000_seconds&limit=1")["total"] == SERIES_EACH
            rows = [row for name, path in PAGES for row in measured(name, f"http://127.0.0.1:{port}{path}")]
        finally:
            for process in (server, target):
                process.send_signal(signal.SIGTERM)
                process.wait(30)
    show(f"The pages (median of {TIMES})", rows)


def wait_for_looks(port: int) -> None:
    """Waits until every check has been looked at, at most two minutes."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        time.sleep(3)
        with contextlib.suppress(urllib.error.URLError):
            if fetch(port, "/api/v1/checks")["counts"]["ok"] == 1000:
                return
    raise TimeoutError("not every check was looked at within two minutes")


def bring(folder: Path) -> None:
    """Brings the samples of 10,000 series into a new data directory."""
    file = folder / "samples.om"
    with file.open("w") as written:
        written.writelines(samples(time.time()))
    subprocess.run([KEEPWELL, "samples", "import", str(file), "--data", f"{folder}/data"], check=True, stdout=subprocess.DEVNULL)


def samples(now: float) -> Iterator[str]:
    """They, every 10 s for five minutes, as OpenMetrics text."""
    for metric in range(METRICS):
        yield f"# TYPE bench_{metric:03}_seconds gauge\n"
        for series in range(SERIES_EACH):
            for place in range(SAMPLES_EACH):
                value = 0.001 * (1 + (series * 7 + place) % 50)
                yield f'bench_{metric:03}_seconds{{place="{series}"}} {value} {now - 10 * (SAMPLES_EACH - place):.3f}\n'
    yield "# EOF\n"


def measured(name: str, address: str) -> Iterator[Row]:
    """How long from the request to the last byte, and how many bytes."""
    seconds, size = [], 0
    for _ in range(TIMES):
        started = time.monotonic()
        with urllib.request.urlopen(address, timeout=60) as answer:
            size = len(answer.read())
        seconds.append(time.monotonic() - started)
    yield Row(f"{name}: request to last byte", statistics.median(seconds), "s")
    yield Row(f"{name}: size", size / 1e6, "MB")


if __name__ == "__main__":
    main()
