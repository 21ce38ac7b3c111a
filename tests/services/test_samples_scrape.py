"""Scraping against real exporters, beside a real Prometheus that is told the same."""

import asyncio
import gzip
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from keepwell.engine import Engine
from keepwell.machine.http_client import HttpClient
from keepwell.ports.fakes import FakeSecrets
from keepwell.ports.samples import NAME, Matcher, is_stale
from keepwell.rooms.samples.scraping.listing import listing
from keepwell.rooms.samples.scraping.options import ScrapeOptions
from keepwell.rooms.samples.scraping.work import REPORTED, Scraping
from keepwell.rooms.samples.work.store import SampleStore, Settings
from tests.misbehaving import misbehaving
from tests.services.web_face import RealClock
from tests.support import free_port, need, until, wait_until

pytestmark = pytest.mark.timeout(120)

STEPS: dict[str, list[dict[str, Any]]] = {
    "relabel_configs": [
        {"source_labels": ["__address__"], "regex": r"(.*):(\d+)", "target_label": "host", "replacement": "${1}"},
        {"source_labels": ["__address__", "job"], "target_label": "shard", "modulus": 7, "action": "hashmod"},
        {"regex": "(job)", "replacement": "team_$1", "action": "labelmap"},
        {"source_labels": ["job"], "regex": "never", "action": "drop"},
    ],
    "metric_relabel_configs": [
        {"source_labels": ["__name__"], "regex": "go_(.*)", "target_label": "__name__", "replacement": "golang_$1"},
        {"source_labels": ["__name__"], "regex": "promhttp_.*|node_network_.*|node_schedstat_.*", "action": "drop"},
        {"source_labels": ["mode"], "target_label": "loud_mode", "action": "uppercase"},
        {"source_labels": ["cpu", "mode"], "separator": "/", "regex": "(.+)/(.+)", "target_label": "where", "replacement": "$2@$1"},
        {"regex": "version|goversion", "action": "labeldrop"},
        {"source_labels": ["quantile"], "regex": "0.25|0.75", "action": "drop"},
    ],
}


