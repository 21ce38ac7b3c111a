"""Configurations that look right and can never work: said when they are read, with the place, and not at night."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from keepwell.composition import verbs
from keepwell.kernel.problems import ConfigurationError, Problem

HEAD = "keepwell: 1\nservice: shop\n"
BACKUP = "backups:\n  data:\n    files: {paths: [/srv/shop]}\n    to: here\n"
HERE = "repositories: {here: {archive: {path: /var/backups/shop}}}\n"


def said(directory: Path, text: str) -> list[tuple[int | None, str]]:
    """The line and the sentence of each problem, or of each warning where there is none."""
    (directory / "keepwell.yaml").write_text(HEAD + text)
    try:
        problems: Sequence[Problem] = verbs.validate(str(directory))
    except ConfigurationError as error:
        problems = error.problems
    return [(problem.where.line if problem.where else None, problem.message) for problem in problems]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (BACKUP + HERE + 'tasks: {nightly: {backup: "", every: daily}}\n', 8, '"" is not one of the backups'),
        ('tasks: {nightly: {run: "", every: daily}}\n', 3, "at least 1 character"),
        ('tasks: {nightly: {waits_for: "", every: daily}}\n', 3, "at least 1 character"),
        ('tasks: {nightly: {every: daily, window: ""}}\n', 3, '"" is not one of the windows'),
        ("tasks: {nightly: {every: daily, expected_duration: 0s}}\n", 3, "expected_duration is no time at all"),
        ('tasks: {leap: {every: "0 0 30 2 *"}}\n', 3, 'the task leap is never due: no day of the next fifty years is one of "0 0 30 2 *"'),
        ('reports: {weekly: {every: "0 0 31 4 *"}}\n', 3, "reports/weekly is never due"),
        (BACKUP + '    every: "0 0 31 6 *"\n' + HERE, 4, "backups/data is never due"),
        ("tasks:\n  nightly:\n    every: blue moon\n", 5, '"blue moon" is not a cadence'),
        ("tasks:\n  nightly:\n    every: daily\n    zone: Mars/Base\n", 6, '"Mars/Base" is no time zone'),
        ("audits:\n  w:\n    world_writable: {paths: [/srv]}\n    every: blue moon\n", 6, '"blue moon" is not a cadence'),
        ("reports:\n  weekly:\n    zone: Mars/Base\n", 5, '"Mars/Base" is no time zone'),
        (BACKUP + '    every: ""\n' + HERE, 7, '"" is not a cadence'),
        (BACKUP + '    prove: {every: ""}\n' + HERE, 7, '"" is not a cadence'),
        (BACKUP + '    prove: {questions: [{files: "shop/*.conf", expect: ">= 1"}]}\n' + HERE, 7, 'no file fits "shop/*.conf"'),
        (BACKUP + '    prove: {questions: [{command: " "}]}\n' + HERE, 7, "command is empty"),
        (BACKUP + '    prove: {questions: [{text: "", holds: x}]}\n' + HERE, 7, "text is empty"),
        (BACKUP.replace("shop]", 'shop], exclude: ["*"]') + HERE, 5, "nothing of /srv/shop would be copied"),
        ('logs: {shop: {paths: [""]}}\n', 3, "at least 1 character"),
        ("logs: {shop: {clean: [{under: /var/log/shop, names: '*', older_than: 0s}]}}\n", 3, "older_than is no time at all"),
        ("logs: {shop: {paths: [/var/log/*.log], watch: [{in: /var/log/shop/a.log}]}}\n", 3, "nothing is counted in /var/log/shop/a.log"),
        ("kpis: {speed: {metric: 'duration_seconds{check=', target: '< 50ms'}}\n", 3, "the metric of speed: The selector"),
        ("kpis: {speed: {metric: 'rate(errors_total[5m])', target: '< 5'}}\n", 3, "is more than a selector of series"),
    ],
)
def test_what_never_works_is_said(tmp_path: Path, text: str, line: int, words: str) -> None:
    ((where, message),) = said(tmp_path, text)
    assert words in message
    assert where == line


@pytest.mark.parametrize(
    "text",
    [
        'tasks: {leap: {every: "0 0 29 2 *"}}\n',
        "tasks: {short: {every: monthly 31 10:00, zone: Europe/Berlin, expected_duration: 1s}}\n",
        BACKUP + '    prove: {questions: [{files: "*.conf", expect: ">= 1"}, {text: srv/shop/a, holds: x}]}\n' + HERE,
        BACKUP.replace("shop]", 'shop], exclude: ["/srv/shop/*", "*.tmp"]') + HERE,
        "logs: {shop: {paths: [log/*.log], watch: [{in: ./log/a.log}, {in: /srv/log/b.log}]}}\n",
        "kpis: {speed: {metric: 'duration_seconds{check=\"api\"}', target: '< 50ms'}}\n",
    ],
)
def test_what_works_is_not_doubted(tmp_path: Path, text: str) -> None:
    assert said(tmp_path, text) == []


@pytest.mark.parametrize(
    ("runbook", "words"),
    [
        ('```python {"name": "count"}\nprint(1)\n```\n', "step 1 (count): it is written in python, and steps are run by a shell"),
        ('---\non: app1\n```sh {"name": "look"}\ndf\n```\n', "its front matter has no end"),
    ],
)
def test_a_runbook_that_never_runs_is_said_where_it_is_named(tmp_path: Path, runbook: str, words: str) -> None:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "r.md").write_text(runbook)
    ((line, message),) = said(tmp_path, "tasks: {nightly: {run: runbooks/r.md, every: daily}}\n")
    assert (line, message.startswith("runbooks/r.md is never run as it is written: "), words in message) == (3, True, True)


def test_a_merge_key_is_told_from_a_slip(tmp_path: Path) -> None:
    (tmp_path / "keepwell.yaml").write_text(HEAD + "tasks:\n  one: &one {every: daily}\n  two: {<<: *one, every: weekly}\n")
    with pytest.raises(ConfigurationError) as caught:
        verbs.validate(str(tmp_path))
    (problem,) = caught.value.problems
    assert problem.hint == "this file is YAML 1.2, which has no merge keys: write the keys out"
