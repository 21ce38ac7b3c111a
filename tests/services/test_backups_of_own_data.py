"""A server that backs up its own data directory while it runs: its database is whole in the copy, and nobody's lock on it is lost."""

import json
from pathlib import Path

from tests.serving import Served, keepwell, operations
from tests.support import wait_until

TEXT = """\
keepwell: 1
service: shop
checks:
  fine: {{command: {{run: ["true"]}}, every: 1s}}
tasks:
  count: {{run: runbooks/count.md, every: 2s}}
backups:
  own: {{files: {{paths: [{data}]}}, to: here}}
repositories:
  here: {{archive: {{path: {repository}}}}}
"""
RUNBOOK = """\
---
title: Count
---

# Count

```bash {{"name": "count"}}
date +%s >> {file}
```
"""


def told(data: Path, *words: str) -> str:
    done = keepwell(*words, "--data", str(data))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def histories(data: Path) -> set[tuple[str, str]]:
    said = json.loads(told(data, "tasks", "history", "--limit", "200", "--json"))
    return {(run["due_at"], run["state"]) for run in said["runs"] if run["state"] == "done"}


def test_what_runs_is_copied_whole_and_goes_on_elsewhere(tmp_path: Path) -> None:
    data, moved = tmp_path / "data", tmp_path / "moved"
    directory = operations(tmp_path / "ops", TEXT.format(data=data, repository=tmp_path / "repository"))
    (directory / "runbooks").mkdir()
    (directory / "runbooks" / "count.md").write_text(RUNBOOK.format(file=tmp_path / "counted"))
    assert keepwell("accept", str(directory), "--yes").returncode == 0
    served = Served(directory, data).ready()
    try:
        wait_until(lambda: (tmp_path / "counted").is_file(), 30)
        told(data, "backups", "run", "own")
        # Another program that opens the database must find it in use: it would make its index anew under the server, which dies of that.
        assert f":{(data / 'keepwell.sqlite-shm').stat().st_ino} " in Path("/proc/locks").read_text()
        assert "each proved by the next" in told(data, "journal", "verify")
        assert served.process.poll() is None, served.log
        told(data, "backups", "run", "own")
        before = histories(data)
        assert before
    finally:
        assert served.stop() == 0
    told(data, "backups", "restore", "own", "--directory", str(directory), "--to", str(tmp_path / "restored"))
    (tmp_path / "restored" / data.relative_to("/")).rename(moved)
    assert not (moved / "keepwell.sqlite-wal").exists()
    assert "each proved by the next" in told(moved, "journal", "verify")
    served = Served(directory, moved).ready()
    try:
        assert before - histories(moved) <= {max(before)}, "but for what ended after the copy was begun"
    finally:
        assert served.stop() == 0
