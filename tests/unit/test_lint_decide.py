"""Which findings count: allowances, choices, order, the baseline; and how they are shown."""

import json

import pytest

from keepwell.rooms.manual.lint import render
from keepwell.rooms.manual.lint.allow import allowances
from keepwell.rooms.manual.lint.decide import Choice, Linted, fingerprints, lint
from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.pages import index_page, rule_page, rule_text
from keepwell.rooms.manual.lint.shellcheck import bundle, findings, read_answers, unparsable
from keepwell.rooms.manual.reading.document import read_manual
from keepwell.rooms.manual.reading.model import Manual


def every_rm(manual: Manual) -> list[Finding]:
    return [
        Finding(command.line, f"{command.text} is gone", column=command.column, width=2, fix="keep it")
        for command in manual.commands
        if command.name == "rm"
    ]


RULE = Rule(
    "KW398", "removal", "Something is removed", Severity.ERROR, "It is gone. Source: rm(1).", "```bash\nrm x\n```", "fine", every_rm
)  # fmt: skip
NOTE = Rule(
    "KW898", "heading", "A heading is there", Severity.NOTE, "Headings are many. Source: none needed.", "# h", "fine",
    lambda manual: [Finding(item.line, f"{item.text} is a heading") for item in manual.headings], grouped=True,
)  # fmt: skip
RULES = {rule.id: rule for rule in (RULE, NOTE)}


def linted(text: str, choice: Choice | None = None, baseline: frozenset[str] = frozenset()) -> Linted:
    return lint(read_manual(text, "m.md"), list(RULES.values()), choice or Choice(), baseline=baseline)


def places(text: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.rule) for finding in linted(text).findings]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("```bash\nrm a\nrm b\n```\n", [2, 3]),
        ("<!-- keepwell: allow KW398 it is a cache -->\n```bash\nrm a\nrm b\n```\n\n```bash\nrm c\n```\n", [8]),
        ("<!-- keepwell: allow KW398 -->\n```bash\nrm a\n```\n", [3]),
        ("<!-- keepwell: allow KW399 other -->\n```bash\nrm a\n```\n", [3]),
        ("<!-- keepwell: allow KW101, KW398 two -->\n\nwords\n\n```bash\nrm a\n```\n", [6]),
        ("```bash\nrm a  # keepwell: allow KW398 it is a cache\nrm b\n```\n", [3]),
        ("```bash\n# keepwell: allow KW398 it is a cache\n\nrm a\nrm b\n```\n", [5]),
        ("```bash\n# keepwell: allow KW398\nrm a\n```\n", [3]),
        ("```console\n$ rm a # keepwell: allow KW398 known\n```\n", []),
    ],
)
def test_what_is_allowed(text: str, lines: list[int]) -> None:
    assert [line for line, rule in places(text) if rule == "KW398"] == lines


def test_a_comment_before_a_heading_allows_in_its_section() -> None:
    text = "<!-- keepwell: allow KW398 a laboratory -->\n## a\n```bash\nrm a\n```\n### b\n```bash\nrm b\n```\n## c\n```bash\nrm c\n```\n"
    assert [line for line, rule in places(text) if rule == "KW398"] == [12]
    result = linted(text)
    assert result.allowed == 2
    assert allowances(result.manual)[0].reason == "a laboratory"


def test_one_finding_a_rule_and_line_in_order() -> None:
    assert places("# h\n```bash\nrm a; rm b\n```\n") == [(1, "KW898"), (3, "KW398")]


def test_choices() -> None:
    text = "# h\n```bash\nrm a\n```\n"
    assert [finding.rule for finding in linted(text, Choice(("KW3",))).findings] == ["KW398"]
    assert [finding.rule for finding in linted(text, Choice((), ("KW39",))).findings] == ["KW898"]
    assert linted(text, Choice(("SC",))).findings == ()
    assert Choice(("KW3",)).may_take("SC") is False
    assert Choice(("SC2086",)).may_take("SC") is True


def test_a_baseline_survives_moved_lines_and_counts_equal_ones() -> None:
    before = linted("```bash\nrm a\nrm a\n```\n")
    marks = frozenset(fingerprints(before.manual, before.findings))
    assert len(marks) == 2
    after = linted("words\n\n```bash\n  rm   a\nrm a\nrm a\nrm b\n```\n", baseline=marks)
    assert [finding.line for finding in after.findings] == [6, 7]
    assert after.known == 2


