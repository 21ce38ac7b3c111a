"""A manual as it is read: items, sections, fences and their languages, and what a hostile one does."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepwell.kernel.problems import UsageError
from keepwell.rooms.manual.reading.document import read_manual
from keepwell.rooms.manual.reading.model import Kind, Manual
from keepwell.rooms.manual.reading.plain import plain
from tests.hostile_manuals import LARGE, TEXTS
from tests.support import outside

MANUALS = ("audiodeck-connect", "smart-campus-assistant", "speech-to-text", "voice-agent", "whisper-background-server")
OTHERS = ("openshift", "prometheus-operator")


def manual(text: str | bytes) -> Manual:
    return read_manual(text, "x.md")


def holds_together(read: Manual) -> None:
    """What is true of every manual."""
    last = max(1, len(read.lines))
    lines = [item.line for item in read.items]
    assert lines == sorted(lines)
    for item in read.items:
        assert 1 <= item.line <= item.end_line <= last
    for fence in read.fences:
        assert 1 <= fence.line <= fence.end_line <= last
        assert fence.line <= fence.first <= fence.end_line + 1
        inside = [item for item in read.items if fence.line < item.line <= fence.end_line]
        assert all(item.end_line <= fence.end_line for item in inside)
    for section in read.all_sections:
        assert 1 <= section.line <= section.end_line <= last
        assert all(section.line <= child.line <= child.end_line <= section.end_line for child in section.children)
    for script in read.scripts:
        for command in script.commands:
            assert 1 <= command.line <= command.end_line <= last
            assert script.commands[command.index] is command
    for part in (*read.statements, *read.settings):
        assert 1 <= part.line <= part.end_line <= last
    for line in range(1, last + 1, max(1, last // 50)):
        section = read.section_of(line)
        assert section.line <= line <= section.end_line


DOCUMENT = """---
title: Shop
owner: ops
---
Before.

# One

- a
- [x] b **bold**
  1. c

> ## quoted

## Two [link](http://a)

| Metric | Warning |
|---|---|
| `cpu` | > 80% |
| memory |

<!-- note -->

```bash
#!/bin/sh
# /opt/x/run.sh - runs it
X=1
curl -f http://h |
  jq .
```

    indented

