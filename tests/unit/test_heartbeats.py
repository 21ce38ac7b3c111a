"""Heartbeats as timelines: what arrives when, and what is seen then."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.kernel.problems import StorageError
from keepwell.kernel.states import State
from keepwell.ports.fakes import FakeClock, FakeSecrets
from keepwell.ports.pings import Address, Heard, Signal, Silence
from keepwell.rooms.checks.heartbeats.decide import look
from keepwell.rooms.checks.heartbeats.desk import BURST, Desk
from keepwell.rooms.checks.heartbeats.model import RUNS_AT_MOST, Ping, after, as_plain, from_plain, is_signal, ping_of
from keepwell.rooms.checks.heartbeats.options import HeartbeatOptions
from keepwell.rooms.checks.model import Observation

BEGIN = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)
RUN = "5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"
OTHER = "00000000-0000-4000-8000-000000000000"


def options(**given: Any) -> HeartbeatOptions:
    return HeartbeatOptions.model_validate_json(json.dumps({"slug": "backup", **given}))


def seen(wanted: HeartbeatOptions, at: str, *pings: tuple[str, str], silence: tuple[str, str] | None = None, run: str = "") -> Observation:
    """What is seen at a time of 1 March 2026 (``DAY HH:MM:SS``), after pings ``(when, what)``."""
    heard = Heard(since=BEGIN)
    for when, word in pings:
        heard = after(heard, ping_of(word, run, b""), instant(when))
    gap = Silence(instant(silence[0]), instant(silence[1])) if silence else Silence(BEGIN, BEGIN)
    return look(wanted, from_plain(json.loads(json.dumps(as_plain(heard)))), gap, instant(at))


def instant(text: str) -> datetime:
    day, clock = text.split()
    hours, minutes, *seconds = clock.split(":")
    return BEGIN + timedelta(days=int(day) - 1, hours=int(hours), minutes=int(minutes), seconds=int(seconds[0]) if seconds else 0)


HOURLY = options(period="1h", grace="10m")
NIGHTLY = options(cadence="daily 03:00", zone="Europe/Zurich", grace="1h")  # 02:00 UTC in winter


@pytest.mark.parametrize(
    ("wanted", "at", "pings", "state", "sentence"),
    [
        (HOURLY, "1 0:30", [], State.UNKNOWN, "no run has ended yet; the first is due at 2026-03-01 01:00:00 UTC, 10 min are given"),
        (HOURLY, "1 1:05:01", [], State.WARN, "late: a run was due at 2026-03-01 01:00:00 UTC, 5 min 1 s ago, 10 min are given"),
        (HOURLY, "1 1:10:01", [], State.FAIL, "missing: a run was due at 2026-03-01 01:00:00 UTC, 10 min 1 s ago, 10 min are given"),
        (
            HOURLY,
            "1 0:30",
            [("1 0:20", "")],
            State.OK,
            "the last run succeeded 10 min ago; the next is due at 2026-03-01 01:20:00 UTC, 10 min are given",
        ),
        (
            HOURLY,
            "1 0:30",
            [("1 0:20", "3")],
            State.FAIL,
            "the last run failed 10 min ago with exit status 3; the next is due at 2026-03-01 01:20:00 UTC, 10 min are given",
        ),
        (HOURLY, "1 0:30", [("1 0:20", "3"), ("1 0:25", "0")], State.OK, "the last run succeeded 5 min ago; the next"),
        (HOURLY, "1 0:30", [("1 0:20", "fail"), ("1 0:25", "log")], State.FAIL, "the last run failed 10 min ago; the next"),
        (
            HOURLY,
            "1 2:00",
            [("1 0:20", "")],
            State.FAIL,
            "missing: a run was due at 2026-03-01 01:20:00 UTC, 40 min ago, 10 min are given; the last run succeeded 1 h 40 min ago",
        ),
        (
            NIGHTLY,
            "2 1:59",
            [("1 2:20", "")],
            State.OK,
            "the last run succeeded 23 h 39 min ago; the next is due at 2026-03-02 03:00 Europe/Zurich, 1 h",
        ),
        (NIGHTLY, "2 3:01", [("1 2:20", "")], State.FAIL, "missing: a run was due at 2026-03-02 03:00 Europe/Zurich, 1 h 1 min ago"),
        (NIGHTLY, "2 2:40", [("1 2:20", "")], State.WARN, "late: a run was due at 2026-03-02 03:00 Europe/Zurich, 40 min ago"),
        (
            NIGHTLY,
            "2 2:40",
            [("1 2:20", ""), ("2 2:00", "start")],
            State.OK,
            "the last run succeeded 1 d ago; the run that was due at 2026-03-02 03:00 Europe/Zurich is under way; a run has",
        ),
        (
            NIGHTLY,
            "2 3:01",
            [("1 2:20", ""), ("2 2:00", "start")],
            State.FAIL,
            "a run has been under way for 1 h 1 min and has not ended, 1 h are given",
        ),
        (
            NIGHTLY,
            "2 2:31",
            [("1 2:20", ""), ("2 2:00", "start"), ("2 2:30", "")],
            State.OK,
            "the last run succeeded 1 min ago after 30 min; the next",
        ),
        # The job's own clock is a second ahead of ours: its success is that of the run that was due, not one too many.
        (NIGHTLY, "2 3:30", [("2 1:59:59", "")], State.OK, "the last run succeeded 1 h 30 min ago; the next is due at 2026-03-03 03:00"),
    ],
)
def test_timelines(wanted: HeartbeatOptions, at: str, pings: list[tuple[str, str]], state: State, sentence: str) -> None:
    found = seen(wanted, at, *pings)
    assert (found.state, found.sentence[: len(sentence)]) == (state, sentence)


def test_run_time_is_judged_of_ended_runs_and_of_those_under_way() -> None:
    wanted = options(period="1d", grace="10m", run_time={"warn": "> 30m", "fail": "> 1h"})
    slow = seen(wanted, "1 2:00", ("1 0:10", "start"), ("1 0:50", ""), run=RUN)
    assert (slow.state, slow.values["run_seconds"]) == (State.WARN, 2400)
    assert "the last run took 40 min, warn above 30 min" in slow.sentence
    hangs = seen(wanted, "1 2:00", ("1 0:10", "start"))
    assert hangs.state is State.FAIL
    assert "a run has been under way for 1 h 50 min, fail above 1 h" in hangs.sentence
    runs = seen(wanted, "1 0:30", ("1 0:10", "start"))
    assert runs.values["runs_under_way"] == 1
    assert "a run has been under way for 20 min, warn above 30 min, fail above 1 h" in runs.sentence


def test_a_call_that_may_be_lost_is_no_fault_of_the_job() -> None:
    down = ("2 1:30", "2 5:00")
    lost = seen(NIGHTLY, "2 6:00", ("1 2:20", ""), silence=down)
    assert lost.state is State.UNKNOWN
    assert lost.sentence.startswith("a run was due at 2026-03-02 03:00 Europe/Zurich, when Keepwell did not run, so its call may be lost")
    assert "the next is due at 2026-03-03 03:00 Europe/Zurich" in lost.sentence
    next_night = seen(NIGHTLY, "3 3:01", ("1 2:20", ""), silence=down)
    assert next_night.state is State.FAIL
    was_missing_before = seen(NIGHTLY, "2 6:00", ("1 2:20", ""), silence=("2 4:00", "2 5:00"))
    assert was_missing_before.state is State.FAIL
    later = seen(NIGHTLY, "2 6:00", ("1 2:20", ""), silence=("1 4:00", "1 5:00"))
    assert later.state is State.FAIL


def test_clocks_that_change() -> None:
    """Fixed times in a zone: on 29 March 2026 Zurich leaves out 02:00 to 03:00."""
    wanted = options(cadence="daily 02:30", zone="Europe/Zurich", grace="10m")
    heard = after(Heard(since=BEGIN), ping_of("", "", b""), datetime(2026, 3, 28, 1, 31, tzinfo=UTC))
    quiet = Silence(BEGIN, BEGIN)
    assert look(wanted, heard, quiet, datetime(2026, 3, 29, 0, 59, tzinfo=UTC)).state is State.OK
    assert look(wanted, heard, quiet, datetime(2026, 3, 29, 1, 11, tzinfo=UTC)).state is State.FAIL


def test_a_clock_that_jumps_back_gives_no_negative_number() -> None:
    found = seen(HOURLY, "1 0:10", ("1 0:30", "start"), ("1 0:20", ""))
    assert found.values["run_seconds"] == 0
    assert found.values["last_end_age_seconds"] == 0


def test_runs_at_the_same_time() -> None:
    heard = Heard(since=BEGIN)
    heard = after(heard, Ping(Signal.START, run=RUN), instant("1 0:00"))
    heard = after(heard, Ping(Signal.START, run=OTHER), instant("1 0:10"))
    heard = after(heard, Ping(Signal.SUCCESS, run=RUN), instant("1 0:30"))
    assert heard.seconds == 1800
    assert list(heard.running) == [OTHER]
    ended = after(heard, Ping(Signal.SUCCESS), instant("1 0:40"))
    assert ended.seconds is None, "an end without rid is not the end of a run that has one"
    for number in range(100):
        heard = after(heard, Ping(Signal.START, run=str(number)), instant("1 1:00"))
    assert len(heard.running) == RUNS_AT_MOST


@pytest.mark.parametrize(
    ("word", "signal", "status"),
    [
        ("", "success", None),
        ("start", "start", None),
        ("fail", "fail", None),
        ("log", "log", None),
        ("0", "success", 0),
        ("255", "fail", 255),
    ],
)
def test_signals(word: str, signal: str, status: int | None) -> None:
    ping = ping_of(word, RUN.upper(), b"\xffhello" + bytes(20_000))
    assert (ping.signal, ping.status, ping.run) == (Signal(signal), status, RUN)
    assert ping.text.startswith("\ufffdhello")
    assert len(ping.text) <= 10_000
    assert word == "" or is_signal(word)


@pytest.mark.parametrize(
    ("word", "run", "told"), [("256", "", "invalid url format"), ("stop", "", "invalid url format"), ("", "7", "invalid uuid format")]
)
def test_what_is_no_ping(word: str, run: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        ping_of(word, run, b"")


signals = st.sampled_from(["", "start", "fail", "log", "0", "1"])
moments = st.integers(-10_000_000, 10_000_000).map(lambda seconds: BEGIN + timedelta(seconds=seconds))


@given(st.lists(st.tuples(signals, st.sampled_from(["", RUN, OTHER]), moments), max_size=12), moments, moments, moments)
def test_any_history_gives_an_observation(pings: list[tuple[str, str, datetime]], since: datetime, until: datetime, now: datetime) -> None:
    heard = Heard(since=BEGIN)
    for word, run, at in pings:
        heard = after(heard, ping_of(word, run, b"x\ny"), at)
    assert from_plain(json.loads(json.dumps(as_plain(heard)))) == heard
    found = look(NIGHTLY, heard, Silence(since, until), now)
    assert found.sentence
    assert "\n" not in found.sentence
    assert all(0 <= value < float("inf") for value in found.values.values())


class Kept:
    """Keeps in memory; fails while told to."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, Heard]] = []
        self.broken = False

    async def __call__(self, address: str, heard: Heard, ping: Ping | None, now: datetime) -> None:
        if self.broken:
            raise StorageError("the disk is full")
        self.kept.append((address, heard))


