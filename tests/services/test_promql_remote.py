"""Questions put to another engine: Debian's Prometheus and VictoriaMetrics, with the same samples as ``test_promql_beside_prometheus``.

Of VictoriaMetrics a test shows each difference that the documentation names.
"""

import asyncio
import json
import math
import subprocess
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.machine.http_client import HttpClient
from keepwell.machine.secrets import MachineSecrets
from keepwell.ports.http import Basic, Request
from keepwell.ports.samples import Matcher
from keepwell.rooms.promql.engine import Bounds, Wanted
from keepwell.rooms.promql.model import BadQuery, ExecutionError, Limits, QueryError, Result, String
from keepwell.rooms.promql.remote import RemoteEngine
from keepwell.rooms.promql.work import query_instant, query_range
from tests.services.test_promql_beside_prometheus import (
    COLUMNS,
    EDGELESS,
    EXPRESSIONS,
    START,
    STEPS,
    Found,
    address,
    differences,
    select,
    shaped,
)
from tests.support import free_port, need, wait_until

__all__ = ["address"]

SPAN = (START // 60_000 * 60_000 + 20 * 60_000 + EDGELESS, START // 60_000 * 60_000 + (20 + 2 * (STEPS - 1)) * 60_000 + EDGELESS)
STEP = 120_000
AT = START // 60_000 * 60_000 + 41 * 60_000 + EDGELESS
SECRETS = {"TOKEN": "opaque-token", "PASSWORD": "correct horse"}


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with HttpClient(MachineSecrets(SECRETS)) as client:
        yield client


@pytest.fixture
def prometheus(http: HttpClient, address: str) -> RemoteEngine:
    return RemoteEngine(http, Request(address), 60.0)


@pytest.fixture(scope="module")
def victoria_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A VictoriaMetrics with the same samples."""
    folder, port = tmp_path_factory.mktemp("victoria"), free_port()
    argv = [need("victoria-metrics"), f"-storageDataPath={folder / 'data'}", f"-httpListenAddr=127.0.0.1:{port}"]
    argv += ["-retentionPeriod=100y", "-search.latencyOffset=0s", "-search.disableCache", "-loggerLevel=ERROR"]
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(f"{found}/-/ready"), 60, "an answer of victoria-metrics")
        with urllib.request.urlopen(f"{found}/api/v1/import/prometheus", lines().encode(), timeout=60) as reply:
            assert reply.status == 204
        with urllib.request.urlopen(f"{found}/internal/force_flush", timeout=60) as reply:
            assert reply.status == 200
        yield found
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def victoria(http: HttpClient, victoria_address: str) -> RemoteEngine:
    return RemoteEngine(http, Request(victoria_address), 60.0)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def lines() -> str:
    """The columns in Prometheus' text format, with instants in milliseconds."""
    found = []
    for column in COLUMNS:
        inside = ",".join(f'{name}="{value}"' for name, value in column.labels.items() if name != "__name__")
        pairs = zip(column.timestamps.tolist(), column.values.tolist(), strict=True)
        found += [f"{column.labels['__name__']}{{{inside}}} {value} {at}\n" for at, value in pairs]
    return "".join(found)


async def ours(expression: str) -> Found:
    """What the own engine says over the range."""
    return shaped((await query_range(expression, *SPAN, STEP, select, Limits())).value)


async def theirs(engine: RemoteEngine, expression: str) -> Found:
    """What the other says."""
    return shaped((await engine.range(expression, SPAN, STEP)).value)


@pytest.mark.parametrize("expression", EXPRESSIONS[::6])
async def test_prometheus_answers_as_the_own_engine_does(prometheus: RemoteEngine, expression: str) -> None:
    assert list(differences(await ours(expression), await theirs(prometheus, expression))) == []
    here = shaped((await query_instant(expression, AT, select, Limits())).value)
    assert list(differences(here, shaped((await prometheus.instant(expression, AT)).value))) == []


async def test_every_type_of_result(prometheus: RemoteEngine) -> None:
    assert (await prometheus.instant('"text"', AT)).value == String(AT, "text")
    for expression in ("2 * 21", "requests_total[1m]", "sort(took_bucket)"):
        here, there = (await query_instant(expression, AT, select, Limits())).value, (await prometheus.instant(expression, AT)).value
        assert type(here) is type(there)
        assert list(differences(shaped(here), shaped(there))) == []


async def test_series_and_labels(prometheus: RemoteEngine) -> None:
    texts = ['limit{job="j1"}', 'took_bucket{le="+Inf",host="x"}']
    wanted = Wanted([[Matcher("job", "=", "j1")]], texts, START, START + 5_000_000)
    found = await prometheus.series(wanted)
    assert [labels["__name__"] for labels in found] == ["limit"] * 4 + ["took_bucket"]
    assert found[0] == {"__name__": "limit", "instance": "i1", "job": "j1", "owner": "o"}
    assert await prometheus.label_names(Wanted(texts=texts)) == ["__name__", "host", "instance", "job", "le", "owner"]
    assert await prometheus.label_values("__name__", Wanted()) == ["limit", "load", "requests_total", "took_bucket"]
    assert await prometheus.label_values("instance", Wanted(texts=['{job="j2"}'])) == ["i11", "i2", "i5", "i8"]
    assert await prometheus.metadata() == {}


@pytest.mark.parametrize(
    ("expression", "error", "words"),
    [
        ("sum(", BadQuery, "parse error"),
        ("load * on (job) limit", ExecutionError, "many-to-many matching not allowed"),
        ("label_replace(load, 'instance', '', 'instance', '.*')", ExecutionError, "same labelset"),
    ],
)
async def test_errors_keep_their_kind(prometheus: RemoteEngine, expression: str, error: type[QueryError], words: str) -> None:
    with pytest.raises(error, match=words):
        await prometheus.instant(expression, AT)


async def test_what_the_caller_wishes_is_passed_on(http: HttpClient) -> None:
    async with answering(b'{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}') as (url, asked):
        await RemoteEngine(http, Request(url), 10.0).instant("1 + 1", 1_500, Bounds(0.25, 30_000))
        await RemoteEngine(http, Request(url), 10.0).range("a", (0, 1_000), 500, Bounds(60.0))
    assert asked[0].endswith(b"query=1+%2B+1&time=1.500&timeout=250ms&lookback_delta=30")
    assert asked[1].endswith(b"query=a&start=0&end=1&step=0.500&timeout=10000ms")


@asynccontextmanager
async def answering(body: bytes, status: int = 200) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that always answers the same; its address, and what it was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0)
        asked.append(head + await reader.readexactly(length))
        writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (status, len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/base/", asked


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"<html>login</html>", 200, "is not one of Prometheus"),
        (b"", 502, r"\(502\) is not one of Prometheus: nothing"),
        (b'{"status":"success"}', 200, "is not one of Prometheus"),
        (b'{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"x"]}]}}', 200, "is not one of Prometheus"),
        (b'{"status":"success","data":{"resultType":"cube","result":[]}}', 200, 'a result of type "cube" is not known'),
        (b'{"status":"error","errorType":"unavailable","error":"not yet"}', 503, "could not answer: not yet"),
        (b"[" * 100_000, 200, "is not one of Prometheus"),
    ],
)
async def test_what_is_no_answer_is_said_in_one_sentence(http: HttpClient, body: bytes, status: int, words: str) -> None:
    async with answering(body, status) as (url, _):
        with pytest.raises(AnswerError, match=words):
            await RemoteEngine(http, Request(url), 10.0).instant("up", AT)


