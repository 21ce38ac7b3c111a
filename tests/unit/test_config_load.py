"""An operations directory becomes frozen values, or every problem of it with its place."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from keepwell.config.operations import load
from keepwell.config.options import Options
from keepwell.kernel.problems import ConfigurationError
from keepwell.ports.offer import Section
from tests.unit.config_rooms import HEAD, Drivers, Place, Water, Weight, loaded, problems, sections

WHOLE = """\
keepwell: 1
service: garden
garden: {size: 2MiB}
places:
  bed: {soil: "clay of ${TOWN}", key: "secret:GATE"}
  pot: {beside: [bed]}
plants:
  rose:
    water: {amount: 5MB, place: bed, warn: "> 10%", share: 80%, how: quickly, weight: heavy, labels: {a: "$${TOWN}"}, either: 5m}
    every: 1h30m
    was: lily
  oak:
    cut: {steps: [{length: 1, at: pot}, {length: 2.5}], tool: "${TOOL}"}
"""


def test_a_whole_file(tmp_path: Path) -> None:
    operations = loaded(tmp_path, WHOLE, {"TOWN": "Ulm", "TOOL": "saw"})
    assert operations.service == "garden"
    assert operations.directory == tmp_path
    assert operations.sources == (tmp_path / "keepwell.yaml",)
    assert operations.options("garden").size == 2 * 2**20
    assert operations.options("places")["bed"] == Place(soil="clay of Ulm", key="secret:GATE")
    assert operations.options("places")["pot"].beside == ("bed",)
    rose, oak = operations.entries("plants").values()
    assert (rose.name, rose.kind, rose.place.line, rose.place.column) == ("rose", "water", 8, 3)
    assert rose.common.every == timedelta(hours=1, minutes=30)  # type: ignore[attr-defined]
    assert isinstance(rose.options, Water)
    assert (rose.options.amount, rose.options.share, rose.options.weight) == (5_000_000, 0.8, Weight.HEAVY)
    assert rose.options.labels == {"a": "${TOWN}"}
    assert rose.options.either == timedelta(minutes=5)
    assert oak.options.tool == "saw"  # type: ignore[union-attr]
    assert [step.length for step in oak.options.steps] == [1, 2.5]  # type: ignore[union-attr]
    with pytest.raises(ValidationError):
        rose.options.amount = 3  # type: ignore[misc]


def test_absent_and_empty_sections_have_their_defaults(tmp_path: Path) -> None:
    operations = loaded(tmp_path, HEAD + "places:\ngarden:\n")
    assert operations.values == {"garden": operations.options("garden"), "places": {}, "plants": {}}
    assert operations.options("garden").size == 1000


def test_only_drivers_that_are_used_are_loaded(tmp_path: Path) -> None:
    drivers = Drivers()
    (tmp_path / "keepwell.yaml").write_text(HEAD + "plants:\n" + "".join(f"  p{n}: {{water: {{amount: 1MB}}}}\n" for n in range(20)))
    load(tmp_path, sections(drivers), {})
    assert drivers.loaded == ["water"]


# What stands in the file below the head, and every problem that it gives: line, column, message.
WRONG: list[tuple[str, list[tuple[int | None, int | None, str]]]] = [
    ("gardn: {}\n", [(3, 1, '"gardn" is not a key that is known here')]),
    ("garden: {size: 5}\n", [(3, 16, "expected a size with its unit such as 200MB, found the number 5")]),
    ("garden: [1]\n", [(3, 9, "expected keys with values, found a list")]),
    ("places: [bed]\n", [(3, 9, "expected entries, each with its name, found a list")]),
    ("places:\n  Bed: {}\n", [(4, 3, '"Bed" is no name for an entry')]),
    ("places:\n  bed: {soil: 5}\n", [(4, 15, "expected text, found the number 5")]),
    ("places:\n  bed: {beside: pot}\n", [(4, 17, 'expected a list, found the text "pot"')]),
    ("places:\n  bed: {beside: [pt]}\n  pot: {}\n", [(4, 18, '"pt" is not one of the places')]),
    ("plants:\n  oak: {}\n", [(4, 3, '"oak" has no kind')]),
    ("plants:\n  oak:\n", [(4, 3, '"oak" has no kind')]),
    ("plants:\n  oak: tall\n", [(4, 8, 'expected keys with values, found the text "tall"')]),
    ("plants:\n  oak: {cut: {}, water: {amount: 1MB}}\n", [(4, 18, '"oak" has 2 kinds: cut, water')]),
    ("plants:\n  oak: {watr: {amount: 1MB}}\n", [(4, 9, '"watr" is not a key that is known here')]),
    (
        "plants:\n  oak: {evry: 5m}\n",
        [(4, 3, '"oak" has no kind'), (4, 9, '"evry" is not a key that is known here')],
    ),
    ("plants:\n  oak: {water: {}}\n", [(4, 9, '"water" needs the key "amount"')]),
    ("plants:\n  oak: {water: }\n", [(4, 9, '"water" needs the key "amount"')]),
    (
        "plants:\n  oak:\n    cut: {}\n    every: 5\n    times: 11\n    enabled: on\n",
        [
            (6, 12, "expected a duration with units such as 30s, found the number 5"),
            (7, 12, "expected at most 10, found the number 11"),
            (8, 14, 'expected true or false, found the text "on"'),
        ],
    ),
    ("plants:\n  oak: {cut: {}, every: 5 minutes}\n", [(4, 25, '"5 minutes" is not a duration')]),
    ("plants:\n  oak: {cut: {}, every: }\n", [(4, 18, "expected a duration with units such as 30s, found nothing")]),
    (
        "plants:\n  oak: {cut: {steps: [{length: 1}, {lenght: 2}]}}\n",
        [(4, 15, '"steps" needs the key "length"'), (4, 37, '"lenght" is not a key')],
    ),
    ("plants:\n  oak: {cut: {steps: [{length: long}]}}\n", [(4, 32, 'expected a number, found the text "long"')]),
    ("plants:\n  oak: {cut: {steps: [{length: .nan}]}}\n", [(4, 32, "expected a finite number, found the number .nan")]),
    ("plants:\n  oak: {cut: {steps: [{length: 1, at: bed}]}}\n", [(4, 39, '"bed" is not one of the places')]),
    ("plants:\n  oak: {cut: {tool: hand}}\n", [(4, 9, "hand cannot cut")]),
    ("plants:\n  oak: {water: {amount: 1MB, how: slow}}\n", [(4, 35, 'expected slowly or quickly, found the text "slow"')]),
    ("plants:\n  oak: {water: {amount: 1MB, weight: heavey}}\n", [(4, 38, 'expected light or heavy, found the text "heavey"')]),
    ("plants:\n  oak: {water: {amount: 1MB, either: [1]}}\n", [(4, 38, "expected a whole number or a duration with units such as 30s")]),
    ("plants:\n  oak: {water: {amount: 1MB, labels: {a: [1]}}}\n", [(4, 42, "expected text, found a list")]),
    ("plants:\n  oak: {water: {amount: 1MB, amount: 2MB}}\n", [(4, 30, 'the key "amount" stands twice')]),
    ("plants:\n  oak: {cut: {tool: '${SAW}'}}\n", [(4, 21, "the environment variable SAW is not set")]),
    ("plants:\n  oak: {cut: {tool: '${SAW:-x}'}}\n", [(4, 21, "${ is not followed by the name of a variable and }")]),
    ("plants:\n  oak: {cut: {tool: 'a ${SAW'}}\n", [(4, 21, "${ is not followed by the name of a variable and }")]),
    ("places:\n  bed: {key: hunter2}\n", [(4, 14, "a secret does not stand in this file")]),
    ("places:\n  bed: {key: 'secret:'}\n", [(4, 14, "this refers to no secret")]),
    ("places:\n  a: {beside: [b]}\n  b: {beside: [c]}\n  c: {beside: [a]}\n", [(6, 16, "this closes a circle: a → b → c → a")]),
    ("places:\n  a: {beside: [a]}\n", [(4, 16, "this closes a circle: a → a")]),
    ("plants:\n  a: {cut: {}, was: b}\n  b: {cut: {}}\n", [(4, 21, '"b" is still one of the plants')]),
    ("plants:\n  a: {cut: {}, was: c}\n  b: {cut: {}, was: c}\n", [(5, 21, '"a" takes over the history of "c" already')]),
]


@pytest.mark.parametrize(("body", "expected"), WRONG, ids=lambda value: value[:40].replace("\n", "/") if isinstance(value, str) else "")
def test_problems_are_placed(tmp_path: Path, body: str, expected: list[tuple[int, int, str]]) -> None:
    found = problems(tmp_path, HEAD + body)
    assert [one[:2] for one in found] == [one[:2] for one in expected], found
    assert all(one[2].startswith(other[2]) for one, other in zip(found, expected, strict=True)), found


def test_all_problems_of_a_file_come_at_once_in_its_order(tmp_path: Path) -> None:
    bodies = [body for body, _ in WRONG if body.startswith(("plants:\n  oak: {cut: {steps", "plants:\n  oak: {water"))]
    entries = "".join(body.removeprefix("plants:\n").replace("  oak:", f"  oak{number}:") for number, body in enumerate(bodies))
    found = problems(tmp_path, "service: 5\nplaces: 7\nplants:\n" + entries)
    expected = sum(len(places) for body, places in WRONG if body in bodies) + 3
    assert len(found) == expected
    assert found[0] == (None, None, 'the key "keepwell" is missing, which names the format of this file')
    assert found[1] == (1, 10, "expected text, found the number 5")
    assert found[2] == (2, 9, "expected entries, each with its name, found the number 7")
    assert [one[:2] for one in found[1:]] == sorted(one[:2] for one in found[1:])


HINTS = [
    ("gardn: {}\n", 'did you mean "garden"?'),
    ("garden: {colour: 5}\n", "what may stand here: size"),
    ("places:\n  bed: {soil: 5}\n", "put it in quotes to make it text"),
    ("plants:\n  oak: {watr: {amount: 1MB}}\n", 'did you mean "water"?'),
    ("plants:\n  oak: {}\n", "add one of cut, water"),
    ("plants:\n  oak: {water: {}}\n", "How much water."),
    ("plants:\n  oak: {water: {amount: 1MB, how: slow}}\n", 'did you mean "slowly"?'),
    ("plants:\n  oak: {cut: {}, enabled: off}\n", "write false: off is text in YAML 1.2"),
    ("places:\n  bed: {beside: [pt]}\n  pot: {}\n", 'did you mean "pot"?'),
    ("places:\n  bed: {beside: [xyz]}\n  pot: {}\n", "what there is: bed, pot"),
    ("plants:\n  oak: {cut: {steps: [{length: 1, at: bed}]}}\n", "there are no places in this file"),
    (
        "places:\n  bed: {key: hunter2}\n",
        "write secret:NAME (an environment variable), secret:file:PATH or secret:command:PROGRAM ARGUMENTS",
    ),
    ("plants:\n  oak: {cut: {tool: '${SAW}'}}\n", "set it where Keepwell runs, or write $${SAW} for this very text"),
]


@pytest.mark.parametrize(("body", "hint"), HINTS, ids=[hint[:30] for _, hint in HINTS])
def test_hints_say_what_to_write_instead(tmp_path: Path, body: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, HEAD + body)
    assert hint in [problem.hint for problem in caught.value.problems]


def test_the_mark_covers_what_is_meant(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, HEAD + "garden:\n  size:   five  # not so\n")
    where = caught.value.problems[0].where
    assert where
    assert (where.quote, where.line, where.column, where.width) == ("  size:   five  # not so", 4, 11, 4)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("service: a\n", None, 'the key "keepwell" is missing'),
        ("keepwell: 2\nservice: a\n", 1, "expected 1, the format of this file, found the number 2"),
        ("keepwell: '1'\nservice: a\n", 1, 'expected 1, the format of this file, found the text "1"'),
        ("keepwell: true\nservice: a\n", 1, "expected 1, the format of this file, found true"),
        ("keepwell: 1\n", None, 'the key "service" is missing'),
        ("keepwell: 1\nservice:\n", 2, "expected text, found nothing"),
        ("keepwell: 1\nservice: ' '\n", 2, '" " is no name for a service'),
        ('keepwell: 1\nservice: "a\\nb"\n', 2, '"a\\nb" is no name for a service'),
        ("- a\n", 1, "expected keys with values, found a list"),
        ("hello\n", 1, 'expected keys with values, found the text "hello"'),
    ],
)
def test_the_head_of_the_file(tmp_path: Path, text: str, place: int | None, message: str) -> None:
    found = problems(tmp_path, text)
    assert len(found) == 1, found
    assert found[0][0] == place
    assert found[0][2].startswith(message)


def test_text_outside_marked_fields_keeps_its_dollar(tmp_path: Path) -> None:
    operations = loaded(tmp_path, HEAD + "plants:\n  oak: {cut: {}, was: '${HOME}'}\n", {"HOME": "x"})
    assert operations.options("plants")["oak"].was == "${HOME}"


def test_what_a_variable_gives_is_not_looked_at_again(tmp_path: Path) -> None:
    operations = loaded(tmp_path, HEAD + "places: {bed: {soil: '${A}/$${A}/$A/${B}'}}\n", {"A": "${B}", "B": "1"})
    assert operations.options("places")["bed"].soil == "${B}/${A}/$A/1"


def test_no_value_of_a_variable_and_no_secret_is_part_of_a_problem(tmp_path: Path) -> None:
    body = "plants:\n  oak: {cut: {tool: '${TOOL}'}}\nplaces:\n  bed: {key: hunter2, soil: 5, soul: 7}\n"
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, HEAD + body, {"TOOL": "my-hidden-hand"})
    assert caught.value.problems[0].message == "${TOOL} cannot cut"
    everything = repr(caught.value.problems) + str(caught.value)
    assert "hunter2" not in everything
    assert "my-hidden-hand" not in everything
    assert len(caught.value.problems) == 4
    quotes = [problem.where.quote for problem in caught.value.problems if problem.where]
    assert quotes[1:] == ["  bed: {key: *******, soil: 5, soul: 7}"] * 3


def test_a_driver_that_cannot_be_loaded_is_a_problem_at_its_key(tmp_path: Path) -> None:
    class Broken(Drivers):
        def load(self, name: str) -> object:
            raise ConfigurationError(f"the kind {name} cannot be loaded", hint="mend it")

    (tmp_path / "keepwell.yaml").write_text(HEAD + "plants:\n  oak: {every: 5m, cut: {}}\n")
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, sections(Broken()), {})
    found = [
        (problem.message, problem.hint, problem.where.line, problem.where.column) for problem in caught.value.problems if problem.where
    ]
    assert found == [("the kind cut cannot be loaded", "mend it", 4, 20)]


def test_a_section_that_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "keepwell.yaml").write_text(HEAD)
    with pytest.raises(ConfigurationError, match='the section "water" is missing; it needs "amount"'):
        load(tmp_path, [Section("water", "Water", lambda: Water)], {})


def test_the_same_answers_without_the_c_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert loaded(tmp_path, WHOLE, {"TOWN": "Ulm", "TOOL": "saw"}).options("places")["bed"].soil == "clay of Ulm"
    found = problems(tmp_path, HEAD + "plants:\n  oak: {cut: {steps: [{length: long}]}}\n")
    assert found == [(4, 32, 'expected a number, found the text "long"')]


def test_python_can_build_options_without_yaml() -> None:
    assert Water(amount="5MB", share="5%").amount == 5_000_000  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        Water(amount=5)


class Inner(Options):
    """Contains itself."""

    inner: "Inner | None" = None


def test_options_that_contain_themselves(tmp_path: Path) -> None:
    (tmp_path / "keepwell.yaml").write_text(HEAD + "tree: {inner: {inner: {innner: {}}}}\n")
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, [Section("tree", "A tree", lambda: Inner)], {})
    assert [(problem.where.column, problem.hint) for problem in caught.value.problems if problem.where] == [(24, 'did you mean "inner"?')]


WORDS = st.sampled_from(
    [
        "keepwell",
        "service",
        "garden",
        "places",
        "plants",
        "water",
        "cut",
        "steps",
        "amount",
        "every",
        "bed",
        "5m",
        "1",
        "x",
        "${A}",
        "was",
        "key",
    ]
)
TREES = st.recursive(
    WORDS | st.integers() | st.floats() | st.booleans() | st.none() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=30,
)


@given(TREES, st.dictionaries(WORDS, TREES, max_size=4))
@settings(max_examples=250, deadline=None)
def test_any_tree_is_loaded_or_refused(tmp_path_factory: pytest.TempPathFactory, plants: object, rest: dict[str, object]) -> None:
    text = yaml.safe_dump({"keepwell": 1, "service": "s", **rest, "plants": plants}, allow_unicode=True)
    directory = tmp_path_factory.getbasetemp() / "any-tree"
    directory.mkdir(exist_ok=True)
    for problem in problems(directory, text):
        assert problem[2]


def test_infinity_is_refused_where_a_number_stands(tmp_path: Path) -> None:
    assert problems(tmp_path, HEAD + "plants: {oak: {cut: {steps: [{length: -.inf}]}}}\n")[0][2].startswith("expected a finite number")
