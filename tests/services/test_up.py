"""``keepwell up`` as a whole: it goes on after a restart, reloads, refuses, and stops."""

import json
import os
import pwd
import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.serving import Served, Target, keepwell, operations, pause, serving
from tests.support import free_port, wait_until


def api_check(target: Target, every: str = "1s", more: str = "") -> str:
    return f"keepwell: 1\nservice: shop\nchecks:\n  api: {{http: {{url: {target.url}/health}}, every: {every}{more}}}\n"


def test_a_fault_and_its_end_are_seen_stored_and_shown(tmp_path: Path) -> None:
    with Target(tmp_path) as target, serving(operations(tmp_path / "ops", api_check(target)), tmp_path / "data") as server:
        server.until({"api": "ok"})
        target.answer(503)
        server.until({"api": "fail"})
        target.answer(200)
        server.until({"api": "ok"})
        api = server.get("/api/v1/checks/api")
        assert [(change["before"], change["after"]) for change in api["changes"]] == [("fail", "ok"), ("ok", "fail"), (None, "ok")]
        assert "answered 503" in api["changes"][1]["sentence"]
        assert api["observations"][0]["values"]["status_code"] == 200.0
        assert server.get("/health")["status"] == "healthy"
        listed = keepwell("status", "--data", str(server.data), "--json")
        assert listed.returncode == 0, listed.stderr
        assert json.loads(listed.stdout)["counts"] == {"ok": 1, "warn": 0, "fail": 0, "unknown": 0}


def test_it_goes_on_from_what_was_stored(tmp_path: Path) -> None:
    with Target(tmp_path) as target:
        directory = operations(tmp_path / "ops", api_check(target, "1h"))
        with serving(directory, tmp_path / "data") as server:
            server.until({"api": "ok"})
            since = server.get("/api/v1/checks/api")["since"]
        with serving(directory, tmp_path / "data") as server:
            api = server.get("/api/v1/checks/api")
            assert (api["state"], api["since"], len(api["observations"])) == ("ok", since, 1)
            pause(1)
            assert len(server.get("/api/v1/checks/api")["observations"]) == 1, "a check that was seen lately waits for its time"


def test_reload_takes_a_valid_directory_and_refuses_an_invalid_one(tmp_path: Path) -> None:
    with Target(tmp_path) as target:
        directory = operations(tmp_path / "ops", api_check(target))
        with serving(directory, tmp_path / "data") as server:
            server.until({"api": "ok"})
            number = server.get("/api/v1/changes")["changes"][0]["number"]
            operations(directory, api_check(target).replace("  api:", "  front:").replace("every: 1s", "every: 1s, was: api"))
            done = keepwell("reload", "--data", str(server.data))
            assert (done.returncode, done.stdout) == (0, "reloaded: 1 checks, 0 waiting for acceptance\n"), done.stderr
            server.until({"front": "ok"})
            assert server.get("/api/v1/changes")["changes"][0] | {"check": "front"} == server.get("/api/v1/changes")["changes"][0]
            assert server.get("/api/v1/changes")["changes"][0]["number"] == number, "a rename is no state change"
            operations(directory, "keepwell: 1\nservice: shop\nchecks:\n  front: {htp: {url: x}}\n")
            refused = keepwell("reload", "--data", str(server.data))
            assert refused.returncode == 1
            assert "keepwell.yaml:4:" in refused.stderr
            assert "http" in refused.stderr
            assert server.states() == {"front": "ok"}
            assert server.get("/health")["services"]["configuration"].startswith("the newest keepwell.yaml has ")
            operations(directory, api_check(target))
            server.signal(signal.SIGHUP)
            server.until({"api": "ok"})
            assert server.get("/health")["services"]["configuration"] == "operational"
        entries = journal(tmp_path / "data")
    assert [entry["actor"] for entry in entries if entry["event"] == "configuration.loaded"] == ["signal", f"uid:{user()}"]
    events = [entry["event"] for entry in entries]
    for event in ("keepwell.started", "configuration.loaded", "configuration.refused", "check.state-changed", "keepwell.stopped"):
        assert event in events


