"""What came of each row of a manual's catalogue: judged by queries over what the play left behind, not by what anybody meant.

The queries are data (tests/conformance/audiodeck_rows.yaml). A row is *proven* where every query of it finds what it asks for; *human*
where a person ticked it, *missing* where an input is named that nobody supplied, *refused* where import refused it: each of these is looked
up, too. A row of which nothing of all that was found is *silent*.
"""

import contextlib
import fnmatch
import gzip
import json
import re
import shutil
import sqlite3
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import yaml

from keepwell.kernel.problems import KeepwellError
from keepwell.rooms.backups.archive.sealing import Opened

from .layout import REPOSITORY, Layout

ROWS = REPOSITORY / "tests" / "conformance" / "audiodeck_rows.yaml"
FATES = ("proven", "human", "missing", "refused", "silent")

_VIEWS = """
CREATE TEMP VIEW look AS SELECT i.name, o.state, o.sentence, o.measured FROM check_observation o JOIN check_identity i ON i.id = o.check_id;
CREATE TEMP VIEW found AS SELECT i.name, c.after AS state, c.sentence, '' AS measured
  FROM check_change c JOIN check_identity i ON i.id = c.check_id;
CREATE TEMP VIEW seen AS SELECT * FROM look UNION ALL SELECT * FROM found;
CREATE TEMP VIEW did AS
  SELECT r.runbook, s.name AS step, s.title, s.state, s.way, s.sentence, s.done_by, s.output_digest, r.state AS run_state
  FROM run_step s JOIN run r ON r.number = s.run;
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row, what became of it, and by what that is known (or what was not found)."""

    row: str
    fate: str
    by: str
    what: str = ""

    def as_json(self) -> dict[str, str]:
        """For programs."""
        return {"row": self.row, "fate": self.fate, "by": self.by, "what": self.what}