def test_lines_of_a_rule_are_kept_inside_the_manual() -> None:
    wild = Rule("KW397", "wild", "Wild", Severity.NOTE, "why", "", "", lambda manual: [Finding(0, "low"), Finding(99, "high", 500)])
    result = lint(read_manual("a\nb\n", "m.md"), [wild])
    assert [(finding.line, finding.end_line) for finding in result.findings] == [(1, 1), (2, 2)]


# --- shown


def test_text_quotes_the_line_and_says_why_once() -> None:
    text = render.as_text([linted("# h\n\n```bash\nrm a\n  rm b\n```\n")], RULES)
    assert text == (
        "m.md:4:1: error KW398 rm a is gone\n     4 | rm a\n       | ^^\n   fix | keep it\n"
        "   why | It is gone.  (keepwell explain KW398)\n\n"
        "m.md:5:3: error KW398 rm b is gone\n     5 |   rm b\n       |   ^^\n   fix | keep it\n\n"
        "m.md: note KW898 A heading is there: 1 place\n     1 | h is a heading\n   why | Headings are many.  (keepwell explain KW898)\n\n"
        "1 manual: 3 findings (2 errors, 1 note)\n"
    )
    assert "\x1b[31;1merror KW398\x1b[0m" in render.as_text([linted("```bash\nrm a\n```\n")], RULES, colour=True)
    assert render.as_text([linted("fine")], RULES) == "1 manual: 0 findings\n"


def test_escapes_in_a_manual_steer_nothing() -> None:
    result = linted("# \x1b[2J\u202e\n\n```bash\nrm '\x1b]0;x\x07%0A::error::'\n```\n")
    for shown in (render.as_text([result], RULES), render.as_github([result], RULES), render.as_sarif([result], RULES, "1")):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
    assert len(render.as_github([result], RULES).splitlines()) == 2
    assert "%250A" in render.as_github([result], RULES)


def test_json_and_sarif() -> None:
    result = linted("# h\n\n```bash\nrm a\n```\n")
    (_, removal) = render.as_list([result])
    assert removal == {
        "file": "m.md", "line": 4, "end_line": 4, "column": 1, "rule": "KW398", "severity": "error", "message": "rm a is gone",
        "fix": "keep it",
    }  # fmt: skip
    run = json.loads(render.as_sarif([result], RULES, "1.2"))["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["KW398", "KW898"]
    place = run["results"][1]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "m.md"}, "region": {"startLine": 4, "endLine": 4, "startColumn": 1, "endColumn": 3}}
    assert run["results"][1]["level"] == "error"
    assert run["results"][1]["ruleIndex"] == 0


def test_github() -> None:
    line = render.as_github([linted("```bash\nrm a\n```\n")], RULES)
    assert line == "::error file=m.md,line=2,endLine=2,title=KW398 removal,col=1::rm a is gone%0Afix: keep it\n"


def test_pages() -> None:
    assert "````markdown\n```bash\nrm x\n```\n````" in rule_page(RULE)
    assert "Family: Destructive." in rule_page(RULE)
    assert "[KW398](KW398.md) removal | error | Something is removed" in index_page([RULE, NOTE])
    assert "rm x" in rule_text(RULE)


# --- ShellCheck's answers


def test_answers_come_back_to_the_manuals_lines() -> None:
    manual = read_manual(
        "# a\n\n- x\n\n  ```bash\n  [ $a = b ]\n  ```\n\n```bash\n#!/bin/bash\nls\n[ -n $b ]\n```\n\n```bash\nfi )\n```\n", "m.md"
    )
    asked = bundle(manual)
    lines = asked.text.split("\n")
    assert len(asked.scripts) == 2, "what the parser knows to be no shell is not asked about"
    first, second = (next(number for number, text in enumerate(lines, 1) if part in text) for part in ("$a", "-n $b"))
    answers = read_answers(
        json.dumps(
            {
                "comments": [
                    {"code": 2999, "level": "warning", "message": "One.", "line": first, "endLine": first, "column": 3, "endColumn": 5},
                    {"code": 2998, "level": "error", "message": "Two", "line": second, "endLine": second, "column": 6, "endColumn": 8},
                    {"code": 2034, "level": "warning", "message": "Never", "line": second, "endLine": second, "column": 6, "endColumn": 8},
                    {"code": 2317, "level": "warning", "message": "Around", "line": 1, "endLine": 1, "column": 1, "endColumn": 2},
                ]
            }
        )
    )
    found = [(part.line, part.column, part.width, part.rule, part.severity, part.message) for part in findings(manual, asked, answers)]
    assert found == [
        (6, 5, 2, "SC2999", Severity.WARNING, "One"), (12, 6, 2, "SC2998", Severity.ERROR, "Two"),
    ]  # fmt: skip
    assert unparsable(answers, asked) == frozenset()
