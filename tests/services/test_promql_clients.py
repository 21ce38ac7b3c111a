"""Clients of Prometheus against a real ``keepwell up`` and, beside it, a Prometheus that scrapes the same page: Debian's promtool, curl and
jq, and the requests of Grafana's data source."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from keepwell.rooms.promql.formatting import formatted
from tests.services.test_promql_beside_prometheus import EXPRESSIONS
from tests.serving import operations, serving
from tests.support import free_port, need, wait_until

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("promql-clients")]

CASES = Path(__file__).resolve().parents[1] / "cases" / "promql" / "grafana.json"

PAGE = """\
# HELP demo_seconds_total Seconds of work.
# TYPE demo_seconds_total counter
demo_seconds_total{mode="idle"} 12.5
demo_seconds_total{mode="user"} 7
# HELP demo_level How full it is, in "quotes" and with a \\\\ in it.
# TYPE demo_level gauge
demo_level{vessel="a \\"b\\" ü"} 1e-07
demo_level{vessel="c"} 1.5e+21
demo_level{vessel="d"} +Inf
demo_level{vessel="e"} NaN
# HELP demo_took_seconds How long it took.
# TYPE demo_took_seconds histogram
demo_took_seconds_bucket{le="0.1"} 3
demo_took_seconds_bucket{le="1"} 5
demo_took_seconds_bucket{le="+Inf"} 6
demo_took_seconds_sum 4.25
demo_took_seconds_count 6
"""

RULES = """\
groups:
- name: first
  interval: 1s
  limit: 10
  rules:
  - record: mode:demo_seconds:sum
    expr: sum by (mode) (demo_seconds_total)
    labels: {team: a}
  - alert: Busy
    expr: demo_seconds_total > 10
    labels: {severity: page}
    annotations: {summary: '{{ $labels.mode }} is at {{ $value | humanize }}'}
  - alert: Later
    expr: demo_seconds_total > 10
    for: 1h
    keep_firing_for: 5m
  - alert: Never
    expr: demo_seconds_total > 1000
- name: second
  interval: 1s
  rules:
  - record: broken
    expr: demo_seconds_total * on () demo_seconds_total
"""

EXPORTER = """
import http.server, pathlib, sys
page = pathlib.Path(sys.argv[2])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = page.read_bytes()
        self.send_response(200)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@dataclass(frozen=True, slots=True)
class Both:
    """The address of our Prometheus, that of Debian's, and an instant (seconds since 1970) at which both had scraped a few times."""

    ours: str
    theirs: str
    at: int


