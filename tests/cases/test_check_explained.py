"""What every kind tells of itself: the values that it gives, and an example that validates; and ``keepwell check --explain``."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from keepwell.app import commands
from keepwell.cli.program import run
from keepwell.composition import verbs
from keepwell.config.meanings import meanings
from keepwell.config.words import unit_of
from keepwell.rooms.checks.model import CheckOptions
from tests.cases.test_check_kinds import FOLDER, driver
from tests.support import cases_in

HEAD = "keepwell: 1\nservice: shop\n"
FOLDER_OF_KINDS = Path(verbs.__file__).parents[1] / "rooms/checks/kinds"
KINDS = tuple(sorted(file.stem for file in FOLDER_OF_KINDS.glob("*.py") if not file.stem.startswith("_")))


def documented(name: str, values: Mapping[str, str]) -> bool:
    """Whether a value has a meaning, under its own name or one in which capitals stand for a part of it."""
    patterns = (re.sub("[A-Z]+", ".+", known) for known in values)
    return name in values or any(re.fullmatch(pattern, name) for pattern in patterns if ".+" in pattern)


def given_in_cases(kind: str) -> set[str]:
    files = sorted((FOLDER / kind).glob("*.yaml"))
    return {name for file in files for case in cases_in(file) for name in case.get("values", {})}


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_that_a_kind_gives_is_documented(kind: str) -> None:
    values = driver(kind).values
    assert values
    assert [name for name in sorted(given_in_cases(kind)) if not documented(name, values)] == []
    assert all(meaning and not meaning.endswith(".") for meaning in values.values())
    assert all(re.fullmatch("[a-z0-9_A-Z]+", name) for name in values)


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_a_kind_validates_and_makes_a_check_of_it(kind: str, tmp_path: Path) -> None:
    (tmp_path / "keepwell.yaml").write_text(HEAD + driver(kind).example)
    assert verbs.validate(str(tmp_path)) == ()
    assert kind in {check.kind for check in verbs.load_checks(str(tmp_path))}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_explained_with_every_key_value_and_state(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(commands(), "test", ["check", "--explain", kind]) == 0
    text = capsys.readouterr().out
    shown = text.splitlines()
    assert shown[0] == kind
    for key in meanings(driver(kind).options):
        assert any(line.startswith(f"  {key}") for line in shown), key
    for value in (*driver(kind).values, "ok", "warn", "fail", "unknown", *CheckOptions.model_fields):
        assert value in text
    assert max(map(len, shown)) <= 140
    example = [line for line in driver(kind).example.splitlines() if line]
    assert [line for line in shown[-len(example) :]] == [f"  {line}" for line in example]


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run(commands(), "test", ["check", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_an_explanation_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    given = explained(capsys, "--explain", "systemd", "--json")
    assert given["kind"] == "systemd"
    assert given["options"][0]["below"] == []
    unit = given["options"][0]["keys"][0]
    assert (unit["key"], unit["required"], unit["default"]) == ("unit", False, None)
    state = next(one for one in given["options"][0]["keys"] if one["key"] == "state")
    assert (state["type"], state["default"]) == ("one of active, inactive, not-failed", "active")
    assert {"name": "memory_bytes", "unit": "bytes", "meaning": "the memory of its control group"} in given["values"]
    assert set(given["states"]) == {"ok", "warn", "fail", "unknown"}
    assert given["may_need_acceptance"] is False
    assert yaml.safe_load(given["example"])["checks"]
    assert explained(capsys, "--json", "--explain", "command")["may_need_acceptance"] is True


def test_without_a_kind_every_kind_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    listed = explained(capsys, "--explain", "--json")
    assert [one["kind"] for one in listed] == list(KINDS)
    assert all(one["summary"] for one in listed)
    assert run(commands(), "test", ["check", "--explain"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == list(KINDS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--explain", "systmd"], 'there is no kind "systmd"'),
        ([], "no operations directory is named"),
    ],
)
def test_what_cannot_be_explained_is_said(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(commands(), "test", ["check", *arguments]) == 3
    assert said in capsys.readouterr().err


def test_a_directory_stands_before_or_behind_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "keepwell.yaml").write_text(HEAD + "checks:\n  disk: {host: {mount: /, warn: '> 100%'}}\n")
    for arguments in ([str(tmp_path), "--json"], ["--json", str(tmp_path)], ["--json", str(tmp_path), "disk"]):
        assert [one["name"] for one in explained(capsys, *arguments)] == ["disk"]


def test_only_the_kind_that_is_explained_is_loaded() -> None:
    program = (
        "import sys\nfrom keepwell.app import commands\nfrom keepwell.cli.program import run\n"
        "run(commands(), 'test', ['check', '--explain', 'tcp'])\n"
        "print(sorted(name for name in sys.modules if name.startswith('keepwell.rooms.checks.kinds.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.splitlines()[-1] == "['keepwell.rooms.checks.kinds.tcp']"


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("duration_seconds", "s"),
        ("used_bytes", "bytes"),
        ("network_send_bytes_per_second", "bytes/s"),
        ("disk_growth_bytes_per_day", "bytes/d"),
        ("deadlocks_per_second", "1/s"),
        ("used_ratio", "0 to 1"),
        ("count", ""),
        ("ratio", "0 to 1"),
    ],
)
def test_a_value_has_the_unit_of_its_name(name: str, unit: str) -> None:
    assert unit_of(name) == unit
