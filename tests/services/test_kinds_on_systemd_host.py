"""Kinds that look at a host, on another host than this one: a booted systemd, reached through a runner."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

from keepwell.kernel.states import State
from keepwell.machine.clock import SystemClock
from keepwell.machine.local_runner import LocalRunner
from keepwell.machine.runner_files import RunnerFiles
from keepwell.ports.fakes import FakeHttp, FakeSecrets
from keepwell.ports.host import Host
from keepwell.ports.runner import Command, Result
from keepwell.rooms.checks.model import Check, CheckOptions, Earlier, Observation
from keepwell.rooms.checks.work.observe import observe
from tests.systemd_host import SystemdHost, booted

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("systemd-host"), pytest.mark.timeout(300)]

BAIT = "bait-of-the-host"
UNIT = f"""\
[Service]
User=nobody
Environment=PORT=8080 "GREETING={BAIT} and more"
EnvironmentFile=/etc/shop.env
EnvironmentFile=-/etc/absent.env
ExecStart=/bin/sh -c 'sleep 600 & sleep 601'
"""


class Inside:
    """Programs of the booted host."""

    def __init__(self, host: SystemdHost) -> None:
        self._host = host
        self._runner = LocalRunner()

    async def run(self, command: Command) -> Result:
        variables = [f"{name}={value}" for name, value in command.environment.items()]
        argv = tuple(self._host.command("env", *variables, *command.argv))
        return await self._runner.run(Command(argv, timeout=command.timeout, output_limit=command.output_limit))


@pytest.fixture(scope="module")
def host() -> Iterator[SystemdHost]:
    with booted("kinds") as machine:
        machine.write("/etc/systemd/system/shop.service", UNIT)
        machine.write("/etc/shop.env", f"TOKEN={BAIT}\nEMPTY=\n", mode="600")
        machine.systemctl("daemon-reload")
        machine.systemctl("start", "shop")
        yield machine


async def seen(host: SystemdHost, kind: str, options: Mapping[str, Any], earlier: Earlier | None = None) -> Observation:
    inside = Inside(host)
    driver = import_module(f"keepwell.rooms.checks.kinds.{kind}").DRIVER
    settings = driver.options.model_validate_json(json.dumps(options))
    check = Check("look", kind, CheckOptions(every=timedelta(minutes=1)), driver, settings)
    return await observe(check, Host(host.name, inside, RunnerFiles(inside), FakeHttp(), SystemClock(), FakeSecrets({})), earlier)


async def test_the_processes_of_a_unit(host: SystemdHost) -> None:
    options = {"unit": "shop", "count": "== 3", "user": "nobody", "threads": {"fail": "> 3"}, "open_files": {"fail": "> 100"}}
    good = await seen(host, "process", {**options, "restarted": "warn"})
    assert good.state is State.OK, good.sentence
    assert "3 processes of the unit shop.service, expected == 3" in good.sentence
    host.systemctl("restart", "shop")
    again = await seen(host, "process", {**options, "restarted": "warn"}, Earlier(good.counters, 60.0))
    assert again.state is State.WARN
    assert "it was started anew since the last look (1 min ago)" in again.sentence


async def test_the_environment_of_a_unit_and_of_its_process(host: SystemdHost) -> None:
    unit = await seen(host, "env", {"unit": "shop", "required": ["PORT", "GREETING", "TOKEN"], "allow": ["EMPTY"]})
    bad = await seen(host, "env", {"unit": "shop", "required": ["EMPTY", "NONE"], "matches": {"TOKEN": "^[0-9]+$"}})
    shared = await seen(host, "env", {"unit": "shop", "shared": ["TOKEN", "GREETING"], "same_as": {"process": "sleep"}})
    assert unit.state is State.OK, unit.sentence
    assert unit.values["variables"] == 4
    assert bad.sentence == (
        "NONE not set in the unit shop, but required; EMPTY empty in the unit shop, but required; "
        "TOKEN in the unit shop not of the expected form"
    )
    assert shared.state is State.OK, shared.sentence
    assert BAIT not in repr((unit, bad, shared))


async def test_files_ports_and_figures(host: SystemdHost) -> None:
    file = await seen(host, "file", {"path": "/etc/shop.env", "mode_within": "0600", "owner": "root", "contains": "TOKEN=", "age": {}})
    folder = await seen(host, "file", {"path": "/etc/systemd/system", "pattern": "shop.*", "newest": {"fail": "> 1h"}, "depth": 1})
    ports = await seen(host, "ports", {"expect": [22]})
    figures = await seen(
        host, "host", {"mount": "/", "memory": {"fail": "> 100%"}, "zombies": {"fail": "> 100"}, "uptime": {"fail": "< 1s"}}
    )
    assert file.state is State.OK, file.sentence
    assert folder.state is State.OK, folder.sentence
    assert ports.state is State.FAIL
    assert ports.sentence == "nothing listens on 22, expected it to"
    assert figures.state is State.OK, figures.sentence
    assert figures.values["processes"] >= 3


async def test_the_clock_of_a_host_that_follows_none(host: SystemdHost) -> None:
    clock = await seen(host, "host", {"clock": {}, "reboot": "warn"})
    assert "the clock " in clock.sentence or "how far the clock is off" in clock.sentence
    host.write("/run/reboot-required.pkgs", "libc6\n")
    host.write("/run/reboot-required", "*** System restart required ***\n")
    reboot = await seen(host, "host", {"reboot": "fail"})
    assert reboot.state is State.FAIL
    assert reboot.sentence == 'a reboot is pending: /run/reboot-required exists, because of "libc6"'
