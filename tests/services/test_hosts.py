"""Checks that look on another host, from the configuration to what a person reads, on a real sshd."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keepwell.composition import verbs
from keepwell.kernel.problems import ConfigurationError
from tests.serving import keepwell, serving
from tests.ssh_server import SshServer, ssh_server
from tests.support import free_port

pytestmark = pytest.mark.xdist_group("sshd")
"""One after another: sshd insists on one folder of the machine, /run/sshd, which is there while they run."""

CHECKS = """\
targets:
  box: {{on: app1}}
checks:
  own-page: {{http: {{url: "http://127.0.0.1:1/"}}, on: app1}}
  own-port: {{tcp: {{address: "127.0.0.1:1"}}, on: app1}}
  uptime: {{command: {{run: [cat, /proc/uptime]}}, on: app1}}
  root-disk: {{host: {{mount: /, fail: "> 100%"}}, on: app1}}
  memory: {{host: {{memory: {{fail: "> 100%"}}}}, on: app1}}
  own-memory: {{host: {{memory: {{fail: "> 100%"}}}}}}
  who: {{command: {{shell: "echo $SSH_CONNECTION", expect: {{output_contains: "{port}"}}}}, on: app1}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with ssh_server() as running:
        yield running


def operations(folder: Path, server: SshServer, port: int = 0) -> Path:
    port = port or server.port
    address = server.address
    hosts = f"  app1: {{ssh: '{server.user}@127.0.0.1:{port}', identity: {address.identity}, known_hosts: {address.known_hosts}}}\n"
    text = f"keepwell: 1\nservice: shop\nhosts:\n{hosts}{CHECKS.format(port=server.port)}"
    (folder / "keepwell.yaml").write_text(text)
    return folder


def seen(folder: Path) -> dict[str, Any]:
    return {one["name"]: one for one in json.loads(keepwell("check", str(folder), "--json").stdout)}


def accept(folder: Path) -> None:
    assert keepwell("accept", str(folder), "--yes").returncode == 0


def test_checks_look_on_the_host(server: SshServer, tmp_path: Path) -> None:
    folder = operations(tmp_path, server)
    accept(folder)
    found = seen(folder)
    assert {name: one["state"] for name, one in found.items()} == dict.fromkeys(
        ("uptime", "root-disk", "memory", "own-memory", "who", "host-app1"), "ok"
    ) | dict.fromkeys(("own-page", "own-port"), "unknown"), found
    for name in ("own-page", "own-port"):
        assert "would be this machine and not app1, because the network is asked from here" in found[name]["sentence"]
    assert found["host-app1"]["sentence"].startswith("the host app1 is reached, and ran a program in ")
    assert found["memory"]["values"]["memory_size_bytes"] > 0


def test_an_acceptance_is_for_one_host_and_user(server: SshServer, tmp_path: Path) -> None:
    folder = operations(tmp_path, server)
    accept(folder)
    accepted = (folder / "accepted.yaml").read_text()
    assert f"app1 (ssh {server.user}@127.0.0.1:{server.port})" in accepted
    text = (folder / "keepwell.yaml").read_text()
    (folder / "keepwell.yaml").write_text(text.replace("identity:", "sudo: true, identity:").replace("ssh: 'root@", "ssh: 'other@"))
    found = seen(folder)
    assert found["uptime"]["state"] == "unknown"
    assert 'the host was "app1' in found["uptime"]["sentence"]


def test_an_unreachable_host_makes_its_checks_unknown_and_one_fail(server: SshServer, tmp_path: Path) -> None:
    folder = operations(tmp_path, server, free_port())
    accept(folder)
    found = seen(folder)
    states = {name: one["state"] for name, one in found.items()}
    assert states == {name: "unknown" for name in states} | {"own-memory": "ok", "host-app1": "fail"}
    assert "cannot be reached: nobody listens there (connection refused)" in found["host-app1"]["sentence"]
    assert found["memory"]["sentence"] == f"could not look: {found['host-app1']['sentence']}"


def test_the_server_sees_a_host_go_and_come_back(server: SshServer, tmp_path: Path) -> None:
    folder = operations(tmp_path, server)
    text = (folder / "keepwell.yaml").read_text().replace("on: app1}", "on: app1, every: 3s}")
    text += "  host-app1: {command: {run: ['true']}, on: app1, every: 3s}\n"
    (folder / "keepwell.yaml").write_text(text.replace("targets:\n  box: {on: app1, every: 3s}\n", ""))
    accept(folder)
    with serving(folder, tmp_path / "data") as served:
        served.until({"memory": "ok", "host-app1": "ok"}, 60)
        server.stop()
        served.until({"memory": "unknown", "host-app1": "unknown", "own-memory": "ok"}, 60)
        server.start()
        served.until({"memory": "ok", "host-app1": "ok"}, 60)


@pytest.mark.parametrize(
    ("hosts", "message"),
    [
        ("a: {}", "give exactly one of ssh, docker and kubernetes"),
        ("a: {ssh: x@y, docker: z}", "give exactly one of ssh, docker and kubernetes"),
        ("a: {ssh: example.org}", "is no address for SSH: write user@host or user@host:port"),
        ("a: {ssh: 'x@y:99999'}", "is no address for SSH"),
        ("a: {ssh: 'x@-oProxyCommand=touch'}", "is no address for SSH"),
        ("a: {docker: '--privileged'}", "expected text of the form"),
        ("a: {docker: web, sudo: true}", "sudo belongs to ssh, which is not given"),
        ("a: {kubernetes: {namespace: shop}}", "give exactly one of pod and deployment"),
        ("a: {kubernetes: {pod: '-n'}}", "expected text of the form"),
        ("a: {ssh: x@y, jump: b}", '"b" is not one of the hosts'),
        ("a: {ssh: x@y, jump: a}", "this closes a circle"),
    ],
)
def test_what_is_no_host(tmp_path: Path, hosts: str, message: str) -> None:
    (tmp_path / "keepwell.yaml").write_text(f"keepwell: 1\nservice: shop\nhosts:\n  {hosts}\n")
    with pytest.raises(ConfigurationError) as raised:
        verbs.load(str(tmp_path))
    assert message in str(raised.value)


def test_a_check_on_a_host_that_is_not_there(tmp_path: Path) -> None:
    text = "keepwell: 1\nservice: shop\nchecks:\n  a: {host: {mount: /}, on: app1}\n  b: {host: {mount: /}, on: local}\n"
    (tmp_path / "keepwell.yaml").write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        verbs.load(str(tmp_path))
    assert [problem.message for problem in raised.value.problems] == ['"app1" is not one of the hosts']


def test_a_check_looks_where_its_target_stands(tmp_path: Path) -> None:
    text = """\
keepwell: 1
service: shop
hosts: {app1: {docker: web}}
targets: {shop: {systemd: shop.service, on: app1}}
checks:
  there: {systemd: {target: shop}}
  here: {systemd: {target: shop}, on: local}
"""
    (tmp_path / "keepwell.yaml").write_text(text)
    assert {check.name: check.host for check in verbs.load_checks(str(tmp_path))} == {"there": "app1", "here": "local", "host-app1": "app1"}
