"""Runbooks and the import's report: what is read from their text, whatever the text, and which files are read at all."""

import json
import os
from pathlib import Path

import pytest

from keepwell.config.runbook_files import LARGEST, read_runbooks
from keepwell.config.runbook_text import read_runbook
from keepwell.rooms.plan.model import Report, Wanted
from keepwell.rooms.plan.reports import read_report

TEXT = """\
---
title: Weekly cleaning
source: garden.md
environment:
  PLACE: /srv/garden
---

# Cleaning

Words, and an example that is nothing to run:

```sh
rm -rf /
```

```sh {"name": "stop", "line": "12", "operation": "systemd.stop"}
systemctl stop garden
```

> Refused (KW301): it deletes what may be the only copy.

````sh {"name":"clean","line":"20","disposition":"refused","rule":"KW301 KW306","missing":"BUCKET backup.sh","asks":"DAY"}
cat <<'END'
```sh {"name": "inner"}
never a step
```
END

rm -rf "$PLACE"
````

~~~sql {"name": "count"}
select 1;
~~~
"""


def test_a_runbook_as_import_writes_it() -> None:
    runbook = read_runbook("runbooks/cleaning.md", TEXT)
    assert (runbook.path, runbook.title, runbook.fault) == ("runbooks/cleaning.md", "Weekly cleaning", "")
    assert runbook.front["environment"] == {"PLACE": "/srv/garden"}
    stop, clean, count = runbook.steps
    assert (stop.number, stop.name, stop.line, stop.operation, stop.disposition, stop.text) == (
        1,
        "stop",
        12,
        "systemd.stop",
        "carried",
        "systemctl stop garden",
    )
    assert (clean.number, clean.disposition, clean.rule, clean.missing, clean.asks) == (
        2,
        "refused",
        "KW301 KW306",
        ("BUCKET", "backup.sh"),
        ("DAY",),
    )
    assert clean.operation == ""
    assert clean.text.startswith("cat <<'END'\n```sh")
    assert clean.text.endswith('END\n\nrm -rf "$PLACE"')
    assert (count.name, count.language, count.line) == ("count", "sql", None)


@pytest.mark.parametrize(
    "info",
    [
        "python {.numberLines}",
        "{=html}",
        "sh {rename=1}",
        "text names",
        "sh",
        'sh {"operation": "x"}',
        'sh ["a"]',
        "sh {" + "[" * 5000 + "}",
    ],
)
def test_a_fence_without_a_name_is_prose(info: str) -> None:
    assert read_runbook("r.md", f"```{info}\nrm -rf /\n```\n").steps == ()


@pytest.mark.parametrize(
    "info",
    [
        'sh {"name": ""}',
        'sh {"name": 5}',
        'sh {"name": ["a"]}',
        'sh {"name": "a"',
        "sh {name=a}",
        'sh {"name": "a"} more',
        'sh {"name": "' + "a" * 20000 + '"}',
        "sh { 'name': 'a' }",
        'sh {"interactive": false, "name": "a"}',
    ],
)
def test_a_fence_whose_name_cannot_be_read_is_a_fault_and_no_prose(info: str) -> None:
    (step,) = read_runbook("r.md", f"```{info}\nrm -rf /\n```\n").steps
    assert step.fault.startswith('its attributes "sh {')
    assert step.fault.endswith('write them as one JSON object of texts, such as {"name": "restart"}')


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ('```sh {"name": "a"}\nx', ["x"]),
        ('   ```sh {"name": "a"}\n   x\n  y\n   ```\n', ["x\ny"]),
        ('    ```sh {"name": "a"}\n    x\n    ```\n', []),
        ('```sh {"name": "a"}\r\nx\r\n```\r\n', ["x"]),
        ('```sh {"name": "a"}\nx\n````\n', ["x"]),
        ('````sh {"name": "a"}\nx\n```\ny\n````\n', ["x\n```\ny"]),
        ('```sh {"name": "a"}\nx\n~~~\n```\n', ["x\n~~~"]),
        ('```sh {"name": "a"}\n```\n```sh {"name": "b"}\ny\n```\n', ["", "y"]),
        ('```sh {"name": "a"}\nx\u2028```\ny\n```\n', ["x\u2028```\ny"]),
        ("", []),
        ("---\n", []),
        ("\x00\x1b[2J", []),
    ],
)
def test_fences_as_markdown_has_them(text: str, steps: list[str]) -> None:
    assert [step.text for step in read_runbook("r.md", text).steps] == steps


