"""Conditions in words, and rules as they are written: read, or refused where they are wrong."""

from datetime import timedelta
from pathlib import Path

import pytest

from keepwell.config.operations import load
from keepwell.kernel.problems import ConfigurationError
from keepwell.ports.offer import Section
from keepwell.rooms.alerts.rules.model import Language, MeasuredRule, Parts, RuleSet
from keepwell.rooms.alerts.rules.offer import sections
from keepwell.rooms.alerts.rules.reading import read_rules, unknown_figures
from keepwell.rooms.alerts.rules.when import parse_when
from tests.unit.config_rooms import Care


@pytest.mark.parametrize(
    ("text", "figure", "limit", "hold"),
    [
        ("uptime < 99.5%", "uptime", "< 99.5%", None),
        ("Error  Rate > 10% for 5m", "error rate", "> 10%", 300),
        ("95th percentile response time > 2s", "95th percentile response time", "> 2s", None),
        ("database connections > 80% of max connections", "database connections of max connections", "> 80%", None),
        ("error rate for 5xx answers >= 5%", "error rate for 5xx answers", ">= 5%", None),
        ("response time > 5 ms for 1h30m", "response time", "> 5 ms", 5400),
        ("failures > 5 of 10", "failures of 10", "> 5", None),
        ("application down for 2m", "application down", None, 120),
        ("disk full", "disk full", None, None),
    ],
)
def test_words(text: str, figure: str, limit: str | None, hold: float | None) -> None:
    when = parse_when(text)
    assert (when.figure, str(when.limit) if when.limit else None) == (figure, limit)
    assert when.hold == (timedelta(seconds=hold) if hold is not None else None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no condition"),
        ("> 5", "does not say what is measured"),
        ("a > b", "has no amount behind >"),
        ("errors > 5 for 5 minutes", "is not a duration"),
        ("x > 1e400", "beyond what a computer holds"),
        ("x" * 400 + " > 5", "is no condition"),
    ],
)
def test_what_is_no_condition(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_when(text)


# --- rules -------------------------------------------------------------------------------------------------------------------------


def apart(text: str) -> Parts:
    """As PromQL takes it apart, for the few expressions here: its own tests say the rest."""
    if "!" in text:
        raise ConfigurationError("unexpected !")
    left, sign, right = text.partition(" > ")
    if sign and right.isdigit():
        return Parts(left, ">", float(right), frozenset({left}))
    return Parts(left, ">", None, frozenset({left})) if sign else Parts("", "", None, frozenset({text}))


def template(text: str) -> None:
    if "{{bad" in text:
        raise ConfigurationError("function bad not defined")


CHECKS = Section("checks", "Checks", lambda: Care, named=True)


def rules(directory: Path, text: str) -> RuleSet:
    (directory / "keepwell.yaml").write_text(f"keepwell: 1\nservice: shop\nchecks: {{api: {{}}, db: {{}}}}\n{text}")
    operations = load(directory, (CHECKS, *sections()), {})
    return read_rules(operations.listed("rules"), operations.values["figures"].figures, Language(apart, template))


def measured(directory: Path, text: str) -> MeasuredRule:
    (rule,) = rules(directory, text).measured
    return rule


def test_words_with_a_figure(tmp_path: Path) -> None:
    text = (
        'figures: {Error Rate: failed}\nrules: [{alert: Errors, when: "error rate > 10% for 5m", severity: critical, recovery: "< 5%"}]\n'
    )
    rule = measured(tmp_path, text)
    assert (rule.measured, str(rule.limit), rule.timing.hold) == ("(failed)", "> 10%", timedelta(minutes=5))
    assert rule.recovery is not None
    assert str(rule.recovery.limit) == "< 5%"
    assert (rule.face.labels, rule.source, rule.waits_for) == ({"severity": "critical"}, "rules/rules/Errors", "")


def test_a_figure_that_nothing_defines_is_waited_for(tmp_path: Path) -> None:
    text = "figures: {error rates: x}\nrules: [{alert: Errors, when: error rate > 10%}, {kpi: error rate, warning: > 1%}]\n"
    found = rules(tmp_path, text.replace("error rate > 10%", '"error rate > 10%"').replace("> 1%", '"> 1%"'))
    assert [rule.waits_for for rule in found.measured] == ["error rate", "error rate"]
    figures = {"error rates": "x"}
    expected = 'Errors, ErrorRate waits: figures does not say what "error rate" measures; there is "error rates"'
    assert list(unknown_figures(figures, found)) == [("error rate", expected)]


def test_a_state_holds_where_its_figure_is_not_0_or_gives_anything(tmp_path: Path) -> None:
    head = 'rules: [{alert: Down, when: "application down for 2m"}]\nfigures: {application down: '
    plain, compared = measured(tmp_path, head + "down}\n"), measured(tmp_path, head + '"down > 0"}\n')
    assert (plain.measured, str(plain.limit)) == ("(down)", "!= 0")
    assert (compared.measured, str(compared.limit), compared.text) == ("down", "> 0", "down > 0")


def test_a_kpi_is_two_rules(tmp_path: Path) -> None:
    text = 'rules: [{kpi: response time, expr: seconds, warning: "> 100ms", critical: "> 500ms", for: 1m}]\n'
    warning, critical = rules(tmp_path, text).measured
    assert (warning.face.name, warning.source) == ("ResponseTime", "rules/rules/ResponseTime/warning")
    assert critical.face.labels == {"severity": "critical", "kpi": "response time"}
    assert [str(rule.limit) for rule in (warning, critical)] == ["> 100ms", "> 500ms"]


def test_rules_over_checks_replace_the_standard_ones(tmp_path: Path) -> None:
    found = rules(tmp_path, "rules: [{check: api, severity: page, for: 1m}]\n")
    assert [(rule.check, rule.key) for rule in found.checks] == [
        ("api", "CheckFailed/api"),
        ("*", "CheckFailed"),
        ("*", "CheckWarns"),
        ("*", "CheckUnknown"),
    ]
    everywhere = rules(tmp_path, 'rules: [{check: "*", state: warn}]\n')
    (rule,) = everywhere.checks
    assert (rule.check, sorted(rule.states), rule.face.labels) == ("*", ["fail", "warn"], {"severity": "warning"})


def test_prometheus_form(tmp_path: Path) -> None:
    text = """\
rules:
  - alert: High
    expr: load > 5
    for: 10m
    keep_firing_for: 5m
    labels: {severity: page}
    annotations: {summary: "{{ $value }}"}
    runbook: https://runbooks.test/high
"""
    rule = measured(tmp_path, text)
    assert (rule.measured, str(rule.limit), rule.timing.keep_firing) == ("load", "> 5", timedelta(minutes=5))
    assert rule.face.annotations == {"summary": "{{ $value }}", "runbook_url": "https://runbooks.test/high"}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{alert: A}", "a rule has exactly one of expr, when, kpi and check; it has none"),
        ('{alert: A, expr: x, when: "x > 1"}', "a rule has exactly one of expr, when, kpi and check; it has expr and when"),
        ("{expr: x}", "the rule has no name"),
        ("{kpi: x}", "kpi belongs together with warning, critical or both"),
        ('{kpi: x, warning: "> 5", critical: "> 4"}', "critical > 4 is not worse than warning > 5"),
        ('{kpi: x, warning: "> 5", severity: page}', "a KPI's alerts have the severities warning and critical"),
        ("{check: nothing}", '"nothing" is not one of the checks'),
        ("{check: api, recovery: x}", "a check's recovery is when it is ok again"),
        ("{alert: A, expr: x, state: warn}", "state is a check's"),
        ("{alert: A, expr: x, severity: a, labels: {severity: b}}", "the severity stands in severity and in labels"),
        ('{alert: A, when: "x > 1 for 5m", for: 5m}', "how long it must hold stands in when and in for"),
        ('{alert: A, when: "> 1"}', "does not say what is measured"),
        ("{alert: A, expr: x, every: 100ms}", "every is below one second"),
        ("{alert: A, expr: x, labels: {alertname: b}}", "alertname cannot be a label here"),
        ("{alert: A, expr: x!}", 'the expression of "A" cannot be read: unexpected !'),
        ("{alert: A, expr: x > 1, recovery: y!}", 'the recovery of "A" cannot be read: unexpected !'),
        ('{alert: A, expr: x, recovery: "< 5"}', "nothing that is measured can be compared with < 5"),
        ('{alert: A, expr: x, annotations: {a: "{{bad}}"}}', 'the template of "a" in annotations cannot be read: function bad not defined'),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(tmp_path: Path, entry: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rules(tmp_path, f"rules:\n  - {entry}\n")
    (problem,) = caught.value.problems
    assert said in problem.message
    assert problem.where is not None
    assert problem.where.line == 5


def test_a_name_stands_once_in_a_group(tmp_path: Path) -> None:
    twice = "rules: [{alert: A, expr: x}, {alert: A, expr: y, group: other}, {alert: A, expr: z}]\n"
    with pytest.raises(ConfigurationError, match='the rule "A" stands in line 4 already'):
        rules(tmp_path, twice)
