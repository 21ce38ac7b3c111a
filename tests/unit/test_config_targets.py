"""What is wrong in keepwell.yaml as the program itself reads it: the keys of a target, and keys of the top level that no room declares."""

from pathlib import Path

import pytest

from keepwell.composition import verbs
from keepwell.kernel.problems import ConfigurationError
from tests.unit.config_rooms import HEAD


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("  db: {postgres: 'postgresql://u:p@h/d'}", "a secret does not stand in this file"),
        ("  db: {depends_on: [dbb]}", '"dbb" is not one of the targets'),
        ("  db: {depends_on: [db]}", "this closes a circle: db → db"),
        ("  db: {mysql: x}", '"mysql" is not a key that is known here'),
    ],
)
def test_the_keys_of_a_target_are_checked(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "keepwell.yaml").write_text(f"{HEAD}targets:\n{line}\n")
    with pytest.raises(ConfigurationError) as caught:
        verbs.load(str(tmp_path))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("recievers", 'did you mean "receivers"?'),
        ("task", 'did you mean "tasks"?'),
        ("Policy", 'did you mean "policy"?'),
        ("incident", 'did you mean "incidents"?'),
    ],
)
def test_a_section_that_no_room_declares_is_a_problem_with_the_nearest_one(tmp_path: Path, key: str, hint: str) -> None:
    (tmp_path / "keepwell.yaml").write_text(f"{HEAD}{key}: {{}}\n")
    with pytest.raises(ConfigurationError) as caught:
        verbs.load(str(tmp_path))
    (problem,) = caught.value.problems
    assert (problem.message, problem.hint) == (f'"{key}" is not a key that is known here', hint)
    assert problem.where is not None
    assert (problem.where.line, problem.where.column) == (3, 1)


def test_where_no_section_is_near_all_are_named(tmp_path: Path) -> None:
    (tmp_path / "keepwell.yaml").write_text(f"{HEAD}frobnicate: 1\n")
    with pytest.raises(ConfigurationError) as caught:
        verbs.load(str(tmp_path))
    (problem,) = caught.value.problems
    assert problem.hint is not None
    named = problem.hint.removeprefix("what may stand here: ").split(", ")
    assert named == sorted(["keepwell", "service", *(section.key for section in verbs.sections())])