async def test_an_engine_that_is_away(http: HttpClient) -> None:
    with pytest.raises((AnswerError, AskError), match="refused"):
        await RemoteEngine(http, Request(f"http://127.0.0.1:{free_port()}"), 10.0).instant("up", AT)


async def test_native_histograms_are_left_out_and_that_is_said(http: HttpClient) -> None:
    points = [{"metric": {"a": "b"}, "value": [1.5, "NaN"]}, {"metric": {}, "histogram": [1.5, {}]}]
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": points}, "infos": ["i"]})
    async with answering(body.encode()) as (url, _):
        found: Result = await RemoteEngine(http, Request(url), 10.0).instant("up", AT)
    assert shaped(found.value).keys() == {(("a", "b"),)}
    assert (found.warnings, found.infos) == (
        ("1 series are native histograms and are left out: only numbers are taken here",),
        ("i",),
    )


async def test_who_asks_is_said_as_it_is_wanted(http: HttpClient) -> None:
    body = b'{"status":"success","data":[]}'
    for access, words in (
        ({"bearer": "secret:TOKEN"}, b"authorization: bearer opaque-token"),
        ({"basic": Basic("me", "secret:PASSWORD")}, b"authorization: basic bwu6y29ycmvjdcbob3jzzq=="),
        ({"headers": {"X-Scope-OrgID": "team"}}, b"x-scope-orgid: team"),
    ):
        async with answering(body) as (url, asked):
            await RemoteEngine(http, Request(url, **access), 10.0).label_names(Wanted(texts=["up"], end=5))  # type: ignore[arg-type]
        assert asked[0].startswith(b"POST /base/api/v1/labels HTTP/1.1\r\n")
        assert words in asked[0].lower()
        assert asked[0].endswith(b"\r\n\r\nmatch%5B%5D=up&end=0.005")


