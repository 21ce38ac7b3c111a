"""Audits on SQLite and on PostgreSQL: findings over time, waivers that end, occasions that are never made twice, what people are told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from keepwell.config.options import Options
from keepwell.kernel.problems import AnswerError, NotFound, StorageError, UsageError
from keepwell.ports.alerts import Active
from keepwell.ports.fakes import FakeClock, result
from keepwell.ports.runner import Command, Result
from keepwell.ports.work import Occasion, Outcome, Work
from keepwell.rooms.audits import offer, store
from keepwell.rooms.audits.asked import Waiving
from keepwell.rooms.audits.model import Audit, Control, Finding, Made
from keepwell.rooms.audits.work import Audits, Verbs, Wish
from keepwell.storage import journal
from keepwell.storage.database import Database
from tests.alerts_desk import NOW
from tests.support import until

DAY = timedelta(days=1)


def _read(options: Options, answers: Sequence[Result], now: object) -> Sequence[Finding]:
    if answers[0].stdout == "garbage":
        raise AnswerError("it gave garbage")
    return [Finding(line, f"{line} is wrong") for line in answers[0].stdout.splitlines()]


CONTROL = Control("what is wrong", Options, lambda options: (Command(("look",)),), _read)


class Rig:
    """Audits on a database; the host answers with what the test says."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self.database, self.clock = database, clock
        self.answer = ""
        self.looks = 0
        self.told: dict[str, list[str]] = {}
        self.audits = Audits(Verbs(database.read, database.write, self._tell, self._run, clock))
        self.audits.configure({"files": Audit("files", "fake", CONTROL, Options(), severity="P3")}, "http://127.0.0.1:8750")

    async def _run(self, host: str, command: Command) -> Result:
        self.looks += 1
        return result(self.answer)

    async def _tell(self, source: str, active: Sequence[Active], at: object) -> None:
        self.told[source] = [f"{one.labels['alertname']} {one.labels['severity']}: {one.annotations['summary']}" for one in active]

    async def make(self, answer: str, key: str = "") -> str:
        self.answer = answer
        occasion = Occasion(key or f"k{self.clock.now()}", "tasks/audits", self.clock.now())
        return (await self.audits.perform(Work("audit", "files"), occasion)).sentence

    async def after(self, time: timedelta) -> None:
        """Lets time pass; what is due is run at its instant."""
        end = self.clock.monotonic() + time.total_seconds()
        while (due := self.audits.next_due()) is not None and max(due, self.clock.monotonic()) <= end:
            self.clock.advance(max(0.0, due - self.clock.monotonic()))
            for job in self.audits.take_due(self.clock.monotonic()):
                await job.run()
        self.clock.advance(end - self.clock.monotonic())

    async def events(self) -> list[str]:
        found = await self.database.read(lambda connection: journal.slice(connection, "audits/files"))
        return [entry.event for entry in reversed(found)]


@pytest.fixture
async def rig(database_place: Path | str) -> AsyncIterator[Rig]:
    database = await Database.open(database_place, [offer.tables()], NOW)
    yield Rig(database, FakeClock(NOW))
    await database.close()


async def test_a_finding_has_a_first_time_and_a_last_time_goes_and_comes_again(rig: Rig) -> None:
    assert await rig.make("a\nb\n") == "2 findings, 2 new"
    await rig.after(DAY)
    assert await rig.make("a\n") == "1 finding"
    await rig.after(DAY)
    assert await rig.make("a\nb\n") == "2 findings, 1 new"
    rows = await rig.database.read(lambda connection: store.findings(connection, "files", with_gone=True))
    told = {row.key: (row.first_seen - NOW, row.since - NOW, row.last_seen - NOW, row.gone_at, row.times) for row in rows}
    nothing = timedelta(0)
    assert told == {"a": (nothing, nothing, 2 * DAY, None, 1), "b": (nothing, 2 * DAY, 2 * DAY, None, 2)}
    await rig.after(DAY)
    assert await rig.make("") == "nothing was found"
    assert await rig.audits.findings() == []
    rows = await rig.database.read(lambda connection: store.findings(connection, "files", with_gone=True))
    assert [row.gone_at for row in rows] == [NOW + 3 * DAY, NOW + 3 * DAY]
    assert await rig.events() == ["audit.done"] * 4


async def test_people_are_told_of_what_counts_until_it_is_gone(rig: Rig) -> None:
    await rig.make("".join(f"{number}\n" for number in range(7)))
    (alert,) = rig.told["audits/files"]
    assert alert.startswith("AuditFindings P3: files: 7 findings: 0 is wrong; 1 is wrong; ")
    assert alert.endswith("; and 2 more")
    await rig.after(DAY)
    await rig.make("")
    assert rig.told["audits/files"] == []


