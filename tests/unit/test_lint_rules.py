"""Every rule: its bad example gives it, its good example does not, and its words are there."""

import re

import pytest

from keepwell.rooms.manual.lint.decide import Choice, lint
from keepwell.rooms.manual.lint.model import FAMILIES, Rule
from keepwell.rooms.manual.lint.registry import all_rules
from keepwell.rooms.manual.reading.document import read_manual

RULES = all_rules()


def found(rule: Rule, text: str) -> list[str]:
    linted = lint(read_manual(text, "example.md"), [rule])
    assert linted.faults == ()
    return [finding.rule for finding in linted.findings]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_bad_example_is_found(rule: Rule) -> None:
    assert rule.id in found(rule, rule.bad)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_good_example_is_not(rule: Rule) -> None:
    assert found(rule, rule.good) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_findings_stand_inside_the_example_and_say_something(rule: Rule) -> None:
    manual = read_manual(rule.bad, "example.md")
    for finding in lint(manual, [rule]).findings:
        assert 1 <= finding.line <= finding.end_line <= len(manual.lines)
        assert 0 <= finding.column <= len(manual.line_text(finding.line)) + 1
        assert 10 <= len(finding.message) <= 300
        assert "\n" not in finding.message


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_its_words(rule: Rule) -> None:
    assert re.fullmatch(r"KW\d{3}", rule.id)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)
    assert rule.family in FAMILIES.values()
    assert re.search(r"Sources?: \S+", rule.why), "the why ends with its source"
    assert 80 <= len(rule.why) <= 1200
    assert not rule.title.endswith(".")


def test_ids_are_unique_and_sorted() -> None:
    ids = [rule.id for rule in RULES]
    assert ids == sorted(set(ids))
    assert len(RULES) >= 3


def test_a_rule_that_breaks_stops_no_other() -> None:
    from dataclasses import replace

    def broken(manual: object) -> list[object]:
        raise ValueError("no idea")

    rule = RULES[0]
    bad = replace(rule, id="KW199", check=broken)  # type: ignore[arg-type]
    linted = lint(read_manual(rule.bad, "example.md"), [bad, rule])
    assert [fault.rule for fault in linted.faults] == ["KW199"]
    assert rule.id in {finding.rule for finding in linted.findings}


@pytest.mark.parametrize(
    ("select", "ignore", "taken"),
    [
        ((), (), True),
        (("KW1",), (), True),
        (("KW2",), (), False),
        ((), ("KW1",), False),
        (("KW101",), ("KW1",), True),
        (("KW1",), ("KW101",), False),
    ],
)
def test_choice(select: tuple[str, ...], ignore: tuple[str, ...], taken: bool) -> None:
    assert Choice(select, ignore).takes("KW101") is taken
