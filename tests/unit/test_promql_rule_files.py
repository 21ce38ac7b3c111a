"""Rule files: what loads, what is refused, and where the problem is said to be."""

from pathlib import Path

import pytest

from keepwell.kernel.problems import ConfigurationError
from keepwell.rooms.promql.rules.loading import load_groups
from keepwell.rooms.promql.rules.model import Alerting, Names, Recording
from keepwell.rooms.promql.rules.reading import parse_rules, read_rules
from tests.support import outside

WHOLE = """\
groups:
  - name: api
    interval: 30s
    query_offset: 1m
    limit: 5
    labels: {team: web, severity: none}
    rules:
      - record: job:errors:rate5m
        expr: sum by (job) (rate(errors_total[5m]))
      - &high
        alert: High
        expr: |
          job:errors:rate5m
            > 0.5
        for: 1h30m
        keep_firing_for: 5m
        labels: {severity: 1}
        annotations:
          summary: "{{ $labels.job }} has {{ $value | humanizePercentage }}"
      - <<: *high
        alert: Higher
"""


def problems(text: str, names: Names = "utf8") -> list[tuple[int | None, int | None, str]]:
    with pytest.raises(ConfigurationError) as raised:
        parse_rules(text.encode(), "rules.yml", names)
    return [(one.where.line, one.where.column, one.message) for one in raised.value.problems if one.where]


def test_a_file_becomes_values() -> None:
    (group,) = parse_rules(WHOLE.encode(), "rules.yml").groups
    assert (group.name, group.interval, group.offset, group.limit) == ("api", 30_000, 60_000, 5)
    record, high, higher = group.rules
    assert isinstance(record, Recording)
    assert (record.name, record.labels) == ("job:errors:rate5m", {"team": "web", "severity": "none"})
    assert isinstance(high, Alerting)
    assert (high.hold, high.keep_firing, high.labels) == (5_400_000, 300_000, {"team": "web", "severity": "1"})
    assert isinstance(higher, Alerting)
    assert (higher.name, higher.expression, higher.annotations) == ("Higher", high.expression, high.annotations)


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "words"),
    [
        ("> 0.5", "> > 0.5", 14, 15, "the expression cannot be read"),
        ("rate(errors_total[5m])", "rate(errors_total)", 9, 29, "expected type matrix"),
        ("for: 1h30m", "for: 1.5h", 15, 14, '"1.5h" is no duration'),
        ("for: 1h30m", "fro: 1h30m", 15, 9, 'the key "fro" is not known here'),
        ("$value |", "$vale |", 19, 46, "undefined variable '$vale'"),
        ("humanizePercentage", "humanise", 19, 55, "function 'humanise' not defined"),
        ("record: job:errors:rate5m", "record: 'a{}'", 8, 17, "has braces"),
        ("limit: 5", "limit: five", 5, 12, "expected a whole number"),
        ("{severity: 1}", "{__name__: x}", 17, 18, "is no name of a label"),
        ("alert: Higher", "record: Higher", 21, 9, "it has both record and alert"),
    ],
)
def test_a_problem_is_said_where_it_stands(old: str, new: str, line: int, column: int, words: str) -> None:
    found = problems(WHOLE.replace(old, new, 1))
    assert any((at, start) == (line, column) and words in message for at, start, message in found), found


def test_all_problems_are_said_at_once() -> None:
    text = WHOLE.replace("> 0.5", "> (").replace("1h30m", "soon").replace("humanizePercentage", "(", 1)
    assert len(problems(text)) >= 3


def test_names_may_be_held_to_what_they_were_before() -> None:
    text = WHOLE.replace("summary:", "sum-mary:")
    assert parse_rules(text.encode(), "rules.yml").count == 3
    assert {message for _, _, message in problems(text, "legacy")} == {'"sum-mary" is no name of an annotation'}


def test_rules_that_stand_twice_are_doubtful() -> None:
    (sentence,) = parse_rules(WHOLE.replace("alert: Higher", "alert: High").encode(), "rules.yml").doubtful
    assert 'alert "High"' in sentence
    assert "2 times" in sentence


def test_the_outside_files_load_or_are_refused_as_they_are_named() -> None:
    files = sorted(outside("conformance", "rules").iterdir())
    assert len(files) >= 16
    for path in files:
        # The two files of this name and of utf-8_annotation.good.yaml are the same text, told apart by how names are validated.
        names: Names = "legacy" if path.name.startswith("legacy") else "utf8"
        if ".bad." in path.name:
            with pytest.raises(ConfigurationError):
                read_rules(path, names)
        else:
            assert read_rules(path, names).count > 0


def test_files_are_found_by_patterns_and_missing_ones_named(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "b.yml").write_text(WHOLE.replace("name: api", "name: b"))
    (tmp_path / "rules" / "a.yml").write_text(WHOLE)
    assert [group.name for group in load_groups(tmp_path, ["rules/*.yml", "rules/a.yml"])] == ["api", "b"]
    assert load_groups(tmp_path, ["none/*.yml"]) == ()
    (tmp_path / "rules" / "a.yml").write_text("groups: 1")
    with pytest.raises(ConfigurationError) as raised:
        load_groups(tmp_path, ["rules/*.yml", "missing.yml"])
    assert len(raised.value.problems) == 2