def user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def journal(data: Path) -> list[dict[str, str]]:
    listed = keepwell("journal", "list", "--data", str(data), "--limit", "1000", "--json")
    assert listed.returncode == 0, listed.stderr
    entries: list[dict[str, str]] = json.loads(listed.stdout)
    return entries


def test_a_command_runs_only_while_its_exact_text_is_accepted(tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    text = f"keepwell: 1\nservice: shop\nchecks:\n  touch: {{command: {{shell: 'echo ran >> {proof}'}}, every: 1s}}\n"
    directory = operations(tmp_path / "ops", text)
    with serving(directory, tmp_path / "data") as server:
        wait_until(lambda: "waiting for acceptance" in server.get("/api/v1/checks/touch")["sentence"], 15, "the first look")
        assert not proof.exists()
        assert keepwell("accept", str(directory), "touch", "--yes").returncode == 0
        keepwell("reload", "--data", str(server.data))
        server.until({"touch": "ok"})
        assert proof.exists()
        operations(directory, text.replace("echo ran", "echo other"))
        keepwell("reload", "--data", str(server.data))
        server.until({"touch": "unknown"})
        assert "other" not in proof.read_text()
        assert "changed" in server.get("/api/v1/checks/touch")["sentence"]


def test_a_slow_target_delays_no_other(tmp_path: Path) -> None:
    with socket.socket() as silent, Target(tmp_path) as target:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        lines = ["keepwell: 1", "service: shop", "checks:", f"  quick: {{http: {{url: {target.url}}}, every: 1s}}"]
        silent_url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        lines += [f"  slow-{number}: {{http: {{url: {silent_url}}}, every: 2s, timeout: 1500ms}}" for number in range(40)]
        with serving(operations(tmp_path / "ops", "\n".join(lines)), tmp_path / "data") as server:
            server.until({"quick": "ok", "slow-0": "fail", "slow-39": "fail"})
            before = len(server.get("/api/v1/checks/quick")["observations"])
            pause(3)
            assert len(server.get("/api/v1/checks/quick")["observations"]) - before in (2, 3, 4)
            assert "no answer within 1.5 s" in server.get("/api/v1/checks/slow-0")["sentence"]


def test_what_cannot_start_says_one_sentence(tmp_path: Path) -> None:
    directory = operations(tmp_path / "ops", "keepwell: 1\nservice: shop\nchecks: {}\n")
    with serving(directory, tmp_path / "data") as server:
        taken = keepwell("up", str(directory), "--data", str(tmp_path / "other"), "--listen", f"127.0.0.1:{server.port}")
        assert taken.returncode == 2
        assert f"Port {server.port} of 127.0.0.1 is in use" in taken.stderr
        second = keepwell("up", str(directory), "--data", str(server.data), "--listen", f"127.0.0.1:{free_port()}")
        assert second.returncode == 2
        assert f"in use by process {server.process.pid}" in second.stderr
    public = keepwell("up", str(directory), "--data", str(tmp_path / "data"), "--listen", "0.0.0.0:8750")
    assert public.returncode == 2
    assert "0.0.0.0" in public.stderr
    assert "Traceback" not in taken.stderr + second.stderr + public.stderr


def test_without_a_server_the_commands_say_so(tmp_path: Path) -> None:
    for command in (("status",), ("reload",)):
        done = keepwell(*command, "--data", str(tmp_path / "none"))
        assert done.returncode in (1, 2)
        assert "no Keepwell is running" in done.stderr


def test_check_may_run_beside_a_server(tmp_path: Path) -> None:
    with Target(tmp_path) as target, serving(operations(tmp_path / "ops", api_check(target)), tmp_path / "data") as server:
        server.until({"api": "ok"})
        target.answer(500)
        done = keepwell("check", str(server.directory), "--json")
        assert done.returncode == 2
        (seen,) = json.loads(done.stdout)
        assert set(seen) == {"name", "kind", "state", "sentence", "values"}
        assert (seen["name"], seen["kind"], seen["state"]) == ("api", "http", "fail")


@pytest.mark.parametrize(("status", "expected"), [(200, 0), (500, 2)])
def test_check_exits_like_a_nagios_plugin(tmp_path: Path, status: int, expected: int) -> None:
    with Target(tmp_path) as target:
        target.answer(status)
        directory = operations(
            tmp_path / "ops", api_check(target) + "  later: {command: {run: [true]}, every: 1m}\n".replace("true", '"true"')
        )
        assert keepwell("check", str(directory), "api").returncode == expected
        assert keepwell("check", str(directory), "later").returncode == 3
        assert keepwell("check", str(directory)).returncode == (2 if status == 500 else 3)
        assert keepwell("check", str(tmp_path / "none")).returncode == 3


def test_writes_need_a_token_and_the_socket_needs_the_owner(tmp_path: Path) -> None:
    with Target(tmp_path) as target, serving(operations(tmp_path / "ops", api_check(target, "1h")), tmp_path / "data") as server:
        server.until({"api": "ok"})
        address = f"http://127.0.0.1:{server.port}/api/v1/checks/api/run"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(address, method="POST"), timeout=5)
        with refused.value as answer:
            assert answer.code == 401
        token = json.loads(keepwell("token", "create", "test", "--permission", "checks.run", "--data", str(server.data), "--json").stdout)
        request = urllib.request.Request(address, method="POST", headers={"Authorization": f"Bearer {token['token']}"})
        target.answer(500)
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert json.load(answer)["state"] == "fail"
        server.until({"api": "fail"})


