"""Kinds that ask a program (systemctl, docker, kubectl), each with one that does what none should: absent, hanging, flooding, garbage.

The program is a script of that name on a PATH of the test's own; it counts that nothing of it is left.
"""

import asyncio
import json
import os
import time
from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from keepwell.kernel.problems import AskError
from keepwell.kernel.states import State
from keepwell.machine.clock import SystemClock
from keepwell.machine.exec_runner import KubernetesPlace, docker_exec, kubectl_exec
from keepwell.machine.local_files import LocalFiles
from keepwell.machine.local_runner import LocalRunner
from keepwell.ports.fakes import FakeHttp, FakeSecrets
from keepwell.ports.host import Host
from keepwell.ports.runner import Command, Runner
from keepwell.rooms.checks.model import Check, CheckOptions, Observation
from keepwell.rooms.checks.work.observe import observe

KINDS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "systemd": ("systemctl", {"unit": "shop"}),
    "docker": ("docker", {"project": "shop", "memory": {"fail": "> 1GB"}, "image_age": {"warn": "> 90d"}}),
    "kubernetes": ("kubectl", {"deployment": "web", "cpu": {}}),
}
_STARTS = {"systemd": "Id=shop.service\\n", "docker": '{"id":"', "kubernetes": '{"kind":"Deployment",'}

MISBEHAVIOURS = {
    "hangs-before": ("exec sleep 30", State.FAIL),
    "hangs-in-the-middle": ("printf '@start@'; exec sleep 30", State.FAIL),
    "ends-in-the-middle": ("printf '@start@'", State.FAIL),
    "floods": ("exec yes '@start@'", State.FAIL),
    "floods-errors": ("exec yes >&2", State.FAIL),
    "says-nothing": ("exit 0", State.FAIL),
    "garbage": ("head -c 5000 /dev/urandom", State.FAIL),
    "garbage-and-fails": ("head -c 5000 /dev/urandom >&2; exit 1", State.FAIL),
    "is-killed": ("kill -9 $$", State.FAIL),
    "ignores-signals": ("trap '' TERM; while :; do sleep 0.1; done", State.FAIL),
    "leaves-children": ("sleep 30 & sleep 30 & exec sleep 30", State.FAIL),
    "one-long-line": ("head -c 3000000 /dev/zero | tr '\\0' x", State.FAIL),
    "deep-json": ("head -c 100000 /dev/zero | tr '\\0' '['", State.FAIL),
    "not-a-number": ('echo \'{"id":NaN,"names":-1e999,"kind":Infinity}\'', State.FAIL),
}


def program(folder: Path, name: str, text: str) -> LocalRunner:
    """A runner whose PATH has the script first."""
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)
    return LocalRunner(FakeSecrets({}), {"PATH": f"{folder}:{os.environ['PATH']}"}, grace=0.1)


async def seen(kind: str, runner: LocalRunner, timeout: float = 0.4) -> Observation:
    driver = import_module(f"keepwell.rooms.checks.kinds.{kind}").DRIVER
    settings = driver.options.model_validate_json(json.dumps(KINDS[kind][1]))
    common = CheckOptions(every=timedelta(minutes=1), timeout=timedelta(seconds=timeout))
    host = Host("local", runner, LocalFiles(), FakeHttp(), SystemClock(), FakeSecrets({}))
    return await observe(Check("look", kind, common, driver, settings), host, None)


@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_program_that_misbehaves(kind: str, misbehaviour: str, tmp_path: Path) -> None:
    script, expected = MISBEHAVIOURS[misbehaviour]
    runner = program(tmp_path, KINDS[kind][0], f"echo $$ >>{tmp_path}/started; {script.replace('@start@', _STARTS[kind])}")
    descriptors, started = len(os.listdir("/proc/self/fd")), time.monotonic()
    observation = await seen(kind, runner)
    assert time.monotonic() - started < 2.5
    assert observation.state is expected, observation.sentence
    assert "internal fault" not in observation.sentence
    assert len(observation.sentence) < 600
    assert observation.sentence.isprintable()
    assert all(abs(value) < float("inf") for value in observation.values.values())
    await asyncio.sleep(0.05)
    assert len(os.listdir("/proc/self/fd")) <= descriptors
    for number in (tmp_path / "started").read_text().split():
        assert not _runs(int(number), KINDS[kind][0])


def _runs(number: int, name: str) -> bool:
    try:
        return name in Path(f"/proc/{number}/cmdline").read_text()
    except OSError:
        return False


@pytest.mark.parametrize("kind", KINDS)
async def test_a_program_that_is_not_there(kind: str, tmp_path: Path) -> None:
    observation = await seen(kind, LocalRunner(FakeSecrets({}), {"PATH": str(tmp_path)}))
    assert observation.state is State.UNKNOWN
    assert observation.sentence.startswith(f'could not look: there is no program "{KINDS[kind][0]}"')


@pytest.mark.parametrize("kind", KINDS)
async def test_a_program_that_may_not_be_started(kind: str, tmp_path: Path) -> None:
    runner = program(tmp_path, KINDS[kind][0], "")
    (tmp_path / KINDS[kind][0]).chmod(0o644)
    observation = await seen(kind, LocalRunner(FakeSecrets({}), {"PATH": str(tmp_path)}))
    assert observation.state is State.UNKNOWN
    assert isinstance(runner, LocalRunner)


@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS)
async def test_a_client_of_containers_that_misbehaves(misbehaviour: str, tmp_path: Path) -> None:
    script = MISBEHAVIOURS[misbehaviour][0].replace("@start@", "x")
    secrets = FakeSecrets({})
    docker = docker_exec("web", program(tmp_path, "docker", script), secrets, "shop-web-1")
    kubectl = kubectl_exec("web", program(tmp_path, "kubectl", script), secrets, KubernetesPlace("pod/web"))
    for runner in (docker, kubectl):
        started = time.monotonic()
        said = await outcome(runner)
        assert said is None or said.startswith(("the host web cannot be reached: ", "on the host web: "))
        assert said is None or said.isprintable()
        assert time.monotonic() - started < 2.5


async def outcome(runner: Runner) -> str | None:
    """What a runner says it cannot do; None where it gave a result, which is bounded."""
    try:
        result = await runner.run(Command(("true",), timeout=0.3, output_limit=1000))
    except AskError as error:
        return str(error)
    return None if len(result.stdout) < 1500 else "a flood"
