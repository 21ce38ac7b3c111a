"""``keepwell query`` against a running server and against Debian's Prometheus: tables, points, plots, JSON, carets, exit codes."""

import json
import os
import pty
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.prometheus_server import prometheus_over
from tests.serving import KEEPWELL, environment, keepwell, operations, serving
from tests.support import need

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("promql-query-cli")]


class Asked:
    """The same two hours of samples in a running server and in Debian's Prometheus; ``end`` is the instant of the last ones."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.end = int(time.time()) // 60 * 60
        self.file = folder / "samples.om"
        self.file.write_text("\n".join([*self._lines(), "# EOF", ""]))
        self.other = ""

    def _lines(self) -> Iterator[str]:
        times = range(self.end - 7200, self.end + 1, 60)
        for number in range(2):
            yield from (f'requests_total{{endpoint="/{number}"}} {(at - times[0]) * (number + 1)} {at}' for at in times)
        yield from (f"free_bytes {4 * 2**30 - (self.end - at) % 600 * 2**18} {at}" for at in times)

    def query(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Asks the running server at the instant of the last samples."""
        return keepwell("query", *words, "--at", str(self.end), "--data", str(self.data))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    made = Asked(tmp_path_factory.mktemp("query"))
    blocks = [need("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(made.file), str(made.folder / "blocks")]
    subprocess.run(blocks, capture_output=True, timeout=60, check=True)
    folder = operations(made.folder / "ops", "keepwell: 1\nservice: shop\n")
    brought = keepwell("samples", "import", str(made.file), "--data", str(made.data))
    assert brought.returncode == 0, brought.stdout + brought.stderr
    with serving(folder, made.data), prometheus_over(made.folder / "blocks") as made.other:
        yield made


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["requests_total"], 0, ['requests_total{endpoint="/0"}  7200\n', 'requests_total{endpoint="/1"}  14400\n', "2 series at "]),
        (["free_bytes"], 0, ["free_bytes  4294967296", "4 GiB"]),
        (["sum(rate(requests_total[5m]))"], 0, ["{}      3\n"]),
        (["requests_total[2m]"], 0, ['requests_total{endpoint="/0"}', "  7140\n", "  7200\n"]),
        (["requests_total @ end() offset -20m", "--lookback", "21m"], 0, ['requests_total{endpoint="/0"}  7200\n', "2 series at "]),
        (["requests_total offset -20m", "--lookback", "20m"], 1, ["nothing was found at "]),
        (["1 + 2"], 0, ["3\n"]),
        (['"hello"'], 0, ["hello\n"]),
        (["requests_total", "--range", "10m", "--step", "5m"], 0, ['requests_total{endpoint="/1"}', "  13800\n", "every 5m"]),
        (["requests_total", "--range", "1h", "--plot"], 0, ['* requests_total{endpoint="/0"}  last 7200', "UTC\n"]),
        (["requests_total > 1e9"], 1, ["nothing was found at "]),
        (["gone", "--range", "1h", "--plot"], 1, ["nothing was found from "]),
    ],
)
def test_a_question_is_answered(asked: Asked, words: Sequence[str], code: int, said: Sequence[str]) -> None:
    answer = asked.query(*words)
    assert (answer.returncode, answer.stderr) == (code, "")
    for part in said:
        assert part in answer.stdout, answer.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sum(requests_total"], ["1:", "| sum(requests_total\n", "|    ^"]),
        (["requests_total offset banana"], ["| requests_total offset banana\n", "^"]),
        (['requests_total{endpoint=~"*"}'], ['| requests_total{endpoint=~"*"}\n', "^"]),
        (["rate(requests_total)"], ["| rate(requests_total)\n", "^"]),
        (["requests_total[5m]", "--range", "1h"], ["range vector"]),
        (["limitk(1, requests_total)"], ["experimental"]),
        (["requests_total / on(endpoint) (requests_total or label_replace(requests_total, 'x', 'y', '', ''))"], ["match"]),
        (["requests_total", "--step", "5m"], ["--step says how far"]),
        (["requests_total", "--lookback", "26h"], ["a sample may stand for its series at most 25h", "last_over_time"]),
        (["requests_total", "--range", "never"], ["--range"]),
        ([""], ["no expression"]),
    ],
)
def test_what_has_no_answer_is_told_with_its_place_and_exit_code_2(asked: Asked, words: Sequence[str], said: Sequence[str]) -> None:
    answer = asked.query(*words)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "Traceback" not in answer.stderr
    for part in said:
        assert part in answer.stderr, answer.stderr


def test_the_caret_stands_below_the_word_that_is_meant(asked: Asked) -> None:
    lines = asked.query("1 +\n  sum(requests_total) foo").stderr.split("\n")
    assert lines[1].endswith("|   sum(requests_total) foo")
    assert lines[1].index("foo") == lines[2].index("^^^")


