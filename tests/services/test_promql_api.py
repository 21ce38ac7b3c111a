"""Prometheus' HTTP API: a real store, the real application, asked as clients ask."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest

from keepwell.composition.promql import OwnStore
from keepwell.ports.offer import Face
from keepwell.ports.samples import NAME, Column, Matcher, Select
from keepwell.rooms.promql.api.routes import Answering, routes
from keepwell.rooms.promql.api.turns import Turns
from keepwell.rooms.promql.own import OwnEngine
from keepwell.rooms.promql.rules.recorded import Recorded
from keepwell.rooms.promql.shown import AlertShown, RuleGroupShown, RuleShown
from tests.services.samples_asked import NOW, START, Asked, ms
from tests.services.web_face import Reply, Running, request, send

API = "/prometheus/api/v1"
FORM = "application/x-www-form-urlencoded"


ALERT = AlertShown({"alertname": "Z"}, {"summary": "s"}, "firing", NOW, 1.5e-7, START)
GROUPS = (
    RuleGroupShown(
        "a", "one.yml", 30.0, (RuleShown("recording", "x:y", "y"), RuleShown("alerting", "Z", "z > 1", health="err", error="e"))
    ),
    RuleGroupShown("b", "two.yml", 60.0, (RuleShown("alerting", "Z", "z", state="firing", alerts=(ALERT,), keep_firing_for=60.0),)),
)


class Slow(OwnStore):
    """A store that can be made to answer late."""

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked.store, Recorded(asked.store.add))
        self.free = asyncio.Event()
        self.free.set()
        self.waiting = self.ended = 0

    @property
    def select(self) -> Select:
        async def late(matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
            self.waiting += 1
            try:
                await self.free.wait()
            finally:
                self.ended += 1
            return await super(Slow, self).select(matchers, start, end)

        return late


class Room:
    """The face of Prometheus' API over a store."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.store = Slow(asked)
        self.seconds = 60.0
        self.engine = OwnEngine(self.store)
        self.turns = Turns()

    def face(self) -> Face:
        """The routes."""
        answering = Answering(lambda: self.engine, lambda: GROUPS, lambda: (), dict, self.asked.clock, self.turns, lambda: self.seconds)
        return Face("promql", routes=routes(answering))


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with Asked(tmp_path / "samples") as asked:
        at = np.arange(ms(START), ms(NOW), 60_000)
        await asyncio.gather(
            *(
                asked.put({NAME: "requests_total", "code": code, "job": "shop"}, at, np.arange(len(at)) * float(code))
                for code in ("200", "500")
            ),
            asked.put({NAME: "odd", "of": "nan"}, at[-3:], [np.nan] * 3),
            asked.put({NAME: "odd", "of": "inf"}, at[-3:], [np.inf] * 3),
            asked.put({NAME: "small"}, at[-3:], [1e-7, 2.5e-9, 0.1]),
            asked.put({NAME: "large"}, at[-3:], [1e20, 123456789012345680000.0, 1e21]),
        )
        yield Room(asked)


@pytest.fixture
async def running(room: Room) -> AsyncIterator[Running]:
    async with Running(room) as started:  # type: ignore[arg-type]
        yield started


async def get(running: Running, path: str, *fields: tuple[str, str], **more: str) -> Reply:
    """GET with these parameters."""
    return await send(running, request("GET", f"{API}/{path}?{urlencode([*fields, *more.items()])}", running))


async def post(running: Running, path: str, *fields: tuple[str, str], **more: str) -> Reply:
    """The same as a form."""
    body = urlencode([*fields, *more.items()]).encode()
    return await send(running, request("POST", f"{API}/{path}", running, body, content_type=FORM))


async def data(running: Running, path: str, *fields: tuple[str, str], **more: str) -> Any:
    """The data of a good answer, the same by both methods."""
    reply = await get(running, path, *fields, **more)
    assert reply.status == 200, reply.body
    assert reply.headers["content-type"] == "application/json"
    found = json.loads(reply.body)
    assert found["status"] == "success"
    return found["data"]


async def test_an_instant_vector(running: Running) -> None:
    found = await data(running, "query", query='requests_total{code="500"}')
    assert found == {
        "resultType": "vector",
        "result": [{"metric": {NAME: "requests_total", "code": "500", "job": "shop"}, "value": [ms(NOW) / 1000, "179500"]}],
    }
    assert (await data(running, "query", query="requests_total", time="2026-11-22T00:00:30Z"))["result"][1]["value"][1] == "0"


