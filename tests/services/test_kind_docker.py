"""The ``docker`` kind, and programs in a container, on a real dockerd."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from keepwell.kernel.problems import AnswerError, AskError, Unreachable
from keepwell.kernel.states import State
from keepwell.machine.clock import SystemClock
from keepwell.machine.exec_runner import docker_exec
from keepwell.machine.local_files import LocalFiles
from keepwell.machine.local_runner import LocalRunner
from keepwell.machine.runner_files import RunnerFiles
from keepwell.ports.fakes import FakeHttp, FakeSecrets
from keepwell.ports.host import Host
from keepwell.ports.runner import Command, Result, Runner
from keepwell.rooms.checks.kinds.docker import DRIVER
from keepwell.rooms.checks.model import Check, CheckOptions, Earlier, Observation
from keepwell.rooms.checks.work.observe import observe
from tests.docker_daemon import IMAGE, Docker, docker_daemon
from tests.services.look import look
from tests.support import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("docker"), pytest.mark.timeout(180)]

SECRETS = FakeSecrets({"secret:PASSWORD": "it's a $ecret\n"})


class ToDaemon:
    """The runner of this machine, with the client directed to the test's own daemon."""

    def __init__(self, docker: Docker) -> None:
        self._variables = {name: docker.environment[name] for name in ("DOCKER_HOST", "DOCKER_CONFIG")}
        self._runner = LocalRunner(SECRETS)

    async def run(self, command: Command) -> Result:
        return await self._runner.run(replace(command, environment={**command.environment, **self._variables}))


@pytest.fixture(scope="module")
def docker() -> Iterator[Docker]:
    with docker_daemon() as daemon:
        labels = {name: ("--label=com.docker.compose.project=shop", f"--label=com.docker.compose.service={name}") for name in ("web", "db")}
        quiet = ("run", "--detach", "--network=none")
        daemon.run(*quiet, "--name=shop-web-1", *labels["web"], "--memory=64m", IMAGE, "sleep", "600")
        well = ("--health-cmd=true", "--health-interval=1s")
        daemon.run(*quiet, "--name=shop-db-1", *labels["db"], *well, IMAGE, "sleep", "600")
        daemon.run(*quiet, "--name=sick", "--health-cmd=false", "--health-interval=1s", "--health-retries=1", IMAGE, "sleep", "600")
        daemon.run(*quiet, "--name=migrate", IMAGE, "true")
        daemon.run(*quiet, "--name=broken", IMAGE, "sh", "-c", "exit 3")
        daemon.run(*quiet, "--name=loop", "--restart=always", IMAGE, "false")
        wait_until(lambda: daemon.run("inspect", "--format={{.State.Health.Status}}", "sick") == "unhealthy", 20, "a sick container")
        wait_until(lambda: daemon.run("inspect", "--format={{.State.Health.Status}}", "shop-db-1") == "healthy", 20, "a healthy one")
        yield daemon


async def seen(docker: Docker, options: Mapping[str, Any], earlier: Earlier | None = None) -> Observation:
    settings = DRIVER.options.model_validate_json(json.dumps(options))
    check = Check("look", "docker", CheckOptions(every=timedelta(minutes=1)), DRIVER, settings)
    host = Host("local", ToDaemon(docker), LocalFiles(), FakeHttp(), SystemClock(), SECRETS)
    return await observe(check, host, earlier)


async def test_a_project_that_runs(docker: Docker) -> None:
    observation = await seen(docker, {"project": "shop", "count": "== 2", "image_age": {"warn": "> 1d"}})
    assert observation.state is State.OK, observation.sentence
    assert "2 containers of the project shop, expected == 2" in observation.sentence
    assert '"shop-db-1" is running for ' in observation.sentence
    assert "(healthy)" in observation.sentence
    assert (observation.values["containers"], observation.values["running"], observation.values["restarts"]) == (2, 2, 0)
    assert 0 <= observation.values["image_age_seconds"] < 600


async def test_what_a_container_uses(docker: Docker) -> None:
    observation = await seen(docker, {"container": "shop-web-1", "cpu": {"fail": "> 90%"}, "memory_share": {}})
    assert observation.state is State.OK, observation.sentence
    assert 0 < observation.values["memory_bytes"] < 64 * 1024 * 1024
    assert 0 < observation.values["memory_used_ratio"] < 1
    assert "of the memory that it may (64 MiB)" in observation.sentence
    little = await seen(docker, {"container": "shop-*", "memory": {"fail": "> 1B"}})
    assert little.state is State.FAIL


