"""Runs OpenMetrics' own parser cases: ``python -m tests.conformance.openmetrics DIR...``.

A case is a folder with ``test.json`` (``type``, ``file``, ``shouldParse``; https://github.com/prometheus/OpenMetrics, "tests") and the text
that it names. DIR is a case, or a folder that holds cases, however deep. The reading is that of the scrape. Prints a line for each case and
last ``N passed, N failed, N skipped``; exits 1 where one failed and 2 where there was none.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from keepwell.rooms.samples.scraping.parse import PageError, openmetrics


@dataclass(frozen=True)
class Outcome:
    """What became of a case: ``word`` is passed, failed or skipped."""

    case: Path
    word: str
    why: str

    def __str__(self) -> str:
        return f"{self.word} {self.case}: {self.why}"


def cases(folders: Sequence[Path]) -> Iterator[Path]:
    """The cases that are these folders or lie below them, in the order of their names."""
    for folder in folders:
        yield from sorted(path.parent for path in folder.rglob("test.json"))


def run_case(case: Path) -> Outcome:
    """Reads the text of one case and compares."""
    try:
        described = json.loads((case / "test.json").read_bytes())
        kind, should = described.get("type", "text"), described["shouldParse"]
        body = (case / described["file"]).read_bytes()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Outcome(case, "failed", f"the case itself cannot be read ({type(error).__name__}: {error})")
    if kind != "text":
        return Outcome(case, "skipped", f"a case of the kind {kind!r}: only text is read")
    try:
        found = _fault(body)
    except Exception as error:  # a defect of the reader, which must not hide the other cases
        return Outcome(case, "failed", f"the reader broke ({type(error).__name__}: {error})")
    said = f"refused: {found}" if found else "read"
    if bool(should) is not bool(found):
        return Outcome(case, "passed", said)
    return Outcome(case, "failed", f"{said}, and should be {'read' if should else 'refused'}")


def _fault(body: bytes) -> str:
    """Why a text is not valid; empty where it is."""
    try:
        openmetrics(body.decode())
    except (PageError, UnicodeDecodeError) as error:
        return str(error) or "invalid"
    return ""


def main(arguments: Sequence[str]) -> int:
    """The command."""
    folders = [Path(argument) for argument in arguments]
    missing = [str(folder) for folder in folders if not folder.is_dir()]
    if missing or not folders:
        print(f"no such folder: {', '.join(missing)}" if missing else "which cases? python -m tests.conformance.openmetrics DIR...")
        return 2
    counts: Counter[str] = Counter()
    for case in cases(folders):
        outcome = run_case(case)
        counts[outcome.word] += 1
        print(outcome, flush=True)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0 if counts.total() else 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