SAME_IN_VICTORIA = [
    "limit",
    "limit * 2 > 6",
    "sum by (job) (limit)",
    "topk by (job) (2, limit)",
    "took_bucket",
    "histogram_quantile(-1, took_bucket)",
    "count_values by (job) ('v', round(limit / 3))",
    "limit unless on (instance) (limit > 5)",
    "sum_over_time(took_bucket[2m])",
    "count_over_time(took_bucket[5m])",
    "label_replace(limit, 'x', '$2-$1', 'instance', '(.)(.*)')",
    "absent(nothing{a='b'})",
    "vector(time()) / 60",
]


@pytest.mark.parametrize("expression", SAME_IN_VICTORIA)
async def test_victoria_metrics_says_the_same(victoria: RemoteEngine, expression: str) -> None:
    found = await ours(expression.replace("limit", "limit{}"))
    assert found
    assert list(differences(found, await theirs(victoria, expression))) == []


I0 = "instance='i0'"


@pytest.mark.parametrize("function", ["rate", "increase", "delta"])
async def test_victoria_metrics_does_not_extrapolate(victoria: RemoteEngine, function: str) -> None:
    """It takes the sample before the window in instead: what a whole counter gains is a whole number."""
    expression = f"{function}(requests_total{{{I0}}}[2m])"
    here, there = await ours(expression), await theirs(victoria, expression)
    assert here.keys() == there.keys()
    assert list(differences(here, there))
    if function == "increase":
        assert all(value == int(value) for points in there.values() for value in points.values())
        assert any(value != int(value) for points in here.values() for value in points.values())


@pytest.mark.parametrize("function", ["changes", "resets"])
async def test_victoria_metrics_counts_from_the_sample_before_the_window(victoria: RemoteEngine, function: str) -> None:
    expression = f"sum(sum_over_time({function}(load{{{I0}}}[5m])[40m:5m]))"
    (here,), (there,) = (await ours(expression)).values(), (await theirs(victoria, expression)).values()
    assert sum(there.values()) > sum(here.values())


@pytest.mark.parametrize("expression", ["avg_over_time(limit[5m])", "max_over_time(limit[5m])", "ceil(limit)", "clamp(limit, 1, 5)"])
async def test_victoria_metrics_keeps_the_name_where_the_unit_stays(victoria: RemoteEngine, expression: str) -> None:
    names = [{dict(labels).get("__name__") for labels in found} for found in (await ours(expression), await theirs(victoria, expression))]
    assert names == [{None}, {"limit"}]


async def test_victoria_metrics_takes_nan_for_no_sample(victoria: RemoteEngine) -> None:
    (here,), (there,) = (await ours("sum(load @ end())")).values(), (await theirs(victoria, "sum(load @ end())")).values()
    assert all(math.isnan(value) for value in here.values())
    assert there.keys() == here.keys()
    assert not any(math.isnan(value) for value in there.values())
    assert await theirs(victoria, "scalar(load)") == {}
    assert {math.isnan(value) for value in (await ours("scalar(load)"))[()].values()} == {True}


async def test_victoria_metrics_looks_back_as_far_as_samples_are_apart(victoria: RemoteEngine) -> None:
    """Prometheus' five minutes bridge a gap that is long for this series."""
    sparse = "requests_total{instance='i11'}"
    (here,), (there,) = (await ours(sparse)).values(), (await theirs(victoria, sparse)).values()
    assert there.keys() < here.keys()


async def test_victoria_metrics_makes_a_rate_of_one_sample(victoria: RemoteEngine) -> None:
    assert await ours("rate(requests_total[1s])") == {}
    assert await theirs(victoria, "rate(requests_total[1s])") != {}


async def test_victoria_metrics_lacks_a_function_and_has_one_kind_of_error(victoria: RemoteEngine) -> None:
    assert await ours("day_of_year()") != {}
    for expression in ("day_of_year()", "sum("):
        with pytest.raises(ExecutionError):
            await victoria.instant(expression, AT)


async def test_victoria_metrics_lists_the_series_of_one_day_where_no_time_is_given(victoria: RemoteEngine) -> None:
    assert await victoria.series(Wanted(texts=["limit"])) == []
    assert len(await victoria.series(Wanted(texts=["limit"], start=START, end=START + 5_000_000))) == 12
