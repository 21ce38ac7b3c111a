"""Reports of a real server: asked for, written to files, made for an occasion once, and sent by receivers."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from keepwell.composition import reported
from keepwell.kernel.problems import NotFound
from keepwell.ports.fakes import FakeClock
from keepwell.ports.work import Occasion, Outcome, Work
from keepwell.rooms.reports.model import Report, Span
from keepwell.rooms.reports.offer import Known, tables
from keepwell.rooms.reports.sources import Sources
from keepwell.rooms.reports.work.desk import Desk, InForce
from keepwell.storage import journal
from keepwell.storage.database import Database
from keepwell.storage.declared import STORAGE_TABLES
from tests.alerts_desk import firing, rig_on
from tests.serving import Served, keepwell, operations, serving
from tests.support import wait_until
from tests.unit.test_reports import Measured, checks
from tests.webhook_listener import listening

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

CONFIGURATION = """\
keepwell: 1
service: shop
checks:
  disk: {{host: {{mount: /, warn: "> 99.9%", fail: "> 99.99%"}}, every: 1s}}
kpis:
  disk: {{metric: 'disk_used_ratio{{check="disk"}}', of: max, target: "< 99%", warning: "> 99.9%"}}
  uptime: {{uptime: disk, target: ">= 99%"}}
receivers:
  hook: {{webhook: {{url: "{url}"}}}}
reports:
  monday: {{kind: weekly, title: Of the week, to: [hook], every: "Monday 09:00"}}
"""


@contextmanager
def reporting(folder: Path) -> Iterator[tuple[Served, Any]]:
    with listening() as listener:
        directory = operations(folder / "ops", CONFIGURATION.format(url=listener.url))
        with serving(directory, folder / "data") as server:
            server.until({"disk": "ok"})
            yield server, listener


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests that only look at it."""
    with reporting(tmp_path_factory.mktemp("reports")) as (server, _):
        yield server


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Served, Any]]:
    """A server of a test's own, and its receiver."""
    with reporting(tmp_path) as both:
        yield both


