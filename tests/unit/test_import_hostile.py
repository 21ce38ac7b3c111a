"""Any text is a manual: nothing in it makes import raise, run, write elsewhere, or emit what is not plain YAML."""

import json
import os
import string
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keepwell.composition import verbs
from keepwell.config.core_schema import resolve
from keepwell.kernel.problems import UsageError
from keepwell.rooms.manual.decide import import_manual
from keepwell.rooms.manual.emit import scalar
from keepwell.rooms.manual.work import import_file, write_import

_WORDS = [
    "curl ",
    "http://h:1/",
    "https://",
    "df ",
    "/srv",
    "systemctl status ",
    "ps aux | grep ",
    "pgrep -f ",
    "-X POST",
    "--cacert ",
    "X=1",
]
_SIGNS = [
    "\n",
    "\\\n",
    "'",
    '"',
    "`",
    "$(",
    "$X",
    "<",
    ">",
    "|",
    ";",
    "&",
    "#",
    "<<E",
    "../",
    "\x1b[2J",
    "\x00",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
]
_PIECES = st.sampled_from([*_WORDS, *_SIGNS, "é", "𝄞", "yes", "⟨", "⟩"])
_LINES = st.lists(st.one_of(_PIECES, st.text(max_size=8)), max_size=30).map("".join)
_ROWS = st.lists(
    st.sampled_from(["| CPU | >1% | >2% |", "| Memory | >1MB | >2MB |", "|---|", "| Response Time | x |", "||||", "| a"]), max_size=5
)


_ODD = r"""```sh
curl http://h/health
curl --cacert '/a b' https://h/$${X}
ps aux | grep 'a,b = c'
df -i /x
systemctl is-active 'a\x2db'
```"""


@st.composite
def manuals(draw: st.DrawFn) -> str:
    """Texts with the parts that import looks at, and much that it should not trip over."""
    heading = draw(st.text(max_size=20))
    code = draw(_LINES)
    block = draw(st.one_of(_LINES, st.just('{"status": "up", "services": {"a": "up"}}')))
    rows = "\n".join(draw(_ROWS))
    shell, json_block = f"```bash\n{code}\n```", f"```json\n{block}\n```"
    return f"# {heading}\n\n{shell}\n\n## Expected\n{json_block}\n\n| Metric | Warning | Critical |\n|---|---|---|\n{rows}\n"


def check_invariants(text: str, name: str) -> None:
    imported = import_manual(text, name)
    parsed = yaml.safe_load(imported.yaml)
    assert parsed["keepwell"] == 1
    assert list(parsed["checks"]) == [draft.name for draft in imported.checks]
    for draft in imported.checks:
        assert json.loads(json.dumps(draft.settings)) == parsed["checks"][draft.name][draft.kind]
    assert all(character.isprintable() or character == "\n" for character in imported.yaml)
    assert all(item.fate and 0 < item.line <= text.count("\n") + text.count("\r") + 1 for item in imported.items)
    json.dumps(imported.report())


@settings(max_examples=150, deadline=None)
@given(st.text(), st.text(max_size=20))
@example("# \ufeff\n", "\ud800\n#")
@example("```bash\ncurl http://h/\u2028a\n```", "a\u2028keepwell: 2")
@example("- " * 500 + "x", "m")
@example("> " * 2000 + "x", "m")
@example("[" * 3000, "m")
@example("|" * 3000 + "\n" + "|-" * 3000, "m")
def test_any_text_is_taken(text: str, name: str) -> None:
    check_invariants(text, name)


@settings(max_examples=300, deadline=None)
@given(manuals())
@example("# a: b\nkeepwell: 2\n```sh\ncurl http://h/: - {x}\ndf '/a\nb: c'\n```")
def test_any_manual_is_taken(text: str) -> None:
    check_invariants(text, "m.md")


@settings(max_examples=60, deadline=None)
@given(manuals())
@example(_ODD)
def test_whatever_is_imported_validates(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        imported = import_manual(text, "m.md")
        (Path(folder) / "keepwell.yaml").write_text(imported.yaml, "utf-8")
        assert {check.name for check in verbs.load_checks(folder)} == {draft.name for draft in imported.checks}


@given(st.text(st.characters(codec="utf-8")))
@example("null")
@example("Yes")
@example("1:30")
@example("0x1f")
@example("a: b")
@example("a #b")
@example("- a")
@example("\u2028\x85\x00\ufeff")
@example("30s")
@example("~")
def test_a_text_stays_the_same_text(text: str) -> None:
    written = scalar(text)
    assert yaml.safe_load(written) == text
    assert "\n" not in written
    if not written.startswith('"'):
        assert resolve(written) == text, "YAML 1.2 reads it alike"


def test_long_garbage_is_quick() -> None:
    lines = ["curl " * 50_000, "curl '" + string.printable * 2000]
    table = ["| a " * 20_000, "|--" * 20_000]
    text = "\n".join(["```bash", *lines, "```", *table])
    assert import_manual(text, "m.md").checks == ()


async def test_an_output_that_holds_something_is_refused(tmp_path: Path) -> None:
    imported = import_manual("```sh\ndf /\n```", "m.md")
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(UsageError, match="is not empty, and import never overwrites"):
        await write_import(imported, tmp_path)
    assert os.listdir(tmp_path) == ["mine"]
    with pytest.raises(UsageError, match="mine cannot be written: File exists"):
        await write_import(imported, tmp_path / "mine")
    await write_import(imported, tmp_path / "a" / "b")
    assert sorted(os.listdir(tmp_path / "a" / "b")) == ["import-report.json", "keepwell.yaml"]
    with pytest.raises(UsageError):
        await write_import(imported, tmp_path / "a" / "b")


async def test_a_manual_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    files = {"latin.md": "Größe".encode("latin-1"), "large.md": b"x" * 1_000_001}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    for name, words in (
        ("none.md", "cannot be read: No such file"),
        ("latin.md", "is not UTF-8"),
        ("large.md", "is larger than 1 MB"),
        (".", "cannot be read: Is a directory"),
        ("/dev/null", "is not a file"),
    ):
        with pytest.raises(UsageError, match=words):
            await import_file(tmp_path / name, tmp_path / "ops")
    assert sorted(os.listdir(tmp_path)) == sorted(files), "nothing was written"


async def test_the_name_of_the_manual_cannot_leave_its_comment(tmp_path: Path) -> None:
    manual = tmp_path / "a\nkeepwell: 2\x1b[31m.md"
    manual.write_text("```sh\ndf /\n```\n")
    await import_file(manual, tmp_path / "ops")
    written = (tmp_path / "ops" / "keepwell.yaml").read_text()
    assert yaml.safe_load(written)["keepwell"] == 1
    assert "\x1b" not in written + (tmp_path / "ops" / "import-report.json").read_text()


async def test_the_report_names_every_item(tmp_path: Path) -> None:
    (tmp_path / "m.md").write_text("# S\n```sh\ndf /\ncurl -X POST http://h/\x1b[2J\n```\n")
    imported = await import_file(tmp_path / "m.md", tmp_path / "ops")
    text = (tmp_path / "ops" / "import-report.json").read_text()
    assert "\x1b" not in text
    report = json.loads(text)
    assert report == imported.report()
    assert report["checks"] == {"disk-root": {"kind": "host", "lines": [3]}}
    assert [(item["line"], item["fate"], item["checks"]) for item in report["items"]] == [
        (3, "check", ["disk-root"]),
        (4, "not imported", []),
    ]
