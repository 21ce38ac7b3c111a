"""What lint finds of a catalogue of defects in five real manuals, how many findings each manual gets, and the seconds of the longest one.

``python -m bench.lint [--missing]``. The manuals lie beside a checkout (see tests/support.py); without them there is nothing to measure.
The catalogue's map is tests/conformance/lint_defects.yaml, the most dangerous places are tests/conformance/lint_dangerous.yaml.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench.measure import KEEPWELL, Row, cpu_seconds, show
from keepwell.composition.verbs import shellcheck
from keepwell.rooms.manual.lint.decide import Choice, Linted
from keepwell.rooms.manual.lint.model import Finding
from keepwell.rooms.manual.lint.registry import all_rules
from keepwell.rooms.manual.lint.work import lint_files
from tests.support import OUTSIDE_CASES

MANUALS = OUTSIDE_CASES / "manuals"
MAPS = Path(__file__).resolve().parents[1] / "tests" / "conformance"
NEAR = 2
"""A finding counts for a place when it stands at most so many lines from it."""
WANTED = {"rule": 60.0, "missing": 95.0}
"""Percent of the catalogue's entries of a class that their rules should find."""


@dataclass(frozen=True, slots=True)
class Place:
    """A known defect: where it stands, and the rules of which any counts. ``kind`` is rule, missing, judgement or dangerous."""

    manual: str
    line: int
    kind: str
    rules: tuple[str, ...]
    row: str = ""
    what: str = ""

    def found_in(self, findings: Iterable[Finding]) -> bool:
        """Whether one of its rules speaks within two lines of it."""
        return any(finding.rule in self.rules and abs(finding.line - self.line) <= NEAR for finding in findings)


@dataclass(frozen=True, slots=True)
class Measured:
    """What lint says of each manual, and the known places."""

    linted: dict[str, Linted]
    places: tuple[Place, ...]

    def of(self, kind: str) -> tuple[Place, ...]:
        """The places of one kind."""
        return tuple(place for place in self.places if place.kind == kind)

    def missed(self, kind: str) -> tuple[Place, ...]:
        """Those of them that no rule of theirs found."""
        return tuple(place for place in self.of(kind) if not place.found_in(self.linted[place.manual].findings))

    def found(self, kind: str) -> int:
        """How many of them were found."""
        return len(self.of(kind)) - len(self.missed(kind))

    def percent(self, kind: str) -> float:
        """How many of a hundred of them were found."""
        return 100 * self.found(kind) / len(self.of(kind))


def known_places() -> tuple[Place, ...]:
    """The map of the catalogue and the dangerous places, in their order."""
    defects = yaml.safe_load((MAPS / "lint_defects.yaml").read_text(encoding="utf-8"))["manuals"]
    dangerous = yaml.safe_load((MAPS / "lint_dangerous.yaml").read_text(encoding="utf-8"))["dangerous"]
    mapped = [
        Place(manual, entry["line"], entry["class"], tuple(entry.get("rules", ())), entry["row"])
        for manual, entries in defects.items()
        for entry in entries
    ]
    return (
        *mapped,
        *(
            Place(part["manual"], part["line"], "dangerous", tuple(part["rules"]), part.get("row", ""), part["danger"])
            for part in dangerous
        ),
    )


def measure(folder: Path = MANUALS) -> Measured:
    """Lints the manuals of a folder as the command does. Raises FileNotFoundError where a mapped manual is not there."""
    places = known_places()
    names = list(dict.fromkeys(place.manual for place in places))
    absent = [name for name in names if not (folder / name).is_file()]
    if absent:
        raise FileNotFoundError(f"{folder} holds no {', '.join(absent)}")
    outcome = asyncio.run(lint_files([str(folder / name) for name in names], all_rules, Choice(), shellcheck()))
    return Measured(dict(zip(names, outcome.results, strict=True)), places)


def seconds(manual: Path, times: int = 5) -> float:
    """The median wall seconds of the whole command over one manual."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run([KEEPWELL, "lint", str(manual)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def longest(folder: Path = MANUALS) -> Path:
    """The mapped manual with the most lines."""
    return max((folder / place.manual for place in known_places()), key=lambda path: path.read_bytes().count(b"\n"))


def _print_figures(measured: Measured) -> None:
    slowest = longest()
    rows = [
        Row(
            f"defects a rule can decide, found ({measured.found('rule')} of {len(measured.of('rule'))})",
            measured.percent("rule"),
            "%",
            WANTED["rule"],
        ),
        Row(
            f"nothing given, found ({measured.found('missing')} of {len(measured.of('missing'))})",
            measured.percent("missing"),
            "%",
            WANTED["missing"],
        ),
        Row("the most dangerous, found", measured.found("dangerous"), "places", len(measured.of("dangerous"))),
        Row("needs judgement, left out", len(measured.of("judgement")), "defects"),
        Row(f"keepwell lint {slowest.name}, wall (median of 5)", seconds(slowest), "s", 1.0),
        Row("the same, CPU of it and of ShellCheck", cpu_seconds([KEEPWELL, "lint", str(slowest)], 5), "CPU s"),
    ]
    show("Lint over five real manuals", rows)


def _print_findings(measured: Measured) -> None:
    print(f"\n  {'findings':<34} {'errors':>7} {'warnings':>9} {'notes':>6} {'rule %':>7} {'missing %':>10}")
    for name, linted in measured.linted.items():
        levels = Counter(str(finding.severity) for finding in linted.findings)
        own = Measured(measured.linted, tuple(place for place in measured.places if place.manual == name))
        shares = [f"{own.percent(kind):.0f}" if own.of(kind) else "" for kind in ("rule", "missing")]
        print(f"  {name:<34} {levels['error']:>7} {levels['warning']:>9} {levels['note']:>6} {shares[0]:>7} {shares[1]:>10}")
    by_rule = Counter(finding.rule for linted in measured.linted.values() for finding in linted.findings)
    print(f"\n  findings of each rule ({by_rule.total()} in all)")
    titles = {rule.id: rule.name for rule in all_rules()}
    for rule, number in sorted(by_rule.items()):
        print(f"  {number:>6}  {rule:<8} {titles.get(rule, 'ShellCheck')}")
    faults = [fault.sentence for linted in measured.linted.values() for fault in linted.faults]
    for sentence in faults:
        print(f"  broke: {sentence}")


def _print_missed(measured: Measured) -> None:
    known = {rule.id for rule in all_rules()}
    for kind in ("dangerous", "rule", "missing"):
        missed = measured.missed(kind)
        print(f"\n  not found, {kind} ({len(missed)})")
        for place in missed:
            rules = " ".join(rule if rule in known else f"{rule} (no such rule yet)" for rule in place.rules)
            print(f"    {place.manual}:{place.line:<5} {place.row:<8} {rules}{'  ' + place.what if place.what else ''}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.lint", description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--missing", action="store_true", help="list what was not found")
    options = parser.parse_args(arguments)
    try:
        measured = measure()
    except FileNotFoundError as error:
        print(f"nothing to measure: {error}", file=sys.stderr)
        return
    _print_figures(measured)
    _print_findings(measured)
    if options.missing:
        _print_missed(measured)


if __name__ == "__main__":
    main()
