"""Every check that the catalogue of operations asks for has a kind that makes it: ``check_rows.yaml`` says which, and why where none does.

The catalogue lies beside a checkout (see tests/support.py); that each entry is a check that validates is tested without it.
"""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from keepwell.composition import verbs
from keepwell.config.words import model_words
from tests.support import outside

WRITTEN: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("check_rows.yaml").read_text())
COVERED: Mapping[str, Any] = WRITTEN["covered"]
REFUSED: Mapping[str, str] = WRITTEN["refused"]
_EVERY_CHECK = {"every", "timeout", "fail_after", "recover_after", "on", "was"}


def kind_of(entry: Mapping[str, Any]) -> str:
    (kind,) = entry["check"].keys() - _EVERY_CHECK
    return str(kind)


@pytest.mark.parametrize("name", COVERED)
def test_a_check_of_the_map_validates_and_has_its_key(name: str, tmp_path: Path) -> None:
    entry = COVERED[name]
    kind = kind_of(entry)
    assert kind in verbs.check_kinds().names()
    document = {"keepwell": 1, "service": "catalogue", "targets": WRITTEN["targets"], "checks": {name: entry["check"]}}
    (tmp_path / "keepwell.yaml").write_text(yaml.safe_dump(document))
    (check,) = verbs.load_checks(str(tmp_path))
    assert check.kind == kind
    assert entry["key"] in entry["check"][kind]
    assert entry["key"] in {one.key for one in model_words(check.driver.options)[0].fields}


def test_the_map_names_each_row_once_for_a_kind_and_refuses_with_a_reason() -> None:
    pairs = Counter((row, kind_of(entry)) for entry in COVERED.values() for row in entry["rows"])
    assert [pair for pair, times in pairs.items() if times > 1] == []
    assert not REFUSED.keys() & {row for entry in COVERED.values() for row in entry["rows"]}
    assert all(len(reason.split()) > 3 for reason in REFUSED.values())


def test_every_check_of_the_catalogue_is_covered_or_refused() -> None:
    with outside("procedures.csv").open(newline="") as file:
        wanted = {row["id"] for row in csv.DictReader(file) if row["capability"].startswith("check.")}
    mapped = {row for entry in COVERED.values() for row in entry["rows"]}
    assert sorted(wanted - mapped - REFUSED.keys()) == []
    assert sorted((mapped | REFUSED.keys()) - wanted) == []