async def test_a_waiver_holds_until_it_ends(rig: Rig) -> None:
    await rig.make("a\nb\n")
    (first, _) = await rig.audits.findings()
    await rig.audits.waive("files", first.standing.id, Wish(NOW + 10 * DAY, "moved in May", "anna"), "uid:anna")
    assert rig.told["audits/files"] == ["AuditFindings P3: files: 1 finding: b is wrong"]
    await rig.after(5 * DAY)
    assert await rig.make("a\n") == "1 finding, 1 waived"
    assert rig.told["audits/files"] == []
    assert [(one.waiver.reason, one.waiver.by) for one in await rig.audits.findings() if one.waiver] == [("moved in May", "anna")]
    await rig.after(6 * DAY)
    assert rig.told["audits/files"] == ["AuditFindings P3: files: 1 finding: a is wrong"], "nobody looked again: the waiver ended by itself"
    assert (await rig.events())[:2] == ["audit.done", "audit.waived"]


async def test_a_waiver_is_taken_back(rig: Rig) -> None:
    await rig.make("a\n")
    await rig.audits.waive("files", "a", Wish(NOW + DAY, "known", "anna"), "anna")
    assert rig.told["audits/files"] == []
    await rig.audits.unwaive("files", "a", "ben")
    assert rig.told["audits/files"] == ["AuditFindings P3: files: 1 finding: a is wrong"]
    with pytest.raises(NotFound, match="the finding a of the audit files is not waived"):
        await rig.audits.unwaive("files", "a", "ben")


async def test_what_cannot_be_waived_is_said(rig: Rig) -> None:
    await rig.make("a\n")
    with pytest.raises(UsageError, match="which is past"):
        await rig.audits.waive("files", "a", Wish(NOW, "x", "anna"), "anna")
    with pytest.raises(NotFound, match="the audit has no finding 'b'"):
        await rig.audits.waive("files", "b", Wish(NOW + DAY, "x", "anna"), "anna")
    with pytest.raises(NotFound, match="there is no audit 'other'"):
        await rig.audits.waive("other", "b", Wish(NOW + DAY, "x", "anna"), "anna")


async def test_an_occasion_is_made_once_whatever_happens_in_between(rig: Rig) -> None:
    assert await rig.make("a\n", key="audits/files/2026-03-02T08:00:00Z") == "1 finding, 1 new"
    assert await rig.make("b\n", key="audits/files/2026-03-02T08:00:00Z") == "1 finding, 1 new"
    assert rig.looks == 1
    again = Rig(rig.database, rig.clock)
    assert await again.make("b\n", key="audits/files/2026-03-02T08:00:00Z") == "1 finding, 1 new"
    assert again.looks == 0


async def test_one_that_a_crash_interrupted_is_made_again(rig: Rig) -> None:
    async def dies(host: str, command: Command) -> Result:
        raise RuntimeError("killed")

    object.__setattr__(rig.audits._verbs, "run", dies)
    with pytest.raises(RuntimeError):
        await rig.make("a\n", key="k")
    again = Rig(rig.database, rig.clock)
    assert await again.make("a\n", key="k") == "1 finding, 1 new"


async def test_one_that_cannot_be_made_leaves_the_findings_and_is_told_of(rig: Rig) -> None:
    await rig.make("a\n")
    await rig.after(DAY)
    rig.answer = "garbage"
    performed = await rig.audits.perform(Work("audit", "files"), Occasion("k2", "tasks/audits", NOW))
    assert (performed.outcome, performed.sentence, performed.record) == (Outcome.FAILED, "it gave garbage", "audits/files")
    assert [one.standing.key for one in await rig.audits.findings()] == ["a"]
    assert [alert.partition(":")[0] for alert in rig.told["audits/files"]] == ["AuditFindings P3", "AuditFailed P3"]
    await rig.after(DAY)
    await rig.make("")
    assert rig.told["audits/files"] == []
    assert await rig.events() == ["audit.done", "audit.failed", "audit.done"]


async def test_after_a_start_people_are_told_as_before_and_of_an_audit_that_is_gone_no_more(rig: Rig) -> None:
    await rig.make("a\n")
    again = Rig(rig.database, rig.clock)
    await again.after(timedelta(seconds=1))
    assert again.told["audits/files"] == ["AuditFindings P3: files: 1 finding: a is wrong"]
    again.audits.configure({}, "")
    await again.after(timedelta(seconds=1))
    assert again.told["audits/files"] == []
    assert await again.audits.findings() == []


