"""Import and export: ``python -m bench.samples_transfer [--samples N] [--series N]``.

A file of OpenMetrics with counters of ten-second steps is imported into an empty store, again into the same one, and exported in each
format; every time by a command of its own without a server, its CPU, its time and its most memory measured. A gigabyte is about
``--samples 10000000``.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.measure import KEEPWELL, Row, show

STEP = 10
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds, seconds, and MB of 10^6 bytes of one command."""

    cpu: float
    wall: float
    memory: float


def cost(*argv: str) -> Cost:
    """What one command took. Raises SystemExit where it failed."""
    began = time.perf_counter()
    child = subprocess.Popen([KEEPWELL, "samples", *argv], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"keepwell samples {' '.join(argv)} ended with {child.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - began, usage.ru_maxrss * 1024 / 1e6)


def write(path: Path, samples: int, series: int) -> None:
    """The file, step by step as scrapes would have left it; its last hour is over."""
    steps = samples // series
    end = int(time.time()) // 3600 * 3600
    with path.open("w") as file:
        file.write("# TYPE http_requests counter\n")
        for step in range(steps):
            at = end - (steps - step) * STEP
            file.write(
                "".join(
                    f'http_requests_total{{service="shop",endpoint="/api/v1/orders/{number}",code="200"}} {step * 3 + number} {at}\n'
                    for number in range(series)
                )
            )
        file.write("# EOF\n")


def rows(name: str, found: Cost, samples: int, size: int) -> list[Row]:
    """A command's figures."""
    return [
        Row(f"{name}: samples a second of CPU", samples / found.cpu, ""),
        Row(f"{name}: MB of the file a second", size / 1e6 / found.wall, ""),
        Row(f"{name}: time", found.wall, "s"),
        Row(f"{name}: most memory", found.memory, "MB"),
    ]


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2_000_000)
    parser.add_argument("--series", type=int, default=2_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        source, data = Path(place) / "history.om", str(Path(place) / "data")
        write(source, given.samples, given.series)
        size = source.stat().st_size
        found = [Row("the file", size / 1e6, "MB")]
        found += rows("import", cost("import", str(source), "--data", data), given.samples, size)
        found += rows("the same again", cost("import", str(source), "--data", data), given.samples, size)
        for suffix in ("om", "csv", "parquet"):
            target = Path(place) / f"out.{suffix}"
            spent = cost("export", "http_requests_total", "--over", "14d", "--data", data, "--output", str(target))
            found += rows(f"export as {suffix}", spent, given.samples, target.stat().st_size)
        show(f"transfer of {given.samples:,} samples of {given.series:,} series", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
