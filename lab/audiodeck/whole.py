"""What must hold after Keepwell was killed again and again: nothing lost, nothing done twice, nothing claimed that is not there."""

import json
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .layout import Layout
from .preparing import KEEPWELL, Prepared

COUNTING = "count-occasions"
"""The task that writes a line for each of its occasions: by these lines is seen what was done, and how often."""
EVERY = timedelta(minutes=30)
_RUNBOOK = """---
title: Count occasions
---

# Count occasions

```bash {{"name": "count"}}
date '+%Y-%m-%dT%H:%M:%S' >> {file}
```
"""


def add_counting(operations: Path, layout: Layout) -> None:
    """The task and its runbook, put into an operations directory."""
    (operations / "runbooks" / "count-occasions.md").write_text(_RUNBOOK.format(file=layout.run / "counted"), "utf-8")
    file = operations / "keepwell.yaml"
    task = f"  {COUNTING}: {{run: runbooks/count-occasions.md, every: 30m}}\n"
    file.write_text(file.read_text("utf-8").replace("\ntasks:\n", f"\ntasks:\n{task}", 1), "utf-8")


def faults(layout: Layout, prepared: Prepared, begin: datetime, until: datetime) -> list[str]:
    """All that does not hold, a sentence each; none where everything does."""
    database = sqlite3.connect(f"file:{prepared.data / 'keepwell.sqlite'}?mode=ro", uri=True)
    return [
        *_occasions(database, layout, begin, until),
        *_alerts(database),
        *_backups(database, layout, prepared),
        *_journal(prepared),
    ]


def _slot(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // EVERY.total_seconds() * EVERY.total_seconds(), UTC)


def _occasions(database: sqlite3.Connection, layout: Layout, begin: datetime, until: datetime) -> Iterator[str]:
    """Each occasion is known (done, or missed and said so), each that is done has its line, and no line stands twice."""
    rows = database.execute("SELECT due_at, state, first_due_at FROM task_run WHERE task = ?", (COUNTING,)).fetchall()
    known: dict[datetime, str] = {}
    for due, state, first in rows:
        at, last = _instant(first or due), _instant(due)
        while at <= last:
            known[at] = state
            at += EVERY
    expected = begin + EVERY
    while expected < until - EVERY:
        if expected not in known:
            yield f"the occasion of {expected:%Y-%m-%d %H:%M} is lost: it was neither done nor missed"
        expected += EVERY
    file = layout.run / "counted"
    lines = (
        Counter(_slot(datetime.fromisoformat(f"{line}+00:00")) for line in file.read_text("ascii").split()) if file.exists() else Counter()
    )
    for at, times in sorted(lines.items()):
        if times > 1:
            yield f"the occasion of {at:%Y-%m-%d %H:%M} was done {times} times"
    for at, state in sorted(known.items()):
        if state == "done" and at not in lines:
            yield f"the occasion of {at:%Y-%m-%d %H:%M} is said to be done, and is not"


def _instant(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


def _alerts(database: sqlite3.Connection) -> Iterator[str]:
    """Whatever fired was told to somebody, was over before anybody could be told, or explained by another alert."""
    told: set[int] = set()
    for (facts,) in database.execute("SELECT facts FROM journal WHERE event LIKE 'notice.%'"):
        told.update(json.loads(facts).get("alerts", ()))
    ended = {subject for (subject,) in database.execute("SELECT subject FROM journal WHERE event = 'alert.resolved'")}
    for subject, facts in database.execute("SELECT subject, facts FROM journal WHERE event = 'alert.firing'"):
        if int(subject.rpartition("/")[2]) not in told and subject not in ended:
            yield f"{subject} ({json.loads(facts).get('name')}) fires, and nobody was told"


def _backups(database: sqlite3.Connection, layout: Layout, prepared: Prepared) -> Iterator[str]:
    """Every copy that is said to be good can be restored."""
    query = "SELECT backup, id FROM backup_copy WHERE gone_at IS NULL AND doubt = '' AND fault = ''"
    for name, copy in database.execute(query).fetchall():
        folder = layout.root / "restored"
        words = ("backups", "restore", name, "--copy", copy, "--to", str(folder), "--directory", str(prepared.operations))
        done = _keepwell(prepared, *words)
        shutil.rmtree(folder, ignore_errors=True)
        if done.returncode:
            yield f"the copy {copy} of {name} cannot be restored: {(done.stderr or done.stdout).strip()[:200]}"


def _journal(prepared: Prepared) -> Iterator[str]:
    done = _keepwell(prepared, "journal", "verify")
    if done.returncode:
        yield f"the journal is not whole: {(done.stdout + done.stderr).strip()[:300]}"


def _keepwell(prepared: Prepared, *words: str) -> subprocess.CompletedProcess[str]:
    argv = (KEEPWELL, *words, "--data", str(prepared.data))
    return subprocess.run(argv, capture_output=True, text=True, env=dict(prepared.environment), timeout=300, check=False)
