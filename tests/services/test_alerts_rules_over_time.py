"""Rules over samples on a real database, with a clock that is moved: restarts, storage that fails, arrivals, people who resolve."""

from datetime import timedelta
from pathlib import Path

import pytest

from keepwell.kernel.problems import Problem, StorageError
from keepwell.rooms.alerts.rules.work.measured import SHARE, SOONEST
from tests.alerts_desk import Rig, rig_on
from tests.alerts_evaluated import EVERY, Evaluated, rules_in

SLOW = "rules: [{alert: High, expr: load > 10, for: 2m, severity: page}]\n"


async def next_life(line: Evaluated, away: float, rules: str, folder: Path) -> Evaluated:
    """The server was away for so long; nobody took samples meanwhile."""
    seen_at = line.rig.clock.now()
    again = Evaluated(await line.rig.restarted(away=away), rules_in(folder, rules))
    again.samples = line.samples
    again.measured.begin(seen_at)
    return again


@pytest.mark.parametrize(("away", "more"), [(600, 60), (3600, 120)])
async def test_for_goes_on_after_a_short_restart(tmp_path: Path, away: float, more: float) -> None:
    async with rig_on(tmp_path / "keepwell.db") as rig:
        line = Evaluated(rig, rules_in(tmp_path / "ops", SLOW))
        await line.run(75, {"load": 11})
        assert line.active() == ["High page pending"]
        again = await next_life(line, away, SLOW, tmp_path / "ops")
        assert again.active() == ["High page pending"]
        await again.run(more - EVERY, {"load": 11})
        assert again.active() == ["High page pending"]
        await again.run(2 * EVERY, {"load": 11})
        assert again.active() == ["High page firing"]


@pytest.mark.parametrize("away", [30, 900, 100_000])
async def test_what_fires_is_the_same_alert_after_a_restart(tmp_path: Path, away: float) -> None:
    async with rig_on(tmp_path / "keepwell.db") as rig:
        line = Evaluated(rig, rules_in(tmp_path / "ops", SLOW))
        await line.run(150, {"load": 11})
        (before,) = rig.desk.active()
        again = await next_life(line, away, SLOW, tmp_path / "ops")
        await again.run(30)
        (alert,) = [alert for alert in again.rig.desk.active() if alert.name == "High"]
        assert (alert.number, alert.firing_since) == (before.number, before.firing_since)
        assert bool(alert.doubt) is (away > 300), "samples of before are too old to say anything"
        await again.run(30, {"load": 3})
        assert again.active() == []
        assert [alert.number for alert in await again.rig.rows()] == [before.number]


class Refusing:
    """A database that takes nothing while ``refuses``."""

    def __init__(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        self.refuses = True
        store = rig.storing.store

        async def stored(*arguments: object) -> None:
            if self.refuses:
                raise StorageError(Problem("storage.locked", "the database is locked"))
            await store(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(rig.storing, "store", stored)


async def test_what_cannot_be_stored_is_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig_on(tmp_path / "keepwell.db") as rig:
        line = Evaluated(rig, rules_in(tmp_path / "ops", "rules: [{alert: High, expr: load > 10}]\n"))
        database = Refusing(rig, monkeypatch)
        await line.run(60, {"load": 11})
        assert line.active() == []
        due = line.measured.next_due()
        assert due is not None
        assert due - rig.clock.monotonic() <= 2.0, "sooner than its interval"
        database.refuses = False
        await line.run(15, {"load": 11})
        assert line.active() == ["High  firing"]
        database.refuses = True
        await line.run(60, {"load": 1})
        assert line.active() == ["High  firing"]
        database.refuses = False
        await line.run(15, {"load": 1})
        assert line.active() == []


async def test_samples_that_come_are_judged_at_once_but_not_without_end(tmp_path: Path) -> None:
    async with rig_on(tmp_path / "keepwell.db") as rig:
        line = Evaluated(rig, rules_in(tmp_path / "ops", "rules: [{alert: High, expr: load > 10}, {alert: Low, expr: depth < 1}]\n"))
        await line.run(EVERY, {"load": 1, "depth": 5})
        clock, rules = rig.clock, line.measured
        assert sorted(rules.metrics) == ["depth", "load"]
        clock.advance(5)
        rules.came(["noise"])
        assert rules.take_due(clock.monotonic()) == []
        line.give({"load": 12})
        rules.came(["load", "noise"])
        (job,) = rules.take_due(clock.monotonic())
        assert job.name == "rules/rules/High"
        rules.came(["load"])  # while it is evaluated
        await job.run()
        assert line.active() == ["High  firing"]
        assert rules.take_due(clock.monotonic()) == []
        clock.advance(SOONEST)
        (job,) = rules.take_due(clock.monotonic())
        await job.run()
        running = rules.running("rules/rules/High")
        assert running is not None
        running.seconds = 1.0
        rules.came(["load"])
        assert running.due == pytest.approx(running.began + 1.0 / SHARE)


async def test_who_resolves_by_hand_is_obeyed_until_it_is_over(tmp_path: Path) -> None:
    async with rig_on(tmp_path / "keepwell.db") as rig:
        line = Evaluated(rig, rules_in(tmp_path / "ops", "rules: [{alert: High, expr: load > 10}]\n"))
        await line.run(15, {"load": 11})
        (alert,) = rig.desk.active()
        await rig.desk.resolve(alert.number, "known", "anna")
        await line.run(60, {"load": 11})
        assert line.active() == []
        await line.run(30, {"load": 1})
        await line.run(30, {"load": 12})
        assert line.active() == ["High  firing"]
        assert [one.number for one in rig.desk.active()] != [alert.number]


async def test_a_rule_of_many_series_tells_of_each(tmp_path: Path) -> None:
    async with rig_on(tmp_path / "keepwell.db") as rig:
        line = Evaluated(rig, rules_in(tmp_path / "ops", "rules: [{alert: High, expr: load > 10, labels: {n: 'x{{ $labels.i }}'}}]\n"))
        values = {f'load{{i="{number}"}}': float(number) for number in range(300)}
        await line.run(15, values)
        alerts = rig.desk.active()
        assert len(alerts) == 289
        assert {alert.labels["n"] for alert in alerts} == {f"x{number}" for number in range(11, 300)}
        assert max(alert.active_since for alert in alerts) - min(alert.active_since for alert in alerts) == timedelta(0)


async def test_rules_that_are_gone_or_off_end(tmp_path: Path) -> None:
    async with rig_on(tmp_path / "keepwell.db") as rig:
        both = "rules: [{alert: High, expr: load > 10}, {alert: Higher, expr: load > 20}]\n"
        line = Evaluated(rig, rules_in(tmp_path / "ops", both))
        await line.run(15, {"load": 30})
        assert line.active() == ["High  firing", "Higher  firing"]
        off = "rules: [{alert: High, expr: load > 10}, {alert: Higher, expr: load > 20, enabled: false}]\n"
        line.measured.configure(rules_in(tmp_path / "ops", off).measured)
        await rig.desk.retire(line.measured.is_source)
        assert line.active() == ["High  firing"]
        await line.run(15, {"load": 30})
        assert line.active() == ["High  firing"]
