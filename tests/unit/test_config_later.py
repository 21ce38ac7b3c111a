"""Sections whose rooms are not built yet are kept with their lines, looked at from outside only, and step back before a real one."""

import logging
from pathlib import Path

import pytest

from keepwell.composition import serve, verbs
from keepwell.config.describe import json_schema, reference, sample
from keepwell.config.later import LATER, Shape, later_beside
from keepwell.config.nodes import plain
from keepwell.config.operations import Operations, load
from keepwell.config.options import Options
from keepwell.config.unused import unused_in
from keepwell.config.yaml_reader import parse_yaml
from keepwell.kernel.problems import ConfigurationError
from keepwell.ports.offer import Section
from tests.unit.config_rooms import HEAD, loaded, problems, sections
from tests.unit.test_config_describe import conforms

WHOLE = """\
contacts:
  oncall: {email: oncall@example.org, slack: "secret:SLACK"}
rules:
  - alert: Slow
    expr: up == 0
  - {when: error rate > 5% for 5m, severity: P1}
rule_files: [more/*.yml]
escalations:
  primary: [{after: 0m, to: oncall}]
tasks:
  vacuum: {run: runbooks/vacuum.md, every: "${WHEN}", locks: [db]}
  empty:
windows:
incidents:
  severities: {P0: {respond: 15m}, P1: {respond: 1h}}
policy: {destructive: approve}
"""


def test_what_stands_in_them_is_kept_as_it_is_with_its_lines(tmp_path: Path) -> None:
    later = loaded(tmp_path, HEAD + WHOLE).later
    assert list(later) == ["contacts", "rules", "rule_files", "escalations", "tasks", "windows", "incidents", "policy"]
    assert later["contacts"].value == {"oncall": {"email": "oncall@example.org", "slack": "secret:SLACK"}}
    assert (later["contacts"].line, later["contacts"].entries[0].line) == (3, 4)
    assert [(one.name, one.line) for one in later["rules"].entries] == [("1", 6), ("2", 8)]
    assert later["tasks"].entries[0].value == {"run": "runbooks/vacuum.md", "every": "${WHEN}", "locks": ["db"]}
    assert later["tasks"].entries[1].value is None
    assert later["windows"].entries == ()
    assert [(one.name, one.value) for one in later["incidents"].entries] == [
        ("severities.P0", {"respond": "15m"}),
        ("severities.P1", {"respond": "1h"}),
    ]
    assert later["policy"].entries[0].value == "approve"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("contacts: [a]\n", (3, 11, "expected entries, each with its name, found a list")),
        ("contacts:\n  a: b\n", (4, 6, 'expected keys with values, found the text "b"')),
        ("contacts:\n  On Call: {}\n", (4, 3, '"On Call" is no name for an entry')),
        ("rules: {}\n", (3, 8, "expected a list, found keys with values")),
        ("rules: [a]\n", (3, 9, 'expected keys with values, found the text "a"')),
        ("rule_files: [1]\n", (3, 14, "expected text, found the number 1")),
        ("incidents: {severities: 5}\n", (3, 25, "expected entries, each with its name, found the number 5")),
        ("logs: {app: {keep: .inf}}\n", (3, 20, "expected a finite number, found the number .inf")),
        ("objectives: {app: [{a: [.nan]}]}\n", (3, 25, "expected a finite number, found the number .nan")),
    ],
)
def test_another_shape_is_a_problem_with_its_place(tmp_path: Path, body: str, expected: tuple[int, int, str]) -> None:
    assert problems(tmp_path, HEAD + body) == [expected]
    schema = json_schema(sections())
    if ".inf" not in body and ".nan" not in body:  # JSON has none
        assert not conforms(plain(parse_yaml((HEAD + body).encode(), "f").root), schema, schema)


def test_the_schema_takes_what_the_loader_takes() -> None:
    schema = json_schema(sections())
    assert conforms(plain(parse_yaml((HEAD + WHOLE).encode(), "f").root), schema, schema)
    assert "does not run" in schema["properties"]["tasks"]["description"]


def test_a_real_section_takes_the_place(tmp_path: Path) -> None:
    real = (*sections(), Section("tasks", "Work that recurs", lambda: Options, named=True))
    assert "tasks" not in [section.key for section in later_beside(real)]
    (tmp_path / "keepwell.yaml").write_text(HEAD + "tasks:\n  vacuum: {}\ncontacts:\n  a: {}\n")
    operations = load(tmp_path, real, {})
    assert list(operations.later) == ["contacts"]
    assert list(operations.entries("tasks")) == ["vacuum"]
    page = reference(real)
    assert "| `tasks` |" not in page
    assert "| `contacts` | entries by name |" in page
    assert "## Kept for later versions" not in reference([Section(one.key, one.summary, lambda: Options) for one in LATER])


def test_the_sample_names_them_and_validates(tmp_path: Path) -> None:
    text = sample(sections())
    assert loaded(tmp_path, text).later == {}
    written = " ".join(line.removeprefix("# ") for line in text.splitlines())
    assert all(section.key in written for section in LATER)


def test_every_shape_is_one_of_the_reference_page() -> None:
    page = reference(sections())
    assert all(f"| `{section.key}` | {section.shape.value} | {section.summary}. |" in page.splitlines() for section in LATER)
    assert {section.shape for section in LATER} == set(Shape)


TARGETS = """\
targets:
  api: {url: "http://127.0.0.1:1", on: local, depends_on: [db]}
  db: {postgres: "secret:DSN", systemd: postgresql.service}
  cache: {redis: "redis://127.0.0.1:6379/0"}
  plain: {url: "http://127.0.0.1:2"}
"""


def operations_of(folder: Path, body: str) -> Path:
    (folder / "keepwell.yaml").write_text(HEAD + body)
    return folder


NOT_RUN = """\
logs:
  app: {paths: ["${WHERE}"], keep: 30}
  empty:
windows:
policy: {destructive: approve}
"""


def without_some(directory: Path) -> Operations:
    """The directory as a version reads it that does not have the rooms of two sections."""
    return load(directory, [section for section in verbs.sections() if section.key not in ("logs", "policy")], {})


def test_what_is_not_run_is_said_in_one_sentence_a_section(tmp_path: Path) -> None:
    found = unused_in(without_some(operations_of(tmp_path, TARGETS + NOT_RUN)))
    assert [(one.section, one.entries, one.line) for one in found] == [("logs", 2, 8), ("policy", 1, 12)]
    by_section = {one.section: one.sentence for one in found}
    assert by_section["policy"] == "1 entry is kept and shown by keepwell plan; this version does not run it"
    assert by_section["logs"] == "2 entries are kept and shown by keepwell plan; this version runs none of them"


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
    with pytest.raises(ConfigurationError) as caught:
        verbs.load(str(operations_of(tmp_path, f"targets:\n{line}\n")))
    assert message in str(caught.value)


def test_the_server_says_in_one_line_what_it_does_not_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "keepwell"):
        serve._tell_unused(without_some(operations_of(tmp_path, "logs: {a: {}}\npolicy: {a: b}\n")))
        serve._tell_unused(verbs.load(str(operations_of(tmp_path, ""))))
    (record,) = caplog.records
    assert record.message == "kept, not run by this version"
    assert record.__dict__["facts"] == {"sections": "logs (1), policy (1)"}
