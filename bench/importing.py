"""What import makes of real manuals, beside what is wanted: one table; the exit code is 1 where a row does not hold.

``python -m bench.importing [--quick] [--misses fates|catalogue|typed|dangers]``. The manuals lie beside a checkout (see
tests/support.py); without them there is nothing to measure. What each row counts is said in docs/import-measured.md.
"""

import argparse
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from bench import import_figures as figures
from bench.import_misses import MISSES
from bench.measure import KEEPWELL, cpu_seconds


@dataclass(frozen=True, slots=True)
class Figure:
    """A row: what was counted, the figure, and the one that is wanted (None: nothing was stated); ``most``: it must not be above."""

    what: str
    measured: float
    wanted: float | None = None
    unit: str = "%"
    most: bool = False

    @property
    def holds(self) -> bool:
        """Whether it is as wanted."""
        if self.wanted is None:
            return True
        return self.measured <= self.wanted if self.most else self.measured >= self.wanted

    @property
    def wish(self) -> str:
        """The wanted figure as people write it."""
        return "" if self.wanted is None else f"{'<=' if self.most else '>='} {self.wanted:g}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of one group of manuals."""

    title: str
    fates: float
    typed: float


FIVE = Wanted("the five manuals", 90, 60)
OTHERS = Wanted("the other runbooks", 85, 40)


def _share(what: str, part: int, whole: int, wanted: float) -> Figure:
    return Figure(f"{what} ({part} of {whole})", figures.percent(part, whole), wanted)


def of_any(manuals: figures.Manuals, wanted: Wanted) -> Iterator[Figure]:
    """The rows that every group of manuals has."""
    yield _share("items with fate and disposition", *figures.decided(manuals), 100)
    yield Figure("commands in narrative", len(figures.commands_in_narrative(manuals)), 0, "commands", most=True)
    labelled = figures.labels(manuals)
    yield _share("fate as labelled", sum(label.is_right for label in labelled), len(labelled), wanted.fates)
    held_out = figures.labels(manuals, held_out=True)
    yield _share("the same, held out", sum(label.is_right for label in held_out), len(held_out), wanted.fates)
    commands = list(figures.commands(manuals))
    yield _share("commands typed", sum(command.is_typed for command in commands), len(commands), wanted.typed)


def of_the_five(manuals: figures.Manuals) -> Iterator[Figure]:
    """The rows that only the manuals of the catalogue have."""
    rows = figures.procedures(manuals)
    yield _share("catalogue rows on an operation of their family", sum(row.shares_family for row in rows), len(rows), 85)
    yield _share("catalogue rows on an operation of their exact word", sum(row.is_exact for row in rows), len(rows), 65)
    dangers = figures.dangers(manuals)
    yield Figure("lint's most dangerous, corrected or refused", sum(done for _, done in dangers), len(dangers), "places")


def of_speed(folder: Path = figures.MANUALS) -> Iterator[Figure]:
    """How long the command takes over the longest manual."""
    longest = max((folder / name for name in figures.FIVE), key=lambda path: path.read_bytes().count(b"\n"))
    with tempfile.TemporaryDirectory() as place:
        argv = [KEEPWELL, "import", str(longest), "--data", f"{place}/data", "-o", f"{place}/ops"]
        yield Figure(f"keepwell import {longest.name}, wall (median of 5)", _wall_seconds(argv), 1.0, "s", most=True)
        yield Figure("the same, CPU", cpu_seconds(argv, 5), unit="CPU s")


def _wall_seconds(argv: Sequence[str], times: int = 5) -> float:
    taken = []
    for number in range(times):
        start = time.perf_counter()
        done = subprocess.run([*argv[:-1], f"{argv[-1]}{number}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        taken.append(time.perf_counter() - start)
        assert done.returncode == 0, f"keepwell import ended with {done.returncode}"
    return statistics.median(taken)


def of_red_when_broken() -> Iterator[Figure]:
    """Whether what was imported goes red when it should: measured by a module of its own, which says ``figures()``."""
    if importlib.util.find_spec("bench.red_when_broken"):
        measure: Callable[[], Sequence[Figure]] | None = getattr(import_module("bench.red_when_broken"), "figures", None)
        yield from measure() if measure else ()


def show(title: str, rows: Sequence[Figure]) -> None:
    """Prints a part of the table."""
    print(f"\n{title:<64} {'wanted':>8} {'measured':>9}  holds", flush=True)
    for row in rows:
        holds = "" if row.wanted is None else "yes" if row.holds else "NO"
        print(f"  {row.what:<62} {row.wish:>8} {row.measured:>9.4g}  {holds:<4} {row.unit}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; 1 where a row does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.importing", description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--misses", choices=sorted(MISSES), help="list what was missed instead of the table")
    parser.add_argument("--quick", action="store_true", help="leave out whether checks are red when broken, which takes minutes")
    options = parser.parse_args(arguments)
    try:
        five, others = figures.read(figures.FIVE), figures.read(figures.others())
    except FileNotFoundError as error:
        print(f"nothing to measure: {error}", file=sys.stderr)
        return 0
    if options.misses:
        MISSES[options.misses](five, others)
        return 0
    parts: dict[str, Callable[[], list[Figure]]] = {
        FIVE.title: lambda: [*of_any(five, FIVE), *of_the_five(five)],
        OTHERS.title: lambda: list(of_any(others, OTHERS)),
        "speed": lambda: list(of_speed()),
        "red when broken": lambda: [] if options.quick else list(of_red_when_broken()),
    }
    holds = True
    for title, measure in parts.items():  # each is shown as soon as it is known: the last takes minutes
        rows = measure()
        show(title, rows)
        holds = holds and all(row.holds for row in rows)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