def test_front_matter_that_is_none() -> None:
    assert read_runbook("r.md", "---\n- a\n---\n# T #\n").front == {}
    assert read_runbook("r.md", "---\n- a\n---\n# T #\n").title == "T"
    assert "cannot be read" in read_runbook("r.md", "---\na: [\n---\n").fault
    assert "cannot be read" in read_runbook("r.md", "---\na: !!python/object:os.system x\n---\n").fault
    bomb = "---\na: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
    )
    assert "cannot be read" in read_runbook("r.md", bomb + "---\n").fault


def test_which_files_are_read(tmp_path: Path) -> None:
    ops = tmp_path / "ops"
    (ops / "runbooks").mkdir(parents=True)
    (tmp_path / "outside.md").write_text('```sh {"name": "outside"}\nx\n```\n')
    (ops / "runbooks" / "good.md").write_text('```sh {"name": "good"}\nx\n```\n')
    (ops / "runbooks" / "link.md").symlink_to("../../outside.md")
    (ops / "runbooks" / "circle.md").symlink_to("circle.md")
    (ops / "runbooks" / "bytes.md").write_bytes(b"\xff\xfe")
    (ops / "runbooks" / "large.md").write_bytes(b"x" * (LARGEST + 1))
    os.mkfifo(ops / "runbooks" / "pipe.md")
    paths = {
        "runbooks/good.md": "",
        "runbooks/../runbooks/good.md": "",
        "../outside.md": '"../outside.md" leaves the operations directory, so it is not read',
        str(tmp_path / "outside.md"): f'"{tmp_path / "outside.md"}" leaves the operations directory, so it is not read',
        "runbooks/link.md": '"runbooks/link.md" leaves the operations directory, so it is not read',
        "runbooks/absent.md": '"runbooks/absent.md" does not exist',
        "runbooks/bytes.md": '"runbooks/bytes.md" is not text in UTF-8',
        "runbooks/large.md": f'"runbooks/large.md" cannot be read: it is larger than {LARGEST} bytes',
        "runbooks/pipe.md": '"runbooks/pipe.md" cannot be read: it is no regular file',
        "runbooks": '"runbooks" cannot be read: it is no regular file',
        "a\0b": '"a\\x00b" cannot be read: embedded null byte',
    }
    found = {runbook.path: runbook.fault for runbook in read_runbooks(ops, [*paths, "runbooks/good.md"])}
    assert found == paths
    assert "runbooks/circle.md" in read_runbooks(ops, ["runbooks/circle.md"])[0].fault


def test_the_report_of_an_import() -> None:
    whole = {
        "summary": {"dispositions": {"carried": 5, "refused": 1, "odd": "x"}},
        "missing": [
            {"name": "BUCKET", "wanting": "value", "written": "$BUCKET", "asks": "Which?", "form": "text", "lines": [3, "x", 5]},
            {"name": "b.sh"},
            {"wanting": "value"},
            7,
        ],
    }
    assert read_report(json.dumps(whole).encode()) == Report(
        {"carried": 5, "refused": 1}, (Wanted("BUCKET", "value", "$BUCKET", "Which?", (3, 5)), Wanted("b.sh", ""))
    )
    counted = {"items": [{"disposition": "carried"}, {"disposition": "carried"}, {"disposition": "human"}, {}, 3]}
    assert read_report(json.dumps(counted).encode()).dispositions == {"carried": 2, "human": 1}


@pytest.mark.parametrize("data", [b"", b"\xff", b"{", b"[1]", b"[" * 100_000, b'"x"'])
def test_what_is_no_report_is_said(data: bytes) -> None:
    report = read_report(data)
    assert report.fault.startswith("import-report.json ")
    assert report.missing == ()
