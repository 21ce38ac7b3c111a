"""Unit tests of rules and checks of rule files, here and by Debian's promtool (2.42)."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from keepwell.app import commands
from keepwell.cli.program import run
from tests.support import need, outside

DISAGREEING = {
    "no-test-group-interval.yml": "2.42 puts all samples of a test without an interval at 0; since 2.47 it has the file's interval",
}
"""Where Debian's promtool ends otherwise, and why."""

RULES = """\
groups:
  - name: second
    rules:
      - record: doubled
        expr: base * 2
        labels: {kind: "x"}
  - name: first
    rules:
      - record: base
        expr: sum by (job) (rate(hits_total[5m]))
      - alert: Slow
        expr: base < 1
        for: 2m
        keep_firing_for: 3m
        labels:
          severity: '{{ if lt $value 0.1 }}page{{ else }}note{{ end }}'
        annotations:
          text: '{{ $labels.job | title }} at {{ $value | humanize }}/s in {{ $externalLabels.region }}: {{ printf "%.3f" $value }}'
          all: '{{ range query "base" }}{{ .Labels.job }}={{ .Value | humanizePercentage }} {{ end }}'
          link: '{{ graphLink "base" }} {{ $value | humanizeDuration }} {{ reReplaceAll "a(.)" "$1$1" $labels.job }}'
"""

TESTS = """\
rule_files: [rules.yml]
evaluation_interval: 1m
group_eval_order: [first, second]
tests:
  - name: fires, and goes on
    interval: 30s
    external_labels: {region: north}
    input_series:
      - series: 'hits_total{job="api",host="a"}'
        values: '0+10x20 200+90x20 _x4 stale'
      - series: 'hits_total{job="api",host="b"}'
        values: '0+5x20 100x10 3+1x10'
    alert_rule_test:
      - eval_time: 4m
        alertname: Slow
        exp_alerts:
          - exp_labels: {job: api, severity: note}
            exp_annotations: {text: "Api at 400m/s in north: 0.400", all: "api=40% ", link: "/graph?g0.expr=base&g0.tab=0 400ms ppi"}
      - eval_time: 12m
        alertname: Slow
        exp_alerts: []
    promql_expr_test:
      - expr: doubled
        eval_time: 10m
        exp_samples:
          - labels: 'doubled{job="api",kind="x"}'
            value: 1
      - expr: ALERTS{alertstate="firing"}
        eval_time: 5m
        exp_samples:
          - labels: 'ALERTS{alertname="Slow",alertstate="firing",job="api",severity="note"}'
            value: 1
      - expr: count(ALERTS_FOR_STATE)
        eval_time: 30m
        exp_samples: []
"""


def ended_well(program: str, command: list[str], path: Path) -> bool:
    with tempfile.TemporaryDirectory() as scratch:  # promtool leaves its store behind where a test of the file fails
        done = subprocess.run(
            [program, *command, path.name],
            cwd=path.parent,
            env={**os.environ, "TMPDIR": scratch},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 0


def ours(action: str, path: Path) -> bool:
    """Whether ``keepwell rules ACTION FILE`` ends well. The command as it is, in this process: many files are compared, and a program
    started for each takes longer than all that it judges."""
    code = run(commands(), "test", ["rules", action, str(path)])
    assert code in (0, 1)
    return code == 0


def keepwell() -> str:
    return str(Path(sys.executable).with_name("keepwell"))


@pytest.fixture
def promtool() -> str:
    return need("promtool")


def test_the_outside_tests_end_as_promtool_says(tmp_path: Path, promtool: str) -> None:
    shutil.copytree(outside("conformance", "promtool"), tmp_path / "cases")
    files = sorted((tmp_path / "cases").glob("*.yml"))
    assert len(files) >= 14
    assert {path.name for path in files if ours("test", path) != ended_well(promtool, ["test", "rules"], path)} == set(DISAGREEING)


@pytest.mark.parametrize(
    ("old", "new", "holds"),
    [
        ("", "", True),
        ("400m/s", "401m/s", False),
        ("value: 1\n      - expr: ALERTS", "value: 1.5\n      - expr: ALERTS", False),
        ("severity: note}", "severity: page}", False),
        ("[first, second]", "[second, first]", None),
        ("eval_time: 12m", "eval_time: 5m", False),
        ("alertname: Slow", "alertname: Other", False),
        ("'0+10x20 200+90x20 _x4 stale'", "'0+10x'", False),
        ("group_eval_order: [first, second]", "group_eval_order: [first, first]", False),
        ("rule_files: [rules.yml]", "rule_files: ['*les.yml']", True),
        ("rule_files: [rules.yml]", "rule_files: [none.yml]", False),
    ],
)
def test_a_test_of_every_kind_ends_as_promtool_says(tmp_path: Path, promtool: str, old: str, new: str, holds: bool | None) -> None:
    # keep_firing_for came after 2.42.
    (tmp_path / "rules.yml").write_text(RULES.replace("        keep_firing_for: 3m\n", ""))
    path = tmp_path / "tests.yml"
    path.write_text(TESTS.replace(old, new, 1) if old else TESTS)
    ended, theirs = ours("test", path), ended_well(promtool, ["test", "rules"], path)
    assert ended == theirs
    assert holds is None or ended == holds


def test_an_alert_keeps_firing_for_as_long_as_it_says(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES)
    path = tmp_path / "tests.yml"
    keeps = """\
rule_files: [rules.yml]
tests:
  - input_series: [{series: 'hits_total{job="api"}', values: '0+6x10 1000+600x20'}]
    alert_rule_test:
      - {eval_time: 13m, alertname: Slow, exp_alerts: [{exp_labels: {job: api, severity: note}}]}
      - {eval_time: 20m, alertname: Slow, exp_alerts: []}
"""
    path.write_text(keeps)
    done = subprocess.run([keepwell(), "rules", "test", str(path)], capture_output=True, text=True, timeout=60, check=False)
    # Annotations are part of what is compared: the first of the two differs in them alone.
    assert done.stdout.count("alert Slow at") == 1
    assert 'got:      labels {alertname="Slow", job="api", severity="note"}' in done.stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("rate(hits_total[5m])", "rate(hits_total)"),
        ("lt $value", "lt $vlue"),
        ("name: first", "name: second"),
        ("for: 2m", "for: 2"),
        ("labels: {kind", "label: {kind"),
        ("record: base", "record: 'ba se{'"),
        ("expr: base < 1", "expr: ''"),
    ],
)
def test_a_file_is_refused_where_promtool_refuses_it(tmp_path: Path, promtool: str, old: str, new: str) -> None:
    path = tmp_path / "rules.yml"
    text = RULES.replace("        keep_firing_for: 3m\n", "")
    path.write_text(text.replace(old, new, 1) if old else text)
    assert ours("check", path) == ended_well(promtool, ["check", "rules"], path) == (not old)