async def test_every_type_of_result(running: Running) -> None:
    at = ms(NOW) / 1000
    assert await data(running, "query", query="1 + 1") == {"resultType": "scalar", "result": [at, "2"]}
    assert await data(running, "query", query='"a\\"b"') == {"resultType": "string", "result": [at, 'a"b']}
    matrix = await data(running, "query", query='requests_total{code="200"}[2m]', time=str(at - 0.5))
    assert matrix["resultType"] == "matrix"
    assert [value for _, value in matrix["result"][0]["values"]] == ["71600", "71800"]


async def test_numbers_are_written_as_prometheus_writes_them(running: Running) -> None:
    """Go's jsonutil.MarshalFloat: an exponent below 1e-6 and from 1e21 on, never trailing zeros."""
    at = ms(NOW) // 1000
    values = {}
    for metric in ("small", "large"):
        for back in (0, 60, 120):
            found = await data(running, "query", query=metric, time=str(at - 60 - back))
            values[metric, back] = found["result"][0]["value"][1]
    assert list(values.values()) == ["0.1", "2.5e-09", "1e-07", "1e+21", "123456789012345680000", "100000000000000000000"]
    odd = await data(running, "query", query="sort_desc(odd)")
    assert [point["value"][1] for point in odd["result"]] == ["+Inf", "NaN"]


async def test_a_range(running: Running) -> None:
    fields = {
        "query": "sum by (code) (rate(requests_total[5m]))",
        "start": f"{ms(START) / 1000 + 600}",
        "end": f"{ms(START) / 1000 + 720.5}",
    }
    found = await data(running, "query_range", **fields, step="1m")
    assert found["resultType"] == "matrix"
    assert [series["metric"] for series in found["result"]] == [{"code": "200"}, {"code": "500"}]
    assert [at for at, _ in found["result"][0]["values"]] == [ms(START) / 1000 + offset for offset in (600, 660, 720)]
    assert [float(value) for _, value in found["result"][0]["values"]] == pytest.approx([200 / 60] * 3)
    reply = await post(running, "query_range", **fields, step="60")
    assert json.loads(reply.body)["data"] == found


async def test_series_labels_and_values(running: Running) -> None:
    found = await data(running, "series", ("match[]", "odd"), ("match[]", '{code="200"}'), ("match[]", '{of="nan"}'))
    assert found == [{NAME: "odd", "of": "inf"}, {NAME: "odd", "of": "nan"}, {NAME: "requests_total", "code": "200", "job": "shop"}]
    assert await data(running, "labels") == [NAME, "code", "job", "of"]
    assert await data(running, "labels", ("match[]", "odd")) == [NAME, "of"]
    assert await data(running, f"label/{NAME}/values") == ["large", "odd", "requests_total", "small"]
    assert await data(running, "label/code/values", ("match[]", '{job="shop",code!="200"}')) == ["500"]
    assert await data(running, "label/missing/values") == []


async def test_limits_cut_and_say_so(running: Running) -> None:
    for path, fields in (
        ("series", [("match[]", '{__name__=~".+"}')]),
        ("labels", []),
        (f"label/{NAME}/values", []),
    ):
        found = json.loads((await get(running, path, *fields, limit="1")).body)
        assert (len(found["data"]), found["warnings"]) == (1, ["results truncated due to limit"])
    found = json.loads((await get(running, "query", query="requests_total", limit="1")).body)
    assert (len(found["data"]["result"]), found["warnings"]) == (1, ["results truncated due to limit"])
    assert "warnings" not in json.loads((await get(running, "query", query="requests_total", limit="2")).body)


async def test_remarks_stand_beside_the_data(running: Running) -> None:
    found = json.loads((await get(running, "query", query="rate(large[5m])")).body)
    assert found["infos"] == ['PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "large" (1:6)']
    found = json.loads((await get(running, "query", query="quantile(2, large)")).body)
    assert found["warnings"][0].startswith("PromQL warning: quantile value should be between 0 and 1")


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ([], {"one.yml a": ["x:y", "Z"], "two.yml b": ["Z"]}),
        ([("type", "record")], {"one.yml a": ["x:y"]}),
        ([("type", "alert"), ("rule_group[]", "b")], {"two.yml b": ["Z"]}),
        ([("rule_name[]", "Z"), ("file[]", "one.yml")], {"one.yml a": ["Z"]}),
        ([("rule_name[]", "none")], {}),
    ],
)
async def test_rules_are_chosen(running: Running, fields: list[tuple[str, str]], names: Mapping[str, list[str]]) -> None:
    found = (await data(running, "rules", *fields))["groups"]
    assert {f"{group['file']} {group['name']}": [rule["name"] for rule in group["rules"]] for group in found} == names


