"""Files of samples: ``python -m bench.samples_files [--hours N] [--series N]``.

What an hour costs to write, roll up, read and compact from the log; how many bytes a sample takes in each tier; what the merge of a day
costs. The samples are those of ``bench.samples_load``: half constant, a quarter counters, a quarter noisy latencies, every 10 s. Fewer
hours than 24 make the day's figures smaller than they are.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.measure import Row, show
from bench.samples_load import STEP, Load, labels
from keepwell.rooms.samples.files.layout import Layout
from keepwell.rooms.samples.files.parquet import be_frugal
from keepwell.rooms.samples.files.raw import write_hour
from keepwell.rooms.samples.files.reading import Files
from keepwell.rooms.samples.index import canonical
from keepwell.rooms.samples.log import Log
from keepwell.rooms.samples.model import DAY, HOUR, Rows, Tier
from keepwell.rooms.samples.rollup import merge, quantile, roll

DAY_0 = 1_795_305_600_000  # 2026-11-22T00:00Z
PER_HOUR = HOUR // STEP


@dataclass(frozen=True, slots=True)
class Child:
    """What a child process said: CPU seconds, peak memory in MB of 10^6 bytes; and how long it took."""

    seconds: float
    peak: float
    wall: float
    said: dict[str, object]


def child(kind: str, folder: Path, start: int) -> Child:
    """One piece of work as the upkeep has it done."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "keepwell.rooms.samples.files.child",
        kind,
        str(folder),
        str(folder / "samples.sqlite"),
        str(start),
    ]
    begun = time.monotonic()
    said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return Child(said["seconds"], said["peak"] / 1e6, time.monotonic() - begun, said)


def cpu(act: Callable[[], object], times: int = 5) -> float:
    """Median CPU seconds of this process."""
    spent = []
    for _ in range(times):
        begun = time.process_time()
        act()
        spent.append(time.process_time() - begun)
    return statistics.median(spent)


def fill(folder: Path, load: Load, series: int, hour: int) -> None:
    """Puts an hour into the log: one batch an instant, as scrapes do that share theirs."""
    log = Log.open(folder / "samples.sqlite")
    chunk = load.chunk(hour, PER_HOUR)
    ids = np.arange(series, dtype=np.int32)
    log.append([Rows(ids, np.full(series, at), np.ascontiguousarray(row[:series])) for at, row in zip(chunk.at, chunk.values, strict=True)])
    log.close()


def compact(folder: Path, hour: int) -> Child:
    """An hour from the log to files."""
    done = child("compact", folder, hour)
    log = Log.open(folder / "samples.sqlite")
    log.forget([int(number) for number in json.loads(json.dumps(done.said["batches"]))])
    log.close()
    return done


def size(layout: Layout, tier: Tier) -> int:
    """Bytes of a tier's files."""
    return sum(file.path.stat().st_size for file in layout.files(tier))


def figures_of_an_hour(folder: Path, series: int, work: Path) -> list[Row]:
    """What the parts cost, in this process."""
    files = Files(folder)
    hour = files.rows(None, DAY_0, DAY_0 + HOUR - 1)
    counters = np.arange(series // 2, series // 2 + series // 4, dtype=np.int32)
    names = dict(enumerate(labels(series)))
    scratch = Layout(work)
    scratch.begin()
    rolled = roll(hour, Tier.FIVE_MINUTES.step, counters)
    latency = np.array([series - 1], np.int32)
    return [
        Row("samples of an hour", len(hour), ""),
        Row("write it: CPU", cpu(lambda: write_hour(scratch.hour(Tier.RAW, DAY_0), hour, names)), "s"),
        Row("roll it up to 5 min, with bins: CPU", cpu(lambda: roll(hour, Tier.FIVE_MINUTES.step, counters)), "s", 1.0),
        Row("merge 5 min to an hour: CPU", cpu(lambda: merge(rolled, HOUR)), "s"),
        Row("read it whole: CPU", cpu(lambda: files.rows(None, DAY_0, DAY_0 + HOUR - 1)), "s"),
        Row("read one series of it: CPU", cpu(lambda: files.rows(latency, DAY_0, DAY_0 + HOUR - 1), 50) * 1000, "ms"),
    ]


def figures_of_a_day(folder: Path, series: int, hours: int) -> list[Row]:
    """Compacts hour by hour, then merges."""
    load, layout = Load(series), Layout(folder)
    compactions = []
    for number in range(hours):
        fill(folder, load, series, DAY_0 + number * HOUR)
        compactions.append(compact(folder, DAY_0 + number * HOUR))
    fill(folder, Load(series, seed=2), series // 10, DAY_0)  # duplicates: the first stored wins
    late = compact(folder, DAY_0)
    samples = series * PER_HOUR * hours
    merged = child("merge", folder, DAY_0)
    raw, fine, coarse = (size(layout, tier) / samples for tier in Tier)
    seconds = statistics.median(one.seconds for one in compactions)
    return [
        Row("compaction of an hour: CPU of the child", seconds, "s"),
        Row("the same as a share of one core", 100 * seconds / 3600, "%", 3.0),
        Row("the same: peak memory", max(one.peak for one in compactions), "MB"),
        Row("the same: how long", statistics.median(one.wall for one in compactions), "s"),
        Row("once more, with late samples: CPU", late.seconds, "s"),
        Row("the same: peak memory", late.peak, "MB"),
        Row("merge of the day: CPU of the child", merged.seconds, "s"),
        Row("the same: peak memory", merged.peak, "MB"),
        Row("bytes a sample, raw", raw, "", 2.0),
        Row("bytes a sample, 5 min", fine, ""),
        Row("bytes a sample, 1 h", coarse, ""),
        Row("bytes a sample, all tiers", raw + fine + coarse, ""),
        Row("roll-ups of what raw alone was to take", 100 * (fine + coarse) / 2.0, "%", 25.0),
        Row("roll-ups of raw as it is", 100 * (fine + coarse) / raw, "%"),
    ]


def figures_of_questions(folder: Path, series: int, hours: int) -> list[Row]:
    """What files cost a question, with footers remembered."""
    files = Files(folder)
    latency = np.array([series - 1], np.int32)
    counters = np.arange(series // 2, series // 2 + series // 4, dtype=np.int32)
    end = DAY_0 + DAY - 1
    return [
        Row(
            "95th percentile of a day by hour, one series",
            cpu(lambda: quantile(files.rolled(Tier.HOUR, latency, DAY_0, end), 0.95), 20) * 1000,
            "ms",
        ),
        Row(
            "increase of all counters over a day, by hour",
            cpu(lambda: files.rolled(Tier.HOUR, counters, DAY_0, end, bins=False)) * 1000,
            "ms",
        ),
        Row(f"one series raw over {hours} h", cpu(lambda: files.rows(latency, DAY_0, end)) * 1000, "ms"),
    ]


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--series", type=int, default=10_000)
    given = parser.parse_args()
    be_frugal()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "samples"
        Layout(folder).begin()
        log = Log.open(folder / "samples.sqlite")
        log.append([], [(number, canonical(its), "bench") for number, its in enumerate(labels(given.series))])
        log.close()
        day = figures_of_a_day(folder, given.series, given.hours)
        show("files of samples: an hour", figures_of_an_hour(folder, given.series, Path(place) / "scratch"))
        show("files of samples: a day", day)
        show("files of samples: questions", figures_of_questions(folder, given.series, given.hours))
    return 0


if __name__ == "__main__":
    sys.exit(main())