def test_json_is_what_prometheus_answers(asked: Asked) -> None:
    for words in (["sum by (endpoint) (rate(requests_total[5m]))"], ["requests_total", "--range", "1h", "--step", "10m"], ["gone"]):
        ours = asked.query(*words, "--json")
        theirs = keepwell("query", *words, "--at", str(asked.end), "--url", asked.other, "--json")
        assert ours.returncode == theirs.returncode
        assert json.loads(ours.stdout)["data"] == json.loads(theirs.stdout)["data"]
    wrong = asked.query("sum(", "--json")
    assert wrong.returncode == 2
    assert json.loads(wrong.stdout)["problems"][0]["code"] == "promql.bad-query"


def test_another_engine_is_asked_at_its_address(asked: Asked) -> None:
    words = ["requests_total", "--at", str(asked.end)]
    theirs, ours = keepwell("query", *words, "--url", f"{asked.other}/"), asked.query("requests_total")
    assert (theirs.returncode, theirs.stdout) == (0, ours.stdout)
    wrong = keepwell("query", "sum(requests_total", "--url", asked.other)
    assert wrong.returncode == 2
    assert "| sum(requests_total\n" in wrong.stderr
    no_prometheus = keepwell("query", "up", "--url", f"{asked.other}/nowhere")
    assert no_prometheus.returncode == 2
    assert "gave no answer of Prometheus (status 404)" in no_prometheus.stderr


WEB = "basic_auth_users: {anna: $2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay}\n"
"""The password is test (Prometheus, "Securing Prometheus API and UI endpoints using basic auth")."""


def test_an_engine_that_wants_to_know_who_asks_is_told(tmp_path: Path) -> None:
    (tmp_path / "right").write_text("test\n")
    (tmp_path / "wrong").write_text("guess\n")
    with prometheus_over(tmp_path / "blocks", web=WEB) as address:
        words = ["query", "vector(7)", "--url", address]
        known = keepwell(*words, "--user", "anna", "--password-file", str(tmp_path / "right"))
        assert (known.returncode, known.stdout.splitlines()[1]) == (0, "{}      7")
        assert keepwell(*words, "--user", "anna", KEEPWELL_QUERY_PASSWORD="test").returncode == 0
        for more in ([], ["--user", "anna", "--password-file", str(tmp_path / "wrong")]):
            refused = keepwell(*words, *more)
            assert refused.returncode == 2
            assert "(status 401)\n  hint: it wants to know who asks: --user or --bearer-file\n" in refused.stderr
            assert "guess" not in refused.stderr
        nowhere = keepwell(*words, "--user", "anna")
        assert nowhere.returncode == 2
        assert "KEEPWELL_QUERY_PASSWORD is not set" in nowhere.stderr


class _Tokens(BaseHTTPRequestHandler):
    """Answers whoever brings the token."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        is_known = self.headers["Authorization"] == "Bearer opaque-token"
        body = b'{"status":"success","data":{"resultType":"scalar","result":[1,"5"]}}' if is_known else b"no"
        self.send_response(200 if is_known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_token_is_sent_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("opaque-token\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Tokens)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        words = ["query", "5", "--url", f"http://127.0.0.1:{server.server_address[1]}"]
        told = subprocess.run(
            [KEEPWELL, *words, "--bearer-file", "token"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert (told.returncode, told.stdout, told.stderr) == (0, "5\n", "")
        assert keepwell(*words).returncode == 2
        absent = keepwell(*words, "--bearer-file", str(tmp_path / "none"))
        assert absent.returncode == 2
        assert "none" in absent.stderr
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_remarks_go_to_standard_error_and_point_too(asked: Asked) -> None:
    answer = asked.query("rate(free_bytes[5m])")
    assert answer.returncode == 0
    assert "might not be a counter" in answer.stderr
    assert "| rate(free_bytes[5m])\n" in answer.stderr
    assert "remarks" not in answer.stdout


def test_a_terminal_gets_braille_and_colours_as_wide_as_it_is(asked: Asked) -> None:
    words = ["query", "requests_total", "--range", "1h", "--plot", "--at", str(asked.end), "--data", str(asked.data)]
    leader, follower = pty.openpty()
    process = subprocess.Popen([KEEPWELL, *words], stdout=follower, stderr=follower, env=_of_terminal())
    os.close(follower)
    shown = b""
    with suppress(OSError):  # Linux says so when the other end closes
        while part := os.read(leader, 65_536):
            shown += part
    os.close(leader)
    assert process.wait(30) == 0
    text = shown.decode()
    assert "\x1b[36m" in text
    assert any("\u2800" < character <= "\u28ff" for character in text)
    rule = next(line for line in text.split("\r\n") if "└" in line)
    assert len(rule) == 100


def _of_terminal() -> dict[str, str]:
    kept = {name: value for name, value in environment().items() if name != "NO_COLOR"}
    return {**kept, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30", "PYTHONIOENCODING": "utf-8"}


def test_where_nobody_answers_it_says_so(tmp_path: Path) -> None:
    absent = keepwell("query", "up", "--data", str(tmp_path))
    assert absent.returncode == 2
    assert "no Keepwell is running" in absent.stderr
    closed = keepwell("query", "up", "--url", "http://127.0.0.1:1")
    assert closed.returncode == 2
    assert "refused" in closed.stderr