async def test_rules_and_alerts_in_all_their_keys(running: Running) -> None:
    first, second = (await data(running, "rules"))["groups"]
    never, beginning = "0001-01-01T00:00:00Z", "2026-11-22T00:00:00Z"
    shared = {"evaluationTime": 0.0, "lastEvaluation": never}
    assert first["rules"][0] == {"name": "x:y", "query": "y", "health": "unknown", "type": "recording", **shared}
    alert = {
        "labels": {"alertname": "Z"},
        "annotations": {"summary": "s"},
        "state": "firing",
        "activeAt": "2026-11-22T06:00:00Z",
        "keepFiringSince": beginning,
        "value": "1.5e-07",
    }
    rule = {"state": "firing", "name": "Z", "query": "z", "labels": {}, "health": "unknown", **shared, "type": "alerting"}
    assert second["rules"] == [{**rule, "duration": 0.0, "keepFiringFor": 60.0, "annotations": {}, "alerts": [alert]}]
    assert first["rules"][1]["lastError"] == "e"
    assert (await data(running, "alerts")) == {"alerts": [alert]}
    assert (await data(running, "rules", exclude_alerts="true"))["groups"][1]["rules"][0]["alerts"] == []


async def test_how_long_a_sample_stands_for_its_series_is_said_by_the_parameter(running: Running) -> None:
    late = str(NOW.timestamp() + 600)
    assert (await data(running, "query", query="small", time=late))["result"] == []
    for length in ("661s", "660.001", "25h"):
        assert len((await data(running, "query", query="small", time=late, lookback_delta=length))["result"]) == 1
    for length in ("0", "-1", "11m"):
        assert (await data(running, "query", query="small", time=late, lookback_delta=length))["result"] == []
    span = {"start": late, "end": str(NOW.timestamp() + 720), "step": "60"}
    (found,) = (await data(running, "query_range", query="small", lookback_delta="12m1s", **span))["result"]
    assert [at for at, _ in found["values"]] == [NOW.timestamp() + 600, NOW.timestamp() + 660]


TIMES = {"start": "0", "end": "10", "step": "1"}


@pytest.mark.parametrize(
    ("path", "parameters", "status", "kind", "words"),
    [
        ("query", {}, 400, "bad_data", 'invalid parameter "query": 1:1: parse error: no expression found in input'),
        ("query", {"query": "sum("}, 400, "bad_data", 'invalid parameter "query": 1:4: parse error: unclosed'),
        ("query", {"query": "1", "time": "now"}, 400, "bad_data", "invalid time value for 'time': cannot parse"),
        ("query", {"query": "1", "timeout": "x"}, 400, "bad_data", 'invalid parameter "timeout": cannot parse "x" to a valid duration'),
        (
            "query",
            {"query": "1", "lookback_delta": "26h"},
            400,
            "bad_data",
            'invalid parameter "lookback_delta": a sample may stand for its series at most 25h',
        ),
        ("query", {"query": "1", "limit": "-1"}, 400, "bad_data", 'invalid parameter "limit": limit must be non-negative'),
        ("query", {"query": 'label_replace(odd, "of", "", "", "")'}, 422, "execution", "same labelset"),
        ("query", {"query": "odd * on() odd"}, 422, "execution", "many-to-many"),
        ("query_range", {"query": "1", **TIMES, "end": "-1"}, 400, "bad_data", "end timestamp must not be before start time"),
        ("query_range", {"query": "1", **TIMES, "step": "0"}, 400, "bad_data", "zero or negative query resolution step widths"),
        ("query_range", {"query": "1", **TIMES, "step": ""}, 400, "bad_data", 'invalid parameter "step": cannot parse ""'),
        ("query_range", {"query": "1", **TIMES, "end": "20000"}, 400, "bad_data", "exceeded maximum resolution of 11,000 points"),
        ("query_range", {"query": "odd[5m]", **TIMES}, 400, "bad_data", "invalid expression type"),
        ("series", {}, 400, "bad_data", "no match[] parameter provided"),
        ("series", {"match[]": "sum(a)"}, 400, "bad_data", 'invalid parameter "match[]"'),
        ("series", {"match[]": '{a=""}'}, 400, "bad_data", "at least one non-empty matcher"),
        ("labels", {"start": "2", "end": "1"}, 400, "bad_data", "end timestamp must not be before start time"),
        ("format_query", {"query": "a+"}, 400, "bad_data", 'invalid parameter "query"'),
        ("rules", {"type": "x"}, 400, "bad_data", 'invalid parameter "type": not supported value "x"'),
        ("status/config", {}, 404, "not_found", "there is nothing at /prometheus/api/v1/status/config"),
    ],
)
async def test_errors_have_prometheus_shape(
    running: Running, path: str, parameters: Mapping[str, str], status: int, kind: str, words: str
) -> None:
    reply = await get(running, path, **parameters)
    found = json.loads(reply.body)
    assert (reply.status, found["status"], found["errorType"]) == (status, "error", kind)
    assert words in found["error"]


