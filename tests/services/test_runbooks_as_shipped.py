"""Steps that restart a unit, run by Keepwell as the unit that we ship, in its sandbox, by the user keepwell: what polkit lets it do."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services import test_systemd_host as shipped
from tests.services.test_systemd_host import PROGRAM, ask, configure, until_restarted
from tests.support import missing, need, wait_until
from tests.systemd_host import SystemdHost

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("systemd-host"), pytest.mark.timeout(300)]

tree, installed = shipped.tree, shipped.installed

RULE = """\
polkit.addRule(function (action, subject) {
    if (action.id == "org.freedesktop.systemd1.manage-units" && subject.user == "keepwell" &&
        ["shop-server.service"].indexOf(action.lookup("unit")) >= 0 &&
        ["start", "stop", "restart", "reload"].indexOf(action.lookup("verb")) >= 0) {
        return polkit.Result.YES;
    }
});
"""
"""As docs/runbooks.md has it."""

RESTART = '```sh {"name": "restart", "operation": "systemd.restart"}\nsudo systemctl restart %s\n```\n'
UNIT = "[Service]\nExecStart=/bin/sleep 600\nExecStop=/bin/sleep 5\n"


@pytest.fixture(scope="module")
def host(installed: SystemdHost) -> Iterator[SystemdHost]:
    need("pkaction")
    if installed.systemctl("start", "polkit", check=False).returncode:
        missing("polkit does not run in the host (Debian's polkitd)")
    for name in ("shop-server", "other-server"):
        installed.write(f"/etc/systemd/system/{name}.service", UNIT)
        installed.write(f"/etc/keepwell/runbooks/restart-{name}.md", RESTART % name)
        installed.systemctl("start", name)
    configure(installed, "keepwell: 1\nservice: shop\npolicy: {destructive: allow}\n")
    installed.systemctl("start", "keepwell", seconds=90)
    yield installed
    installed.systemctl("stop", "keepwell")


def _run(host: SystemdHost, unit: str) -> Any:
    done = host.run(PROGRAM, "run", f"restart-{unit}", "--data", "/var/lib/keepwell", "--json", user="keepwell", check=False, seconds=120)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_what_polkit_does_not_allow_is_said(host: SystemdHost) -> None:
    before = host.show("shop-server", "InvocationID")
    run = _run(host, "shop-server")
    assert run["state"] == "failed"
    assert "Interactive authentication required" in run["sentence"]
    assert run["sentence"].endswith("; shop-server is active (running)")
    assert host.show("shop-server", "InvocationID") == before


def test_what_a_rule_of_polkit_allows_is_done_and_no_more(host: SystemdHost) -> None:
    host.write("/etc/polkit-1/rules.d/50-keepwell.rules", RULE)
    before, other = host.show("shop-server", "InvocationID"), host.show("other-server", "InvocationID")
    wait_until(lambda: _run(host, "shop-server")["state"] == "done", 60, "a polkit that has read its rule")
    assert host.show("shop-server", "InvocationID") != before
    assert _run(host, "other-server")["state"] == "failed"
    assert host.show("other-server", "InvocationID") == other


def test_a_restart_in_flight_is_done_once_though_the_unit_takes_the_step_down(host: SystemdHost) -> None:
    (process,) = host.show("keepwell", "MainPID")
    before, starts = host.show("shop-server", "InvocationID"), host.journal("shop-server").count("Started shop-server.service")
    host.start_program("asks", PROGRAM, "run", "restart-shop-server", "--data", "/var/lib/keepwell", user="keepwell")
    wait_until(lambda: host.show("shop-server", "ActiveState") == ["deactivating"], 30, "a stop under way")
    host.systemctl("kill", "--kill-whom=main", "--signal=KILL", "keepwell")
    until_restarted(host, int(process), 60)
    number = max(run["id"] for run in ask(host, "/api/v1/runs")["runs"])
    wait_until(lambda: ask(host, f"/api/v1/runs/{number}")["state"] in ("done", "failed", "asks"), 60, "the end of the run")
    run = ask(host, f"/api/v1/runs/{number}")
    sentence = "interrupted; shop-server is active (running), another one than before the step"
    assert (run["state"], run["steps"][0]["attempt"], run["steps"][0]["sentence"]) == ("done", 1, sentence)
    assert host.show("shop-server", "InvocationID") != before
    assert host.journal("shop-server").count("Started shop-server.service") == starts + 1
