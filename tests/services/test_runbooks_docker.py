"""Steps that restart containers of a real dockerd: killed, short-lived, looping, sick and missing ones, and Keepwell killed meanwhile."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker_daemon import IMAGE, Docker, docker_daemon
from tests.minders import killed_with_its_steps
from tests.runs_served import Runs, running
from tests.support import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("docker"), pytest.mark.timeout(180)]

WORKS = "echo started; trap 'exit 0' TERM HUP; while :; do sleep 0.1; done"
STUBBORN = "echo started; trap '' TERM; while :; do sleep 0.5; done"
CONTAINERS = {
    "shop-1": ((), WORKS),
    "short": ((), "sleep 1; exit 3"),
    "loops": (("--restart=always",), "sleep 0.4"),
    "healthy": (("--health-cmd=true", "--health-interval=1s"), WORKS),
    "sick": (("--health-cmd=false", "--health-interval=1s", "--health-retries=1"), WORKS),
    "stubborn": ((), STUBBORN),
}
P1 = """\
---
environment: {DOCKER_HOST: "%s"}
---

```sh {"name": "assess", "operation": "systemd.status"}
systemctl status shop
```

```sh {"name": "restart", "operation": "systemd.restart"}
systemctl restart shop
```

```sh {"name": "verify", "verify": "docker logs shop-1 | grep -c started"}
docker inspect --format '{{.State.Running}}' shop-1
```
"""
DEED = """\
---
environment: {DOCKER_HOST: "%s"}
---

```sh {"name": "%s", "operation": "systemd.%s"}
systemctl %s %s
```
"""


@pytest.fixture(scope="module")
def docker() -> Iterator[Docker]:
    with docker_daemon() as daemon:
        for name, (options, script) in CONTAINERS.items():
            daemon.run("run", "--detach", "--network=none", f"--name={name}", *options, IMAGE, "sh", "-c", script)
        yield daemon


@pytest.fixture(scope="module")
def runs(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder: Path = tmp_path_factory.mktemp("docker")
    address = docker.environment["DOCKER_HOST"]
    names = (*CONTAINERS, "missing")
    books = {
        f"{verb}-{name}": DEED % (address, verb, verb, verb, name) for verb in ("restart", "stop", "status", "reload") for name in names
    }
    books["p1"] = P1 % address
    books["hurried"] = books["restart-shop-1"].replace('"name"', '"timeout": "5s", "name"')
    books["nobody"] = DEED % (f"unix://{folder}/none.sock", "restart", "restart", "restart", "shop-1")
    services = "".join(f"  {name}: {{docker: {{}}}}\n" for name in names)
    settings = f"policy: {{destructive: allow}}\nservices:\n  shop: {{docker: {{container: shop-1}}}}\n{services}"
    with running(folder, books, settings) as server:
        yield server


def _started_at(docker: Docker, name: str) -> str:
    return docker.run("inspect", "--format={{.State.StartedAt}}", name)


def _starts(docker: Docker, name: str) -> int:
    return docker.run("logs", name).count("started")


def test_a_playbook_brings_a_killed_container_back(docker: Docker, runs: Runs) -> None:
    docker.run("kill", "shop-1")
    wait_until(lambda: docker.run("inspect", "--format={{.State.Status}}", "shop-1") == "exited", 10, "a container that died")
    before, starts = _started_at(docker, "shop-1"), _starts(docker, "shop-1")
    run = runs.run("p1")
    assert [(step["state"], step["sentence"]) for step in run["steps"]][:2] == [
        ("done", "shop is exited: its process ended with status 137"),
        ("done", "shop is running"),
    ]
    assert (run["state"], runs.output(run["id"], "verify")) == ("done", "true\n")
    assert _started_at(docker, "shop-1") != before
    assert _starts(docker, "shop-1") == starts + 1


@pytest.mark.parametrize(
    ("book", "sentence"),
    [
        ("restart-short", "short is exited: its process ended with status 3"),
        ("restart-sick", "sick is running unhealthy"),
        ("restart-missing", "it ended with status 1 (…); Docker knows no container missing"),
        ("status-missing", "Docker knows no container missing"),
        ("reload-missing", "it ended with status 1 (…); Docker knows no container missing"),
    ],
)
def test_what_does_not_come_up_is_said(runs: Runs, book: str, sentence: str) -> None:
    run = runs.run(book)
    beginning, _, end = sentence.partition("…")
    said = run["steps"][0]["sentence"]
    assert (run["state"], said.startswith(beginning), said.endswith(end)) == ("failed", True, True), said


def test_a_container_that_is_started_again_and_again_is_not_well(docker: Docker, runs: Runs) -> None:
    run = runs.run("restart-loops")
    assert run["state"] == "failed"
    assert "loops is " in run["steps"][0]["sentence"]
    docker.run("rm", "--force", "loops")


def test_a_container_with_a_health_check_is_waited_for(runs: Runs) -> None:
    run = runs.run("restart-healthy")
    assert (run["state"], run["steps"][0]["sentence"]) == ("done", "healthy is running healthy")


def test_a_container_that_is_stopped_stays_so(docker: Docker, runs: Runs) -> None:
    run = runs.run("stop-healthy")
    assert (run["state"], run["steps"][0]["sentence"]) == ("done", "healthy is exited: its process ended with status 0")
    assert docker.run("inspect", "--format={{.State.Running}}", "healthy") == "false"


def test_a_daemon_that_is_not_there_is_said(runs: Runs) -> None:
    run = runs.run("nobody")
    assert run["state"] == "failed"
    assert "docker gave no usable answer" in run["sentence"]
    assert "Is the docker daemon running?" in run["sentence"]


def test_a_daemon_that_does_not_answer_holds_nothing_up_for_ever(docker: Docker, runs: Runs) -> None:
    (daemon,) = (int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if _is_daemon(path, docker))
    os.kill(daemon, signal.SIGSTOP)
    try:
        run = runs.run("hurried")
    finally:
        os.kill(daemon, signal.SIGCONT)
    assert run["state"] == "failed"
    expected = "it was ended after 5 s, its time limit; docker did not say within 10 s how shop-1 stands"
    assert run["steps"][0]["sentence"] == expected
    assert runs.run("status-shop-1")["state"] == "done"


def test_a_restart_in_flight_is_done_once(docker: Docker, runs: Runs) -> None:
    """The container ignores SIGTERM, so that Docker takes ten seconds; Keepwell and the step are killed meanwhile."""
    before, starts = _started_at(docker, "stubborn"), _starts(docker, "stubborn")
    number = runs.begin("restart-stubborn")
    wait_until(lambda: runs.step(number, "restart")["state"] == "running", 20, "a step under way")
    wait_until(lambda: "docker restart stubborn" in _processes(), 20, "a client that asks Docker for it")
    killed_with_its_steps(runs)
    run = runs.until(number, "done", "failed", "asks", seconds=90)
    assert (run["state"], _starts(docker, "stubborn") - starts) == ("done", 1), run
    assert _started_at(docker, "stubborn") != before


def _processes() -> str:
    return "\n".join(_command(path) for path in Path("/proc").glob("[0-9]*/cmdline"))


def _is_daemon(path: Path, docker: Docker) -> bool:
    command = _command(path)
    return command.split(" ", 1)[0].endswith("/dockerd") and str(docker.folder) in command


def _command(path: Path) -> str:
    try:
        return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""  # it ended meanwhile
