"""Kills the running of a runbook at every point of storing and beginning, and starts again.

``python -m tests.faults.runbooks_killed FOLDER EVERY``. For each case a child process lives with the real runs, database and scripts, and
kills itself with SIGKILL at its n-th point: before and after each statement, before each commit, before and after each step is begun,
ended and forgotten. A second child begins as the server does and performs the same occasion. It prints a line of JSON for each case: how
often each step took effect, how the run ended, and what is wrong with what is stored.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from keepwell.composition import verbs
from keepwell.composition.hosts import Hosts
from keepwell.config.runbook_text import read_runbook
from keepwell.engine import Engine as Loop
from keepwell.machine.scripts import DetachedScripts
from keepwell.ports.scripts import Ended, Script
from keepwell.ports.work import Occasion, Work
from keepwell.rooms.runbooks.offer import tables
from keepwell.rooms.runbooks.prepare import Around, prepare
from keepwell.rooms.runbooks.work.executing import Executing
from keepwell.rooms.runbooks.work.permissions import PermissionDesk
from keepwell.rooms.runbooks.work.runs import Runs
from keepwell.storage.database import Database
from keepwell.storage.verify import verify

BOOK = """\
```sh {{"name": "first"}}
echo first >> {folder}/effects
```

```sh {{"name": "second"}}
sleep 0.2
echo second >> {folder}/effects
```

```sh {{"name": "third"}}
echo third >> {folder}/effects
```
"""


class Plug:
    """Counts the points; kills this process at the n-th."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.passed = 0
        self._kill_at = kill_at

    def __call__(self, *_: object) -> None:
        self.passed += 1
        if self.passed == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


class Plugged(DetachedScripts):
    """Scripts with points around what they do."""

    def __init__(self, place: Path, plug: Plug) -> None:
        super().__init__(place, lambda text: text)
        self.plug = plug

    async def run(self, ticket: str, script: Script, on_output: Callable[[str], None]) -> Ended:
        """A point before it begins, soon after that, and when it has ended."""
        self.plug()
        begun = asyncio.get_running_loop().call_later(0.05, self.plug)
        try:
            return await super().run(ticket, script, on_output)
        finally:
            begun.cancel()
            self.plug()

    def _started(self, folder: Path, script: Script) -> "subprocess.Popen[bytes]":
        self.plug()
        started = super()._started(folder, script)
        self.plug()
        return started

    def forget(self, ticket: str) -> None:
        """A point before and after."""
        self.plug()
        super().forget(ticket)
        self.plug()


async def life(folder: Path, plug: Plug) -> dict[str, Any]:
    """One life of the server, as far as runs go: it performs one occasion."""
    _points(plug)
    async with verbs.local_host() as host:
        database = await Database.open(folder / "keepwell.sqlite", [tables()], datetime.now(UTC))
        executing = Executing(Plugged(folder / "runs", plug), Hosts(host).of, _no_check)
        permissions = PermissionDesk(database, host.clock)
        permissions.policy = "allow"
        runs = Runs(database, host.clock, executing, permissions, "test/runs")
        around = Around(lambda executable: ("tester", ""), lambda name: (name, "tester"))
        ready = prepare(read_runbook("runbooks/three.md", BOOK.format(folder=folder)), around)
        loop = Loop([runs, runs.holding], host.clock)
        runs.on_wake(loop.wake)
        await runs.begin()
        runs.configure({ready.path: ready})
        running = asyncio.create_task(loop.run())
        came = await runs.perform(Work("runbook", ready.path), Occasion("tasks/three/2026-01-01", "tasks/three", datetime.now(UTC)))
        await loop.stop(5)
        await running
        verdict = await database.read(verify)
        await database.close()
    effects = (folder / "effects").read_text().split()
    left = [str(path) for path in (folder / "runs").rglob("script")]
    return {
        "effects": effects,
        "outcome": came.outcome.value,
        "sentence": came.sentence,
        "points": plug.passed,
        "left": left,
        "chain": verdict.ok,
    }


async def _no_check(check: str) -> tuple[bool | None, str]:
    return None, f"there is no check {check}"


def _points(plug: Plug) -> None:
    event.listen(Engine, "before_cursor_execute", plug)
    event.listen(Engine, "after_cursor_execute", plug)
    event.listen(Engine, "commit", plug)


def one(folder: Path, kill_at: int | None) -> dict[str, Any]:
    """A case: a life that is killed at a point, and a second one."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    program = [sys.executable, "-m", "tests.faults.runbooks_killed", "--life", str(folder)]
    killed = subprocess.run([*program, str(kill_at)], check=False, timeout=60).returncode == -signal.SIGKILL if kill_at else False
    second = subprocess.run([*program, "0"], check=False, timeout=60, capture_output=True, text=True)
    told = json.loads(second.stdout) if second.returncode == 0 else {"outcome": "fault", "sentence": second.stderr[-2000:]}
    return {"kill_at": kill_at, "killed": killed, **told}


def main() -> None:
    """The cases, or one life."""
    if sys.argv[1] == "--life":
        kill_at = int(sys.argv[3])
        print(json.dumps(asyncio.run(life(Path(sys.argv[2]), Plug(kill_at or None)))))
        return
    folder, every = Path(sys.argv[1]), int(sys.argv[2])
    whole = one(folder / "whole", None)
    print(json.dumps(whole), flush=True)
    for kill_at in range(1 + int(time.time()) % every, whole["points"], every):
        print(json.dumps(one(folder / "case", kill_at)), flush=True)


if __name__ == "__main__":
    main()
