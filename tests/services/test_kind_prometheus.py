"""The kinds ``prometheus``, ``alertmanager`` and ``exporter`` against the real programs."""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keepwell.kernel.states import State
from tests.services.look import look
from tests.support import free_port, need, wait_until

pytestmark = pytest.mark.timeout(120)


@dataclass(frozen=True, slots=True)
class Family:
    """Where each of them answers."""

    prometheus: str
    alertmanager: str
    node: str


PROMETHEUS = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
scrape_configs:
  - job_name: self
    static_configs: [{{targets: ["127.0.0.1:{prometheus}"]}}]
  - job_name: gone
    static_configs: [{{targets: ["127.0.0.1:{nobody}"]}}]
"""
ALERTMANAGER = """
route: {receiver: nobody}
receivers: [{name: nobody}]
inhibit_rules:
  - source_matchers: ['alertname="HostDown"']
    target_matchers: ['alertname="ServiceDown"']
    equal: [host]
"""


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def _post(url: str, body: object) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Family]:
    programs = [need("prometheus"), need("prometheus-alertmanager"), need("prometheus-node-exporter")]
    folder: Path = tmp_path_factory.mktemp("prometheus")
    ports = [free_port() for _ in range(3)]
    (folder / "prometheus.yml").write_text(PROMETHEUS.format(prometheus=ports[0], nobody=free_port()))
    (folder / "alertmanager.yml").write_text(ALERTMANAGER)
    arguments = [
        [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{ports[0]}"],
        [
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/alerts",
            f"--web.listen-address=127.0.0.1:{ports[1]}",
            "--cluster.listen-address=",
        ],
        [f"--web.listen-address=127.0.0.1:{ports[2]}", "--collector.disable-defaults", "--collector.loadavg", "--collector.cpu"],
    ]
    log = (folder / "log").open("w")
    running = [subprocess.Popen([program, *given], stdout=log, stderr=log) for program, given in zip(programs, arguments, strict=True)]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    try:
        for url, path in zip(urls, ("/-/ready", "/-/ready", "/metrics"), strict=True):
            wait_until(lambda url=url, path=path: _answers(url + path), 30, f"an answer of {url}{path}")  # type: ignore[misc]
        up = f"{urls[0]}/api/v1/query?query=up"
        wait_until(lambda: len(_get(up)["data"]["result"]) == 2, 30, "the first scrapes")
        wait_until(lambda: any(one["value"][1] == "1" for one in _get(up)["data"]["result"]), 30, "a scrape that succeeded")
        yield Family(*urls)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(15)
        log.close()


async def test_a_query_with_limits(family: Family) -> None:
    good = await look("prometheus", {"url": family.prometheus, "query": 'up{job="self"}', "value": {"fail": "< 1"}})
    bad = await look("prometheus", {"url": family.prometheus, "query": "up", "value": {"fail": "< 1"}})
    assert (good.state, good.sentence, good.values["value"]) == (State.OK, 'up{job="self"} is 1, fail below 1', 1)
    assert bad.state is State.FAIL
    assert bad.sentence.startswith("up is 0 at instance=127.0.0.1:")
    assert bad.sentence.endswith(", job=gone, fail below 1; 1 of 2 are well")


async def test_a_query_that_gives_only_what_is_wrong(family: Family) -> None:
    none = await look("prometheus", {"url": family.prometheus, "query": 'up{job="self"} == 0', "series": {"fail": "> 0"}})
    one = await look("prometheus", {"url": family.prometheus, "query": "up == 0", "series": {"fail": "> 0"}})
    assert none.state is State.OK, none.sentence
    assert one.state is State.FAIL
    assert one.sentence.startswith("up == 0 gives 1 series, fail above 0; ")


@pytest.mark.parametrize(("no_data", "state"), [("unknown", State.UNKNOWN), ("fail", State.FAIL), ("warn", State.WARN), ("ok", State.OK)])
async def test_no_data(family: Family, no_data: str, state: State) -> None:
    seen = await look("prometheus", {"url": family.prometheus, "query": "nothing_of_that_name", "no_data": no_data})
    assert (seen.state, seen.sentence) == (state, "nothing_of_that_name gives no data")


async def test_division_by_nothing_is_no_number(family: Family) -> None:
    seen = await look("prometheus", {"url": family.prometheus, "query": "0 * up / 0", "no_data": "fail"})
    assert (seen.state, seen.sentence) == (State.FAIL, "0 * up / 0 gives nothing that is a number")


async def test_a_mistaken_query_is_our_fault(family: Family) -> None:
    seen = await look("prometheus", {"url": family.prometheus, "query": "sum("})
    assert seen.state is State.UNKNOWN
    assert seen.sentence.startswith("could not look: Prometheus refuses the query: ")
    assert "parse error" in seen.sentence


async def test_a_range_cannot_be_judged(family: Family) -> None:
    seen = await look("prometheus", {"url": family.prometheus, "query": "up[1m]"})
    assert seen.state is State.FAIL
    assert 'a result of type "matrix" cannot be judged' in seen.sentence


async def test_prometheus_measures_of_itself_read_directly(family: Family) -> None:
    series = {
        "goroutines": {"select": "go_goroutines", "warn": "> 100000"},
        "ready": {"select": "prometheus_ready", "fail": "!= 1", "missing": "ok"},
        "queries": {"select": 'prometheus_http_requests_total{handler=~"/api/v1/query|/metrics"}', "per_second": True, "warn": "> 100000"},
        "memory_bytes": {"select": "process_resident_memory_bytes", "fail": "> 4GiB"},
    }
    seen = await look("exporter", {"url": family.prometheus, "series": series}, timeout=5)
    assert seen.state is State.OK, seen.sentence
    assert seen.values["goroutines"] > 1
    assert seen.values["memory_bytes"] > 1_000_000
    assert seen.values["queries"] >= 0


async def test_a_node_exporter(family: Family) -> None:
    series = {
        "load": {"select": "node_load1", "fail": "> 100000"},
        "idle": {"select": 'node_cpu_seconds_total{mode="idle"}', "take": "number"},
    }
    seen = await look("exporter", {"url": family.node, "series": series | {"gone": {"select": "node_gone", "missing": "warn"}}})
    assert (seen.state, seen.sentence.partition(";")[0]) == (State.WARN, "there is no series node_gone")
    assert seen.values["load"] >= 0
    assert seen.values["idle"] >= 1


async def test_alerts_active_silenced_and_inhibited(family: Family) -> None:
    names = ("Disk", "Disk", "HostDown", "ServiceDown")
    labels = [{"alertname": name, "host": f"h{number if name == 'Disk' else 9}", "team": "web"} for number, name in enumerate(names)]
    _post(f"{family.alertmanager}/api/v2/alerts", [{"labels": one} for one in labels])
    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "host", "value": "h1", "isRegex": False}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "a test",
        "comment": "",
    }
    _post(f"{family.alertmanager}/api/v2/silences", silence)
    told = f"{family.alertmanager}/api/v2/alerts"
    wait_until(lambda: sorted(bool(one["status"]["silencedBy"]) for one in _get(told)).count(True) == 1, 20, "the silence")
    wait_until(lambda: any(one["status"]["inhibitedBy"] for one in _get(told)), 20, "the inhibition")
    seen = await look("alertmanager", {"url": family.alertmanager})
    assert (seen.state, seen.values["alerts_active"], seen.values["alerts_silenced"], seen.values["alerts_inhibited"]) == (
        State.FAIL,
        2,
        1,
        1,
    )
    assert seen.sentence.endswith(", fail above 0; 1 silenced; 1 inhibited")
    assert "2 alerts are active (" in seen.sentence
    everything = await look("alertmanager", {"url": family.alertmanager, "silenced": True, "inhibited": True, "fail": "> 4"})
    assert (everything.state, everything.values["alerts_active"]) == (State.OK, 4)
    others = await look("alertmanager", {"url": family.alertmanager, "matchers": ['team="billing"']})
    assert (others.state, others.sentence) == (State.OK, "no alert is active, fail above 0")


ELSEWHERE: dict[str, dict[str, Any]] = {
    "prometheus": {"query": "up"},
    "alertmanager": {},
    "exporter": {"path": "/nothing", "series": {"x": {"select": "up"}}},
}


@pytest.mark.parametrize("kind", ELSEWHERE)
async def test_another_program_at_that_address(family: Family, kind: str) -> None:
    seen = await look(kind, {"url": family.node, **ELSEWHERE[kind]})
    assert seen.state is State.FAIL
    assert f"{family.node}/" in seen.sentence or "is not one of" in seen.sentence