@contextmanager
def running(argv: list[str], port: int, path: str, log: Path) -> Iterator[None]:
    """A program that answers there; stopped by its number."""
    with log.open("wb") as output:
        process = subprocess.Popen(argv, stdout=output, stderr=output)
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{port}{path}"), 60, f"an answer of {argv[0]}")
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def answers(url: str) -> bool:
    """Whether there is a good answer."""
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("clients")
    (folder / "page.txt").write_text(PAGE)
    exporter, port = free_port(), free_port()
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\nrule_files: [rules.yml]\n"
        f"scrape_configs:\n- {{job_name: demo, static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]}}\n"
    )
    text = RULES.replace("    keep_firing_for: 5m\n", "")
    (folder / "rules.yml").write_text(text)  # 2.42 is older than keep_firing_for was shown
    directory = operations(
        folder / "operations",
        f"keepwell: 1\nservice: demo\nscrape:\n  demo: {{targets: ['127.0.0.1:{exporter}'], every: 1s}}\nrule_files: [rules.yml]\n",
    )
    (directory / "rules.yml").write_text(text)
    prometheus = [need("prometheus"), f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with (
        running([sys.executable, "-c", EXPORTER, str(exporter), str(folder / "page.txt")], exporter, "/", folder / "exporter.log"),
        running([*prometheus, f"--web.listen-address=127.0.0.1:{port}"], port, "/-/ready", folder / "prometheus.log"),
        serving(directory, folder / "state") as server,
    ):
        ours, theirs = f"http://127.0.0.1:{server.port}/prometheus", f"http://127.0.0.1:{port}"
        wait_until(lambda: scraped(ours) and scraped(theirs), 60, "five scrapes of both")
        yield Both(ours, theirs, int(time.time()))


def scraped(address: str) -> bool:
    """Whether the page was scraped five times."""
    found = ask(address, "query", query="count_over_time(demo_took_seconds_sum[1m])")[1]["data"]["result"]
    return bool(found) and float(found[0]["value"][1]) >= 5


def ask(address: str, path: str, method: str = "GET", **fields: str) -> tuple[int, Any]:
    """The status and the JSON of an answer."""
    text = urllib.parse.urlencode([(name.replace("match", "match[]"), value) for name, value in fields.items()])
    url, body = f"{address}/api/v1/{path}", None
    if method == "POST":
        body = text.encode()
    elif text:
        url += f"?{text}"
    try:
        with urllib.request.urlopen(url, body, timeout=30) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


QUERIES = [
    "demo_level",
    "sort_desc(demo_seconds_total)",
    "demo_level * 0 + demo_level",
    "sum by (mode) (demo_seconds_total)",
    "histogram_quantile(0.9, demo_took_seconds_bucket)",
    "count({__name__=~'demo_.+'})",
    "rate(demo_seconds_total[30s])",
    "max_over_time(demo_level{vessel!='e'}[20s])",
    "up",
    "scalar(demo_took_seconds_sum)",
    "vector(1e6) / 3",
    "'a \\u00fc text'",
    "demo_nothing",
    "-1e-300",
]


@pytest.mark.parametrize("query", QUERIES)
def test_an_instant_is_answered_as_by_prometheus(both: Both, query: str) -> None:
    """Byte for byte the same, but for the order of what has none."""
    for method in ("GET", "POST"):
        (status, found), (wanted_status, wanted) = (
            ask(address, "query", method, query=query, time=f"{both.at}.25") for address in (both.ours, both.theirs)
        )
        assert status == wanted_status == 200
        assert _sorted(found) == _sorted(wanted)


@pytest.mark.parametrize("query", [*QUERIES[:6], "time()"])
def test_a_range_is_answered_as_by_prometheus(both: Both, query: str) -> None:
    """At the newest moments, at which both have scraped what they asked for."""
    fields = {"query": query, "start": f"{both.at - 1}", "end": f"{both.at}", "step": "500ms"}
    (status, found), (_, wanted) = (ask(address, "query_range", "POST", **fields) for address in (both.ours, both.theirs))
    assert (status, found["data"]["resultType"]) == (200, "matrix")
    assert _sorted(found) == _sorted(wanted)


def _sorted(found: Any) -> str:
    data = found["data"]
    if data["resultType"] in ("vector", "matrix"):
        data["result"].sort(key=lambda one: json.dumps(one["metric"], sort_keys=True))
    return json.dumps(found, sort_keys=True)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("labels", {}),
        ("labels", {"match": "demo_level"}),
        ("label/__name__/values", {}),
        ("label/le/values", {}),
        ("label/mode/values", {"match": 'demo_seconds_total{mode!="idle"}'}),
        ("label/none/values", {}),
        ("series", {"match": "demo_level"}),
        ("series", {"match": '{le=~".+"}', "start": "0", "end": "1"}),
        ("metadata", {"metric": "demo_level"}),
        ("metadata", {"metric": "demo_none"}),
        ("format_query", {"query": 'sum(rate(demo_level{vessel=~"a|b"}[5m]))by(vessel)>0'}),
        ("query_exemplars", {"query": "demo_level", "start": "0", "end": "1"}),
    ],
)
def test_listings_are_those_of_prometheus(both: Both, path: str, fields: Mapping[str, str]) -> None:
    found, wanted = (ask(address, path, **fields) for address in (both.ours, both.theirs))
    if path == "series" and fields.get("end") == "1":
        wanted = (200, {"status": "success", "data": found[1]["data"]})  # when a series began is not kept: it may be listed too early
    assert found == wanted


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("query", {"query": "sum("}),
        ("query", {"query": ""}),
        ("query", {"query": "1", "time": "soon"}),
        ("query", {"query": "1", "timeout": "soon"}),
        ("query", {"query": "demo_level * on() demo_level"}),
        ("query_range", {"query": "1"}),
        ("query_range", {"query": "1", "start": "2", "end": "1", "step": "1"}),
        ("query_range", {"query": "1", "start": "1", "end": "2", "step": "-1"}),
        ("query_range", {"query": "1", "start": "1", "end": "20000", "step": "1"}),
        ("query_range", {"query": "demo_level[1m]", "start": "1", "end": "2", "step": "1"}),
        ("series", {}),
        ("series", {"match": "sum(demo_level)"}),
        ("label/a-b/values", {"match": "("}),
        ("format_query", {"query": "a +"}),
        ("rules", {"type": "none"}),
    ],
)
def test_errors_are_those_of_prometheus(both: Both, path: str, fields: Mapping[str, str]) -> None:
    """Their status and type; their sentences, where they are not the parser's."""
    (status, found), (wanted_status, wanted) = (ask(address, path, **fields) for address in (both.ours, both.theirs))
    assert (status, found["errorType"], found["status"]) == (wanted_status, wanted["errorType"], "error")
    if "parse error" not in wanted["error"] and "label name" not in wanted["error"] and status == 400:
        assert (
            found["error"].lower()
            == wanted["error"].replace('"time": Invalid time value for "time"', "\"time\": invalid time value for 'time'").lower()
        )


