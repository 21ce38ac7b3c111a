"""What benchmarks share: CPU time of a program, memory and CPU of a running one, and the table."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

KEEPWELL = str(Path(sys.executable).with_name("keepwell"))


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure: what, how much, in which unit, and what was wanted (empty where nothing was stated)."""

    what: str
    measured: float
    unit: str
    wanted: float | None = None

    @property
    def ratio(self) -> str:
        """Measured over wanted, where something was wanted."""
        return f"{self.measured / self.wanted:.2f}" if self.wanted else ""


def cpu_seconds(argv: Sequence[str], times: int) -> float:
    """The median CPU seconds (user and system, children included) of running a program several times, after a first run that does not
    count: it leaves compiled modules behind, as the first run after an installation does."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, check=False)
    seconds = []
    for _ in range(times):
        child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds.append(usage.ru_utime + usage.ru_stime)
    return statistics.median(seconds)


def process_cpu(pid: int) -> float:
    """CPU seconds that a running process has used (proc(5), /proc/PID/stat, fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def process_memory(pid: int) -> tuple[float, float]:
    """Resident memory of a running process now and at its peak, in MB of 10^6 bytes."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in {"VmRSS", "VmHWM"}:
            found[name] = int(value.split()[0]) * 1024 / 1e6
    return found["VmRSS"], found["VmHWM"]


def timed(ask: Callable[[], object], times: int) -> tuple[float, float]:
    """Median and 95th percentile of the milliseconds that something takes, after a first time that does not count."""
    ask()
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        spent.append(1000 * (time.perf_counter() - began))
    return statistics.median(spent), sorted(spent)[round(0.95 * (times - 1))]


def show(title: str, rows: Sequence[Row]) -> None:
    """Prints a table for people."""
    print(f"\n{title}")
    print(f"  {'what':<58} {'measured':>10} {'wanted':>10} {'ratio':>6}")
    for row in rows:
        wanted = f"{row.wanted:g}" if row.wanted is not None else ""
        print(f"  {row.what:<58} {row.measured:>10.3g} {wanted:>10} {row.ratio:>6}  {row.unit}")
