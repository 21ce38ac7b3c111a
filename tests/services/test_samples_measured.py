"""What is measured of the past over HTTP: availability, percentiles, error shares, trends, the same hour last week, and objectives."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from keepwell.ports.samples import NAME
from keepwell.rooms.samples.objectives.options import ObjectiveOptions
from keepwell.rooms.samples.work.asking import CheckFacts
from tests.services.samples_asked import NOW, START, Asked, answer, ms
from tests.services.web_face import Running

SAMPLES = "/api/v1/samples"
CHECK = {"check": "api", "target": "api"}
OK, WARN, FAIL, UNKNOWN = 0.0, 1.0, 2.0, 3.0


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    async with Asked(tmp_path / "samples") as room:
        yield room


@pytest.fixture
async def running(asked: Asked) -> AsyncIterator[Running]:
    async with Running(asked) as started:  # type: ignore[arg-type]
        yield started


def every(seconds: float, days: float = 0.25) -> np.ndarray:
    return np.arange(ms(NOW) - int(days * 86_400_000), ms(NOW), int(seconds * 1000))


async def look(asked: Asked, at: np.ndarray, states: np.ndarray, **labels: str) -> None:
    """Leaves what looks of a check leave."""
    named = {**CHECK, **labels}
    await asked.put({NAME: "check_state", **named}, at, states)
    made = states < UNKNOWN
    await asked.put({NAME: "check_up", **named}, at[made], (states < FAIL)[made])


def objectives(asked: Asked, **entries: dict[str, object]) -> None:
    """Sets the objectives, as YAML would say them."""
    options = {name: ObjectiveOptions.model_validate_json(json.dumps(entry)) for name, entry in entries.items()}
    asked.facts = replace(asked.facts, objectives=options)


# --- availability -----------------------------------------------------------------------------------------------------------------


async def test_availability_with_an_outage_in_and_one_out_of_maintenance(asked: Asked, running: Running) -> None:
    at = every(30)
    states = np.zeros(len(at))
    hour = (at - ms(START)) / 3_600_000
    states[(hour >= 2) & (hour < 2.25)] = FAIL
    states[(hour >= 4) & (hour < 4.5)] = FAIL
    states[(hour >= 5) & (hour < 5.1)] = UNKNOWN
    await look(asked, at, states)
    asked.windows(nightly="daily 02:00-03:00")
    found = await answer(running, f"{SAMPLES}/availability", check="api", start="2026-11-22T00:00:00Z")
    assert found["windows"] == ["nightly"]
    assert (found["up_seconds"], found["down_seconds"], found["unknown_seconds"]) == (15_840.0, 1800.0, 360.0)
    assert (found["maintenance_seconds"], found["down_in_maintenance_seconds"], found["no_data_seconds"]) == (3600.0, 900.0, 0.0)
    assert found["availability"] == pytest.approx(15_840 / 17_640)
    assert (found["outages"], found["longest_outage_seconds"]) == (1, 1800.0)
    assert found["newest_outages"][0] == {
        "start": "2026-11-22T04:00:00.000Z",
        "end": "2026-11-22T04:30:00.000Z",
        "seconds": 1800.0,
        "ongoing": False,
    }
    without = await answer(running, f"{SAMPLES}/availability", check="api", start="2026-11-22T00:00:00Z", windows="none")
    assert (without["down_seconds"], without["outages"], without["maintenance_seconds"]) == (2700.0, 2, 0.0)


async def test_maintenance_that_was_begun_by_hand_is_kept_apart_too(asked: Asked, running: Running) -> None:
    at = every(30)
    states = np.zeros(len(at))
    hour = (at - ms(START)) / 3_600_000
    states[(hour >= 2) & (hour < 2.5)] = FAIL
    await look(asked, at, states)
    asked.by_hand = [(ms(START + timedelta(hours=2)), ms(START + timedelta(hours=2, minutes=15)))]
    asked.windows(nightly="daily 02:10-02:20")  # the two overlap
    found = await answer(running, f"{SAMPLES}/availability", check="api", start="2026-11-22T00:00:00Z")
    assert found["windows"] == ["nightly", "maintenance"]
    assert (found["down_seconds"], found["maintenance_seconds"], found["down_in_maintenance_seconds"]) == (600.0, 1200.0, 1200.0)
    assert asked.asked_for == [{"check": "api", "service": "shop", "target": "api"}]
    without = await answer(running, f"{SAMPLES}/availability", check="api", start="2026-11-22T00:00:00Z", windows="none")
    assert (without["windows"], without["down_seconds"]) == ([], 1800.0)


async def test_availability_over_days_is_exact_though_it_reads_roll_ups(asked: Asked, running: Running) -> None:
    at = every(60, days=3)
    states = np.zeros(len(at))
    states[1000:1007] = FAIL  # seven minutes, that begin and end within five of the roll-up
    states[2000:2400] = FAIL
    gap = (np.arange(len(at)) >= 3000) & (np.arange(len(at)) < 3100)
    asked.facts = replace(asked.facts, checks={"api": CheckFacts(timedelta(seconds=60), "api")})
    await look(asked, at[~gap], states[~gap])
    found = await answer(running, f"{SAMPLES}/availability", check="api", over="3d")
    assert (found["tier"], found["exact"], found["estimated_seconds"]) == ("5m", True, 0.0)
    assert found["down_seconds"] == 407 * 60
    assert found["no_data_seconds"] == (100 - 4) * 60
    assert found["up_seconds"] == 3 * 86_400 - 407 * 60 - 96 * 60
    assert found["outages"] == 2


async def test_availability_goes_on_where_the_target_was_renamed_or_the_check_is_gone(asked: Asked, running: Running) -> None:
    at = every(30)
    half = len(at) // 2
    await look(asked, at[:half], np.zeros(half), target="old")
    await look(asked, at[half:], np.zeros(len(at) - half), target="new")
    asked.facts = replace(asked.facts, checks={})
    found = await answer(running, f"{SAMPLES}/availability", check="api", over="6h")
    assert (found["up_seconds"], found["every_seconds"]) == (21_600.0, 30.0)


async def test_a_slow_check_holds_into_the_stretch(asked: Asked, running: Running) -> None:
    asked.facts = replace(asked.facts, checks={"api": CheckFacts(timedelta(hours=6), "api")})
    await look(asked, np.array([ms(NOW) - 20 * 3_600_000, ms(NOW) - 14 * 3_600_000]), np.array([OK, OK]))
    found = await answer(running, f"{SAMPLES}/availability", check="api", over="10h")
    assert (found["up_seconds"], found["no_data_seconds"]) == (36_000.0, 0.0)


# --- percentiles, errors ----------------------------------------------------------------------------------------------------------


async def test_percentiles_of_phases_in_their_order(asked: Asked, running: Running) -> None:
    at = every(30)
    values = np.arange(len(at)) % 100 / 1000
    for name in ("duration_seconds", "dns_seconds", "login_first_byte_seconds", "body_bytes"):
        await asked.put({NAME: name, **CHECK}, at, values)
    found = await answer(running, f"{SAMPLES}/percentiles", check="api", over="5h")
    assert [(one["step"], one["phase"]) for one in found["series"]] == [(None, "dns"), (None, "duration"), ("login", "first_byte")]
    one = found["series"][0]
    assert (one["count"], one["p50"], one["p95"], one["p99"], one["max"]) == (600, 0.049, 0.094, 0.098, 0.099)
    assert found["exact"] is True
    coarse = await answer(running, f"{SAMPLES}/percentiles", match="dns_seconds", over="24h")
    assert (coarse["exact"], coarse["note"]) == (False, "quantiles from bins, within 1 %")
    assert coarse["series"][0]["p95"] == pytest.approx(0.094, rel=0.01)
    assert coarse["series"][0]["count"] == 720


async def test_the_share_of_errors_by_endpoint_and_of_looks(asked: Asked, running: Running) -> None:
    at = every(60)
    steps = np.arange(len(at), dtype=float)
    for endpoint, code, pace in (("/a", "200", 9), ("/a", "500", 1), ("/b", "200", 5)):
        await asked.put({NAME: "http_requests_total", "endpoint": endpoint, "code": code}, at, steps * pace)
    of = {"failed": 'http_requests_total{code=~"5.."}', "all_": "http_requests_total"}
    found = await answer(running, f"{SAMPLES}/errors", by="endpoint", over="6h", **of)
    assert [(one["labels"]["endpoint"], one["share"]) for one in found["groups"]] == [("/a", pytest.approx(0.1)), ("/b", 0.0)]
    assert found["share"] == pytest.approx(1 / 15)
    assert (found["note"], found["exact"]) == ("", True)
    wrong = await answer(running, f"{SAMPLES}/errors", failed="http_requests_total", all='http_requests_total{code="500"}')
    assert "do not fit each other" in wrong["note"]
    await look(asked, at, np.where(steps % 10 == 0, FAIL, np.where(steps % 10 == 1, UNKNOWN, OK)))
    looks = await answer(running, f"{SAMPLES}/errors", check="api", over="24h")
    assert looks["share"] == pytest.approx(1 / 9)
    assert looks["groups"][0]["labels"] == {}


# --- trends, and another hour -----------------------------------------------------------------------------------------------------


async def test_when_a_disk_is_full(asked: Asked, running: Running) -> None:
    at = every(300, days=7)
    chance = np.random.default_rng(1)
    asked.facts = replace(asked.facts, checks={})
    await asked.put({NAME: "used_ratio", "mount": "/srv"}, at, 0.6 + 0.02 * np.arange(len(at)) / 288 + chance.normal(0, 0.005, len(at)))
    await asked.put({NAME: "used_ratio", "mount": "/tmp"}, at, np.full(len(at), 0.2))
    await asked.put({NAME: "used_ratio", "mount": "/new"}, at[-3:], np.full(3, 0.95))
    found = await answer(running, f"{SAMPLES}/trend", match="used_ratio", until="> 90%")
    assert [one["labels"]["mount"] for one in found["series"]] == ["/new", "/srv", "/tmp"]
    few, rising, still = found["series"]
    assert few["points"] is None
    assert "fewer than 10" in few["why"]
    assert rising["per_day"] == pytest.approx(0.02, rel=0.05)
    assert rising["level"] == pytest.approx(0.74, abs=0.01)
    assert rising["reached"]["answer"] == "in"
    assert rising["reached"]["days"] == pytest.approx(8, rel=0.1)
    assert rising["reached"]["earliest_days"] < rising["reached"]["days"] < rising["reached"]["latest_days"]
    assert still["reached"] == {"answer": "never", "days": None, "earliest_days": None, "latest_days": None}


async def test_this_hour_beside_the_same_hour_last_week(asked: Asked, running: Running) -> None:
    now, then = every(30, days=1 / 24), every(30, days=1 / 24) - 7 * 86_400_000
    await asked.put({NAME: "duration_seconds", **CHECK}, then, np.full(120, 0.2))
    await asked.put({NAME: "duration_seconds", **CHECK}, now, np.full(120, 0.3))
    await asked.put({NAME: "calls_total"}, then, np.arange(120.0))
    await asked.put({NAME: "calls_total"}, now, np.arange(120.0) * 2)
    await asked.put({NAME: "fresh"}, now, np.ones(120))
    found = await answer(running, f"{SAMPLES}/compare", check="api")
    (one,) = found["series"]
    assert one["ratio"] == {"mean": pytest.approx(1.5), "p95": pytest.approx(1.5), "count": 1.0, "increase": None}
    assert (one["enough"], found["exact"], found["then"]["start"]) == (True, True, "2026-11-15T05:00:00.000Z")
    calls = (await answer(running, f"{SAMPLES}/compare", match="calls_total"))["series"][0]
    assert (calls["now"]["increase"], calls["then"]["increase"], calls["ratio"]["increase"]) == (238.0, 119.0, 2.0)
    fresh = (await answer(running, f"{SAMPLES}/compare", match="fresh"))["series"][0]
    assert (fresh["enough"], fresh["why"], fresh["ratio"]["mean"]) == (False, "0 samples then: fewer than 30", None)


# --- objectives -------------------------------------------------------------------------------------------------------------------


async def test_objectives_with_verdicts_and_budgets(asked: Asked, running: Running) -> None:
    at = every(30)
    states = np.zeros(len(at))
    states[100:104] = FAIL  # two minutes of six hours: 99.44 %
    await look(asked, at, states)
    await asked.put({NAME: "duration_seconds", **CHECK}, at, np.where(np.arange(len(at)) % 10 == 0, 3.0, 0.5))
    await asked.put({NAME: "used_ratio", "mount": "/"}, at, np.full(len(at), 0.7))
    await asked.put({NAME: "used_ratio", "mount": "/srv"}, at, np.full(len(at), 0.85))
    objectives(
        asked,
        api={"availability": "99.9%", "warning": "< 99.5%", "critical": "< 99%", "over": "6h"},
        easy={"check": "api", "availability": "99%", "over": "6h"},
        middle={"target": "api", "availability": "99.6%", "over": "6h"},
        speed={"check": "api", "latency": "p95 < 2s", "errors": "< 1%", "over": "6h"},
        half={"check": "api", "latency": "p50 < 2s", "over": "6h"},
        disk={"metric": "used_ratio", "want": "< 80%", "over": "6h"},
        database={"rto": "2h", "rpo": "24h"},
        service={"availability": "99.9%"},
    )
    found = await answer(running, "/api/v1/objectives")
    verdicts = {(one["name"], one["kind"]): one for one in found["objectives"]}
    assert {key: one["verdict"] for key, one in verdicts.items()} == {
        ("api", "availability"): "warning",
        ("easy", "availability"): "met",
        ("middle", "availability"): "missed",
        ("speed", "latency"): "missed",
        ("speed", "errors"): "met",
        ("half", "latency"): "met",
        ("disk", "metric"): "missed",
        ("database", "rto"): "no data",
        ("database", "rpo"): "no data",
        ("service", "availability"): "no data",
    }
    api = verdicts["api", "availability"]
    assert (api["measured"], api["measured_words"], api["by"]) == (pytest.approx(1 - 120 / 21_600), "99.4444 %", "api")
    assert api["budget"]["allowed"] == pytest.approx(21.6)
    assert api["budget"]["left"] == pytest.approx(-98.4)
    assert verdicts["easy", "availability"]["budget"]["left_ratio"] == pytest.approx(1 - 120 / 216)
    assert (verdicts["speed", "latency"]["measured"], verdicts["speed", "latency"]["target"]) == (3.0, "< 2s")
    assert verdicts["speed", "errors"]["budget"] == {"allowed": 7.2, "used": 4.0, "left": 3.2, "left_ratio": pytest.approx(3.2 / 7.2)}
    assert verdicts["disk", "metric"]["by"] == 'used_ratio{mount="/srv"}'
    assert "check: NAME or target: NAME" in verdicts["service", "availability"]["why"]
    assert found["counts"] == {"met": 3, "missed": 3, "warning": 1, "critical": 0, "no data": 3}


async def test_of_a_target_the_worst_check_counts_and_windows_are_apart(asked: Asked, running: Running) -> None:
    at = every(30)
    asked.facts = replace(asked.facts, checks={name: CheckFacts(timedelta(seconds=30), "shop") for name in ("front", "back", "unseen")})
    hour = (at - ms(START)) / 3_600_000
    await look(asked, at, np.where(hour < 1, FAIL, OK), check="front")
    await look(asked, at, np.where(hour < 0.5, FAIL, OK), check="back")
    asked.windows(early="daily 00:00-00:45", never="monthly 31 00:00-01:00")
    objectives(
        asked,
        shop={"availability": "99%", "over": "6h"},
        bare={"target": "shop", "availability": "99%", "over": "6h", "windows": []},
        lost={"target": "nothing", "errors": "< 1%"},
        wide={"metric": '{__name__!=""}', "want": "< 1", "over": "30d"},
    )
    found = {one["name"]: one for one in (await answer(running, "/api/v1/objectives"))["objectives"]}
    assert (found["shop"]["by"], found["shop"]["measured"]) == ("front", pytest.approx(1 - 0.25 / 5.25))
    assert found["bare"]["measured"] == pytest.approx(1 - 1 / 6)
    assert "no check looks at the target nothing" in found["lost"]["why"]
    assert found["wide"]["verdict"] == "met"


async def test_how_little_was_measured_is_said(asked: Asked, running: Running) -> None:
    await look(asked, every(30), np.zeros(720))
    objectives(asked, api={"availability": "99.9%", "over": "30d"})
    (one,) = (await answer(running, "/api/v1/objectives"))["objectives"]
    assert (one["verdict"], one["why"]) == ("met", "only 1% of this time was measured")


# --- whatever values there are ----------------------------------------------------------------------------------------------------

EXTREMES = [np.inf, -np.inf, np.nan, 1e308, -1e308, 1.7e308, 5e-324, -0.0, 0.0, 1e-300, 1.0]


async def test_extreme_values_are_answered_with_numbers_or_null(asked: Asked, running: Running) -> None:
    at = every(60, days=0.2)
    chance = np.random.default_rng(3)
    for name in ("odd", "odd_total", "other_total", "duration_seconds", "check_state", "check_up"):
        values = chance.choice(EXTREMES, len(at))
        await asked.put({NAME: name, "check": "api"}, at, values)
        await asked.put({NAME: name, "check": "api"}, at - 7 * 86_400_000, values[::-1])
        await asked.put({NAME: name, "check": "huge"}, at, np.full(len(at), 1.7e308))
    objectives(
        asked,
        api={"availability": "99%", "latency": "p95 < 1s", "errors": "< 1%", "over": "5h"},
        odd={"metric": "odd", "want": "< 5", "over": "5h"},
        counted={"failed": "odd_total", "all": "other_total", "errors": "< 1%", "over": "5h"},
    )
    for over in ("4h", "24h"):
        for of in ("avg,min,max,sum,count,last,increase,rate,p50,p99",):
            assert (await answer(running, f"{SAMPLES}/range", match='{__name__!=""}', over=over, of=of, step="10m"))["series"]
        for check in ("api", "huge"):
            await answer(running, f"{SAMPLES}/availability", check=check, over=over)
            await answer(running, f"{SAMPLES}/percentiles", check=check, over=over)
            await answer(running, f"{SAMPLES}/errors", check=check, over=over)
            await answer(running, f"{SAMPLES}/compare", check=check, over=over)
        await answer(running, f"{SAMPLES}/errors", failed="odd_total", all="other_total", by="check", over=over)
        await answer(running, f"{SAMPLES}/compare", match='{__name__=~"odd.*"}', over=over)
        for match in ("odd", "odd_total", "duration_seconds"):
            await answer(running, f"{SAMPLES}/trend", match=match, over=over, until="> 5")
    await answer(running, "/api/v1/metrics/current")
    await answer(running, "/api/v1/objectives")