def test_logs_are_one_json_line_an_event_and_stopping_is_graceful(tmp_path: Path) -> None:
    directory = operations(tmp_path / "ops", "keepwell: 1\nservice: shop\nchecks: {}\n")
    server = Served(directory, tmp_path / "data", more=["--log-format", "json"]).ready()
    assert server.stop() == 0
    messages = [json.loads(line)["message"] for line in server.log.splitlines()]
    assert messages[-2:] == ["stopping", "stopped"]
    assert not (tmp_path / "data" / "keepwell.sock").exists()


def test_systemd_is_told(tmp_path: Path) -> None:
    directory = operations(tmp_path / "ops", "keepwell: 1\nservice: shop\nchecks: {}\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        server = Served(directory, tmp_path / "data", NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="400000")
        heard = [manager.recv(1000).decode()]
        wait_until(lambda: heard.append(manager.recv(1000).decode()) or len(heard) >= 4, 20, "signs of life")  # type: ignore[func-returns-value]
        server.signal(signal.SIGHUP)
        wait_until(lambda: heard.append(manager.recv(1000).decode()) or any("RELOADING" in word for word in heard), 20, "a reload")  # type: ignore[func-returns-value]
        server.stop()
        manager.setblocking(False)
        try:
            while True:
                heard.append(manager.recv(1000).decode())
        except BlockingIOError:
            pass
    assert "READY=1" in heard[0]
    assert sum("WATCHDOG=1" in word for word in heard) >= 3
    assert any("STOPPING=1" in word for word in heard)


def test_nobody_else_may_read_the_data(tmp_path: Path) -> None:
    directory = operations(tmp_path / "ops", "keepwell: 1\nservice: shop\nchecks: {}\n")
    with serving(directory, tmp_path / "data") as server:
        modes = {path.name: path.stat().st_mode & 0o777 for path in server.data.iterdir()}
        assert server.data.stat().st_mode & 0o777 == 0o700
    assert {name: mode for name, mode in modes.items() if mode & 0o077} == {}
    assert os.path.exists(tmp_path / "data" / "keepwell.sqlite")
