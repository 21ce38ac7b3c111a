"""The service unit under a real systemd: installed as docs/security.md says, started, looked at, reloaded, hung, killed and stopped."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme

import keepwell
from tests.services.test_wheel import CONSTRAINTS, ROOT, run, uv
from tests.support import missing, wait_until
from tests.systemd_host import CGROUPS, TARGET, SystemdHost, booted

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("systemd-host"), pytest.mark.timeout(300)]

PYTHON = "/usr/bin/python3"
"""The distribution's own: an interpreter below /root, as version managers put it there, is out of the service's reach."""

PROGRAM = "/opt/keepwell/bin/keepwell"
PAGE = "http://127.0.0.1:8750"
DROP_INS = "/etc/systemd/system/keepwell.service.d"

OPERATIONS = """\
keepwell: 1
service: shop
checks:
  http: {http: {url: http://127.0.0.1:8088/etc/hostname, expect: {body: host-}}, every: 1s}
  tcp: {tcp: {address: "localhost:8088"}, every: 1s}
  tls: {tls: {host: localhost, port: 8443, authority: /etc/keepwell/authority.pem, warn: "< 1h", fail: "< 1m"}, every: 1s}
  root-disk: {host: {mount: /, warn: "> 98%", fail: "> 99.5%", inodes: {}}, every: 1s}
  home-disk: {host: {mount: /home, warn: "> 30%", fail: "> 90%"}, every: 1s}
  memory: {host: {memory: {warn: "> 99%"}, cpu: {warn: "> 99.9%", fail: "> 100%"}, load: {warn: "> 1000"}, swap: {}}, every: 1s}
  of-nobody: {process: {match: http.server 8088, count: "== 1", cpu: {fail: "> 1000%"}, memory: {fail: "> 10GB"}}, every: 1s}
  of-root: {process: {name: systemd-journal, count: "== 1"}, every: 1s}
  who: {command: {run: [id, -un], expect: {output_contains: keepwell}}, every: 1s}
  unit: {command: {run: [systemctl, is-active, shop.service], expect: {output_contains: active}}, every: 1s}
  addresses: {command: {run: [ip, -brief, address], expect: {output_contains: 127.0.0.1}}, every: 1s}
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands in /opt/keepwell: the wheel and its pinned requirements, in an environment that may be moved there."""
    if not os.access(PYTHON, os.X_OK):
        missing(f"{PYTHON} is not there (Debian's python3)")
    folder = tmp_path_factory.mktemp("opt")
    python = folder / "keepwell/bin/python"
    for command in (
        ("build", "--wheel", *CONSTRAINTS, "--out-dir", folder, "--python", sys.executable, ROOT),
        ("venv", "--relocatable", "--python", PYTHON, folder / "keepwell"),
        ("pip", "install", "--python", python, "--compile-bytecode", "--require-hashes", "--requirements", ROOT / "requirements.txt"),
        (
            "pip",
            "install",
            "--python",
            python,
            "--compile-bytecode",
            "--no-deps",
            folder / f"keepwell-{keepwell.__version__}-py3-none-any.whl",
        ),
    ):
        answer = run(uv(), *command, folder=folder)
        assert answer.returncode == 0, answer.stderr
    return folder / "keepwell"


@pytest.fixture(scope="module")
def installed(tree: Path) -> Iterator[SystemdHost]:
    """A host on which Keepwell is installed and something is there to look at; the service is not started."""
    with booted() as host:
        host.copy_in(tree, "/opt/keepwell")
        _serve_something(host)
        host.write("/usr/lib/sysusers.d/keepwell.conf", (ROOT / "deploy/keepwell.sysusers").read_text("utf-8"))
        host.run("systemd-sysusers")
        host.write("/etc/systemd/system/keepwell.service", (ROOT / "deploy/keepwell.service").read_text("utf-8"))
        host.systemctl("add-wants", TARGET, "keepwell")
        host.run("mkdir", "-p", "/etc/keepwell")
        host.run(PROGRAM, "init", "/etc/keepwell")
        yield host


def _serve_something(host: SystemdHost) -> None:
    """A web server of another user, one with TLS, and a file system of its own under /home, half full."""
    host.run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", "/home")
    host.run("fallocate", "--length=4M", "/home/keepwell")
    host.start_program("shop", PYTHON, "-m", "http.server", "8088", "--bind", "127.0.0.1", "--directory", "/", user="nobody")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    host.write("/etc/keepwell/authority.pem", authority.cert_pem.bytes().decode())
    host.write("/srv/server.pem", (issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes()).decode(), "600")
    host.start_program("tls", "openssl", "s_server", "-accept", "localhost:8443", "-cert", "/srv/server.pem", "-quiet", "-www")


@pytest.fixture
def service(installed: SystemdHost) -> Iterator[SystemdHost]:
    """The service with the configuration above, started; afterwards stopped, and nothing of its state or of its drop-ins kept."""
    configure(installed, OPERATIONS)
    try:
        started = installed.systemctl("start", "keepwell", check=False)
        assert started.returncode == 0, installed.journal("keepwell")
        yield installed
    finally:
        installed.systemctl("stop", "keepwell", check=False)
        installed.run("rm", "-rf", "/var/lib/keepwell", DROP_INS)
        installed.systemctl("daemon-reload")
        installed.systemctl("reset-failed", "keepwell", check=False)


def configure(host: SystemdHost, text: str) -> None:
    """Puts a configuration in place and accepts what it would run, as an administrator does."""
    host.write("/etc/keepwell/keepwell.yaml", text)
    host.run(PROGRAM, "accept", "/etc/keepwell", "--yes", "--user", "keepwell")


def drop_in(host: SystemdHost, text: str) -> None:
    """What ``systemctl edit keepwell`` makes."""
    host.write(f"{DROP_INS}/override.conf", text)
    host.systemctl("daemon-reload")


def ask(host: SystemdHost, path: str) -> Any:
    """A JSON answer of the page."""
    return json.loads(host.run("curl", "--silent", "--show-error", "--fail", f"{PAGE}{path}").stdout)


def shown(host: SystemdHost) -> Mapping[str, str]:
    """The state of each check, or nothing while the page does not answer."""
    asked = host.run("curl", "--silent", f"{PAGE}/api/v1/checks", check=False)
    return {check["name"]: check["state"] for check in json.loads(asked.stdout)["checks"]} if asked.returncode == 0 else {}


def until(host: SystemdHost, expected: Mapping[str, str]) -> None:
    """Waits until the checks named are in these states; what they say instead is what the test fails with."""
    try:
        wait_until(lambda: {name: shown(host).get(name) for name in expected} == expected, 20, f"states {expected}")
    except pytest.fail.Exception as error:
        said = "\n".join(f"{check['name']}: {check['state']}: {check['sentence']}" for check in ask(host, "/api/v1/checks")["checks"])
        pytest.fail(f"{error.msg}; they are:\n{said}")


def of_keepwell(host: SystemdHost, *arguments: str) -> Any:
    """The JSON answer of a command, as docs/security.md runs it: by the service's own user."""
    return json.loads(host.run(PROGRAM, *arguments, "--data", "/var/lib/keepwell", "--json", user="keepwell").stdout)


def main_process(host: SystemdHost) -> int:
    """The service's main process, as the host numbers it."""
    return int(host.show("keepwell", "MainPID")[0])


def until_restarted(host: SystemdHost, before: int, seconds: float) -> None:
    """Waits until systemd has put another process in its place, and that one is ready."""

    def is_back() -> bool:
        process, state = host.show("keepwell", "MainPID", "ActiveState")
        return process not in ("0", str(before)) and state == "active"

    wait_until(is_back, seconds, "a restart by systemd")


def test_start_returns_when_the_page_answers(service: SystemdHost) -> None:
    assert ask(service, "/health")["status"]
    state, kind, watchdog = service.show("keepwell", "ActiveState", "Type", "WatchdogUSec")
    assert (state, kind, watchdog) == ("active", "notify", "1min")
    assert service.systemctl("show", "keepwell", "--property=NRestarts", "--value").stdout.strip() == "0"


def test_it_is_not_active_before_it_is_ready(service: SystemdHost) -> None:
    service.systemctl("stop", "keepwell")
    service.systemctl("start", "--no-block", "keepwell")
    wait_until(lambda: main_process(service) != 0, what="the main process")
    service.run("kill", "-STOP", str(main_process(service)))
    assert service.show("keepwell", "ActiveState", "SubState") == ["activating", "start"]
    assert service.run("curl", "--silent", "--max-time", "1", PAGE, check=False).returncode != 0
    service.run("kill", "-CONT", str(main_process(service)))
    wait_until(lambda: service.show("keepwell", "ActiveState") == ["active"], 20, "an active service")
    assert ask(service, "/health")["status"]


def test_it_runs_as_its_own_user_without_any_right(service: SystemdHost) -> None:
    status = service.run("cat", f"/proc/{main_process(service)}/status").stdout
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    user = service.run("id", "-u", "keepwell").stdout.strip()
    assert facts["Uid"].split() == [user] * 4
    assert {facts[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    limits = service.run("cat", f"/proc/{main_process(service)}/limits").stdout
    assert "Max open files            16384                16384" in limits


def test_its_state_is_its_own(service: SystemdHost) -> None:
    assert service.run("stat", "-c", "%a %U %G", "/var/lib/keepwell").stdout == "700 keepwell keepwell\n"
    listed = service.run("sh", "-c", "stat -c '%A %U %n' /var/lib/keepwell/*").stdout.splitlines()
    assert any(line.endswith("/keepwell.sqlite") for line in listed)
    assert [line for line in listed if not line[1:].startswith(("rw------- keepwell", "rwx------ keepwell"))] == []


def test_a_check_of_each_kind_works_inside(service: SystemdHost) -> None:
    expected = {name: "ok" for name in shown(service)} | {"home-disk": "warn"}
    assert len(expected) == 11

    until(service, expected)
    assert ask(service, "/api/v1/checks/home-disk")["sentence"].startswith("/home is 50 % full (4 MiB of 8 MiB)")


def test_a_file_system_that_is_mounted_later_is_seen(service: SystemdHost) -> None:
    service.run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", "/mnt")
    try:
        service.run("fallocate", "--length=3M", "/mnt/file")
        configure(service, OPERATIONS + '  later: {host: {mount: /mnt, warn: "> 60%", fail: "> 90%"}, every: 1s}\n')
        service.systemctl("reload", "keepwell")
        until(service, {"later": "warn"})
        assert ask(service, "/api/v1/checks/later")["sentence"].startswith("/mnt is 75 % full")
    finally:
        service.run("umount", "/mnt")


def test_reload_takes_what_changed_and_fails_for_what_is_wrong(service: SystemdHost) -> None:
    before = main_process(service)
    configure(service, OPERATIONS.replace("  tcp: {", "  port: {was: tcp, "))
    service.systemctl("reload", "keepwell")
    assert "port" in shown(service), "the new configuration is in force when systemctl returns"
    service.write("/etc/keepwell/keepwell.yaml", "keepwell: 1\nservice: shop\nchecks: {port: {tpc: x}}\n")
    assert service.systemctl("reload", "keepwell", check=False).returncode != 0
    assert '"tpc" is not a key' in service.journal("keepwell")
    assert "port" in shown(service)
    assert main_process(service) == before
    assert service.show("keepwell", "ActiveState", "Result") == ["active", "success"]
    events = [entry["event"] for entry in of_keepwell(service, "journal", "list", "--limit", "1000")]
    assert (events.count("configuration.loaded"), events.count("configuration.refused")) == (1, 1)


def test_sighup_is_a_reload_too(service: SystemdHost) -> None:
    before = main_process(service)
    configure(service, OPERATIONS.replace("  tcp: {", "  port: {was: tcp, "))
    service.systemctl("kill", "--kill-whom=main", "--signal=HUP", "keepwell")
    until(service, {"port": "ok"})
    assert main_process(service) == before
    assert service.show("keepwell", "ActiveState", "SubState") == ["active", "running"]


def test_what_a_check_runs_cannot_leave_the_sandbox(service: SystemdHost) -> None:
    service.run("install", "-d", "--owner=keepwell", "/srv/own")
    attempts = {
        "a-folder-of-its-own": ("touch /srv/own/file", "Read-only file system"),
        "its-acceptances": ("echo >>/etc/keepwell/accepted.yaml", "Permission denied|Read-only"),
        "another-process": ("kill -0 1", "not permitted"),
        "another-user": ("setpriv --reuid=0 true", "not permitted"),
        "a-namespace": ("unshare --user true", "not permitted"),
        "control-groups": ("mkdir /sys/fs/cgroup/systemd/x || mkdir /sys/fs/cgroup/x", "Read-only|denied"),
    }
    checks = [
        f"  {name}: {{command: {{shell: '({command}) 2>&1', expect: {{status: {status}, output_matches: '{why}'}}}}, every: 1s}}\n"
        for (name, (command, why)), status in zip(attempts.items(), (1, 2, 1, 127, 1, 1), strict=True)
    ]
    configure(service, OPERATIONS + "".join(checks))
    service.systemctl("reload", "keepwell")
    until(service, {name: "ok" for name in attempts})


def test_a_service_that_hangs_is_killed_and_goes_on(service: SystemdHost) -> None:
    drop_in(service, "[Service]\nWatchdogSec=2\n")
    service.systemctl("restart", "keepwell")
    until(service, {"tcp": "ok"})
    since, process = ask(service, "/api/v1/checks/tcp")["since"], main_process(service)
    service.run("sleep", "5")
    assert main_process(service) == process, "signs of life keep it running"
    service.run("kill", "-STOP", str(process))
    until_restarted(service, process, 30)
    assert "Watchdog timeout" in service.journal("keepwell")
    assert_continued(service, since)


def test_a_service_that_is_killed_goes_on(service: SystemdHost) -> None:
    until(service, {"tcp": "ok"})
    since, process = ask(service, "/api/v1/checks/tcp")["since"], main_process(service)
    service.run("kill", "-KILL", str(process))
    until_restarted(service, process, 30)
    assert_continued(service, since)


def assert_continued(host: SystemdHost, since: str) -> None:
    """The restarted service shows at once what the one before it knew, and its journal is whole."""
    assert host.show("keepwell", "NRestarts") == ["1"]
    tcp = ask(host, "/api/v1/checks/tcp")
    assert (tcp["state"], tcp["since"]) == ("ok", since)
    assert host.run(PROGRAM, "journal", "verify", "--data", "/var/lib/keepwell", user="keepwell").returncode == 0
    events = [entry["event"] for entry in of_keepwell(host, "journal", "list", "--limit", "1000")]
    assert events.count("keepwell.started") >= 2


def test_stop_is_graceful(service: SystemdHost) -> None:
    until(service, {"tcp": "ok"})
    service.systemctl("stop", "keepwell")
    facts = service.show("keepwell", "ActiveState", "Result", "ExecMainCode", "ExecMainStatus")
    assert facts == ["inactive", "success", "1", "0"]  # code 1: CLD_EXITED, waitid(2)
    entries = of_keepwell(service, "journal", "list", "--limit", "1000")
    assert "keepwell.stopped" in (entries[0]["event"], entries[-1]["event"])
    assert service.run("test", "-e", "/var/lib/keepwell/keepwell.sock", check=False).returncode == 1


def test_its_log_is_json_in_the_journal(service: SystemdHost) -> None:
    messages = service.run("journalctl", "--quiet", "--output=cat", "_SYSTEMD_UNIT=keepwell.service").stdout.splitlines()
    assert any(json.loads(line)["message"] == "ready" for line in messages if line.startswith("{"))
    assert "Traceback" not in "\n".join(messages)


def test_a_host_leaves_nothing_behind(tmp_path: Path) -> None:
    mounts = Path("/proc/self/mountinfo").read_text()
    with booted("brief") as host:
        name, leader = host.name, host.leader
        namespaces = {os.readlink(f"/proc/{leader}/ns/{kind}") for kind in ("mnt", "net", "pid")}
        assert host.run("hostname").stdout == f"{name}\n"
        assert host.run("touch", "/etc/brief").returncode == 0
        assert list(CGROUPS.glob(f"**/*{name}"))
    assert not list(CGROUPS.glob(f"**/*{name}"))
    assert not Path("/etc/brief").exists()
    wait_until(lambda: not Path(f"/proc/{leader}").exists(), 10, "the end of its first process")
    assert Path("/proc/self/mountinfo").read_text() == mounts
    assert not namespaces & set(_namespaces_in_use())
    assert not list(Path("/run").glob(f"**/*{name}*"))


def _namespaces_in_use() -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*"):
        for kind in ("mnt", "net", "pid"):
            try:
                yield os.readlink(process / "ns" / kind)
            except OSError:
                continue  # it ended meanwhile
