"""The ``systemd`` kind on a host with a real systemd."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from keepwell.kernel.states import State
from keepwell.machine.clock import SystemClock
from keepwell.machine.local_runner import LocalRunner
from keepwell.ports.fakes import FakeHttp, FakeSecrets
from keepwell.ports.files import FileFacts
from keepwell.ports.host import Host
from keepwell.ports.runner import Command, Result
from keepwell.rooms.checks.kinds.systemd import DRIVER
from keepwell.rooms.checks.model import Check, CheckOptions, Earlier, Observation
from keepwell.rooms.checks.work.observe import observe
from tests.services.look import look
from tests.support import wait_until
from tests.systemd_host import SystemdHost, booted

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("systemd-host"), pytest.mark.timeout(300)]

UNITS = {
    "shop.service": "[Service]\nExecStart=/bin/sleep 600\n",
    "crash.service": "[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=100ms\nStartLimitIntervalSec=100\nStartLimitBurst=3\n",
    "job.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n",
    "job.timer": "[Timer]\nOnCalendar=hourly\nOnActiveSec=1ms\nAccuracySec=1ms\n",
    "flaky.service": "[Service]\nExecStart=/bin/sleep 600\nRestart=always\nRestartSec=10ms\nStartLimitIntervalSec=0\n",
}


class Inside:
    """Programs and files of the booted host, through the runner of this machine."""

    def __init__(self, host: SystemdHost) -> None:
        self._host = host
        self._runner = LocalRunner()

    async def run(self, command: Command) -> Result:
        variables = [f"{name}={value}" for name, value in command.environment.items()]
        return await self._runner.run(Command(tuple(self._host.command("env", *variables, *command.argv)), timeout=command.timeout))

    async def read(self, path: str, limit: int = 1024) -> bytes:
        return (await self.run(Command(("cat", path)))).stdout.encode()[:limit]

    async def facts(self, path: str) -> FileFacts:
        raise NotImplementedError

    async def names(self, path: str) -> tuple[str, ...]:
        raise NotImplementedError


@pytest.fixture(scope="module")
def host() -> Iterator[SystemdHost]:
    with booted("units") as machine:
        for name, text in UNITS.items():
            machine.write(f"/etc/systemd/system/{name}", text)
        machine.systemctl("daemon-reload")
        machine.systemctl("start", "shop", "job.timer", "flaky")
        machine.systemctl("start", "crash", check=False)
        wait_until(lambda: machine.show("crash.service", "ActiveState") == ["failed"], 10, "a unit that gave up")
        yield machine


async def seen(host: SystemdHost, options: Mapping[str, Any], earlier: Earlier | None = None) -> Observation:
    inside = Inside(host)
    settings = DRIVER.options.model_validate_json(json.dumps(options))
    check = Check("look", "systemd", CheckOptions(every=timedelta(minutes=1)), DRIVER, settings)
    machine = Host(host.name, inside, inside, FakeHttp(), SystemClock(), FakeSecrets({}))
    return await observe(check, machine, earlier)


async def test_a_service_that_runs(host: SystemdHost) -> None:
    observation = await seen(host, {"unit": "shop", "sub_state": "running"})
    assert observation.state is State.OK, observation.sentence
    assert observation.sentence.startswith('"shop.service" is active (running) for ')
    assert 0 <= observation.values["in_state_seconds"] < 120
    assert observation.values["restarts"] == 0


async def test_one_that_gave_up_and_one_that_is_not_there(host: SystemdHost) -> None:
    crash = await seen(host, {"unit": "crash"})
    assert crash.state is State.FAIL
    assert "expected active: exit-code, its main process ended with status 1" in crash.sentence
    absent = await seen(host, {"unit": "nothere"})
    assert (absent.state, absent.sentence) == (State.FAIL, 'the unit "nothere.service" does not exist on this host, expected active')


async def test_a_timer_and_what_it_started(host: SystemdHost) -> None:
    timer = await seen(host, {"unit": "job.timer", "last_run": {"warn": "> 1h"}})
    assert timer.state is State.OK, timer.sentence
    assert timer.values["last_run_age_seconds"] < 120
    assert 0 < timer.values["next_run_seconds"] <= 3600
    job = await seen(host, {"unit": "job", "state": "not-failed"})
    assert job.state is State.OK, job.sentence


async def test_a_restart_is_seen_once(host: SystemdHost) -> None:
    before = await seen(host, {"unit": "flaky"})
    host.systemctl("kill", "--signal=KILL", "flaky")
    wait_until(lambda: host.show("flaky", "NRestarts", "ActiveState") == ["1", "active"], 10, "a restart")
    after = await seen(host, {"unit": "flaky"}, Earlier(before.counters, 60.0))
    assert after.state is State.WARN
    assert after.sentence.startswith("systemd restarted it 1 time in the last 1 min, warn above 0")
    later = await seen(host, {"unit": "flaky"}, Earlier(after.counters, 60.0))
    assert later.state is State.OK


async def test_all_units(host: SystemdHost) -> None:
    observation = await seen(host, {})
    assert observation.state is State.FAIL
    assert '"crash.service"' in observation.sentence
    ignoring = await seen(host, {"ignore": ["*.service", "*.socket", "*.mount"]})
    assert ignoring.state is State.OK, ignoring.sentence


async def test_a_stopped_service_is_red_and_then_green(host: SystemdHost) -> None:
    host.systemctl("stop", "shop")
    stopped = await seen(host, {"unit": "shop"})
    host.systemctl("start", "shop")
    started = await seen(host, {"unit": "shop"})
    assert (stopped.state, started.state) == (State.FAIL, State.OK)
    assert stopped.sentence.startswith('"shop.service" is inactive (dead)')


async def test_a_machine_without_systemd_is_no_fault_of_the_unit() -> None:
    observation = await look("systemd", {"unit": "shop"})
    assert observation.state in (State.UNKNOWN, State.FAIL)  # fail where this machine has systemd, and no such unit