async def test_the_desk_knows_its_addresses_and_no_other() -> None:
    secrets, clock, kept = FakeSecrets({"secret:KEY": "the-key"}), FakeClock(BEGIN), Kept()
    desk = Desk(secrets, clock, kept)
    desk.begin({}, None)
    await desk.configure([Address(slug="backup"), Address(key="secret:KEY"), Address("secret:KEY", "rotate"), Address(key="secret:GONE")])
    for parts in (["backup"], ["the-key"], ["THE-KEY"], ["the-key", "rotate"]):
        assert (await desk.take(parts, "", "", b"")).status == 200
    for parts in (["rotate"], ["other"], ["the-key", "backup"], ["secret:KEY"], [""]):
        assert await desk.take(parts, "", "", b"") == desk_says(404, "not found")
    assert "the-key" not in repr(kept.kept)
    await desk.configure([Address(slug="backup")])
    assert (await desk.take(["the-key"], "", "", b"")).status == 404
    assert (await desk.heard(Address(slug="backup")))[0].count == 1


def desk_says(status: int, text: str) -> Any:
    from keepwell.rooms.checks.heartbeats.desk import Reply

    return Reply(status, text)


async def test_a_key_that_is_changed_closes_the_old_address() -> None:
    values = {"secret:KEY": "old"}
    desk = Desk(FakeSecrets(values), FakeClock(BEGIN), Kept())
    await desk.configure([Address(key="secret:KEY")])
    values["secret:KEY"] = "new"
    await desk.heard(Address(key="secret:KEY"))
    assert (await desk.take(["old"], "", "", b"")).status == 404
    assert (await desk.take(["new"], "", "", b"")).status == 200


