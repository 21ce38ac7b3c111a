"""Every value of the kinds ``postgres`` and ``sqlite`` is explained, and their examples are valid configuration."""

import re
from pathlib import Path

import pytest
import yaml

from keepwell.composition import verbs
from keepwell.rooms.checks.kinds import postgres, sqlite

CASES = Path(__file__).parents[1] / "cases" / "checks" / "postgres"


def test_every_value_of_a_case_is_explained() -> None:
    patterns = [re.compile(re.sub("[A-Z]+", "[a-z0-9_]+", name)) for name in postgres.DRIVER.values]
    for file in ("good", "bad", "garbage"):
        for case in yaml.safe_load((CASES / f"{file}.yaml").read_text()):
            for name in case.get("values", {}):
                assert any(pattern.fullmatch(name) for pattern in patterns), name


@pytest.mark.parametrize("driver", [postgres.DRIVER, sqlite.DRIVER])
def test_the_example_is_valid(driver: object, tmp_path: Path) -> None:
    (tmp_path / "keepwell.yaml").write_text(f"keepwell: 1\nservice: shop\n{driver.example}")  # type: ignore[attr-defined]
    assert verbs.validate(str(tmp_path)) == ()
