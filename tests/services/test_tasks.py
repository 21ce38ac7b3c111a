"""Tasks on a real database under a clock that jumps: what is due is performed once, what is late or missed is said, locks hold."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keepwell.kernel.problems import NotFound, UsageError
from keepwell.kernel.windows import parse_window
from keepwell.ports.fakes import VirtualClock
from keepwell.ports.work import Outcome, Performed
from keepwell.rooms.tasks import store
from keepwell.rooms.tasks.model import Server
from tests.tasks import NEW_YEAR, Told, Worker, played, task

NO_WORK: dict[str, object] = {"work": None}


async def test_a_task_whose_time_has_come_is_performed_once_and_stored(tmp_path: Path) -> None:
    async with played(tmp_path, task("vacuum", "hourly")) as room:
        await room.advance(minutes=59)
        assert room.worker.asked == []
        await room.advance(minutes=3)
        assert room.worker.asked == [("vacuum", "tasks/vacuum/2026-01-01T01:00:00Z")]
        (run,) = await room.runs("vacuum")
        assert (run.state.value, run.sentence, run.record, run.by) == ("done", "vacuum was done", "runs/1", "tasks/vacuum")
        _, standing = room.tasks.find("vacuum")
        assert standing.open is None
        assert standing.last_success == run.ended_at
        assert await room.events("vacuum") == ["task.ended"]
        assert room.told.names == []


@pytest.mark.timeout(300)  # plays them in eight seconds of the processor's
async def test_five_weeks_of_cadences_are_all_due_in_their_zones(tmp_path: Path) -> None:
    start = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday; clocks go forward in Berlin on Sunday 29 March
    every = {"daily": "daily 02:30", "weekly": "Sunday 03:00", "monthly": "first Monday 09:00", "often": "0 */6 * * *"}
    tasks = [task(name, words, "Europe/Berlin") for name, words in every.items()]
    async with played(tmp_path, *tasks, now=start) as room:
        await room.advance(weeks=5)
        keys = [key.removeprefix("tasks/daily/") for name, key in room.worker.asked if name == "daily"]
        assert len(keys) == 35
        assert keys[0] == "2026-03-03T01:30:00Z"
        assert keys[25:28] == ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]  # 02:30 does not happen on the 29th
        assert room.worker.names.count("weekly") == 5
        assert [key for name, key in room.worker.asked if name == "monthly"] == ["tasks/monthly/2026-04-06T07:00:00Z"]
        assert room.worker.names.count("often") == 35 * 4
        assert len(set(room.worker.asked)) == len(room.worker.asked)
        assert room.told.names == []


async def test_what_an_outage_passed_over_is_done_once_where_it_is_not_too_late(database_place: Path | str) -> None:
    late = task("late", "daily 03:00", late=timedelta(hours=6))
    skipping = task("skipping", "daily 03:00", late=timedelta(minutes=1))
    often = task("often", "hourly")
    async with played(database_place, late, skipping, often) as room:
        await room.advance(hours=4)
    told = Told()
    async with played(database_place, late, skipping, often, now=NEW_YEAR + timedelta(days=3, hours=5, minutes=10), told=told) as room:
        await room.advance(minutes=1)
        assert await room.outcomes("late") == ["01-01 03:00 done", "01-03 03:00 missed x2", "01-04 03:00 done"]
        assert await room.outcomes("skipping") == ["01-01 03:00 done", "01-03 03:00 missed x2", "01-04 03:00 missed"]
        assert (await room.outcomes("often"))[-2:] == ["01-04 04:00 missed x72", "01-04 05:00 done"]
        assert [run.sentence for run in await room.runs("late")][1:] == [
            "not begun: Keepwell was not running then",
            "late was done (begun 2h10m late)",
        ]
        assert told.names == [("skipping", "TaskMissed")]
        assert told.summary("skipping") == (
            "skipping of 2026-01-04T03:00:00Z was missed: not begun: it could begin until 2026-01-04T03:01:00Z, "
            "and Keepwell was not running then"
        )
        assert await room.events("late") == ["task.ended", "task.missed", "task.ended"]
        await room.advance(days=1)
        assert told.names == []  # the next one was done


async def test_what_failed_is_told_until_it_is_done(tmp_path: Path) -> None:
    worker = Worker()
    worker.outcomes = {
        "broken": Performed(Outcome.FAILED, "step 2 ended with 1", "runs/7"),
        "refused": Performed(Outcome.REFUSED, "nobody accepted its text"),
        "gone": NotFound("no runbook is called gone"),
        "defect": ZeroDivisionError(),
    }
    names = [*worker.outcomes]
    async with played(tmp_path, *(task(name, "daily 01:00", severity="critical") for name in names), worker=worker) as room:
        await room.advance(hours=2)
        assert room.told.names == sorted((name, "TaskFailed") for name in names)
        assert room.told.summary("broken") == "broken failed: step 2 ended with 1"
        assert room.told.summary("refused") == "refused was refused: nobody accepted its text"
        assert room.told.summary("gone") == "gone was refused: no runbook is called gone"
        assert "its log says where" in room.told.summary("defect")
        (alert,) = room.told.active["tasks/broken"]
        assert (alert.labels["severity"], alert.annotations["record"]) == ("critical", "runs/7")
        worker.outcomes.clear()
        await room.deeds.run_now("broken", "ada")
        await room.advance(hours=1)
        assert ("broken", "TaskFailed") not in room.told.names
        assert await room.events("broken") == ["task.ended", "task.begun", "task.ended"]
        assert (await room.runs("broken"))[-1].by == "ada"
        await room.advance(days=1)
        assert room.told.names == []
        assert len(await room.runs("broken")) == 3  # one that a person began took the place of none


async def test_one_at_a_time_and_the_next_one_waits_or_is_missed(tmp_path: Path) -> None:
    worker = Worker()
    worker.outcomes["slow"] = ending = asyncio.Event()
    async with played(tmp_path, task("slow", "hourly", expected=timedelta(minutes=20)), worker=worker) as room:
        await room.advance(hours=1, minutes=19)
        assert room.told.names == []
        await room.advance(minutes=2)
        assert room.told.names == [("slow", "TaskOverdue")]
        assert room.told.summary("slow") == "slow of 2026-01-01T01:00:00Z runs longer than 20m"
        with pytest.raises(UsageError, match="slow is running since"):
            await room.deeds.run_now("slow", "ada")
        await room.advance(hours=2, minutes=9)  # 03:30
        assert worker.names == ["slow"]
        _, standing = room.tasks.find("slow")
        assert standing.held_because == "the one of 2026-01-01T01:00:00Z has not ended"
        ending.set()
        await room.settle()
        assert worker.asked[1:] == [("slow", "tasks/slow/2026-01-01T03:00:00Z")]
        assert await room.outcomes("slow") == ["01-01 01:00 done", "01-01 02:00 missed", "01-01 03:00 done"]
        assert (await room.runs("slow"))[1].sentence == "not begun: the one of 2026-01-01T01:00:00Z had not ended"
        assert room.told.names == []


async def test_locks_are_for_one_at_a_time(tmp_path: Path) -> None:
    worker = Worker()
    worker.outcomes["first"] = ending = asyncio.Event()
    first, second = task("first", "daily 01:00", locks=("database", "disk")), task("second", "daily 01:10", locks=("database",))
    async with played(tmp_path, first, second, task("third", "daily 01:10"), worker=worker) as room:
        await room.advance(hours=1, minutes=30)
        assert worker.names == ["first", "third"]
        _, standing = room.tasks.find("second")
        assert standing.held_because == "database is in use by first"
        with pytest.raises(UsageError, match="database is in use"):
            await room.deeds.run_now("second", "ada")
        ending.set()
        await room.settle()
        assert worker.names == ["first", "third", "second"]
        assert (await room.runs("second"))[0].sentence == "second was done (begun 20m late)"


async def test_a_window_holds_it_until_it_opens_or_it_is_too_late(tmp_path: Path) -> None:
    window = parse_window("daily 03:00-04:00", "UTC")
    soon, late = task("soon", "daily 01:00", window=window), task("late", "daily 01:00", window=window, late=timedelta(hours=1))
    async with played(tmp_path, soon, late) as room:
        await room.advance(hours=1, minutes=30)
        _, standing = room.tasks.find("soon")
        assert standing.held_because == "its window daily 03:00-04:00 opens at 2026-01-01T03:00:00Z"
        await room.advance(hours=2)
        assert await room.outcomes("soon") == ["01-01 01:00 done"]
        (run,) = await room.runs("soon")
        assert run.started_at is not None
        assert run.started_at - NEW_YEAR < timedelta(hours=3, seconds=1)
        (missed,) = await room.runs("late")
        assert missed.sentence == (
            "not begun: it could begin until 2026-01-01T02:00:00Z, and its window daily 03:00-04:00 opens at 2026-01-01T03:00:00Z"
        )
        assert room.told.names == [("late", "TaskMissed")]


async def test_what_a_person_does_waits_until_it_is_said_or_the_next_is_due(tmp_path: Path) -> None:
    async with played(tmp_path, task("review", "daily 09:00", **NO_WORK, expected=timedelta(hours=8))) as room:
        with pytest.raises(UsageError, match="nothing of review waits"):
            await room.deeds.done("review", "ada", "")
        await room.advance(hours=10)
        assert room.told.names == []
        done = await room.deeds.done("review", "ada", "two accounts closed")
        assert (done.state.value, done.sentence) == ("done", "done by ada: two accounts closed")
        await room.advance(days=1, hours=8)
        assert room.told.names == [("review", "TaskOverdue")]
        assert room.told.summary("review").startswith("review of 2026-01-02T09:00:00Z waits for a person longer than 8h")
        await room.advance(days=1)
        assert await room.outcomes("review") == ["01-01 09:00 done", "01-02 09:00 missed", "01-03 09:00 waiting"]
        assert ("review", "TaskMissed") in room.told.names
        await room.deeds.skip("review", "ada", "holidays")
        await room.settle()
        assert room.told.names == []
        assert (await room.runs("review"))[-1].sentence == "skipped by ada: holidays"
        assert room.worker.asked == []
        with pytest.raises(UsageError, match="is done by a person"):
            await room.deeds.run_now("review", "ada")


@pytest.mark.timeout(300)  # plays two days, minute by minute
async def test_work_that_waits_for_a_person_is_asked_again_until_it_has_ended(tmp_path: Path) -> None:
    worker = Worker()
    worker.outcomes["checklist"] = Performed(Outcome.WAITING, "step 3 waits for a tick", "runs/4")
    async with played(tmp_path, task("checklist", "daily 01:00"), worker=worker) as room:
        await room.advance(hours=1, minutes=30)
        (run,) = await room.runs("checklist")
        assert (run.state.value, run.sentence, run.record) == ("waiting", "step 3 waits for a tick", "runs/4")
        assert len(set(worker.asked)) == 1  # always the same occasion
        assert len(worker.asked) >= 30
        worker.outcomes["checklist"] = Performed(Outcome.DONE, "all ticked", "runs/4", {"steps": 3.0})
        await room.advance(minutes=1)
        (run,) = await room.runs("checklist")
        assert (run.state.value, run.sentence, run.facts) == ("done", "all ticked", {"steps": 3.0})
        assert await room.events("checklist") == ["task.waits", "task.ended"]
        worker.outcomes["checklist"] = Performed(Outcome.WAITING, "step 3 waits for a tick", "runs/5")
        await room.advance(days=2)
        assert room.told.names == [("checklist", "TaskOverdue")]
        with pytest.raises(UsageError, match="checklist is work of Keepwell's"):
            await room.deeds.done("checklist", "ada", "")
        await room.deeds.skip("checklist", "ada", "")
        await room.settle()
        assert await room.outcomes("checklist") == ["01-01 01:00 done", "01-02 01:00 skipped", "01-03 01:00 waiting"]


async def test_a_task_that_waits_for_a_script_has_no_occasions(tmp_path: Path) -> None:
    async with played(tmp_path, task("rotate", "* * * * *", **NO_WORK, waits_for="rotate-logs.sh")) as room:
        await room.advance(days=1)
        assert await room.runs() == []
        with pytest.raises(UsageError, match=r"rotate waits for rotate-logs\.sh"):
            await room.deeds.run_now("rotate", "ada")


async def test_a_server_that_ended_in_the_middle_goes_on_with_the_same_occasion(database_place: Path | str) -> None:
    worker = Worker()
    worker.outcomes["long"] = asyncio.Event()
    long = task("long", "daily 01:00", locks=("disk",))
    async with played(database_place, long, worker=worker) as room:
        await room.advance(hours=1, minutes=5)
    worker.outcomes.clear()
    async with played(database_place, long, worker=worker, now=NEW_YEAR + timedelta(hours=1, minutes=6)) as room:
        await room.settle()
        assert worker.asked == [("long", "tasks/long/2026-01-01T01:00:00Z")] * 2
        assert await room.outcomes("long") == ["01-01 01:00 done"]
        assert await room.events("long") == ["task.continued", "task.ended"]


async def test_of_two_servers_one_does_it_and_the_other_goes_on_when_that_is_gone(database_place: Path | str) -> None:
    clock, worker, other = VirtualClock(NEW_YEAR), Worker(), Worker()
    worker.outcomes["long"] = other.outcomes["long"] = ending = asyncio.Event()
    tasks = (task("long", "daily 01:00"), *(task(f"often{number}", "hourly") for number in range(5)))
    async with (
        played(database_place, *tasks, worker=other, server=Server("two", shared=True), clock=clock) as second,
        played(database_place, *tasks, worker=worker, server=Server("one", shared=True), clock=clock) as first,
    ):
        await clock.play(NEW_YEAR + timedelta(hours=1, minutes=10))
        assert sorted([*worker.names, *other.names]) == ["long", *(f"often{number}" for number in range(5))]
        gone, left = (worker, other) if "long" in worker.names else (other, worker)
        ended, stays = (first, second) if gone is worker else (second, first)
        await ended.end()
        await clock.play(NEW_YEAR + timedelta(hours=1, minutes=15))
        assert "long" in left.names
        ending.set()
        await clock.play(NEW_YEAR + timedelta(hours=1, minutes=16))
        assert await stays.outcomes("long") == ["01-01 01:00 done"]
        assert left.asked.count(("long", "tasks/long/2026-01-01T01:00:00Z")) == 1


async def test_a_changed_cadence_and_a_task_that_is_gone(tmp_path: Path) -> None:
    worker = Worker()
    worker.outcomes["failing"] = Performed(Outcome.FAILED, "no")
    async with played(tmp_path, task("failing", "daily 01:00"), task("moved", "daily 01:00"), worker=worker) as room:
        await room.advance(hours=2)
        assert room.told.names == [("failing", "TaskFailed")]
        await room.tasks.configure([task("moved", "daily 01:30")])
        await room.settle()
        assert room.told.names == []
        assert worker.names.count("moved") == 1  # 01:30 of today is not made up for
        with pytest.raises(NotFound, match="no task is called failing"):
            room.tasks.find("failing")
        await room.advance(days=1)
        assert await room.outcomes("moved") == ["01-01 01:00 done", "01-02 01:30 done"]


async def test_a_task_that_the_configuration_lost_while_it_ran_is_closed(tmp_path: Path) -> None:
    worker = Worker()
    worker.outcomes["long"] = asyncio.Event()
    async with played(tmp_path, task("long", "daily 01:00"), worker=worker) as room:
        await room.advance(hours=2)
    async with played(tmp_path, now=NEW_YEAR + timedelta(hours=3)) as room:
        assert await room.outcomes("long") == ["01-01 01:00 refused"]


async def test_occasions_that_are_missed_in_a_row_for_one_reason_are_one_row_and_one_alert(tmp_path: Path) -> None:
    worker = Worker()
    worker.outcomes["minute"] = ending = asyncio.Event()
    async with played(tmp_path, task("minute", "* * * * *"), worker=worker) as room:
        await room.advance(hours=3)
        assert await room.outcomes("minute") == ["01-01 00:01 running", "01-01 02:59 missed x178"]
        assert (await room.runs("minute"))[1].first_due_at == NEW_YEAR + timedelta(minutes=2)
        assert await room.events("minute") == ["task.missed"]
        assert room.told.names == [("minute", "TaskOverdue")]
        ending.set()
        await room.advance(minutes=1)
        assert (await room.outcomes("minute"))[-2:] == ["01-01 03:00 done", "01-01 03:01 done"]
        assert room.told.names == []


async def test_a_calendar_of_minutes_is_counted_by_the_database(database_place: Path | str) -> None:
    async with played(database_place, task("minute", "* * * * *"), task("daily", "daily 01:00")) as room:
        await room.advance(hours=2)
        start, end = NEW_YEAR + timedelta(minutes=30), NEW_YEAR + timedelta(hours=3)
        tallies = await room.database.read(lambda connection: store.tallies(connection, start, end))
        assert [(one.task, f"{one.at:%H:%M}", one.rows, one.occasions) for one in tallies] == [
            ("minute", "00:30", 15, 15),
            ("minute", "00:45", 15, 15),
            ("daily", "01:00", 1, 1),
            ("minute", "01:00", 15, 15),
            ("minute", "01:15", 15, 15),
            ("minute", "01:30", 15, 15),
            ("minute", "01:45", 15, 15),
            ("minute", "02:00", 1, 1),
        ]
        between = await room.database.read(lambda connection: store.between(connection, start, end))
        assert len(between) == 92


async def test_what_waited_for_its_window_and_failed_is_told_although_a_person_ran_it_meanwhile(database_place: Path | str) -> None:
    worker = Worker()
    window = parse_window("daily 04:00-06:00", "UTC")
    async with played(database_place, task("vacuum", "daily 02:00", window=window), worker=worker) as room:
        await room.advance(hours=3)
        await room.deeds.run_now("vacuum", "ada")
        await room.settle()
        worker.outcomes["vacuum"] = Performed(Outcome.FAILED, "the disk is full")
        await room.advance(hours=2)
        assert await room.outcomes("vacuum") == ["01-01 02:00 failed", "01-01 03:00 done"]
        assert room.told.names == [("vacuum", "TaskFailed")]
        worker.outcomes.clear()
        await room.deeds.run_now("vacuum", "ada")
        await room.settle()
        assert room.told.names == []


async def test_spans_beyond_the_calendar_hold_up_no_other_task(tmp_path: Path) -> None:
    worker = Worker()
    worker.outcomes["slow"] = asyncio.Event()
    ages = timedelta(days=9000 * 365)
    async with played(tmp_path, task("late", late=ages), task("slow", expected=ages), task("other"), worker=worker) as room:
        await room.advance(hours=3, minutes=1)
        assert worker.names.count("late") == worker.names.count("other") == 3
        assert worker.names.count("slow") == 1
        assert room.told.names == [("slow", "TaskOverdue")]


async def test_a_calendar_that_was_a_year_ahead_is_told_of_and_forgotten_when_a_person_says_so(database_place: Path | str) -> None:
    daily = (task("daily", "daily 02:00"), task("often", "hourly"))
    async with played(database_place, *daily) as room:
        await room.advance(days=2)
    async with played(database_place, *daily, now=NEW_YEAR + timedelta(days=365)) as room:
        await room.settle()
        assert await room.outcomes("daily") == ["01-01 02:00 done", "01-02 02:00 done", "12-30 02:00 missed x362", "12-31 02:00 missed"]
    async with played(database_place, *daily, now=NEW_YEAR + timedelta(days=3)) as room:
        await room.settle()
        ahead = [one for one in room.told.names if one[1] == "TaskAhead"]
        assert ahead == [("daily", "TaskAhead"), ("often", "TaskAhead")]
        await room.advance(hours=3)
        assert room.worker.names == []
        for name in ("daily", "often"):
            await room.deeds.rewind(name, "ada")
        await room.settle()
        assert room.told.names == []
        assert "task.rewound" in await room.events("daily")
        with pytest.raises(UsageError, match="nothing of daily was decided ahead of the clock"):
            await room.deeds.rewind("daily", "ada")
        await room.advance(days=2)
        assert await room.outcomes("daily") == [f"01-0{day} 02:00 done" for day in (1, 2, 4, 5, 6)]
        assert room.worker.names.count("often") == 49, "each hour of two days, and the last of those that nothing began in"


async def test_a_clock_that_is_years_behind_until_it_is_set_loses_nothing_and_asks_for_nothing_twice(database_place: Path | str) -> None:
    """As on a machine without a battery for its clock."""
    daily = (task("daily", "daily 02:00"),)
    async with played(database_place, *daily) as room:
        await room.advance(days=2)
    async with played(database_place, *daily, now=datetime(1970, 1, 1, tzinfo=UTC)) as room:
        await room.advance(days=3)
        assert room.told.names == [("daily", "TaskAhead")]
        assert room.worker.names == []
    async with played(database_place, *daily, now=NEW_YEAR + timedelta(days=2, hours=1)) as room:
        await room.advance(hours=3)
        assert await room.outcomes("daily") == [f"01-0{day} 02:00 done" for day in (1, 2, 3)]
        assert room.worker.asked == [("daily", "tasks/daily/2026-01-03T02:00:00Z")]
        assert room.told.names == []


class Watched(VirtualClock):
    """A clock that somebody sets back."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self.wrong = timedelta(0)

    def now(self) -> datetime:
        """See ports.clock.Clock."""
        return super().now() + self.wrong


