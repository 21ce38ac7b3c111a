"""SIGKILL at any moment: no occasion is lost, none is done twice, and the journal's chain is whole.

``KILLS=100`` in the environment kills so often.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keepwell.kernel.cadences import instants
from keepwell.rooms.tasks import store
from keepwell.rooms.tasks.model import State
from keepwell.rooms.tasks.offer import tables
from keepwell.storage.database import Database
from keepwell.storage.verify import verify
from tests.faults.tasks_killed import TASKS

BEGIN = datetime(2026, 3, 23, 12, tzinfo=UTC)  # over the change of clocks in Berlin
WEEKS = 5
END = BEGIN + timedelta(weeks=WEEKS)
KILLS = int(os.environ.get("KILLS", "12"))


def live(folder: Path, seconds: float | None) -> bool:
    """One life of the server, killed so long after its first occasion; whether it came to the end by itself."""
    begun = (folder / "effects" / "attempts").stat().st_size
    process = subprocess.Popen([sys.executable, "-m", "tests.faults.tasks_killed", str(folder), str(folder / "effects")])
    try:
        while seconds is not None and process.poll() is None and (folder / "effects" / "attempts").stat().st_size == begun:
            time.sleep(0.001)
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        process.kill()
        process.wait()


@pytest.mark.timeout(600)
async def test_no_occasion_is_lost_or_done_twice(tmp_path: Path) -> None:
    (tmp_path / "effects").mkdir()
    (tmp_path / "effects" / "attempts").touch()
    (tmp_path / "reached").write_text(f"{BEGIN.isoformat()} {END.isoformat()}")
    chance, kills = random.Random(8), 0
    while kills < KILLS and not live(tmp_path, chance.uniform(0, 0.5)):
        kills += 1
    if kills == KILLS:
        assert live(tmp_path, None)
    database = await Database.open(tmp_path / "keepwell.sqlite", [tables()], END)
    try:
        runs = await database.read(lambda connection: store.between(connection, BEGIN, END + timedelta(days=1)))
        verdict = await database.read(verify)
    finally:
        await database.close()
    assert verdict.ok, verdict.sentence
    assert {run.state for run in runs} == {State.DONE}
    expected = sorted((task.name, at) for task in TASKS for at in instants(task.cadence, BEGIN, END))
    assert sorted((run.task, run.due_at) for run in runs) == expected
    attempts = Counter((tmp_path / "effects" / "attempts").read_text().split())
    effects = {path.name for path in (tmp_path / "effects").iterdir()} - {"attempts"}
    assert effects == {run.key.replace("/", "_") for run in runs} == {key.replace("/", "_") for key in attempts}
    again = sum(count - 1 for count in attempts.values())
    print(f"{kills} kills in {WEEKS} weeks, {len(runs)} occasions, {again} of them begun again under the same key")
    assert again <= kills