def test_targets_have_the_keys_of_prometheus(both: Both) -> None:
    (_, found), (_, wanted) = (ask(address, "targets") for address in (both.ours, both.theirs))
    (ours,), (theirs,) = found["data"]["activeTargets"], wanted["data"]["activeTargets"]
    assert theirs.keys() <= ours.keys()
    same = ("labels", "scrapePool", "scrapeUrl", "health", "lastError", "scrapeInterval")  # a page is given up a moment before the next
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}
    assert ask(both.ours, "targets", state="dropped")[1]["data"]["activeTargets"] == []


def test_a_large_answer_comes_in_parts_and_whole(both: Both) -> None:
    fields = {"query": "vector(time())", "start": "0", "end": "5500", "step": "500ms"}
    (_, found), (_, wanted) = (ask(address, "query_range", **fields) for address in (both.ours, both.theirs))
    assert len(found["data"]["result"][0]["values"]) == 11_001
    assert found == wanted


def test_a_page_of_panels_is_answered_at_once(both: Both) -> None:
    """Two are worked on at the same time; the others wait for their turn and are all answered."""
    fields = {"query": "sum by (mode) (rate(demo_seconds_total[30s]))", "start": f"{both.at - 600}", "end": f"{both.at}", "step": "1"}
    with ThreadPoolExecutor(40) as threads:
        found = list(threads.map(lambda _: ask(both.ours, "query_range", "POST", **fields), range(80)))
    assert {status for status, _ in found} == {200}
    assert all(answer == found[0][1] for _, answer in found)


def test_another_engine_answers_instead_of_the_own_store(both: Both, tmp_path: Path) -> None:
    """``samples: {query: URL}``, taken over and given up again by a reload."""
    text = "keepwell: 1\nservice: demo\n"
    directory = operations(tmp_path / "operations", text + f"samples: {{query: '{both.theirs}'}}\n")
    fields = {"query": "demo_seconds_total", "time": f"{both.at}"}
    with serving(directory, tmp_path / "state") as server:
        ours = f"http://127.0.0.1:{server.port}/prometheus"
        for path, asked in (
            ("query", fields),
            ("query", {"query": "sum("}),
            ("query_range", {"query": "demo_level", "start": f"{both.at}", "end": f"{both.at}", "step": "1"}),
            ("series", {"match": "demo_level"}),
            ("labels", {}),
            ("label/mode/values", {}),
            ("metadata", {"metric": "demo_level"}),
        ):
            found, wanted = (ask(address, path, "POST" if path == "query" else "GET", **asked) for address in (ours, both.theirs))
            assert found == wanted, path
        operations(tmp_path / "operations", text)
        server.signal(signal.SIGHUP)
        wait_until(lambda: ask(ours, "query", **fields)[1]["data"]["result"] == [], 20, "the own store's answer")
        operations(tmp_path / "operations", text + f"samples: {{query: 'http://127.0.0.1:{free_port()}'}}\n")
        server.signal(signal.SIGHUP)
        wait_until(lambda: ask(ours, "query", **fields)[0] == 502, 20, "the fault of an engine that is away")
        assert ask(ours, "query", **fields)[1]["errorType"] == "bad_gateway"


