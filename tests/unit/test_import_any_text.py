"""Any text is a manual: nothing in it makes import raise, run, write elsewhere, or emit what is not plain YAML."""

import json
import re
import string
import tempfile
from pathlib import Path

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keepwell.composition import verbs
from keepwell.config.core_schema import resolve
from keepwell.kernel.problems import UsageError
from keepwell.rooms.manual.importing.decide import import_manual
from keepwell.rooms.manual.importing.emit_yaml import scalar
from keepwell.rooms.manual.importing.report import report
from keepwell.rooms.manual.importing.result import Imported
from keepwell.rooms.manual.importing.work import import_file

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


def imported_from(text: str, name: str = "m.md") -> Imported:
    """As the command imports it: no check that would not validate."""
    return import_manual(text.encode("utf-8", "surrogatepass"), name, sound=verbs.check_problem)


def check_invariants(text: str, name: str) -> None:
    try:
        imported = imported_from(text, name)
    except UsageError:
        assert "\0" in text, "only what is binary is refused"
        return
    parsed = yaml.safe_load(imported.files["keepwell.yaml"])
    assert parsed["keepwell"] == 1
    assert len(parsed["checks"]) == imported.counts["checks"]
    for path, written in imported.files.items():
        assert all(character.isprintable() or character in "\n\t" for character in written), path
        assert re.fullmatch(r"keepwell\.yaml|runbooks/[a-z0-9-]+\.md", path)
    told = json.loads(json.dumps(report(imported)))
    lines = max(1, len(imported.manual.lines))
    assert all(item["fate"] and 0 < item["line"] <= item["end_line"] <= lines for item in told["items"])
    assert len(told["items"]) == len(imported.manual.items)


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text(max_size=20))
@example("# \ufeff\n", "\ud800\n#")
@example("```bash\ncurl http://h/\u2028a\n```", "a\u2028keepwell: 2")
@example("- " * 500 + "x", "m")
@example("> " * 2000 + "x", "m")
@example("[" * 3000, "m")
@example("|" * 3000 + "\n" + "|-" * 3000, "m")
def test_any_text_is_taken(text: str, name: str) -> None:
    check_invariants(text, name)


@settings(max_examples=120, deadline=None)
@given(manuals())
@example("# a: b\nkeepwell: 2\n```sh\ncurl http://h/: - {x}\ndf '/a\nb: c'\n```")
def test_any_manual_is_taken(text: str) -> None:
    check_invariants(text, "m.md")


@settings(max_examples=30, deadline=None)
@given(manuals())
@example(_ODD)
def test_whatever_is_imported_validates(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        imported = imported_from(text)
        (Path(folder) / "keepwell.yaml").write_text(imported.files["keepwell.yaml"], "utf-8")
        assert len(verbs.load_checks(folder)) == imported.counts["checks"]


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
    assert imported_from(text).counts["checks"] <= 1, "curl may ask a host that is called curl"


async def test_the_name_of_the_manual_cannot_leave_its_comment(tmp_path: Path) -> None:
    manual = tmp_path / "a\nkeepwell: 2\x1b[31m.md"
    manual.write_text("```sh\ndf /\n```\n")
    await import_file(manual, tmp_path / "ops")
    written = (tmp_path / "ops" / "keepwell.yaml").read_text()
    assert yaml.safe_load(written)["keepwell"] == 1
    assert "\x1b" not in written + (tmp_path / "ops" / "import-report.json").read_text()