class Left:
    """What a play left behind: the database, read only, and files."""

    def __init__(self, layout: Layout, data: Path, operations: Path) -> None:
        self.root = layout.root
        self.database = sqlite3.connect(f"file:{data / 'keepwell.sqlite'}?mode=ro", uri=True)
        self.database.create_function("holds", 2, lambda pattern, text: re.search(pattern, text) is not None, deterministic=True)
        self.database.executescript(_VIEWS)
        self.report: dict[str, Any] = json.loads((operations / "import-report.json").read_text("utf-8"))

    def count(self, query: str, *values: object) -> int:
        """A number out of the database."""
        return int(self.database.execute(query, values).fetchone()[0] or 0)

    def texts(self, pattern: str) -> Iterator[tuple[Path, str]]:
        """Files below the root by a pattern, packed ones unpacked."""
        for path in sorted(self.root.glob(pattern)):
            if path.is_file():
                content = path.read_bytes()
                yield path, (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8", "replace")

    def copy_of(self, backup: str) -> tuple[str, dict[str, bytes]]:
        """The newest copy of a backup whose archive can be read to its end (the play damages some): its name, and the files in it by their
        paths below the root, with their contents. Both are empty where there is none."""
        archives = self.root.glob(f"backup/**/{backup}/*Z-*/archive.tar.zst")
        for path in sorted(archives, key=lambda path: path.parent.name, reverse=True):
            with contextlib.suppress(KeepwellError, tarfile.TarError):
                return path.parent.name, _archived(path, str(self.root).strip("/"))
        return "", {}


def _archived(path: Path, below: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    with Opened(path, ()) as stream, tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|") as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                files[member.name.strip("/").removeprefix(below).strip("/")] = file.read()
    return files


Asked = Mapping[str, Any]
Answer = tuple[bool, str]
"""Whether it was found, and what in words."""


def _check(left: Left, asked: Asked) -> Answer:
    """``found`` names states; without it any look counts that could be made. ``says`` is a pattern of LIKE, ``holds`` an expression."""
    name, states = str(asked["check"]), str(asked.get("found", "ok, warn, fail"))
    says, holds = str(asked.get("says", "%")), str(asked.get("holds", ""))
    query = "SELECT count(*) FROM seen WHERE name GLOB ? AND instr(?, state) AND sentence LIKE ? AND holds(?, sentence)"
    number = left.count(query, name, states, says, holds)
    said = holds or says.strip("%")
    words = "".join((f" and was {states}" if "found" in asked else "", f" and said {said!r}" if said else ""))
    return number > 0, f"check {name} looked{words} ({number})"


def _measured(left: Left, asked: Asked) -> Answer:
    rows = left.database.execute("SELECT measured FROM look WHERE name GLOB ?", (asked["measured"],)).fetchall()
    names = {name for (text,) in rows for name in json.loads(text or "{}")}
    wanted = list(asked["of"])
    return all(name in names for name in wanted), f"check {asked['measured']} measured {', '.join(wanted)} ({len(rows)} looks)"


def _alert(left: Left, asked: Asked) -> Answer:
    facts = f"%{asked.get('about', '')}%"
    number = left.count(
        "SELECT count(*) FROM journal WHERE event = 'alert.firing' AND json_extract(facts, '$.name') GLOB ? AND facts LIKE ?",
        asked["alert"],
        facts,
    )
    about = f" about {asked['about']}" if "about" in asked else ""
    return number > 0, f"alert {asked['alert']}{about} fired ({number})"


def _event(left: Left, asked: Asked) -> Answer:
    subject, facts, times = str(asked.get("subject", "*")), f"%{asked.get('facts', '')}%", int(asked.get("times", 1))
    number = left.count(
        "SELECT count(*) FROM journal WHERE event GLOB ? AND subject GLOB ? AND facts LIKE ?", asked["event"], subject, facts
    )
    return number >= times, f"journal: {asked['event']} {'' if subject == '*' else subject} ({number})"


def _task(left: Left, asked: Asked) -> Answer:
    number = left.count("SELECT count(*) FROM task_run WHERE task GLOB ? AND state = 'done'", asked["task"])
    return number >= int(asked.get("times", 1)), f"task {asked['task']} done ({number})"


def _step(left: Left, asked: Asked) -> Answer:
    runbook, step = str(asked["step"]).split("/")
    number = left.count(
        "SELECT count(*) FROM did WHERE runbook = ? AND step GLOB ? AND state = ?",
        f"runbooks/{runbook}.md",
        step,
        asked.get("state", "done"),
    )
    return number > 0, f"step {asked['step']} {asked.get('state', 'done')} ({number})"


def _ticked(left: Left, asked: Asked) -> Answer:
    runbook, title = str(asked["ticked"]), str(asked["title"])
    query = "SELECT count(*) FROM did WHERE runbook = ? AND title LIKE ? AND way = 'person' AND state = 'done'"
    number = left.count(query, f"runbooks/{runbook}.md", f"%{title}%")
    return number > 0, f"ticked in {runbook}: {title} ({number}, by a simulated operator)"


def _output(left: Left, asked: Asked) -> Answer:
    runbook, step = str(asked["output"]).split("/")
    rows = left.database.execute(
        "SELECT o.content FROM did JOIN outputs o ON o.digest = did.output_digest WHERE runbook = ? AND step GLOB ?",
        (f"runbooks/{runbook}.md", step),
    )
    texts = [_unpacked(content) for (content,) in rows]
    number = sum(bool(re.search(str(asked["holds"]), text)) for text in texts)
    return number > 0, f"output of {asked['output']} holds {asked['holds']!r} ({number} of {len(texts)})"


def _unpacked(content: bytes | str) -> str:
    if isinstance(content, str):
        return content
    with contextlib.suppress(zlib.error):
        content = zlib.decompress(content)
    return content.decode("utf-8", "replace")


def _file(left: Left, asked: Asked) -> Answer:
    lines = sum(len(re.findall(str(asked["holds"]), text)) for _, text in left.texts(str(asked["file"])))
    return lines > 0, f"{asked['file']} holds {asked['holds']!r} ({lines})"


def _copy(left: Left, asked: Asked) -> Answer:
    """Looks into the archive itself, not into what is said of it."""
    name, files = left.copy_of(str(asked["copy"]))
    found = [path for path in files if fnmatch.fnmatchcase(path, str(asked["has"]))]
    number = sum(bool(re.search(str(asked["holds"]).encode(), files[path])) for path in found)
    return number > 0, f"copy {name or 'none'} of {asked['copy']} has {asked['has']} that holds {asked['holds']!r} ({number})"


def _instead_of(left: Left, asked: Asked) -> Answer:
    """A line was refused, and what is asked beside this was done in its place."""
    refused, why = _refused(left, {"refused": asked["instead_of"]})
    return refused, f"instead of line {asked['instead_of']}, which was refused ({why[:60]})" if refused else why


def _there(left: Left, asked: Asked) -> Answer:
    sizes = [path.stat().st_size for path in left.root.glob(str(asked["there"])) if path.is_file()]
    wanted = asked.get("bytes")
    number = sum(size > 0 if wanted is None else size == wanted for size in sizes)
    return number > 0, f"{asked['there']} is there{'' if wanted is None else f' with {wanted} bytes'} ({number})"


def _absent(left: Left, asked: Asked) -> Answer:
    return not list(left.root.glob(str(asked["absent"]))), f"{asked['absent']} is not left behind"


def _mode(left: Left, asked: Asked) -> Answer:
    modes = {f"{path.stat().st_mode & 0o777:o}" for path in left.root.glob(str(asked["mode"]))}
    return modes == {str(asked["is"])}, f"{asked['mode']} has mode {', '.join(sorted(modes)) or 'none'}"


def _received(left: Left, asked: Asked) -> Answer:
    lines = [json.loads(line) for _, text in left.texts("run/received.jsonl") for line in text.splitlines()]
    number = sum(fnmatch.fnmatch(line["to"], asked["received"]) and bool(re.search(asked["holds"], line["body"])) for line in lines)
    return number > 0, f"received at /{asked['received']}: {asked['holds']!r} ({number})"


def _sql(left: Left, asked: Asked) -> Answer:
    number = left.count(str(asked["sql"]))
    return number >= int(asked.get("times", 1)), f"{asked['says']} ({number})"


def _refused(left: Left, asked: Asked) -> Answer:
    line = int(asked["refused"])
    for item in left.report["items"]:
        if item["line"] <= line <= item["end_line"] and item["disposition"] == "refused":
            reasons = [item["reason"], *(one.get("why", one.get("reason", "")) for one in item["amendments"])]
            return True, next((reason for reason in reasons if reason), "import refused it")
    return False, f"line {line} was not refused"


def _refused_step(left: Left, asked: Asked) -> Answer:
    runbook, step = str(asked["refused_step"]).split("/")
    query = "SELECT count(*) FROM did WHERE runbook = ? AND step GLOB ? AND way = 'refused' AND run_state = 'refused'"
    number = left.count(query, f"runbooks/{runbook}.md", step)
    return number > 0, f"step {runbook}/{step} is part of a script that was refused, and was not run ({number})"


def _missing(left: Left, asked: Asked) -> Answer:
    """What is missing is looked up: a name that import says is missing, or a program that this machine does not have."""
    if "program" in asked:
        return shutil.which(str(asked["program"])) is None, str(asked["missing"])
    return any(asked["name"] in item["missing"] for item in left.report["items"]), str(asked["missing"])


_KINDS: dict[str, Callable[[Left, Asked], Answer]] = {
    "check": _check,
    "measured": _measured,
    "alert": _alert,
    "event": _event,
    "task": _task,
    "step": _step,
    "ticked": _ticked,
    "output": _output,
    "copy": _copy,
    "instead_of": _instead_of,
    "file": _file,
    "there": _there,
    "absent": _absent,
    "mode": _mode,
    "received": _received,
    "sql": _sql,
    "refused": _refused,
    "missing": _missing,
    "refused_step": _refused_step,
}
_FATE_OF = {"ticked": "human", "refused": "refused", "refused_step": "refused", "missing": "missing"}


def judge(layout: Layout, data: Path, operations: Path) -> list[Verdict]:
    """Every row, in the catalogue's order."""
    left = Left(layout, data, operations)
    rows: dict[str, Any] = yaml.safe_load(ROWS.read_text("utf-8"))
    return [_verdict(left, row, entry) for row, entry in rows.items()]


def _verdict(left: Left, row: str, entry: Mapping[str, Any]) -> Verdict:
    """By ``by``; where that is not found by ``else``, if there is one."""
    verdict = _judged(left, row, entry, entry["by"])
    if verdict.fate == "silent" and "else" in entry:
        otherwise = _judged(left, row, entry, entry["else"])
        return otherwise if otherwise.fate != "silent" else verdict
    return verdict


def _judged(left: Left, row: str, entry: Mapping[str, Any], by: Any) -> Verdict:
    asked: Sequence[Asked] = by if isinstance(by, list) else [by]
    answers = [(_kind(one), _KINDS[_kind(one)](left, one)) for one in asked]
    lacking = [words for _, (there, words) in answers if not there]
    if lacking:
        return Verdict(row, "silent", "not found: " + "; ".join(lacking), entry["what"])
    fate = next((_FATE_OF[kind] for kind, _ in answers if kind in _FATE_OF), "proven")
    return Verdict(row, fate, "; ".join(words for _, (_, words) in answers), entry["what"])


def _kind(asked: Asked) -> str:
    return next(kind for kind in _KINDS if kind in asked)


def table(verdicts: Sequence[Verdict]) -> str:
    """The table, and the counts."""
    lines = [f"{one.row}  {one.fate:8}  {one.what[:58]:58}  {one.by[:160]}" for one in verdicts]
    counts = ", ".join(f"{sum(one.fate == fate for one in verdicts)} {fate}" for fate in FATES)
    return "\n".join((*lines, f"{len(verdicts)} rows: {counts}"))
