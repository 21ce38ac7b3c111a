"""The process that answers questions: it is told what is asked on standard input, answers on standard output (JSON both), and ends.

Its memory goes with it: whatever the files' sizes, the server stays as it is.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .gathering import Gathering
from .reading import Different, blocks, head
from .stamps import NEVER, Stamps
from .table import column_of


def answers(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All questions to one file and its rotated ones (``files``: the newest first), in one pass."""
    gathering = [Gathering(question) for question in asked["questions"]]
    sinces = [question["since"] for question in asked["questions"]]
    since = None if any(one is None for one in sinces) else min(sinces)
    read = {"lines": 0, "undecodable": 0, "cut": 0}
    faults: list[str] = []
    files = _of_the_span(asked["files"], since, asked)
    for path in files:
        try:
            _read(path, asked, gathering, read)
        except (OSError, Different) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            faults.append(f"{path} cannot be read to its end: {reason}")
    if not files and asked["missing"]:
        faults.append(asked["missing"])
    return [_told(one, read, files, faults) for one in gathering]


def _of_the_span(files: Sequence[str], since: float | None, asked: Mapping[str, Any]) -> list[str]:
    """The files that may have lines of the span, the oldest first: what is older than one whose first line is before it, is not read."""
    wanted: list[str] = []
    now = _now(asked)
    for path in files:
        wanted.insert(0, path)
        if since is None:
            continue
        try:
            at = Stamps(asked["zone"], now).of(column_of(head(path)))
        except (OSError, Different):
            continue
        known = at[at != NEVER]
        if len(known) and known[0] < since:
            break
    return wanted


def _now(asked: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(asked["now"], UTC)


def _read(path: str, asked: Mapping[str, Any], gathering: Sequence[Gathering], read: dict[str, int]) -> None:
    stamps = Stamps(asked["zone"], _now(asked))
    for block in blocks(path):
        lines = column_of(block.text)
        read["lines"] += len(lines)
        read["undecodable"] += block.undecodable
        read["cut"] += block.cut
        at = stamps.of(lines) if any(one.question["since"] is not None for one in gathering) else None
        for one in gathering:
            one.take(lines, at)


def _told(one: Gathering, read: Mapping[str, int], files: Sequence[str], faults: Sequence[str]) -> dict[str, Any]:
    answer = one.answer()
    rejected = {why: count for why, count in one.rejected.items() if count} | {
        word: read[word] for word in ("undecodable", "cut") if read[word]
    }
    return {
        "name": one.question["name"],
        "ask": one.ask,
        "in": one.question["path"],
        "lines": read["lines"],
        "fitting": one.fitting,
        "rejected": rejected,
        "files": list(files),
        "fault": "; ".join(faults),
        "unit": "",
        **answer,
    }


def main() -> None:
    """One question set a line in; one line out for all of it."""
    asked = json.load(sys.stdin)
    json.dump([answer for each in asked for answer in answers(each)], sys.stdout)


if __name__ == "__main__":
    main()