Last
paragraph.
"""


def test_items() -> None:
    read = manual(DOCUMENT)
    holds_together(read)
    found = [(item.kind.value, item.line, item.end_line, item.text) for item in read.items]
    assert found == [
        ("front matter", 1, 4, "title: Shop\nowner: ops"),
        ("paragraph", 5, 5, "Before."),
        ("heading", 7, 7, "One"),
        ("list item", 9, 9, "a"),
        ("checkbox", 10, 10, "b bold"),
        ("list item", 11, 11, "c"),
        ("paragraph", 13, 13, "quoted"),
        ("heading", 15, 15, "Two link"),
        ("table row", 17, 17, "Metric | Warning"),
        ("table row", 19, 19, "cpu | > 80%"),
        ("table row", 20, 20, "memory | "),
        ("html", 22, 22, "<!-- note -->"),
        ("fence", 24, 30, read.fences[0].content),
        ("comment", 26, 26, "/opt/x/run.sh - runs it"),
        ("assignment", 27, 27, "X=1"),
        ("command", 28, 29, "curl -f http://h | jq ."),
        ("fence", 32, 32, "indented\n"),
        ("paragraph", 34, 35, "Last\nparagraph."),
    ]
    assert [setting.path for setting in read.front_matter] == [("title",), ("owner",)]
    assert read.of(Kind.CHECKBOX)[0].checked
    assert [item.level for item in read.items if item.kind in (Kind.LIST_ITEM, Kind.CHECKBOX)] == [1, 1, 2]
    assert read.items[-1].section == ("One", "Two link")
    assert read.title == "One"
    assert read.fences[0].file == "/opt/x/run.sh"
    assert read.fences[1].indented
    table = read.tables[0]
    assert (table.columns, [row.cells for row in table.rows]) == (("Metric", "Warning"), [("cpu", "> 80%"), ("memory", "")])
    assert table.column("limit", "warning") == 1


def test_sections() -> None:
    read = manual("intro\n# A\n### B\ntext\n## C\n# D\n")
    spans = [(part.title, part.level, part.line, part.end_line, part.path) for part in read.all_sections]
    assert spans == [
        ("", 0, 1, 1, ()), ("A", 1, 2, 5, ("A",)), ("B", 3, 3, 4, ("A", "B")), ("C", 2, 5, 5, ("A", "C")), ("D", 1, 6, 6, ("D",)),
    ]  # fmt: skip
    assert read.section_of(4).title == "B"
    assert [item.text for item in read.items_in(read.sections[1], Kind.PARAGRAPH)] == ["text"]
    assert "b" in read.words_near(4)


@pytest.mark.parametrize(
    ("info", "content", "language"),
    [
        ("bash", "ls", "shell"),
        ("sh", "ls", "shell"),
        ("", "sudo systemctl restart x", "shell"),
        ("", "Health\n  ↓\nAlert", "text"),
        ("", "$ ls\na", "console"),
        ("bash", "$ ls\na", "console"),
        ("console", "$ ls\na", "console"),
        ("bash", "# /etc/logrotate.d/x\n/var/log/*.log {\n daily\n}", "logrotate"),
        ("", "[Unit]\nDescription=x", "systemd"),
        ("ini", "[Service]\nExecStart=/x", "systemd"),
        ("ini", "[a]\nb=c", "ini"),
        ("", "0 3 * * * /opt/x.sh", "crontab"),
        ("cron", "@daily root /opt/x.sh", "crontab"),
        ("", "SELECT 1;", "sql"),
        ("postgresql", "VACUUM;", "sql"),
        ("", '{"a": 1}', "json"),
        ("yml", "a: 1", "yaml"),
        ("", "apiVersion: v1\nkind: Pod", "yaml"),
        ("", "FROM python:3\nRUN x", "dockerfile"),
        ("", "#!/usr/bin/env python3\nprint()", "python"),
        ("rust", "fn main() {}", "rust"),
        ("mermaid", "graph TD", "mermaid"),
        ("promql", "rate(x[5m])", "promql"),
        ("sh", "// busiest\ntopk(5,\n sum by (pod) (rate(x[5m]))\n)", "promql"),
        ("console", "spec:\n  replicas: 2", "yaml"),
        ("shell", "I0611 11:13:35.048771 1 log.go:245] Apply", "text"),
        ("text", "plain words", "text"),
    ],
)
def test_languages(info: str, content: str, language: str) -> None:
    assert manual(f"```{info}\n{content}\n```\n").fences[0].language == language


def test_console_is_parted_into_prompts_and_output() -> None:
    read = manual("```console\n$ oc get pods \\\n>   -n x\nNAME  READY\na     1/1\n$ oc logs a | grep -i err\n```\n")
    assert [(command.name, command.line, command.column) for command in read.commands] == [("oc", 2, 3), ("oc", 6, 3), ("grep", 6, 15)]
    assert read.fences[0].output == ((4, "NAME  READY"), (5, "a     1/1"))
    assert [item.line for item in read.of(Kind.OUTPUT)] == [4, 5]


def test_console_with_comments_and_with_nothing_but_output() -> None:
    read = manual(
        "```bash\n# Edit the machine\n$ virtctl stop a  # or b\n```\n\n```console\nFound 3 nodes\n```\n\n```console\noc get pods\n```\n"
    )
    assert [(command.name, command.line) for command in read.commands] == [("virtctl", 3), ("oc", 11)]
    assert [(item.kind.value, item.line) for item in read.items if item.kind in (Kind.COMMENT, Kind.OUTPUT)] == [
        ("comment", 2), ("comment", 3), ("output", 7),
    ]  # fmt: skip


def test_crontab_lines_in_shell() -> None:
    read = manual(
        "```bash\ncrontab -e\n\n*/5 * * * * /opt/x.sh --a > /dev/null 2>&1\n0 0 1 * * root date +\\%F\n# 0 4 * * * /opt/off.sh\n```\n"
    )
    assert [(entry.schedule, entry.user, entry.command, entry.line) for entry in read.cron] == [
        ("*/5 * * * *", "", "/opt/x.sh --a > /dev/null 2>&1", 4), ("0 0 1 * *", "root", "date +\\%F", 5),
    ]  # fmt: skip
    assert read.cron[0].script.commands[0].name == "x.sh"
    assert read.cron[0].script.commands[0].column == 13
    assert [command.name for command in read.fences[0].script.commands] == ["crontab"]  # type: ignore[union-attr]
    assert next((item.line, item.text) for item in read.of(Kind.CRON)) == (4, "*/5 * * * * /opt/x.sh --a > /dev/null 2>&1")


def test_what_stands_inside_shell() -> None:
    read = manual(
        "```bash\ncat > /opt/a.sh <<'EOF'\n#!/bin/bash\nrm -rf $X\nEOF\npsql -d x <<SQL\n-- c\nDELETE FROM t;\nSELECT 1;\nSQL\n"
        'psql -c "\nUPDATE t\nSET a = 1;"\nssh host \'systemctl stop x\'\necho "0 1 * * * /x.sh" | crontab -\n'
        "cat > c.yaml <<EOF\na:\n  - b: 1\nEOF\ntee /etc/systemd/system/x.service <<EOF\n[Service]\nExecStart=/x\nEOF\n```\n"
    )
    holds_together(read)
    assert [(script.origin, script.file, script.line) for script in read.scripts] == [
        ("fence", "", 2), ("heredoc", "/opt/a.sh", 3), ("argument", "", 14),
    ]  # fmt: skip
    assert [(part.verb, part.line, part.end_line, part.client) for part in read.statements] == [
        ("DELETE", 8, 8, "psql"), ("SELECT", 9, 9, "psql"), ("UPDATE", 12, 13, "psql"),
    ]  # fmt: skip
    assert next(script for script in read.scripts if script.origin == "argument").commands[0].name == "systemctl"
    assert [(part.path, part.value, part.line, part.file) for part in read.settings] == [
        (("a", "0", "b"), "1", 18, "c.yaml"), (("Service", "ExecStart"), "/x", 22, "/etc/systemd/system/x.service"),
    ]  # fmt: skip
    assert read.names.defines("a.sh")


@pytest.mark.parametrize(
    ("info", "content", "expected"),
    [
        (
            "yaml",
            "a:\n  b: 1\n  c: [x, y]\n---\nd: |\n  e",
            [(("a", "b"), "1", 2), (("a", "c", "0"), "x", 3), (("a", "c", "1"), "y", 3), (("d",), "e", 5)],
        ),
        (
            "json",
            '// ok\n{"a": {"b": 1, "c": ["x", true]},\n "d": "e", ...}',
            [(("a", "b"), "1", 2), (("a", "c", "0"), "x", 2), (("a", "c", "1"), "true", 2), (("d",), "e", 3)],
        ),
        ("ini", "# c\nx = 1\n[s]\ny: two ; c\nsave 900 1", [(("x",), "1", 2), (("s", "y"), "two", 4), (("s", "save"), "900 1", 5)]),
        ("toml", '[a.b]\nc = "d"', [(("a.b", "c"), "d", 2)]),
        ("systemd", "[Service]\nExecStart=/x \\\n  -y\nUser=z", [(("Service", "ExecStart"), "/x -y", 2), (("Service", "User"), "z", 4)]),
        (
            "logrotate",
            "/a/*.log\n/b.log {\n  rotate 7\n  postrotate\n    x\n  endscript\n}",
            [(("/a/*.log /b.log", "rotate"), "7", 3), (("/a/*.log /b.log", "postrotate"), "x", 4)],
        ),
        (
            "nginx",
            "http {\n  log_format m '$a ;'\n    '$b';\n  server { listen 80; }\n}",
            [(("http", "log_format"), "m '$a ;' '$b'", 2), (("http", "server", "listen"), "80", 4)],
        ),
        ("dockerfile", "FROM a:1\nRUN x \\\n  && y", [(("FROM",), "a:1", 1), (("RUN",), "x   && y", 2)]),
    ],
)
def test_settings(info: str, content: str, expected: list[tuple[tuple[str, ...], str, int]]) -> None:
    read = manual(f"```{info}\n{content}\n```\n")
    assert read.fences[0].error == ""
    assert [(part.path, part.value.strip(), part.line - 1) for part in read.fences[0].settings] == expected


@pytest.mark.parametrize(("info", "content", "line"), [("yaml", "a: b: c", 2), ("json", '{"a": 1\n', 4), ("json", "]", 2)])
def test_what_cannot_be_parsed_says_where(info: str, content: str, line: int) -> None:
    fence = manual(f"```{info}\n{content}\n```\n").fences[0]
    assert fence.error
    assert fence.error_line == line


def test_what_is_no_shell_says_so() -> None:
    fence = manual("```bash\nls\n)\n```\n").fences[0]
    assert fence.error == "not all of it is shell"
    assert fence.error_line in (2, 3)


def test_names() -> None:
    read = manual(
        "# Shop\n\nKeep backups for 14 days. CPU > 80%, error rate above 5%.\n\n| Metric | Critical |\n|--|--|\n| Memory | >2GB |\n\n"
        "```bash\nD=/var/backups\npg_dump shop > $D/shop.sql\n[ -f /run/ok ] && ./deploy.sh\n"
        "find $D -name '*.sql' -mtime +7 -delete\nsystemctl restart shop.service\ndocker-compose restart web\ndocker exec db ls\n"
        'curl http://shop:8080/health\nif [ "$LOAD_MS" -gt 300 ]; then x; fi\ntar -czf /b/a.tgz /etc\nrm -f /tmp/x\n```\n'
    )
    names = read.names
    assert [(use.path, use.how, use.line) for use in names.files] == [
        ("/var/backups/shop.sql", "written", 11), ("/run/ok", "tested", 12), ("./deploy.sh", "executed", 12),
        ("/var/backups", "listed", 13),
        ("/b/a.tgz", "written", 19), ("/etc", "read", 19), ("/tmp/x", "removed", 20),
    ]  # fmt: skip
    assert [(one.host, one.port, one.path) for one in names.addresses] == [("shop", 8080, "/health")]
    assert [(one.name, one.what) for one in names.units] == [("shop", "restart")]
    assert [(one.about, one.comparison, one.value, one.unit, one.line) for one in names.thresholds] == [
        ("cpu", ">", 0.8, "ratio", 3), ("error rate", ">", 0.05, "ratio", 3), ("memory", ">", 2 * 1024**3, "bytes", 7),
        ("load", ">", 0.3, "seconds", 18),
    ]  # fmt: skip
    assert [(one.value / 86400, one.line, one.where) for one in names.retention] == [(14, 3, "prose"), (7, 13, "command")]


# --- bytes


def test_line_ends_marks_and_nul() -> None:
    read = manual(b"\xef\xbb\xbf# A\r\n\r\nb\0c\rd\r\n")
    assert read.lines == ("# A", "", "b\ufffdc", "d")
    assert read.headings[0].text == "A"
    assert [line for line, _ in read.remarks] == [3]


def test_invalid_utf8_is_read_and_said() -> None:
    read = manual(b"# A\n\nb\xff\n")
    assert read.lines[2] == "b\ufffd"
    assert read.remarks[0][0] == 3


def test_mojibake_is_mended_line_by_line() -> None:
    read = manual("# ðŸŽ¯ Plan\n\nâœ“ done \u2013 fine\n\nDas Überwachen für €5\n")
    assert read.lines == ("# 🎯 Plan", "", "✓ done \u2013 fine", "", "Das Überwachen für €5")
    assert [(part.line, part.read) for part in read.mended] == [(1, "# 🎯 Plan"), (3, "✓ done \u2013 fine")]


@pytest.mark.parametrize("data", [b"\x7fELF" + bytes(4000), b"x" * 20_000_001])
def test_what_is_no_manual_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError):
        manual(data)


@pytest.mark.parametrize("text", ["", "\n", "---", "---\n", "---\na: b\n", "```", "```\n", "    ", "|", "<", "- ", "#"])
def test_almost_nothing(text: str) -> None:
    holds_together(manual(text))


def test_fences_that_are_not_closed_and_fences_in_fences() -> None:
    read = manual("````md\n```bash\nls\n```\n````\n\n- x\n  ```sh\n  rm -rf /x\n\ny\n\n~~~bash\nls\n```\n")
    holds_together(read)
    assert [(fence.line, fence.end_line, fence.closed, fence.language) for fence in read.fences] == [
        (1, 5, True, "md"), (8, 10, False, "shell"), (13, 15, False, "shell"),
    ]  # fmt: skip
    assert next((command.name, command.line, command.column) for command in read.commands) == ("rm", 9, 3)


def test_right_to_left_and_escapes_are_kept_where_they_are() -> None:
    read = manual("# \u202eevil\u202c \x1b[31mred\n\n```bash\necho '\x1b]0;x\x07' # \u2066\n```\n")
    holds_together(read)
    assert "\x1b" in read.headings[0].text
    assert next(read.commands).name == "echo"


# --- size


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE.keys())
def test_large_manuals_take_seconds_at_most(text: str) -> None:
    started = time.process_time()
    holds_together(manual(text))
    assert time.process_time() - started < 8


# --- anything


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_any_text_is_a_manual(text: str) -> None:
    holds_together(manual(text))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_manual_or_refused(data: bytes) -> None:
    try:
        read = manual(data)
    except UsageError:
        return
    holds_together(read)


# --- the real ones


@pytest.mark.parametrize("name", MANUALS)
def test_real_manuals(name: str) -> None:
    path = outside("manuals", f"{name}.md")
    started = time.process_time()
    read = read_manual(path.read_bytes(), path.name)
    assert time.process_time() - started < 2
    holds_together(read)
    assert len(read.lines) == len(path.read_bytes().splitlines())
    shells = [fence for fence in read.fences if fence.declared in ("bash", "sh", "shell")]
    assert shells
    assert [fence.line for fence in shells if fence.error] == []
    assert all(fence.language in ("shell", "logrotate") for fence in shells)


@pytest.mark.parametrize("folder", OTHERS)
def test_other_real_manuals(folder: str) -> None:
    for path in sorted(outside("manuals", folder).glob("*.md")):
        holds_together(read_manual(path.read_bytes(), path.name))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("**Program**: `/srv/_data/my_app-_8j/x_`", "Program: /srv/_data/my_app-_8j/x_"),
        ("**run `a*b*c` now**", "run a*b*c now"),
        ("/srv/_data/x and /srv/_more/y", "/srv/_data/x and /srv/_more/y"),
        ("_one_, *two*, __three__, ***four*** and snake_case_name", "one, two, three, four and snake_case_name"),
        ("logs/**/x.log, *.log and 2 * 3 * 4", "logs/**/x.log, *.log and 2 * 3 * 4"),
        ("`one` ``two`three`` `four", "one two`three four"),
        ("[words of `a_b`](http://x/_y_) and [`c`](`d`) then `e_f`", "words of a_b and c then e_f"),
        ("\ue0000\ue001 `a`", "\ufffd0\ufffd a"),
    ],
)
def test_marks_go_and_names_with_such_signs_stay(text: str, read: str) -> None:
    assert plain(text) == read


@pytest.mark.parametrize("mark", ["*a ", "_a ", "**a ", "__a ", "` `` ", "`", "[a", "*", "_", "![", "***a "])
def test_no_marks_make_it_slow(mark: str) -> None:
    began = time.process_time()
    plain(mark * 20_000)
    assert time.process_time() - began < 5


def test_what_stands_behind_a_deep_list_is_read_too() -> None:
    text = "".join("  " * depth + f"- level {depth}\n" for depth in range(40)) + "\n# The end\n\n```bash\nuptime\n```\n"
    manual = read_manual(text.encode(), "deep.md")
    assert [item.text for item in manual.items if item.kind is Kind.LIST_ITEM] == [f"level {depth}" for depth in range(40)]
    assert manual.title == "The end"
    assert [command.text for command in manual.commands] == ["uptime"]
