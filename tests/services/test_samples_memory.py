"""What a server has in memory whose rules ask for a day, after hours have become files, and after a restart."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keepwell.ports.fakes import FakeClock
from keepwell.rooms.samples.model import HOUR
from keepwell.rooms.samples.work.kept import KeptFiles
from keepwell.rooms.samples.work.store import SampleStore
from tests.samples_store import QUICK, columns, compact, ms
from tests.serving import Served, operations
from tests.support import wait_until

DAY = """\
keepwell: 1
service: memory
rules:
  - alert: Often
    expr: 'count_over_time(m[1d]) > 5'
    every: 1s
"""


async def _some_hours(folder: Path) -> None:
    """Five hours of samples, the four oldest in files."""
    now = datetime.now(UTC)
    clock = FakeClock(now - timedelta(hours=5))
    store = SampleStore(folder, clock, QUICK, KeptFiles(folder))
    await store.begin(60)
    while clock.now() < now - timedelta(minutes=5):
        await store.add("job", *columns(("a", ms(clock.now()), 1.0)))
        clock.advance(600)
    for hour in await store.used_hours():
        if hour + HOUR + 300_000 <= ms(clock.now()):
            await compact(store, hour)
    await store.end()


def test_a_rule_over_a_day_brings_no_arrow_into_memory_after_a_restart(tmp_path: Path) -> None:
    asyncio.run(_some_hours(tmp_path / "data" / "samples"))
    assert len(list((tmp_path / "data" / "samples" / "raw").glob("*.parquet"))) >= 3
    server = Served(operations(tmp_path / "ops", DAY), tmp_path / "data").ready()
    try:
        wait_until(lambda: "Often" in str(server.get("/api/v1/alerts?state=firing")), 30, "the alert of the rule")
        assert "libarrow" not in Path(f"/proc/{server.process.pid}/maps").read_text("ascii")
    finally:
        server.stop()