def test_a_report_is_printed_and_written(shared: Served, tmp_path: Path) -> None:
    data = ("--data", str(shared.data))
    told = keepwell("report", "weekly", "--period", "week", *data)
    assert told.returncode == 0, told.stderr
    assert "2 of 2 key figures good" in told.stdout
    assert "disk (max)" in told.stdout
    for name, begins in (("week.html", "<!doctype html>"), ("week.txt", "Weekly report: shop"), ("week.json", "{")):
        written = keepwell("report", "weekly", "--output", str(tmp_path / name), *data)
        assert written.returncode == 0, written.stderr
        assert (tmp_path / name).read_text().startswith(begins)
    parts = {part["key"]: part for part in json.loads((tmp_path / "week.json").read_text())["parts"]}
    assert parts["uptime"]["tables"][0]["rows"][0][0]["words"] == "disk"
    assert "<svg" in (tmp_path / "week.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("report", "yearly"), "no report is called yearly"),
        (("report", "weekly", "--period", "fortnight"), '"fortnight" is no period'),
        (("report", "weekly", "--output", "/nowhere/at/all.html"), "cannot be written"),
        (("report", "weekly", "--to", "nobody"), "there is no receiver nobody"),
        (("report", "--output", "week.html"), "--output is of one report, and none is named"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(shared: Served, arguments: Sequence[str], says: str) -> None:
    answer = keepwell(*arguments, "--data", str(shared.data))
    assert answer.returncode == 2
    assert says in answer.stderr


def test_a_report_is_sent_and_kept(served: tuple[Served, Any]) -> None:
    server, listener = served
    made = keepwell("report", "monday", "--to", "hook", "--data", str(server.data))
    assert made.returncode == 0, made.stderr
    wait_until(lambda: any("letter" in told for told in listener.told()), 15, "the report at the receiver")
    letter = next(told["letter"] for told in listener.told() if "letter" in told)
    assert letter["title"] == "shop: Of the week, the last 7 days"
    assert "Key figures: 2 of 2 key figures good" in letter["summary"]
    assert letter["text"].startswith("Of the week: shop")
    (kept,) = server.get("/api/v1/reports")["reports"]
    assert (kept["name"], kept["sent_to"]) == ("monday", "hook")
    assert server.get(f"/api/v1/reports/made/{kept['number']}")["title"] == "Of the week"


def test_a_report_that_is_sent_is_written_too(served: tuple[Served, Any], tmp_path: Path) -> None:
    server, _ = served
    file = tmp_path / "monday.json"
    made = keepwell("report", "monday", "--to", "hook", "--output", str(file), "--data", str(server.data), "--json")
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert (told["record"], told["file"], told["format"]) == ("reports/1", str(file), "json")
    assert json.loads(file.read_text()) == server.get("/api/v1/reports/made/1")


def test_a_number_that_no_report_has_gives_an_empty_list(shared: Served) -> None:
    for before in (f"{10**30}", f"-{10**30}"):
        assert isinstance(shared.get(f"/api/v1/reports?before={before}")["reports"], list)


def test_what_failed_to_be_audited_stands_in_the_report(tmp_path: Path) -> None:
    absent = tmp_path / "absent.log"
    audits = f"audits:\n  logins: {{failed_authentications: {{paths: [{absent}]}}, every: yearly}}\n"
    directory = operations(tmp_path / "ops", f"keepwell: 1\nservice: shop\n{audits}")
    with serving(directory, tmp_path / "data") as server:

        def part() -> Any:
            return next(one for one in server.get("/api/v1/reports/weekly")["parts"] if one["key"] == "findings")

        assert part()["sentences"] == ["logins was not made: its time has not come yet"]
        keepwell("audit", "run", "logins", "--data", str(server.data))
        assert "there is no log" in part()["sentences"][0]
        assert part()["state"] == "unknown"


def test_pages_show_reports(shared: Served) -> None:
    import urllib.request

    for path, has in (("/reports", "Of the week"), ("/reports/now/capacity", "Capacity"), ("/reports/now/weekly?period=day", "<svg")):
        with urllib.request.urlopen(f"http://127.0.0.1:{shared.port}{path}", timeout=10) as answer:
            assert has in answer.read().decode(), path


def test_a_report_of_no_kind_is_refused(tmp_path: Path) -> None:
    directory = operations(tmp_path / "ops", "keepwell: 1\nservice: shop\nreports:\n  mine: {period: week}\n")
    answer = keepwell("validate", str(directory))
    assert answer.returncode == 1
    assert "mine" in answer.stdout + answer.stderr
    assert "kind: weekly or kind: capacity" in answer.stdout + answer.stderr


# --- an occasion ---------------------------------------------------------------------------------------------------------------


class Sent:
    """What was put among the notices."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, tuple[str, ...]]] = []

    def __call__(self, connection: Connection, key: str, to: Sequence[str], report: Report, number: int) -> None:
        self.sent.append((key, tuple(to)))


@asynccontextmanager
async def desk_on(path: Path, sent: Sent) -> AsyncIterator[tuple[Desk, Database]]:
    database = await Database.open(path / "keepwell.db", [STORAGE_TABLES, tables()], NOW)
    desk = Desk(database, FakeClock(NOW), lambda: Sources(checks, Measured()), sent)
    desk.in_force = InForce("shop", {"weekly": Known("weekly", "weekly", "Weekly report", "week", to=("hook",))}, (), ("hook",))
    try:
        yield desk, database
    finally:
        await database.close()


async def test_an_occasion_makes_one_report(tmp_path: Path) -> None:
    """Asked twice at once, and again after a restart."""
    sent, work = Sent(), Work("report", "weekly")
    occasion = Occasion("tasks/weekly-report/2026-11-23T09:00:00Z", "tasks/weekly-report", NOW)
    async with desk_on(tmp_path, sent) as (desk, database):
        first, second = await asyncio.gather(desk.perform(work, occasion), desk.perform(work, occasion))
        assert first == second
        assert first.outcome is Outcome.DONE
        assert first.record == "reports/1"
        entries = await database.read(lambda connection: journal.slice(connection, event="report.made"))
        assert [entry.actor for entry in entries] == ["tasks/weekly-report"]
    async with desk_on(tmp_path, sent) as (desk, _):
        assert await desk.perform(work, occasion) == first
        other = replace(occasion, key="tasks/weekly-report/2026-11-30T09:00:00Z")
        assert (await desk.perform(work, other)).record == "reports/2"
        _, report = await desk.whole(2)
        assert report.span.end == NOW
    assert sent.sent == [("report-1", ("hook",)), ("report-2", ("hook",))]


async def test_an_alert_that_fires_since_before_the_span_is_in_the_report(tmp_path: Path) -> None:
    day = timedelta(days=1)
    async with rig_on(tmp_path / "keepwell.db") as rig:
        begun = rig.clock.now()
        await rig.tell(firing("Over"), firing("Lasting"))
        await (await rig.after(60)).tell(firing("Lasting"))
        ask = reported.fired(rig.database)
        assert [one.name for one in await ask(Span(begun + day, begun + 8 * day))] == ["Lasting"]
        assert sorted(one.name for one in await ask(Span(begun - day, begun + day))) == ["Lasting", "Over"]


async def test_an_unknown_report_is_not_found(tmp_path: Path) -> None:
    async with desk_on(tmp_path, Sent()) as (desk, _):
        with pytest.raises(NotFound):
            await desk.perform(Work("report", "yearly"), Occasion("k", "", NOW))
        with pytest.raises(NotFound):
            await desk.whole(7)
