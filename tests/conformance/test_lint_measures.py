"""Lint finds what a catalogue of real manuals says is wrong with them, and does not come to find less.

The manuals lie beside a checkout (see tests/support.py); without them the figures are not measured. ``make bench-lint`` prints the table.
"""

import csv
import re
import subprocess
from collections import Counter

import pytest

from bench.lint import KEEPWELL, Measured, Place, known_places, longest, measure
from tests.support import outside

LEAST = {"rule": 147, "missing": 85, "dangerous": 25}
"""How many places of each kind are found today: raise these with every rule that finds more; wanted are 60 %, 95 % and all."""
HANGS = 20.0
"""Seconds after which the command over the longest manual counts as hanging; the wanted second is measured by the benchmark."""

PLACES = known_places()


@pytest.fixture(scope="module")
def measured() -> Measured:
    """The five manuals, linted once."""
    return measure(outside("manuals"))


@pytest.mark.parametrize("kind", LEAST)
def test_no_fewer_known_defects_are_found_than_before(measured: Measured, kind: str) -> None:
    missed = ", ".join(f"{place.manual}:{place.line}" for place in measured.missed(kind))
    assert measured.found(kind) >= LEAST[kind], f"not found: {missed}"


def test_no_rule_breaks_on_a_real_manual(measured: Measured) -> None:
    assert [fault.sentence for linted in measured.linted.values() for fault in linted.faults] == []


def test_findings_stand_inside_the_manual(measured: Measured) -> None:
    for linted in measured.linted.values():
        assert linted.findings
        assert all(1 <= finding.line <= finding.end_line <= len(linted.manual.lines) for finding in linted.findings)


def test_the_map_has_every_catalogued_defect_at_its_line() -> None:
    with outside("procedures.csv").open(encoding="utf-8", newline="") as file:
        catalogued = {row["id"]: (row["manual"], int(row["line"])) for row in csv.DictReader(file) if row["defect"].strip()}
    mapped = {place.row: (place.manual, place.line) for place in PLACES if place.kind != "dangerous"}
    assert mapped == catalogued


def test_the_dangerous_places_are_lines_of_their_manuals() -> None:
    for place in (place for place in PLACES if place.kind == "dangerous"):
        lines = outside("manuals", place.manual).read_text(encoding="utf-8").splitlines()
        assert lines[place.line - 1].strip(), f"{place.manual}:{place.line} is empty"


def test_the_command_over_the_longest_manual_ends() -> None:
    manual = longest(outside("manuals"))
    ended = subprocess.run([KEEPWELL, "lint", str(manual)], capture_output=True, timeout=HANGS, check=False)
    assert ended.returncode == 1
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize("kind", ["rule", "missing", "judgement", "dangerous"])
def test_every_place_says_who_should_find_it(kind: str) -> None:
    places = [place for place in PLACES if place.kind == kind]
    assert places
    assert all(_has_its_rules(place) for place in places)


def _has_its_rules(place: Place) -> bool:
    """Judgement has no rule; everything else at least one, well-formed and named once."""
    once = len(set(place.rules)) == len(place.rules)
    return once and all(re.fullmatch(r"KW\d{3}", rule) for rule in place.rules) and bool(place.rules) == (place.kind != "judgement")


def test_the_fixed_list_is_fixed() -> None:
    counted = Counter(place.kind for place in PLACES)
    assert counted["dangerous"] == 25
    assert counted["judgement"] <= 0.05 * (counted.total() - counted["dangerous"]), "judgement is the exception"
