"""``keepwell samples`` against a running server: tables for people, JSON for programs, exit codes."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import Served, keepwell, operations
from tests.support import free_port, wait_until

pytestmark = pytest.mark.xdist_group("samples-cli")  # one server for all of them

OPERATIONS = """\
keepwell: 1
service: shop
targets:
  shop: {{url: "http://127.0.0.1:{port}"}}
  gone: {{url: "http://127.0.0.1:{closed}"}}
checks:
  front: {{http: {{target: shop, path: /}}, every: 1s}}
  back: {{http: {{target: gone, path: /}}, every: 1s}}
objectives:
  shop: {{availability: 90%, latency: "p95 < 20s", over: 1h}}
  gone: {{availability: 90%, critical: "< 50%", over: 1h}}
  copies: {{rto: 2h}}
windows:
  leap: {{on: "last Sunday 02:00-02:01"}}
"""


class _Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("served")
    shop = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Quiet)
    threading.Thread(target=shop.serve_forever, daemon=True).start()
    text = OPERATIONS.format(port=shop.server_address[1], closed=free_port())
    served = Served(operations(folder / "ops", text), folder / "data").ready()
    try:
        wait_until(lambda: len(served.get("/api/v1/metrics/current")["metrics"].get("check_up", ())) == 2, 30, "samples of both checks")
        yield folder / "data"
    finally:
        served.stop()
        shop.shutdown()
        shop.server_close()


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (["series", '{check="front"}'], 0, 'duration_seconds{check="front",target="shop"}'),
        (["series", "check_up", "--limit", "1"], 0, "1 of 2 series: --limit gives more"),
        (["series", "nothing"], 1, "there are no such samples"),
        (["latest", 'status_code{check="front"}'], 0, "200"),
        (["latest", "--service", "other"], 1, "there are no such samples"),
        (["range", "duration_seconds", "--over", "2m", "--of", "avg,p95,count"], 0, "AVG"),
        (["range", "nothing"], 1, "there are no such samples"),
        (["availability", "front", "--over", "1h"], 0, "front: 100 % available"),
        (["availability", "back", "--over", "1h"], 0, "still down"),
        (["percentiles", "front"], 0, "first_byte"),
        (["percentiles", "--match", "duration_seconds"], 0, 'duration_seconds{check="front",target="shop"}'),
        (["errors", "back"], 0, "failed: 100 %"),
        (["errors", "--failed", "check_up", "--all", "check_up"], 1, "0 of 0 failed"),
        (["trend", "nothing", "--until", "> 500"], 1, "there are no such samples"),
        (["compare", "front"], 0, "fewer than 30"),
        (["targets"], 0, "no targets"),
        (["objectives"], 1, "critical"),
    ],
)
def test_a_question_is_answered(data: Path, line: list[str], code: int, words: str) -> None:
    answer = keepwell("samples", *line, "--data", str(data))
    assert words in answer.stdout, answer.stdout + answer.stderr
    assert (answer.returncode, answer.stderr) == (code, "")
    told = keepwell("samples", *line, "--data", str(data), "--json")
    assert told.returncode == code
    assert isinstance(json.loads(told.stdout), dict)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["range", "sum(up)"], "more than a selector of series"),
        (["range", "up", "--over", "soon"], '"soon" is not a duration'),
        (["availability", "never"], "there is no check"),
        (["errors"], "name either a check"),
        (["trend", "up", "--until", "90%"], "until"),
        (["range"], "the following arguments are required: SELECTOR"),
    ],
)
def test_what_cannot_be_asked_is_told_with_exit_code_2(data: Path, line: list[str], words: str) -> None:
    answer = keepwell("samples", *line, "--data", str(data))
    assert (answer.returncode, answer.stdout) == (2, "")
    assert words in answer.stderr


def test_objectives_say_what_was_promised_and_measured(data: Path) -> None:
    told = json.loads(keepwell("samples", "objectives", "--data", str(data), "--json").stdout)
    verdicts = {(one["name"], one["kind"]): one["verdict"] for one in told["objectives"]}
    assert verdicts == {
        ("shop", "availability"): "met",
        ("shop", "latency"): "met",
        ("gone", "availability"): "critical",
        ("copies", "rto"): "no data",
    }
    assert {one["by"] for one in told["objectives"] if one["kind"] == "availability"} == {"front", "back"}


def test_without_a_server_it_says_so(tmp_path: Path) -> None:
    answer = keepwell("samples", "latest", "--data", str(tmp_path))
    assert answer.returncode == 2
    assert "no Keepwell is running" in answer.stderr
