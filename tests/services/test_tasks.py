"""Tasks on a real database: what is due is performed once, what is late or missed is said."""

from pathlib import Path

from tests.tasks import played, task


async def test_a_task_whose_time_has_come_is_performed_once_and_stored(tmp_path: Path) -> None:
    async with played(tmp_path, task("vacuum", "hourly")) as room:
        await room.advance(59 * 60)
        assert room.worker.asked == []
        await room.advance(3 * 60)
        assert room.worker.asked == [("vacuum", "tasks/vacuum/2026-01-01T01:00:00Z")]
        (run,) = await room.tasks.runs("vacuum", None, 10)
        assert (run.state.value, run.sentence, run.record) == ("done", "vacuum was done", "runs/1")
        _, standing = room.tasks.find("vacuum")
        assert standing.open is None
        assert standing.last_success == run.ended_at
