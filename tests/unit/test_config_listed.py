"""Sections that are lists: each entry has its options and its place, and each problem stands where it is."""

from pathlib import Path

import pytest

from keepwell.config.describe import json_schema, reference
from keepwell.config.operations import Operations, load
from keepwell.kernel.problems import ConfigurationError
from keepwell.ports.offer import Section
from tests.unit.config_rooms import HEAD, Cut, Place, Step, Water

SECTIONS = (
    Section("places", "Where plants stand", lambda: Place, named=True),
    Section("steps", "Cuts in a row", lambda: Step, listed=True),
    Section("waters", "Waterings in a row", lambda: Water, listed=True),
    Section("cuts", "Whole cuts", lambda: Cut, listed=True),
)


def loaded(directory: Path, body: str) -> Operations:
    (directory / "keepwell.yaml").write_text(HEAD + body)
    return load(directory, SECTIONS, {"TOOL": "saw"})


def test_entries_have_options_and_a_place(tmp_path: Path) -> None:
    body = 'places: {bed: {}}\nsteps:\n  - {length: 1, at: bed}\n  - length: 2.5\ncuts: [{tool: "${TOOL}"}]\n'
    operations = loaded(tmp_path, body)
    assert [step.length for step in operations.options("steps")] == [1, 2.5]
    assert [(entry.place.line, entry.place.column) for entry in operations.listed("steps")] == [(5, 5), (6, 5)]
    first = operations.listed("steps")[0]
    assert (first.at("at").column, first.at("nothing")) == (21, first.place)
    assert operations.options("cuts")[0].tool == "saw"
    assert operations.options("waters") == ()


@pytest.mark.parametrize("body", ["", "steps:\n", "steps: []\n"])
def test_nothing_is_an_empty_list(tmp_path: Path, body: str) -> None:
    assert loaded(tmp_path, body).listed("steps") == ()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("steps: {length: 1}\n", [(3, 8, "expected a list, found keys with values")]),
        ("steps: three\n", [(3, 8, 'expected a list, found the text "three"')]),
        ("steps: [three]\n", [(3, 9, 'expected keys with values, found the text "three"')]),
        ("steps:\n  - {at: bed}\nplaces: {bed: {}}\n", [(4, 5, '"entry 1 of steps" needs the key "length"')]),
        ("steps:\n  - {length: 1}\n  - {length: long}\n", [(5, 14, 'expected a number, found the text "long"')]),
        ("steps:\n  - {length: 1, lengt: 2}\n", [(4, 17, '"lengt" is not a key that is known here')]),
        ("steps:\n  - {length: 1, at: bet}\nplaces: {bed: {}}\n", [(4, 21, '"bet" is not one of the places')]),
        ("cuts:\n  - tool: hand\n", [(4, 5, "hand cannot cut")]),
        (
            "waters:\n  - {amount: 5}\n  - {amount: 1MB, share: 2}\n",
            [
                (4, 14, "expected a size with its unit such as 200MB, found the number 5"),
                (5, 26, "expected a percentage such as 80%, found the number 2"),
            ],
        ),
    ],
)
def test_problems_are_placed(tmp_path: Path, body: str, expected: list[tuple[int, int, str]]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, body)
    places = [(problem.where.line, problem.where.column, problem.message) for problem in caught.value.problems if problem.where]
    assert places == expected


def test_the_schema_and_the_reference_say_that_it_is_a_list() -> None:
    steps = json_schema(SECTIONS)["properties"]["steps"]
    assert (steps["type"], steps["items"]["$ref"].rsplit("/", 1)[1]) == (["array", "null"], "Step")
    assert "## steps\n\nCuts in a row.\n\nA list of entries; each may have:\n" in reference(SECTIONS)