WEIRD = [
    "",
    " ",
    "1e400",
    "-1e300",
    "NaN",
    "Inf",
    "-Inf",
    "0x10",
    "9" * 5_000,
    "\x00",
    "1_000",
    "１２",
    "1e-400",
    "-0",
    "2026-13-01T00:00:00Z",
]
WEIRD += ["2026-11-22T00:00:00+99:99", "5m5m", "-5m", "1.5.5", "{", '{a="\\xff"}', "\U0001f600", "up" * 3_000, "a" * 9_000, "()", "[5m]"]


async def test_no_parameter_makes_it_stumble(running: Running) -> None:
    """Whatever stands there, the answer is good, or an error of the client's in Prometheus' shape."""
    usual = {"query": "1", "time": "0", "start": "0", "end": "10", "step": "5", "match[]": "odd"}
    for path in ("query", "query_range", "series", "labels", "label/code/values", "format_query", "metadata", "rules", "targets"):
        for name in (*usual, "timeout", "limit", "lookback_delta", "limit_per_metric", "type", "state"):
            for value in WEIRD:
                body = urlencode({**usual, name: value}).encode()
                both = path in ("query", "query_range", "series", "labels", "format_query")
                method, where, sent = ("POST", path, body) if both else ("GET", f"{path}?{body.decode()}", b"")
                reply = await send(running, request(method, f"{API}/{where}", running, sent, content_type=FORM))
                assert reply.status in (200, 400, 422, 503), (path, name, value, reply.body)
                assert len(reply.body) < 20_000
                found = json.loads(reply.body)
                assert found["status"] == ("success" if reply.status == 200 else "error")


async def test_a_fault_of_ours_is_told_without_its_details(room: Room, running: Running, caplog: pytest.LogCaptureFixture) -> None:
    room.engine = None  # type: ignore[assignment]
    reply = await get(running, "query", query="odd")
    found = json.loads(reply.body)
    assert (reply.status, found["errorType"], found["error"]) == (500, "internal", "An internal fault of Keepwell: its log has the details")
    assert "internal fault at GET /prometheus/api/v1/query" in caplog.text


async def test_too_many_selectors_and_fields(running: Running) -> None:
    reply = await post(running, "series", *[("match[]", "odd")] * 101)
    assert (reply.status, json.loads(reply.body)["error"]) == (
        400,
        'invalid parameter "match[]": there are 101 of them, and at most 100 are possible at once',
    )
    assert len(json.loads((await post(running, "series", *[("match[]", "odd")] * 100)).body)["data"]) == 2
    assert (await post(running, "series", *[("match[]", "odd")] * 1_001)).status == 400


async def test_a_question_that_takes_too_long_is_given_up(room: Room, running: Running) -> None:
    room.store.free.clear()
    reply = await get(running, "query", query="odd", timeout="200ms")
    assert (reply.status, json.loads(reply.body)["errorType"]) == (503, "timeout")
    assert room.store.waiting == room.store.ended == 1


async def test_the_third_at_once_waits_for_its_turn(room: Room, running: Running) -> None:
    room.store.free.clear()
    asking = [asyncio.create_task(get(running, "query", query="odd")) for _ in range(2)]
    await _until(lambda: room.store.waiting == 2)
    reply = await get(running, "query", query="odd", timeout="0.1")
    assert (reply.status, json.loads(reply.body)["error"]) == (503, "query timed out in query queue")
    room.store.free.set()
    assert [answer.status for answer in await asyncio.gather(*asking)] == [200, 200]
    assert room.store.waiting == 2


async def test_a_client_that_leaves_ends_its_question(room: Room, running: Running) -> None:
    room.store.free.clear()
    _, writer = await asyncio.open_connection(running.host, running.port)
    writer.write(request("GET", f"{API}/query?query=odd", running))
    await _until(lambda: room.store.waiting == 1)
    writer.close()
    await _until(lambda: room.store.ended == 1)
    room.store.free.set()
    assert (await get(running, "query", query="odd")).status == 200


async def test_a_form_is_a_read_from_programs_and_our_own_pages_only(running: Running) -> None:
    """Whoever asks by POST needs no token, as Grafana and promtool do; a page of another site may not (docs of access.py)."""
    path, body = f"{API}/query", b"query=1"
    own = f"http://{running.host}:{running.port}"
    for headers, status in (
        ({}, 200),
        ({"origin": own, "sec_fetch_site": "same-origin"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"host": "evil.example"}, 403),
    ):
        reply = await send(running, request("POST", path, running, body, content_type=FORM, **headers))
        assert reply.status == status, (headers, reply.body)
    assert (await send(running, request("POST", f"{API}/metadata", running, b"a=b", content_type=FORM))).status == 405


async def _until(condition: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