LAID_OUT = [
    *EXPRESSIONS,
    "1e9 + -Inf - Inf * 0.00001",
    "a{b=~'c|d', e!~`f.g`} @ 1e9 offset -5m",
    "topk(1e10, a) by (b) > bool 1_000",
    "sum by (job, instance) (rate(http_requests_total{job='a',handler='/a/long/path/of/it'}[5m])) / ignoring (code) group_left (x) sum (b)",
]


def test_expressions_are_laid_out_as_by_prometheus(both: Both) -> None:
    wanted = {text: ask(both.theirs, "format_query", query=text)[1].get("data") for text in LAID_OUT}
    assert {text: formatted(text) for text in LAID_OUT if wanted[text]} == {text: found for text, found in wanted.items() if found}
    assert sum(found is None for found in wanted.values()) < 5


@pytest.mark.parametrize("path", ["rules", "rules?type=alert", "rules?type=record"])
def test_rules_are_told_as_by_prometheus(both: Both, path: str) -> None:
    """But for keys that 2.42 has not, the file's folder, groups without rules of that type, and what each measured itself."""
    wait_until(lambda: all(evaluated(address) for address in (both.ours, both.theirs)), 60, "an evaluation of every rule")
    found, wanted = (ask(address, path)[1]["data"]["groups"] for address in (both.ours, both.theirs))
    assert found
    for group, other in zip(found, filter(lambda group: group["rules"], wanted), strict=True):
        assert other.keys() <= group.keys()
        assert told(group) == told(other)


def evaluated(address: str) -> bool:
    """Whether each rule was evaluated."""
    rules = [rule for group in ask(address, "rules")[1]["data"]["groups"] for rule in group["rules"]]
    return len(rules) == 5 and all(rule["health"] != "unknown" for rule in rules)


def told(group: Mapping[str, Any]) -> Any:
    """What must be the same of a group."""
    rules = []
    for rule in group["rules"]:
        measured = {"evaluationTime", "lastEvaluation", "keepFiringFor", "lastError"}
        alerts = {"alerts": [_alert(alert) for alert in rule["alerts"]]} if "alerts" in rule else {}
        rules.append({key: value for key, value in rule.items() if key not in measured} | alerts)
        rules[-1]["has failed"] = "lastError" in rule
    return {key: group[key] for key in ("name", "interval", "limit")} | {"file": Path(group["file"]).name, "rules": rules}


def _alert(alert: Mapping[str, Any]) -> Any:
    return {key: value for key, value in alert.items() if key != "activeAt"}


def test_alerts_are_told_as_by_prometheus(both: Both) -> None:
    wait_until(lambda: all(evaluated(address) for address in (both.ours, both.theirs)), 60, "an evaluation of every rule")
    found, wanted = ([_alert(alert) for alert in ask(address, "alerts")[1]["data"]["alerts"]] for address in (both.ours, both.theirs))
    assert found == wanted
    assert [alert["state"] for alert in found] == ["firing", "pending"]


def promtool(address: str, *arguments: str) -> str:
    """What promtool prints. The first argument is the command; the address stands behind the options."""
    command, options = arguments[0], [one for one in arguments[1:] if one.startswith("--")]
    rest = [one for one in arguments[1:] if not one.startswith("--")]
    argv = [need("promtool"), "query", command, *options]
    done = subprocess.run([*argv, address, *rest], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("instant", "--time=AT", "sort_desc(demo_seconds_total)"),
        ("instant", "--time=AT", "demo_took_seconds_sum[1s]"),
        ("instant", "--time=AT", "--format=json", "demo_level"),
        ("instant", "--time=AT", "1 / 0"),
        ("range", "--start=BEFORE", "--end=AT", "--step=500ms", "sum(demo_seconds_total)"),
        ("series", "--match=demo_level", "--match=demo_took_seconds_sum"),
        ("labels", "__name__"),
        ("labels", "--match=demo_level", "vessel"),
    ],
)
def test_promtool_prints_the_same(both: Both, arguments: tuple[str, ...]) -> None:
    filled = [one.replace("AT", f"{both.at}").replace("BEFORE", f"{both.at - 1}") for one in arguments]
    found, wanted = (promtool(address, *filled) for address in (both.ours, both.theirs))
    assert found
    if "[1s]" in filled[-1]:  # each was scraped at a moment of its own
        found, wanted = (text.partition("@")[0] for text in (found, wanted))
    assert sorted(found.splitlines()) == sorted(wanted.splitlines())


