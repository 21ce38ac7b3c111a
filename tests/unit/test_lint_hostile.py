"""No rule breaks on, or dwells on, a manual that nobody wrote in good faith."""

import time

import pytest
from hypothesis import given, settings

from keepwell.rooms.manual.lint import render
from keepwell.rooms.manual.lint.decide import lint
from keepwell.rooms.manual.lint.registry import all_rules
from keepwell.rooms.manual.reading.document import read_manual
from tests.hostile_manuals import LARGE, TEXTS

RULES = all_rules()
BY_ID = {rule.id: rule for rule in RULES}


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_no_rule_breaks_on_any_text(text: str) -> None:
    manual = read_manual(text, "x.md")
    result = lint(manual, RULES)
    assert result.faults == ()
    for finding in result.findings:
        assert 1 <= finding.line <= finding.end_line <= max(1, len(manual.lines))
    shown = render.as_text([result], BY_ID) + render.as_github([result], BY_ID)
    assert all(character.isprintable() or character == "\n" for character in shown)


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE.keys())
def test_no_rule_dwells_on_a_large_manual(text: str) -> None:
    manual = read_manual(text, "x.md")
    slow: dict[str, float] = {}
    for rule in RULES:
        started = time.process_time()
        for _ in rule.check(manual):
            pass
        slow[rule.id] = time.process_time() - started
    assert {rule: round(seconds, 1) for rule, seconds in slow.items() if seconds > 2} == {}
