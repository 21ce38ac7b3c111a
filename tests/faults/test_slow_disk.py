"""A disk that takes a second and more for every flush: storing is late, looking is not."""

import urllib.request
from pathlib import Path

from tests.serving import KEEPWELL, Served, Target, operations, pause
from tests.support import need

FLUSH = 1_200_000
"""Microseconds that every fsync(2) and fdatasync(2) takes."""


def in_time(server: Served) -> float:
    """How many looks began at most half a second late."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith('keepwell_look_late_seconds_bucket{le="0.5"}'))


def test_a_slow_disk_delays_storing_never_looking(tmp_path: Path) -> None:
    calls = "fsync,fdatasync"
    slow = (
        need("strace"),
        "-D",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        f"trace={calls}",
        "-e",
        f"inject={calls}:delay_enter={FLUSH}",
    )
    with Target(tmp_path) as target:
        checks = "".join(f"  c{number}: {{http: {{url: {target.url}/health}}, every: 1s}}\n" for number in range(20))
        server = Served(
            operations(tmp_path / "ops", f"keepwell: 1\nservice: shop\nchecks:\n{checks}"), tmp_path / "data", program=(*slow, KEEPWELL)
        )
        try:
            server.ready(90)  # a new database takes thirteen flushes
            server.until({"c0": "ok"}, 60)
            before, early_before = server.get("/api/system/performance")["engine"], in_time(server)
            pause(6)
            after, early_after = server.get("/api/system/performance")["engine"], in_time(server)
        finally:
            server.stop()
    assert after["lastWrite"]["value"] > 1000, "the disk was not slow"
    assert after["started"] - before["started"] >= 5 * 20
    assert after["skipped"] == before["skipped"]
    assert early_after - early_before >= 5 * 20, "looks that began within half a second"
    assert (after["shed"], server.process.returncode) == (0, 0)