async def test_what_cannot_be_told_now_is_told_later(rig: Rig) -> None:
    tell = rig.audits._verbs.tell

    async def refuse(*_: object) -> None:
        raise StorageError("the disk is full")

    object.__setattr__(rig.audits._verbs, "tell", refuse)
    assert await rig.make("a\n") == "1 finding, 1 new"
    assert rig.told == {}
    object.__setattr__(rig.audits._verbs, "tell", tell)
    await rig.after(timedelta(seconds=6))
    assert rig.told["audits/files"] == ["AuditFindings P3: files: 1 finding: a is wrong"]


async def test_secrets_in_what_is_found_are_redacted(rig: Rig) -> None:
    await rig.make("password=hunter22\n")
    (found,) = await rig.audits.findings()
    assert found.standing.sentence == "password=[redacted] is wrong"


async def test_each_of_its_commands_has_the_time_that_the_audit_gives(rig: Rig) -> None:
    asked: list[float] = []

    async def run(host: str, command: Command) -> Result:
        asked.append(command.timeout)
        return result("")

    object.__setattr__(rig.audits._verbs, "run", run)
    audit: Callable[..., Audit] = replace
    rig.audits.configure({"files": audit(rig.audits.audits["files"], timeout=7.0)}, "")
    await rig.make("")
    assert asked == [7.0]


async def test_what_is_told_is_how_every_audit_stands_then(rig: Rig) -> None:
    """While people are told of one audit, others end: what was read before must not be told after them."""
    names = [f"other-{number}" for number in range(9)]
    every = {name: Audit(name, "fake", CONTROL, Options()) for name in ("files", *names)}
    told, go_on, tell = asyncio.Event(), asyncio.Event(), rig._tell

    async def slowly(source: str, active: Sequence[Active], at: object) -> None:
        if not told.is_set():
            told.set()
            await go_on.wait()
        await tell(source, active, at)

    database = rig.database
    rig.audits = audits = Audits(Verbs(database.read, database.write, slowly, rig._run, rig.clock))
    audits.configure(every, "http://127.0.0.1:8750")
    rig.answer = "a\n"
    first = asyncio.create_task(audits.make("files", "k-files", "anna"))
    await told.wait()
    others = [asyncio.create_task(audits.make(name, f"k-{name}", "anna")) for name in names]

    async def all_ended() -> bool:
        return len(await audits.findings()) == len(every)

    await until(all_ended, what="the other audits")
    await asyncio.wait(others, timeout=1.0)  # those that tell at once have told by then
    go_on.set()
    await asyncio.gather(first, *others)
    assert [name for name in names if not rig.told[f"audits/{name}"]] == []


async def test_an_audit_that_takes_long_goes_on_and_is_under_way(rig: Rig) -> None:
    ready, look = asyncio.Event(), rig._run

    async def slowly(host: str, command: Command) -> Result:
        await ready.wait()
        return await look(host, command)

    database = rig.database
    audits = Audits(Verbs(database.read, database.write, rig._tell, slowly, rig.clock))
    audits.configure(rig.audits.audits, "")
    begun = await audits.make_now("files", "anna", 0.0)
    assert (begun.ended_at, begun.by) == (None, "anna")
    ready.set()
    ended = await audits.make("files", begun.occasion, "anna")
    assert (ended.occasion, ended.outcome, rig.looks) == (begun.occasion, "done", 1)
    assert (await audits.make_now("files", "ben", 60.0)).outcome == "done"


async def test_what_a_crash_interrupted_is_under_way_no_more(rig: Rig) -> None:
    begun = Made("audits/files/now/2026", "files", "anna", NOW)
    await rig.database.write(lambda connection: store.put_run(connection, begun))
    await rig.make("", "k1")
    await rig.database.write(store.forget_interrupted)
    runs = await rig.database.read(lambda connection: store.runs_of(connection, "files", 9))
    assert [run.occasion for run in runs] == ["k1"]


async def test_what_was_told_of_an_audit_ends_when_it_is_taken_out_while_nobody_runs(rig: Rig) -> None:
    await rig.make("a\n")
    assert rig.told["audits/files"]
    again = Rig(rig.database, rig.clock)
    again.told = dict(rig.told)
    again.audits.configure({}, "")
    await again.after(timedelta(seconds=1))
    assert again.told == {"audits/files": []}


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2027-01-01T00:00:00"])
def test_a_waiver_ends_at_an_instant_that_can_be_stored_and_read(until: str) -> None:
    with pytest.raises(ValidationError):
        Waiving.model_validate_json(json.dumps({"reason": "x", "until": until}))
    assert Waiving.model_validate_json('{"reason": "x", "until": "2027-01-01T01:00:00+01:00"}').until == datetime(2027, 1, 1, tzinfo=UTC)