def test_a_manuals_line_with_curl_and_jq(both: Both) -> None:
    need("curl"), need("jq")
    lines = {
        "curl -sf 'ADDRESS/api/v1/query?query=demo_seconds_total' | jq -r '.data.result[] | [.metric.mode, .value[1]] | @tsv' | sort": (
            "idle\t12.5\nuser\t7\n"
        ),
        "curl -sG ADDRESS/api/v1/query --data-urlencode 'query=demo_level{vessel=\"c\"}' | jq -r '.data.result[0].value[1]'": "1.5e+21\n",
        "curl -s ADDRESS/api/v1/query -d 'query=sum(demo_seconds_total) > 19' | jq '.data.result | length'": "1\n",
        "curl -s ADDRESS/api/v1/targets | jq -r '.data.activeTargets[] | .scrapePool + \" \" + .health'": "demo up\n",
        "curl -s ADDRESS/api/v1/label/vessel/values | jq -c .data": '["a \\"b\\" ü","c","d","e"]\n',
        "curl -s -o /dev/null -w '%{http_code}' 'ADDRESS/api/v1/query?query=sum('": "400",
        "curl -s 'ADDRESS/api/v1/query?query=sum(' | jq -r '.status + \" \" + .errorType'": "error bad_data\n",
    }
    for line, wanted in lines.items():
        for address in (both.ours, both.theirs):
            done = subprocess.run(line.replace("ADDRESS", address), shell=True, capture_output=True, text=True, timeout=60, check=True)
            assert done.stdout == wanted, line


GRAFANA = json.loads(CASES.read_text())["requests"]


@pytest.mark.parametrize("case", GRAFANA, ids=[case["name"] for case in GRAFANA])
def test_grafana_is_answered(both: Both, case: Mapping[str, Any]) -> None:
    def filled(text: str) -> str:
        text = text.replace("NOW0", f"{both.at}").replace("THEN0", f"{both.at - 30}")
        return text.replace("NOW", f"{both.at}.125").replace("THEN", f"{both.at - 30}.125")

    headers = {"User-Agent": "Grafana/12.0.0", "X-Grafana-Id": "x", "Accept-Encoding": "gzip"}
    form = filled(case["form"]).encode() if "form" in case else None
    requests = [urllib.request.Request(f"{both.ours}{filled(case['path'])}", form, headers, method=case["method"])]
    if case.get("retried"):
        theirs = urllib.request.Request(f"{both.theirs}{filled(case['path'])}", form, headers, method=case["method"])
        for request in (requests[0], theirs):
            with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(request, timeout=30):
                pass
            refused.value.close()
            assert refused.value.code == 405
        requests = [urllib.request.Request(f"{both.ours}{filled(case['path'])}", None, headers, method="GET")]
    with urllib.request.urlopen(requests[0], timeout=30) as reply:
        found = json.load(reply)
        assert (reply.status, reply.headers["Content-Type"], found["status"]) == (200, "application/json", "success")
    assert list(misfits(case["shape"], found["data"])) == []


def misfits(shape: Any, value: Any, where: str = "data") -> Iterator[str]:
    """Where a value is not of a shape: a list of one has any number of such entries, at least one; ``*`` is any
    key, ``?`` is any key or none."""
    if isinstance(shape, dict):
        for key in value if shape.keys() & {"*", "?"} else shape:
            yield from misfits(shape.get("*", shape.get("?", shape.get(key))), value[key], f"{where}.{key}")
        if "*" in shape and not value and where != "data.result.0.metric":
            yield f"{where} is empty"
    elif isinstance(shape, list) and len(shape) == 1:
        yield from (f"{where} is empty" for _ in range(not value))
        for index, entry in enumerate(value):
            yield from misfits(shape[0], entry, f"{where}.{index}")
    elif isinstance(shape, list):
        if len(value) != len(shape):
            yield f"{where} has {len(value)} entries"
        for index, entry in enumerate(shape):
            yield from misfits(entry, value[index], f"{where}.{index}")
    elif not (isinstance(value, str) if shape == "text" else isinstance(value, int | float) if shape == "number" else value == shape):
        yield f"{where} is {value!r}"
