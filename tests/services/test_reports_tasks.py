"""Reports of tasks that ran each minute for weeks: every occasion counts, however many there are."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from keepwell.composition.reported_rooms import tasks_asked
from keepwell.composition.tasks import TaskRoom
from keepwell.ports.fakes import VirtualClock, fake_host
from keepwell.rooms.reports.model import Part, Span
from keepwell.rooms.reports.parts import tasks as part
from keepwell.rooms.tasks.offer import tables
from keepwell.rooms.tasks.tables import RUN
from keepwell.storage.database import Database
from keepwell.storage.declared import STORAGE_TABLES
from tests.tasks import Told, Worker

END = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def row(task: str, due_at: datetime, state: str = "done", sentence: str = "it is well", occasions: int = 1) -> dict[str, Any]:
    begun = {"started_at": due_at, "ended_at": due_at, "first_due_at": None}
    more = {"by": f"tasks/{task}", "record": "", "facts": {}, "holder": ""}
    return {"task": task, "due_at": due_at, "state": state, "sentence": sentence, "occasions": occasions, **begun, **more}


async def reported(folder: Path, rows: list[dict[str, Any]], start: datetime) -> Part:
    """The part of a report over these occasions, from ``start`` to END."""

    def put(connection: Connection) -> None:
        for first in range(0, len(rows), 10_000):
            connection.execute(insert(RUN), rows[first : first + 10_000])

    write: Callable[[Connection], None] = put
    database = await Database.open(folder / "keepwell.sqlite", (STORAGE_TABLES, tables()), END)
    try:
        await database.write(write)
        clock = VirtualClock(END)
        room = TaskRoom(database, fake_host(clock=clock), Worker().perform, Told().tell, "here")
        ask = tasks_asked(room)
        assert ask is not None
        return part.part(await ask(Span(start, END)))
    finally:
        await database.close()


async def test_every_occasion_of_a_month_counts(tmp_path: Path) -> None:
    month = 30 * 24 * 60
    rows = [row(name, END - number * MINUTE) for name in ("a", "b", "c") for number in range(2, month + 1)]
    rows.append(row("c", END - MINUTE, "failed", "the disk was full"))
    made = await reported(tmp_path, rows, END - timedelta(days=30))
    assert made.headline == f"{3 * (month - 1):,} tasks done, 1 failed"
    assert made.sentences == ("c of 2026-11-23 08:59 UTC failed: the disk was full",)
    (table,) = made.tables
    assert [(cells[0].words, cells[1].value, cells[-1].words) for cells in table.rows] == [
        ("c", month - 1, "failed 2026-11-23 08:59 UTC"),
        ("a", month - 1, "done 2026-11-23 08:58 UTC"),
        ("b", month - 1, "done 2026-11-23 08:58 UTC"),
    ]


async def test_of_many_faults_the_newest_are_said_and_all_are_counted(tmp_path: Path) -> None:
    rows = [row("a", END - number * MINUTE, "failed", f"fault {number}") for number in range(1, 101)]
    rows.append(row("b", END - 200 * MINUTE, "missed", "not begun: Keepwell was not running then", 40))
    rows.append(row("b", END - 5 * MINUTE - MINUTE / 2, "missed", "not begun: it took too long", 3))
    rows += [row("a", END - timedelta(hours=3), "waiting"), row("a", END, "failed", "beyond the end")]
    made = await reported(tmp_path, rows, END - timedelta(days=1))
    assert made.headline == "0 tasks done, 100 failed, 43 missed"
    assert [said.rpartition(": ")[2] for said in made.sentences] == [
        *(f"fault {number}" for number in (9, 8, 7, 6)),
        "it took too long",
        *(f"fault {number}" for number in (5, 4, 3, 2, 1)),
    ]
    (table,) = made.tables
    assert [[cell.words for cell in cells] for cells in table.rows] == [
        ["a", "0", "100", "0", "0", "1", "failed 2026-11-23 08:59 UTC"],
        ["b", "0", "0", "43", "0", "0", "missed 2026-11-23 08:54 UTC"],
    ]