@dataclass(frozen=True, slots=True)
class Family:
    """Where a Prometheus and an exporter answer."""

    prometheus: str
    node: str


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Family]:
    programs = [need("prometheus"), need("prometheus-node-exporter")]
    folder: Path = tmp_path_factory.mktemp("scraped")
    prometheus, node = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    jobs = [
        {"job_name": "node", "static_configs": [{"targets": [node], "labels": {"env": "test", "mode": "target"}}], **STEPS},
        {"job_name": "self", "static_configs": [{"targets": [prometheus]}], "honor_labels": True, **STEPS},
        {"job_name": "gone", "static_configs": [{"targets": [f"127.0.0.1:{free_port()}"]}], **STEPS},
    ]
    configuration = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}
    (folder / "prometheus.yml").write_text(json.dumps(configuration))  # JSON is YAML
    arguments = [
        [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data", f"--web.listen-address={prometheus}"],
        [f"--web.listen-address={node}", "--no-collector.thermal_zone", "--no-collector.powersupplyclass"],
    ]
    log = (folder / "log").open("w")
    running = [subprocess.Popen([program, *given], stdout=log, stderr=log) for program, given in zip(programs, arguments, strict=True)]
    try:
        for url in (f"http://{prometheus}/-/ready", f"http://{node}/metrics"):
            wait_until(lambda url=url: _answers(url), 30, f"an answer of {url}")  # type: ignore[misc]
        wait_until(lambda: len(_series_there(f"http://{prometheus}", "self")) > 100, 30, "its scrape of itself")
        wait_until(lambda: len(_series_there(f"http://{prometheus}", "node")) > 100, 30, "its scrape of the exporter")
        yield Family(f"http://{prometheus}", f"http://{node}")
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(15)
        log.close()


def _series_there(prometheus: str, job: str) -> set[frozenset[tuple[str, str]]]:
    query = urllib.parse.urlencode({"query": f'{{job="{job}"}}'})
    return {frozenset(one["metric"].items()) for one in _get(f"{prometheus}/api/v1/query?{query}")["data"]["result"]}


class Ours:
    """A scraping that runs, with a real store."""

    def __init__(self, scraping: Scraping, store: SampleStore, clock: RealClock) -> None:
        self.scraping, self.store, self._clock = scraping, store, clock

    def configure(self, /, **jobs: dict[str, Any]) -> None:
        self.scraping.configure({name: ScrapeOptions.model_validate_json(json.dumps(given)) for name, given in jobs.items()})

    @property
    def now(self) -> int:
        return round(self._clock.now().timestamp() * 1000)

    async def latest(self, **labels: str) -> dict[frozenset[tuple[str, str]], float]:
        """The newest values of the series with these labels that have not ended."""
        matchers = [Matcher(NAME if name == "name" else name, "=", value) for name, value in labels.items()]
        return {frozenset(found.items()): value for found, _, value in await self.store.latest(matchers, self.now)}

    async def value(self, name: str, **labels: str) -> float | None:
        values = list((await self.latest(name=name, **labels)).values())
        return values[0] if len(values) == 1 else None

    def target(self, job: str) -> dict[str, Any]:
        (found,) = (one for one in listing(self.scraping)["targets"] if one["job"] == job)
        return dict(found)


@asynccontextmanager
async def ours(folder: Path, secrets: Mapping[str, str] | None = None) -> AsyncIterator[Ours]:
    clock = RealClock()
    async with HttpClient(FakeSecrets(dict(secrets or {}))) as http:
        store = SampleStore(folder, clock, Settings(every=0.05))
        await store.begin()
        scraping = Scraping(http, clock, store)
        engine = Engine([scraping], clock)
        scraping.on_wake(engine.wake)
        running = asyncio.create_task(engine.run())
        try:
            yield Ours(scraping, store, clock)
        finally:
            await engine.stop(1)
            await running
            await scraping.end()
            await store.end()


async def test_the_same_rules_give_the_series_that_prometheus_has(family: Family, tmp_path: Path) -> None:
    node, prometheus = family.node.removeprefix("http://"), family.prometheus.removeprefix("http://")
    async with ours(tmp_path / "samples") as here:
        here.configure(
            node={"targets": [node], "labels": {"env": "test", "mode": "target"}, "every": "1s", **STEPS},
            self={"targets": [prometheus], "honor_labels": True, "every": "1s", **STEPS},
        )
        for job in ("node", "self"):
            await until(lambda job=job: _equal(here, family, job), 40, f"the same series of {job}")  # type: ignore[misc]
        series = await here.latest(job="node")
        assert any(("exported_mode", "idle") in labels and ("mode", "target") in labels for labels in series)
        assert any(dict(labels)[NAME].startswith("golang_") for labels in series)
        assert await here.value("up", job="node") == 1


async def _equal(here: Ours, family: Family, job: str) -> bool:
    """Both keep scraping what changes a little: once, both must have the same."""
    there = await asyncio.to_thread(_series_there, family.prometheus, job)
    return len(there) > 100 and there == set(await here.latest(job=job))


_TEXT_PAGE = r"""# HELP requests Requests, of which "some" failed\non two lines
# TYPE requests counter
requests{path="C:\\dir",said="\"a\nb\"",empty="",umlaut="größe"} 5
requests{ path = "x" , said = "}{,=" ,} 6
spaced   7
# just a comment
# TYPE h histogram
h_bucket{le="1"} 1
h_bucket{le="+Inf"} 2
h_sum 3.5
h_count 2
job{job="theirs",exported_job="older",instance="there"} 1
not_a_number NaN
endless{sign="-"} -Inf
endless{sign="+"} +Inf
small 1e-7
whole 9007199254740993
created_untyped_created 1
"""

_OPENMETRICS_PAGE = r"""# TYPE requests counter
# HELP requests Requests
requests_total{path="/"} 5 # {trace="abc"} 1 1.5
requests_created{path="/"} 1.7e9
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{le="0.1"} 1 # {trace="x"} 0.05
wait_seconds_bucket{le="+Inf"} 2
wait_seconds_count 2
wait_seconds_sum 0.5
# TYPE build info
build_info{version="1.2"} 1
# TYPE state stateset
state{state="on"} 1
state{state="off"} 0
# TYPE quick summary
quick{quantile="0.5"} 0.25
quick_count 4
quick_sum 1
# TYPE gone gauge
gone{empty=""} NaN
# EOF
"""


async def test_odd_pages_say_the_same_to_a_prometheus(tmp_path: Path) -> None:
    """Escapes, white space, names that a page shares with its target, every type of OpenMetrics: series and values are compared."""
    program, address = need("prometheus"), f"127.0.0.1:{free_port()}"
    openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    async with pages(_TEXT_PAGE) as (text, _), pages(_OPENMETRICS_PAGE, content_type=openmetrics) as (other, _):
        targets = {"text": f"127.0.0.1:{text}", "openmetrics": f"127.0.0.1:{other}"}
        jobs = [{"job_name": job, "static_configs": [{"targets": [target]}]} for job, target in targets.items()]
        (tmp_path / "prometheus.yml").write_text(
            json.dumps({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs})
        )
        given = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address={address}"]
        with (tmp_path / "log").open("w") as log:
            running = await asyncio.create_subprocess_exec(program, *given, stdout=log, stderr=log)
        try:
            async with ours(tmp_path / "samples") as here:
                here.configure(**{job: {"targets": [target], "every": "1s"} for job, target in targets.items()})
                for job in targets:
                    await until(lambda job=job: _same_values(here, f"http://{address}", job), 40, f"the same of {job}")  # type: ignore[misc]
        finally:
            running.terminate()
            await running.wait()


async def _same_values(here: Ours, prometheus: str, job: str) -> bool:
    try:
        there = await asyncio.to_thread(_values_there, prometheus, job)
    except OSError:
        return False
    found = {labels: str(value) for labels, value in (await here.latest(job=job)).items() if dict(labels)[NAME] not in REPORTED}
    return bool(there) and there == found


def _values_there(prometheus: str, job: str) -> dict[frozenset[tuple[str, str]], str]:
    query = urllib.parse.urlencode({"query": f'{{job="{job}"}}'})
    found = _get(f"{prometheus}/api/v1/query?{query}")["data"]["result"]
    return {frozenset(one["metric"].items()): str(float(one["value"][1])) for one in found if one["metric"][NAME] not in REPORTED}


async def test_what_is_reported_of_a_scrape_is_what_prometheus_reports(family: Family, tmp_path: Path) -> None:
    node = family.node.removeprefix("http://")
    async with ours(tmp_path / "samples") as here:
        here.configure(node={"targets": [node], "labels": {"env": "test", "mode": "target"}, "every": "1s", **STEPS})
        await until(lambda: has(here, "scrape_samples_scraped", "node"), 20, "a scrape")
        scraped = await here.value("scrape_samples_scraped", job="node")
        left = await here.value("scrape_samples_post_metric_relabeling", job="node")
        assert scraped is not None
        assert left is not None
        assert scraped > left > 100
        reported = {dict(labels)[NAME] for labels in await here.latest(job="node") if dict(labels)[NAME] in REPORTED}
        assert reported == set(REPORTED)
        target = here.target("node")
        assert (target["health"], target["error"], target["notes"]) == ("up", "", [])
        assert (target["samples"], target["series"]) == (scraped, left)
        assert 0 < target["duration"] < 30


async def has(here: Ours, name: str, job: str) -> bool:
    return await here.value(name, job=job) is not None


async def test_a_target_that_goes_away_ends_its_series_and_is_down(tmp_path: Path) -> None:
    async with ours(tmp_path / "samples") as here:
        async with pages("a 1\nb 2\n") as (port, _):
            here.configure(one={"targets": [f"127.0.0.1:{port}"], "every": "1s", "timeout": "900ms"})
            await until(lambda: has(here, "a", "one"), 20, "the first page")
        await until(lambda: _is(here, "up", 0.0), 20, "a scrape that failed")
        assert await here.value("a", job="one") is None
        assert here.target("one")["health"] == "down"
        assert here.target("one")["error"] == f"connection refused by 127.0.0.1:{port}"
        (column,) = await here.store.select([Matcher(NAME, "=", "a")], 0, here.now)
        assert is_stale(column.values).tolist() == [False] * (len(column.values) - 1) + [True]


async def _is(here: Ours, name: str, value: float) -> bool:
    return await here.value(name) == value


async def test_a_series_that_vanishes_ends_and_one_that_comes_is_counted(tmp_path: Path) -> None:
    async with ours(tmp_path / "samples") as here, pages("a 1\nb 2\n", "b 3\nc 4\nd 5\n", "b 4\nc 4\nd 5\n") as (port, _):
        here.configure(one={"targets": [f"127.0.0.1:{port}"], "every": "1s"})
        await until(lambda: has(here, "c", "one"), 20, "the second page")
        assert await here.value("a") is None
        matcher = [Matcher(NAME, "=", "scrape_series_added")]
        await until(lambda: _long(here, matcher, 3), 20, "the third page")
        (added,) = await here.store.select(matcher, 0, here.now)
        assert added.values[:3].tolist() == [2, 2, 0]
        (gone,) = await here.store.select([Matcher(NAME, "=", "a")], 0, here.now)
        assert is_stale(gone.values).tolist() == [False, True]
        assert gone.timestamps[1] == added.timestamps[1]


async def _long(here: Ours, matchers: list[Matcher], rows: int) -> bool:
    found = await here.store.select(matchers, 0, here.now)
    return bool(found) and len(found[0].values) >= rows


async def test_a_target_that_is_taken_out_ends_and_one_that_stays_goes_on(tmp_path: Path) -> None:
    async with ours(tmp_path / "samples") as here, pages("a 1\n") as (first, _), pages("a 2\n") as (second, _):
        both = {"targets": [f"127.0.0.1:{first}", f"127.0.0.1:{second}"], "every": "1s"}
        here.configure(one=both)
        await until(lambda: _count(here, "a", 2), 20, "both pages")
        here.configure(one={**both, "targets": [f"127.0.0.1:{second}"]})
        await until(lambda: _count(here, "a", 1), 20, "the end of one")
        await until(lambda: _count(here, "up", 1), 20, "the end of what is reported of it")
        assert await here.value("a") == 2
        columns = await here.store.select([Matcher(NAME, "=", "up"), Matcher("instance", "=", f"127.0.0.1:{second}")], 0, here.now)
        assert not is_stale(columns[0].values).any()


async def _count(here: Ours, name: str, count: int) -> bool:
    return len(await here.latest(name=name)) == count


async def test_instants_of_a_page_count_and_end_nothing(tmp_path: Path) -> None:
    """As Prometheus: what has its own instants gets no staleness marker."""
    async with ours(tmp_path / "samples") as here:
        at = here.now - 60_000
        async with pages(f"a 1 {at}\nb 2\n", "b 2\n") as (port, _):
            here.configure(
                one={"targets": [f"127.0.0.1:{port}"], "every": "1s"},
                two={"targets": [f"127.0.0.1:{port}"], "every": "1s", "honor_timestamps": False},
            )
            await until(lambda: has(here, "b", "two"), 20, "a page")
            await until(lambda: has(here, "b", "one"), 20, "a page")
            await asyncio.sleep(2.5)
            columns = await here.store.select([Matcher(NAME, "=", "a")], 0, here.now)
            assert [
                (column.labels["job"], column.timestamps.tolist(), column.values.tolist())
                for column in columns
                if column.labels["job"] == "one"
            ] in (
                [],
                [("one", [at], [1.0])],
            )
            for column in columns:
                if column.labels["job"] == "two":
                    assert column.timestamps[0] > at + 50_000
                    assert is_stale(column.values)[-1]
            assert len(columns) == 1


async def test_the_page_is_asked_for_as_prometheus_asks(tmp_path: Path) -> None:
    secrets = {"secret:TOKEN": "t0ken"}
    async with ours(tmp_path / "samples", secrets) as here, pages("a 1\n") as (port, heads):
        given = {"every": "2s", "timeout": "1s", "bearer": "secret:TOKEN", "params": {"module": ["x y"]}, "headers": {"X-Own": "1"}}
        here.configure(one={"targets": [f"127.0.0.1:{port}"], **given})
        await until(lambda: has(here, "a", "one"), 20, "a page")
        lines = heads[0].split("\r\n")
        assert lines[0] == "GET /metrics?module=x+y HTTP/1.1"
        assert "Accept-Encoding: gzip" in lines
        assert "Authorization: Bearer t0ken" in lines
        assert "X-Prometheus-Scrape-Timeout-Seconds: 1" in lines
        assert "X-Own: 1" in lines
        accept = next(line for line in lines if line.startswith("Accept: "))
        assert accept.startswith("Accept: application/openmetrics-text;version=1.0.0,")


async def test_openmetrics_is_read_by_its_rules_and_told_what_its_metrics_are(tmp_path: Path) -> None:
    page = "# TYPE r counter\n# HELP r Requests.\nr_total 5\n# TYPE s_seconds gauge\n# UNIT s_seconds seconds\ns_seconds 1.5\n# EOF\n"
    kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    async with ours(tmp_path / "samples") as here, pages(page, content_type=kind) as (port, _):
        here.configure(one={"targets": [f"127.0.0.1:{port}"], "every": "1s"})
        await until(lambda: has(here, "r_total", "one"), 20, "a page")
        metric = here.store.metric("r_total")
        assert (metric.kind, metric.help) == ("counter", "Requests.")
        assert here.store.metric("s_seconds").unit == "seconds"


async def test_a_change_of_rules_takes_effect_and_ends_what_they_drop(tmp_path: Path) -> None:
    async with ours(tmp_path / "samples") as here, pages("a 1\nb 2\n") as (port, _):
        job = {"targets": [f"127.0.0.1:{port}"], "every": "1s"}
        here.configure(one=job)
        await until(lambda: has(here, "a", "one"), 20, "a page")
        here.configure(one={**job, "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "a", "action": "drop"}]})
        await until(lambda: _count(here, "a", 0), 20, "the end of what is dropped")
        assert await here.value("b") == 2


async def test_targets_begin_apart_and_keep_their_pace(tmp_path: Path) -> None:
    async with ours(tmp_path / "samples") as here, pages("a 1\n") as (port, _):
        told_apart = {"source_labels": ["__metrics_path__"], "target_label": "instance"}
        targets = [f"http://127.0.0.1:{port}/{number}" for number in range(20)]
        here.configure(many={"targets": targets, "every": "1s", "relabel_configs": [told_apart]})
        await until(lambda: _paced(here), 30, "four scrapes of each")
        columns = await here.store.select([Matcher(NAME, "=", "up")], 0, here.now)
        assert len({int(column.timestamps[0]) // 100 for column in columns}) > 3


async def _paced(here: Ours) -> bool:
    columns = await here.store.select([Matcher(NAME, "=", "up")], 0, here.now)
    return len(columns) == 20 and all(len(column.timestamps) >= 4 for column in columns)


@asynccontextmanager
async def pages(*texts: str, content_type: str = "text/plain; version=0.0.4") -> AsyncIterator[tuple[int, list[str]]]:
    """Serves these pages one after the other, the last for ever; gives the port, and the heads of the requests as they come."""
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        body = gzip.compress(texts[min(len(heads), len(texts)) - 1].encode())
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)

    async with misbehaving(serve) as port:
        yield port, heads
