"""Environments are read as their readers read them, and no value of one comes out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.ports.fakes import result
from keepwell.rooms.checks.environments import of_file, of_process, of_unit, shown
from keepwell.rooms.checks.kinds.env import DRIVER
from keepwell.rooms.checks.model import Answer

BAIT = "Ba1t"
NAMES = st.text(alphabet="ABCXYZ_", min_size=1, max_size=6)
VALUES = st.text(alphabet=st.sampled_from("aB1 '\"\\$`\n\t=#;-é\U0001f600"), max_size=30).map(lambda text: f"{BAIT}{text}")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("  export A=b  ", "b"),
        ("A=", ""),
        ("A=b # no comment", "b # no comment"),
        ("A='b \" c'", 'b " c'),
        ('A="b \\" \\\\ c"', 'b " \\ c'),
        ('A="two\nlines"', "two\nlines"),
        ("A='two\nlines'", "two\nlines"),
        ('A="ends with a backslash\\\\"', "ends with a backslash\\"),
        ("A=b=c", "b=c"),
        ("A=b\r", "b"),
        ("\ufeffA=b", "b"),
    ],
)
def test_an_env_file(line: str, value: str) -> None:
    found = of_file(f"{line}\nNEXT=1\n".encode())
    assert dict(found.variables) == {"A": value, "NEXT": "1"}
    assert found.malformed == ()


def test_what_is_no_assignment_is_told_by_its_number_only() -> None:
    found = of_file(b"# comment\n\nsecret value\nA=1\n9=2\nA=2\n")
    assert (found.malformed, found.repeated, dict(found.variables)) == ((3, 5), ("A",), {"A": "2"})
    assert "1" not in repr(found.variables.keys())
    assert "variables" not in repr(found)


def test_a_quotation_without_an_end_takes_the_rest() -> None:
    found = of_file(b"A='no end\nB=1\n")
    assert set(found.variables) == {"A"}


def test_a_unit_s_words() -> None:
    unit = of_unit("LoadState=loaded\nEnvironment=A=1 \"B=two words\" 'C=x' $'D=y'\nEnvironmentFiles=/a b (ignore_errors=no)\n")
    assert dict(unit.environment.variables) == {"A": "1", "B": "two words", "C": "x", "D": "y"}
    assert unit.files == (("/a b", False),)


def test_only_what_looks_like_a_name_is_shown() -> None:
    assert [shown(name) for name in ("PATH", "http_proxy", "_")] == ["PATH", "http_proxy", "_"]
    assert {shown(name) for name in ("MIIBOgIBAAJBAK8", "", "A B", "a" * 65)} == {"a name that is not shown"}


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_the_environment_of_a_process_is_read_back(variables: dict[str, str]) -> None:
    data = b"".join(f"{name}={value}".encode() + b"\0" for name, value in variables.items())
    assert dict(of_process(data).variables) == variables


@given(
    here=st.dictionaries(NAMES, VALUES, max_size=6),
    there=st.dictionaries(NAMES, VALUES, max_size=6),
    names=st.lists(NAMES, min_size=1, max_size=4),
    style=st.sampled_from(["{0}={1}\n", "export {0}='{1}'\n", '{0}="{1}"\n', "{1}\n{0}={1}\n"]),
    as_process=st.booleans(),
)
def test_no_observation_holds_a_value(here: dict[str, str], there: dict[str, str], names: list[str], style: str, as_process: bool) -> None:
    written = "".join(style.format(*pair) for pair in here.items()).encode()
    source: dict[str, object] = {"process": "node"} if as_process else {"file": "/etc/a.env"}
    options = DRIVER.options.model_validate(
        {**source, "required": tuple(names), "allow": (), "deprecated": ("X*",), "matches": {names[0]: "^[0-9]+$"}}
        | {"not_matches": {names[-1]: BAIT}, "shared": tuple(names), "same_as": {"unit": "shop"}}
    )
    listed = result(f"7 1 S 1 1 node{' ' * 24}node --token={BAIT}\n")
    unit = result(f"LoadState=loaded\nEnvironment=Q={BAIT}\nEnvironmentFiles=/etc/b.env (ignore_errors=no)\n", stderr=BAIT)
    other = "".join(f"{name}={value}\n" for name, value in there.items()).encode()
    environ = b"".join(f"{name}={value}\0".encode() for name, value in here.items())
    answers: tuple[Answer, ...] = (listed, unit, environ, other) if as_process else (written, unit, other)
    failed = result(BAIT, status=1, stderr=BAIT)
    for given_answers in (answers, answers[:2], (answers[0], failed, *answers[2:]), (failed, *answers[1:])):
        observation = DRIVER.read(options, given_answers, None)
        assert BAIT not in repr((observation.sentence, observation.values, observation.counters, observation.detail))