async def test_a_clock_that_is_corrected_while_the_server_runs_needs_no_restart(tmp_path: Path) -> None:
    clock = Watched(NEW_YEAR)
    async with played(tmp_path, task("daily", "daily 02:00"), clock=clock) as room:
        clock.wrong = timedelta(days=365)
        await clock.play(NEW_YEAR + timedelta(hours=3))
        assert room.worker.names == ["daily"]
        clock.wrong = timedelta(0)
        await clock.play(NEW_YEAR + timedelta(hours=4))
        assert room.told.names == [("daily", "TaskAhead")]
        await room.deeds.rewind("daily", "ada")
        await clock.play(NEW_YEAR + timedelta(days=1, hours=3))
        assert room.told.names == []
        assert room.worker.asked[-1] == ("daily", "tasks/daily/2026-01-02T02:00:00Z")


async def test_what_waited_for_a_person_is_not_begun_because_it_becomes_work(tmp_path: Path) -> None:
    async with played(tmp_path, task("review", "monday 02:00", **NO_WORK)) as room:
        await room.advance(days=7)
        assert await room.outcomes("review") == ["01-05 02:00 waiting"]
        await room.tasks.configure([task("review", "monday 02:00")])
        await room.settle()
        assert room.worker.asked == []
        assert await room.outcomes("review") == ["01-05 02:00 missed"]
        assert room.told.names == [("review", "TaskMissed")]
        await room.advance(days=7)
        assert room.worker.names == ["review"]
        assert room.told.names == []