async def test_containers_that_are_not_well(docker: Docker) -> None:
    sick, broken, loop = [await seen(docker, {"container": name}) for name in ("sick", "broken", "loop")]
    assert (sick.state, broken.state) == (State.FAIL, State.FAIL)
    assert "(unhealthy), expected healthy" in sick.sentence
    assert '"broken" is exited with code 3 for ' in broken.sentence
    again = await seen(docker, {"container": "loop"}, Earlier({name: 0.0 for name in loop.counters}, 60.0))
    assert again.state in (State.FAIL, State.WARN)
    assert '"loop" was restarted ' in again.sentence


async def test_one_that_did_its_work(docker: Docker) -> None:
    assert (await seen(docker, {"container": "migrate", "state": "exited"})).state is State.OK
    assert (await seen(docker, {"container": "broken", "state": "exited"})).state is State.FAIL
    absent = await seen(docker, {"container": "nothere"})
    assert (absent.state, absent.sentence) == (State.FAIL, 'no containers called "nothere", expected >= 1')


async def test_a_stopped_container_is_red_and_then_green(docker: Docker) -> None:
    docker.run("pause", "shop-web-1")
    paused = await seen(docker, {"container": "shop-web-1"})
    docker.run("unpause", "shop-web-1")
    assert (paused.state, "is paused" in paused.sentence) == (State.FAIL, True)
    assert (await seen(docker, {"container": "shop-web-1"})).state is State.OK


async def test_space(docker: Docker) -> None:
    observation = await seen(docker, {"disk": {"fail": "> 1GB"}, "reclaimable": {"warn": "> 1GB"}})
    assert observation.state is State.OK, observation.sentence
    assert observation.values["images_bytes"] > 1_000_000


async def test_a_daemon_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    observation = await look("docker", {"container": "web"})  # this machine's own, which no test starts
    assert observation.state in (State.FAIL, State.UNKNOWN)


# --- programs in a container -------------------------------------------------------------------------------------------------


def inside(docker: Docker, name: str = "shop-web-1") -> Runner:
    return docker_exec("web", ToDaemon(docker), SECRETS, name)


async def test_programs_run_in_the_container(docker: Docker) -> None:
    runner = inside(docker)
    words = ("a b", "$HOME", "it's", "", "ü", "-n")
    done = await runner.run(Command(("printf", "<%s>", *words)))
    assert (done.status, done.stdout) == (0, "".join(f"<{word}>" for word in words))
    more = Command(("sh", "-c", "echo $A; cat; exit 4"), b"in\n", {"A": "b c"}, directory="/tmp")
    done = await runner.run(more)
    assert (done.status, done.stdout) == (4, "b c\nin\n")
    hidden = await runner.run(
        Command(("sh", "-c", 'test "$WORD" = "it\'s a \\$ecret\n" && echo same; echo "$WORD"'), secrets={"WORD": "secret:PASSWORD"})
    )
    assert hidden.stdout.startswith("same\n")
    assert "ecret" not in hidden.stdout
    with pytest.raises(AskError, match='on the host web: there is no program "no-such-program"'):
        await runner.run(Command(("no-such-program",)))


async def test_what_hangs_in_it_ends_there_too(docker: Docker) -> None:
    started = time.monotonic()
    done = await inside(docker).run(Command(("sleep", "333"), timeout=0.6))
    assert done.timed_out
    assert time.monotonic() - started < 3
    for _ in range(50):
        await asyncio.sleep(0.1)
        if "333" not in docker.run("top", "shop-web-1", "-o", "pid,args"):
            return
    pytest.fail("it still runs in the container")


async def test_containers_that_cannot_be_used(docker: Docker) -> None:
    for name in ("nothere", "broken"):
        with pytest.raises(Unreachable, match=r"^the host web cannot be reached: .*(No such container|is not running)"):
            await inside(docker, name).run(Command(("true",)))


async def test_its_files(docker: Docker) -> None:
    files = RunnerFiles(inside(docker))
    assert (await files.read("/proc/1/cmdline")).startswith(b"sleep\x00600")
    assert "bin" in await files.names("/")
    assert (await files.facts("/bin/sh")).size > 1000
    with pytest.raises(AnswerError, match="/nothere does not exist"):
        await files.read("/nothere")
