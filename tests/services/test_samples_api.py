"""Questions about samples over HTTP: a real store, the real application, asked as a client asks."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from keepwell.ports.samples import NAME
from keepwell.rooms.samples.model import STALE
from tests.services.samples_asked import NOW, START, Asked, answer, ask, ms
from tests.services.web_face import Running

SAMPLES = "/api/v1/samples"
LATENCY = {NAME: "duration_seconds", "check": "api", "target": "api"}


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    async with Asked(tmp_path / "samples") as room:
        yield room


@pytest.fixture
async def running(asked: Asked) -> AsyncIterator[Running]:
    async with Running(asked) as started:  # type: ignore[arg-type]
        yield started


def every(seconds: float, hours: float = 6) -> np.ndarray:
    return np.arange(ms(START), ms(START) + int(hours * 3_600_000), int(seconds * 1000))


async def test_current_is_what_the_manual_reads(asked: Asked, running: Running) -> None:
    at = every(30)
    await asked.put(LATENCY, at, np.linspace(0.1, 0.2, len(at)))
    await asked.put({NAME: "queue_depth", "service": "mail"}, at[-3:], [5, 6, 7])
    await asked.put({NAME: "ended"}, at[-2:], [1, float(STALE)])
    await asked.put({NAME: "odd"}, at[-1:], [np.inf])
    found = await answer(running, "/api/v1/metrics/current")
    assert found["service"] == "shop"
    assert set(found["metrics"]) == {"duration_seconds", "queue_depth", "odd"}
    (latency,) = found["metrics"]["duration_seconds"]
    assert latency == {"labels": {"check": "api", "target": "api"}, "value": pytest.approx(0.2), "at": "2026-11-22T05:59:30.000Z"}
    assert found["metrics"]["odd"][0]["value"] is None
    assert set((await answer(running, "/api/v1/metrics/current", service="mail"))["metrics"]) == {"queue_depth"}
    assert set((await answer(running, "/api/v1/metrics/current", match='{check="api"}'))["metrics"]) == {"duration_seconds"}
    assert (await answer(running, "/api/v1/metrics/current", within="10s"))["metrics"] == {}


async def test_series_and_their_number(asked: Asked, running: Running) -> None:
    for code in range(5):
        await asked.put({NAME: "http_requests_total", "code": f"{code}"}, every(600), every(600) * 0)
    assert (await answer(running, f"{SAMPLES}/series", match="http_requests_total", limit=2)) == {
        "series": [{NAME: "http_requests_total", "code": "0"}, {NAME: "http_requests_total", "code": "1"}],
        "total": 5,
    }
    assert (await answer(running, f"{SAMPLES}/series", match='{code=~"[34]"}'))["total"] == 2


async def test_a_range_has_whole_steps_and_null_where_there_is_nothing(asked: Asked, running: Running) -> None:
    at = every(30)
    hole = (at < ms(START) + 3_600_000) | (at >= ms(START) + 7_200_000)
    await asked.put(LATENCY, at[hole], np.arange(len(at))[hole] % 10)
    found = await answer(
        running, f"{SAMPLES}/range", match="duration_seconds", start="2026-11-22T00:20:00Z", step="30m", of="avg,max,p95,count"
    )
    assert (found["start"], found["end"], found["step"]) == (ms(START) / 1000, ms(NOW) / 1000, 1800)
    assert found["exact"] is True
    by_kind = {entry["of"]: entry["points"] for entry in found["series"]}
    assert [point[1] for point in by_kind["avg"]] == [4.5, 4.5, None, None, *[4.5] * 8]
    assert by_kind["max"][0] == [ms(START) / 1000, 9.0]
    assert by_kind["p95"][0][1] == 9.0
    assert by_kind["count"][0][1] == 60


async def test_a_counter_loses_nothing_between_steps(asked: Asked, running: Running) -> None:
    at = every(10, hours=2)
    value = np.arange(len(at), dtype=float) * 3
    value[400:] -= value[400]  # it began again at zero
    await asked.put({NAME: "jobs_total"}, at, value)
    of = {"match": "jobs_total", "start": f"{ms(START) / 1000}", "end": "2026-11-22T02:00:00Z", "of": "increase,rate"}
    for step in ("10s", "5m", "1h"):
        found = await answer(running, f"{SAMPLES}/range", step=step, **of)
        increase, rate = ([point[1] or 0.0 for point in entry["points"]] for entry in found["series"])
        assert sum(increase) == pytest.approx(399 * 3 + 319 * 3)
        assert rate[-1] == pytest.approx(0.3, rel=0.01)  # of the hour with the reset, one gain is not known


@pytest.mark.parametrize(
    ("path", "parameters", "words"),
    [
        ("range", {}, "match is missing"),
        ("range", {"match": "sum(up)"}, "more than a selector"),
        ("range", {"match": "up[5m]"}, "more than a selector"),
        ("range", {"match": "up offset 5m"}, "no plain selector"),
        ("range", {"match": '{a=~"("}'}, "a"),
        ("range", {"match": '{a=~"x{2000}"}'}, "none of RE2"),
        ("range", {"match": "{}"}, "cannot be read"),
        ("range", {"match": "up", "start": "yesterday"}, 'start: "yesterday" is no instant'),
        ("range", {"match": "up", "start": "now", "end": "-1h"}, "ends before it begins"),
        ("range", {"match": "up", "start": "-1h", "over": "1h"}, "twice"),
        ("range", {"match": "up", "over": "-1h"}, "over"),
        ("range", {"match": "up", "over": "30d", "step": "1s"}, "more than 11000 points"),
        ("range", {"match": "up", "of": "median"}, "of: 'median' is not known"),
        ("range", {"match": "up", "limit": "0"}, "limit is below 1"),
        ("series", {"limit": "3"}, "match is missing"),
        ("availability", {}, "check is missing"),
        ("percentiles", {}, "name a check or a selector"),
        ("percentiles", {"check": "a", "match": "b"}, "name a check or a selector"),
        ("errors", {"failed": "a_total"}, "name either a check"),
        ("errors", {"check": "a", "all": "b"}, "name either a check"),
        ("trend", {"match": "up", "until": "90%"}, "until"),
        ("trend", {"match": "up", "until": "== 90%"}, "no threshold"),
        ("trend", {"match": "up", "confidence": "0.5"}, "confidence: 0.5"),
        ("compare", {"match": "up", "ago": "90y"}, "before 1970"),
    ],
)
async def test_what_cannot_be_answered_is_told_in_one_sentence(running: Running, path: str, parameters: dict[str, str], words: str) -> None:
    reply = await ask(running, f"{SAMPLES}/{path}", **parameters)
    assert reply.status == 400
    assert words in reply.body.decode().replace('\\"', '"')


async def test_a_misspelt_parameter_is_refused(running: Running) -> None:
    reply = await ask(running, f"{SAMPLES}/range", match="up", stepp="5m")
    assert (reply.status, reply.code) == (422, "request.invalid")
    assert (await ask(running, f"{SAMPLES}/range", match="up", limit="many")).status == 422
    assert (await ask(running, f"{SAMPLES}/availability", check="never-was")).status == 404


async def test_too_much_at_once_is_refused(asked: Asked, running: Running) -> None:
    ids = asked.store.identify("many", [{NAME: "many", "number": f"{number}"} for number in range(3000)])
    await asked.store.add("many", ids, np.full(3000, ms(NOW) - 1000), np.ones(3000))
    reply = await ask(running, f"{SAMPLES}/range", match="many", over="1h", step="10s")
    assert reply.status == 400
    assert b"more than 200000 numbers" in reply.body
    found = await answer(running, f"{SAMPLES}/range", match="many", over="1h", step="10s", limit=2)
    assert (found["total"], [entry["labels"]["number"] for entry in found["series"]]) == (3000, ["0", "1"])
    assert (await ask(running, f"{SAMPLES}/percentiles", match="many")).status == 400


NASTY = [
    "",
    " ",
    "0",
    "-0",
    "-1",
    "1e999",
    "nan",
    "inf",
    "99999999999999999999",
    "1s",
    "0s",
    "-1s",
    "2000000y",
    "0.0001ms",
    "2026-13-45T99:99:99Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-11-22",
    "now",
    "now-1h",
    "\x00",
    "\ud7ff\U0010ffff",
    "up\n",
    "'; drop table series; --",
    "{" * 500,
    "(" * 1500,
    '{a=~"' + "(" * 300 + ")" * 300 + '"}',
    '{a=~"(a*)*b"}',
    '{__name__=~".+"}',
    "> 5",
    "< -1e308",
    "x" * 5000,
]
PARAMETERS = {
    "metrics/current": ("service", "match", "within"),
    "samples/series": ("match", "limit"),
    "samples/range": ("match", "start", "end", "over", "step", "of", "limit"),
    "samples/availability": ("check", "start", "end", "over", "windows"),
    "samples/percentiles": ("check", "match", "start", "end", "over"),
    "samples/errors": ("check", "failed", "all", "by", "start", "end", "over"),
    "samples/trend": ("match", "until", "confidence", "start", "end", "over"),
    "samples/compare": ("check", "match", "end", "over", "ago"),
}
USUAL = {
    "samples/range": {"match": "up"},
    "samples/availability": {"check": "api"},
    "samples/percentiles": {"match": "up"},
    "samples/errors": {"failed": "up", "all": "up"},
    "samples/trend": {"match": "up"},
    "samples/compare": {"match": "up"},
}


@pytest.mark.parametrize("path", PARAMETERS)
async def test_whatever_is_asked_is_answered_or_refused(asked: Asked, running: Running, path: str) -> None:
    await asked.put({NAME: "up", "check": "api"}, every(600), every(600) * 0 + 1)
    for name in PARAMETERS[path]:
        for text in NASTY:
            reply = await ask(running, f"/api/v1/{path}", **{**USUAL.get(path, {}), name: text})
            assert reply.status in (200, 400, 404, 422), (name, text, reply.body)
