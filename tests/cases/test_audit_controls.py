"""Every control of audits against captured answers: tests/cases/audits/CONTROL/*.yaml, each a list of cases.

A case has ``options`` as keepwell.yaml would hold them, and either ``refused`` (part of the message that validation gives), or ``answers``
(in the order of the questions, which ``asks`` may name), at the instant ``now``, with the ``findings`` by key, or with how it ``fails``.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from keepwell.composition.verbs import control_kinds
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.ports.runner import Result
from tests.support import cases_in

FOLDER = Path(__file__).parent / "audits"
CONTROLS = tuple(sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir()))
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def driver(control: str) -> Any:
    return import_module(f"keepwell.rooms.audits.controls.{control}").DRIVER


def options_of(control: str, options: Mapping[str, Any]) -> Any:
    """Validated as the configuration is: in pydantic's JSON mode."""
    return driver(control).options.model_validate_json(json.dumps(options))


def cases(key: str) -> list[Any]:
    """The cases that hold this key."""
    return [
        pytest.param(control, case, id=f"{control}/{file.stem}: {case['case']}")
        for control in CONTROLS
        for file in sorted((FOLDER / control).glob("*.yaml"))
        for case in cases_in(file)
        if key in case
    ]


def result(**given: Any) -> Result:
    given["dropped"] = tuple(given.get("dropped", (0, 0)))
    if "stdout" in given:
        given["stdout"] = given["stdout"].replace("\\0", "\0")
    return Result(**{"status": 0, "signal": None, "stdout": "", "stderr": "", "seconds": 0.05} | given)


def read(control: str, case: Mapping[str, Any]) -> Any:
    answers = [result(**answer) for answer in case["answers"]]
    return driver(control).read(options_of(control, case["options"]), answers, case.get("now", NOW))


def test_every_control_has_good_bad_and_garbage_cases() -> None:
    assert tuple(control_kinds().names()) == CONTROLS
    for control in CONTROLS:
        assert {"good.yaml", "bad.yaml", "garbage.yaml"} <= {file.name for file in (FOLDER / control).iterdir()}


@pytest.mark.parametrize("control", CONTROLS)
def test_its_example_is_valid(control: str) -> None:
    (entry,) = yaml.safe_load(driver(control).example).values()
    options_of(control, entry[control])


@pytest.mark.parametrize(("control", "case"), cases("asks"))
def test_what_it_asks(control: str, case: Mapping[str, Any]) -> None:
    asked = [" ".join(command.argv) for command in driver(control).ask(options_of(control, case["options"]))]
    assert asked == case["asks"]


@pytest.mark.parametrize(("control", "case"), cases("findings"))
def test_what_it_finds(control: str, case: Mapping[str, Any]) -> None:
    assert {finding.key: finding.sentence for finding in read(control, case)} == case["findings"]


@pytest.mark.parametrize(("control", "case"), cases("fails"))
def test_what_it_cannot_judge(control: str, case: Mapping[str, Any]) -> None:
    with pytest.raises((AskError, AnswerError)) as raised:
        read(control, case)
    assert case["fails"] in str(raised.value)


@pytest.mark.parametrize(("control", "case"), cases("refused"))
def test_what_is_refused(control: str, case: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError) as raised:
        options_of(control, case["options"])
    assert case["refused"] in str(raised.value)


@pytest.mark.parametrize("control", CONTROLS)
@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=300), status=st.sampled_from([0, 1, 2, None]))
def test_any_answer_gives_findings_or_a_sentence(control: str, text: str, status: int | None) -> None:
    (entry,) = yaml.safe_load(driver(control).example).values()
    options = options_of(control, entry[control])
    answers = [result(stdout=text, status=status) for _ in driver(control).ask(options)]
    findings = []
    with suppress(AskError, AnswerError):
        findings = driver(control).read(options, answers, NOW)
    assert all(finding.key and finding.sentence for finding in findings)
