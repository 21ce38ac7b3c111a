"""One defect, one finding; and a fix that works in its place."""

import json

import pytest

from keepwell.rooms.manual.lint.registry import all_rules
from keepwell.rooms.manual.lint.shellcheck import bundle, findings, read_answers
from keepwell.rooms.manual.reading.document import read_manual

RULES = {rule.id: rule for rule in all_rules()}
ASK = "curl -sG --data-urlencode 'query={}' http://prometheus:9090/api/v1/query | jq '.data.result[0]'"


def said(rule: str, *lines: str) -> list[tuple[int, str]]:
    """Line and fix of each finding of a rule over a block of shell; its first line is line 4."""
    manual = read_manual("# Manual\n\n```bash\n" + "\n".join(lines) + "\n```\n", "m.md")
    return [(finding.line, finding.fix) for finding in RULES[rule].check(manual)]


def test_two_logs_that_are_followed_in_a_row_are_one_finding() -> None:
    assert said("KW501", "docker logs -f web", "docker logs -f worker", "df -h") == [(4, "docker logs --tail=100")]
    assert [line for line, _ in said("KW501", "docker logs -f web", "df -h", "docker logs -f worker", "df -h")] == [4, 6]


def test_a_variable_that_a_filter_swallowed_is_said_once() -> None:
    lines = ("oc get pod | grep shop POD=$(oc get pod -o name | head -1)", "oc describe $POD")
    assert [line for line, _ in said("KW124", *lines)] == [4]
    assert said("KW703", *lines) == []


def test_an_option_that_begins_a_line_is_left_to_the_rule_on_line_wraps() -> None:
    manual = read_manual("# a\n\n```bash\noc get pods\n--no-headers\nls && -f x\n```\n", "m.md")
    asked = bundle(manual)
    start = asked.starts[0]
    answers = [
        {"code": 2215, "level": "warning", "message": "A flag.", "line": line, "endLine": line, "column": column, "endColumn": column + 2}
        for line, column in ((start + 1, 1), (start + 2, 7))
    ]
    found = findings(manual, asked, read_answers(json.dumps({"comments": answers})))
    assert [(part.line, part.rule) for part in found] == [(6, "SC2215")]


@pytest.mark.parametrize(
    ("query", "fix"),
    [
        ("max_over_time(rate(a_total[5m])[30d])", "max_over_time(sum(rate(a_total[5m]))[30d:])"),
        ("avg_over_time(rate(a_total[1h])[30d:1d])", "avg_over_time(sum(rate(a_total[1h]))[30d:1d])"),
        ("rate(bad_total[5m])/rate(all_total[5m])", "sum(rate(bad_total[5m]))/sum(rate(all_total[5m]))"),
        ("increase(a_total[24h])", "sum(increase(a_total[24h]))"),
    ],
)
def test_the_sum_stands_where_the_query_stays_right(query: str, fix: str) -> None:
    assert said("KW408", ASK.format(query)) == [(4, fix)]