async def test_work_that_waits_for_a_person_goes_on_with_another_server(database_place: Path | str) -> None:
    clock, worker, other = VirtualClock(NEW_YEAR), Worker(), Worker()
    worker.outcomes["checklist"] = other.outcomes["checklist"] = Performed(Outcome.WAITING, "step 3 waits for a tick", "runs/4")
    checklist, human = task("checklist", "daily 01:00"), task("review", "daily 01:00", **NO_WORK)
    async with played(database_place, checklist, human, worker=other, server=Server("two", shared=True), clock=clock) as second:
        async with played(database_place, checklist, human, worker=worker, server=Server("one", shared=True), clock=clock) as first:
            await clock.play(NEW_YEAR + timedelta(hours=1, minutes=2))
            gone, left, stays = (first, other, second) if worker.names else (second, worker, first)
            assert left.names == []
            await gone.end()
        left.outcomes.clear()
        await clock.play(NEW_YEAR + timedelta(hours=1, minutes=10))
        assert left.names == ["checklist"]
        assert await stays.outcomes("checklist") == ["01-01 01:00 done"]
        assert await stays.outcomes("review") == ["01-01 01:00 waiting"]


async def test_of_two_who_say_it_at_once_the_second_hears_that_it_had_ended(tmp_path: Path) -> None:
    async with played(tmp_path, task("review", "daily 01:00", **NO_WORK)) as room:
        await room.advance(hours=2)
        said = await asyncio.gather(
            room.deeds.done("review", "ada", ""), room.deeds.skip("review", "grace", "holidays"), return_exceptions=True
        )
        assert [type(one).__name__ for one in said] == ["Run", "UsageError"]
        assert (await room.runs("review"))[0].sentence == "done by ada"


async def test_pages_of_occasions_leave_out_none_of_one_instant(database_place: Path | str) -> None:
    async with played(database_place, *(task(f"task{number}", "daily 02:00") for number in range(7))) as room:
        await room.advance(days=2)
        first = await room.database.read(lambda connection: store.runs(connection, None, None, 5))
        second = await room.database.read(lambda connection: store.runs(connection, None, first[-1].due_at, 5))
        assert len({run.key for run in (*first, *second)}) == 14
        assert await room.database.read(lambda connection: store.runs(connection, None, second[-1].due_at, 5)) == []
