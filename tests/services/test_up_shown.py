"""What a running server shows: addresses that can be opened, and never a password, wherever it stood."""

import json
import socket
import urllib.request
from pathlib import Path

import pytest

from tests.serving import Served, Target, keepwell, operations, serving
from tests.support import wait_until

HIDDEN = ("url-password", "query-token", "told-secret", "argument-password")


def test_no_password_is_shown_anywhere(tmp_path: Path) -> None:
    """In the address of a target and its query, in a command's arguments, in what a command printed, in what a target answered."""
    with Target(tmp_path) as target:
        address = f"http://ada:url-password@127.0.0.1:{target.port}/base?token=query-token"
        text = f"""\
keepwell: 1
service: shop
targets:
  api: {{url: "{address}"}}
checks:
  front: {{http: {{target: api, path: /health, expect: {{status: 201}}}}, every: 1s}}
  port: {{tcp: {{target: api}}, every: 1s}}
  told: {{command: {{shell: "echo $S; echo told-secret >&2; exit 3", secrets: {{S: "secret:SHOP"}}}}, every: 1s}}
  fetched: {{command: {{run: [sh, -c, "exit 1", "http://ada:argument-password@127.0.0.1/"]}}, every: 1s}}
"""
        ops = operations(tmp_path / "ops", text)
        looked = keepwell("accept", str(ops))  # with no terminal, nothing can be asked
        assert (looked.returncode, "with --yes it accepts every text that it shows" in looked.stdout) == (1, True)
        assert keepwell("accept", str(ops), "--yes").returncode == 0
        with serving(ops, tmp_path / "data", SHOP="told-secret") as server:
            server.until({"front": "fail", "port": "ok", "told": "fail", "fetched": "fail"})
            shown = [_page(server, path) for path in ("/", "/metrics", "/api/v1/changes", "/api/v1/checks")]
            shown += [_page(server, f"/api/v1/checks/{name}") for name in ("front", "told", "fetched")]
            shown.append(_first_event(server))
            shown.append(keepwell("status", "--data", str(server.data)).stdout)
            shown.append(keepwell("journal", "list", "--limit", "1000", "--data", str(server.data)).stdout)
            assert "/base/health?token=[redacted]" in server.get("/api/v1/checks/front")["sentence"], "the path stands before the query"
    shown.append(keepwell("check", str(ops), "--json", SHOP="told-secret").stdout)
    shown.append(server.log)
    shown += [path.read_bytes().decode("latin-1") for path in server.data.iterdir() if path.is_file()]
    # Of a check's own text accepted.yaml is the only place that repeats it.
    for hidden in HIDDEN:
        assert not [text[:200] for text in shown if hidden in text.replace("echo told-secret", "")], hidden


def _page(server: Served, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def _first_event(server: Served) -> str:
    """The live page's stream up to the first row of an http check."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/events/checks", timeout=15) as stream:
        text = ""
        while "http · " not in text:
            text += stream.readline().decode()
        return text


def test_an_ipv6_address_and_a_port_of_the_systems_choice_are_told(tmp_path: Path) -> None:
    if not _has_ipv6():
        pytest.skip("this machine has no IPv6 on loopback")
    ops = operations(tmp_path / "ops", "keepwell: 1\nservice: shop\nchecks: {}\n")
    server = Served(ops, tmp_path / "data", more=("--listen", "[::1]:0", "--log-format", "json"))
    try:
        wait_until(lambda: '"ready"' in server.log, 20, "a ready server")
        page = next(json.loads(line) for line in server.log.splitlines() if '"ready"' in line)["page"]
        with urllib.request.urlopen(page, timeout=10) as answer:
            assert b"shop" in answer.read()
    finally:
        server.stop()


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_numbers_beyond_every_limit_are_no_internal_fault(tmp_path: Path) -> None:
    with Target(tmp_path) as target:
        ops = operations(tmp_path / "ops", f"keepwell: 1\nservice: shop\nchecks:\n  api: {{http: {{url: '{target.url}'}}, every: 1h}}\n")
        with serving(ops, tmp_path / "data") as server:
            server.until({"api": "ok"})
            assert len(server.get(f"/api/v1/changes?before={10**30}&limit={10**30}")["changes"]) == 1
            assert server.get(f"/api/v1/changes?before=-{10**30}&limit=-5")["changes"] == []
    assert "internal fault" not in server.log


def test_what_a_reload_cannot_change_is_said_each_time(tmp_path: Path) -> None:
    ops = operations(tmp_path / "ops", "keepwell: 1\nservice: shop\nchecks: {}\n")
    with serving(ops, tmp_path / "data") as server:
        operations(ops, "keepwell: 1\nservice: market\nweb: {listen: '127.0.0.1:1'}\nchecks: {}\n")
        for _ in range(2):
            done = keepwell("reload", "--data", str(server.data))
            assert done.returncode == 0
            assert done.stdout.splitlines()[1] == "changed, and in force only after the next start: web, service"