async def test_pings_are_limited_in_rate() -> None:
    clock = FakeClock(BEGIN)
    desk = Desk(FakeSecrets({}), clock, Kept())
    await desk.configure([Address(slug="backup"), Address(slug="other")])
    statuses = [(await desk.take(["backup"], "", "", b"")).status for _ in range(int(BURST) + 5)]
    assert statuses == [200] * int(BURST) + [429] * 5
    assert (await desk.take(["other"], "", "", b"")).status == 200
    clock.advance(2)
    assert (await desk.take(["backup"], "", "", b"")).status == 200


async def test_what_is_not_stored_is_not_confirmed_and_known_all_the_same() -> None:
    kept = Kept()
    desk = Desk(FakeSecrets({}), FakeClock(BEGIN), kept)
    await desk.configure([Address(slug="backup")])
    kept.broken = True
    assert (await desk.take(["backup"], "", "", b"")).status == 503
    assert (await desk.heard(Address(slug="backup")))[0].count == 1


async def test_while_a_configuration_is_taken_the_old_one_hears() -> None:
    class Slow(FakeSecrets):
        async def resolve(self, reference: str) -> str:
            await gate.wait()
            return await super().resolve(reference)

    gate = asyncio.Event()
    gate.set()
    desk = Desk(Slow({"secret:KEY": "the-key"}), FakeClock(BEGIN), Kept())
    await desk.configure([Address(slug="backup")])
    gate.clear()
    taking = asyncio.ensure_future(desk.configure([Address(key="secret:KEY"), Address(slug="backup")]))
    await asyncio.sleep(0)
    assert (await desk.take(["backup"], "", "", b"")).status == 200
    gate.set()
    await taking
    assert (await desk.take(["the-key"], "", "", b"")).status == 200
