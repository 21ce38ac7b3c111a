"""The ``icmp`` kind with the real ping: loopback, and networks of its own in which there is no route or nobody."""

import os
import subprocess
from pathlib import Path

import pytest

from keepwell.kernel.states import State
from keepwell.machine.local_runner import LocalRunner
from keepwell.rooms.checks.kinds.icmp import DRIVER, IcmpOptions
from keepwell.rooms.checks.model import Observation
from tests.services.look import look
from tests.support import need


@pytest.fixture(autouse=True)
def ping() -> None:
    need("ping")
    allowed = subprocess.run(["ping", "-c", "1", "-W", "1", "127.0.0.1"], capture_output=True, check=False)
    if allowed.returncode != 0:
        pytest.skip("ping may not send here")


async def test_loopback_answers() -> None:
    seen = await look("icmp", {"host": "127.0.0.1", "fail": "> 5s"})
    assert seen.state is State.OK, seen.sentence
    assert seen.values["loss_ratio"] == 0
    assert 0 < seen.values["round_trip_min_seconds"] <= seen.values["round_trip_avg_seconds"] <= seen.values["round_trip_max_seconds"] < 5


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")
async def test_loopback_answers_over_ipv6() -> None:
    seen = await look("icmp", {"host": "::1", "family": "ipv6", "count": 1})
    assert seen.state is State.OK, seen.sentence


async def test_the_host_of_a_target() -> None:
    seen = await look("icmp", {"target": "api", "count": 1}, url="http://127.0.0.1:8080/health")
    assert seen.state is State.OK, seen.sentence


async def test_an_address_of_the_other_family() -> None:
    seen = await look("icmp", {"host": "127.0.0.1", "family": "ipv6", "count": 1})
    assert (seen.state, seen.sentence) == (State.FAIL, "the name 127.0.0.1 does not exist, or has no address of that family")


async def test_a_program_that_is_missing_is_told_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    seen = await look("icmp", {"host": "127.0.0.1"})
    assert seen.state is State.UNKNOWN
    assert seen.sentence == (
        'could not look: there is no program "ping", or the interpreter that it names is missing (the package iputils-ping brings it)'
    )


async def _in_a_network_of_its_own(script: str, options: IcmpOptions) -> Observation:
    """Puts the kind's question in a new network namespace, after a script has made that network."""
    (command,) = DRIVER.ask(options, None)
    argv = ("unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-c", f'{script}\nexec "$@"', "sh", *command.argv)
    result = await LocalRunner(environment=os.environ).run(type(command)(argv, environment={"LC_ALL": "C"}, timeout=10))
    if "unshare" in result.stderr:
        pytest.skip("this machine allows no network of one's own")
    return DRIVER.read(options, (result,), None)


async def test_no_route() -> None:
    seen = await _in_a_network_of_its_own("", IcmpOptions(host="192.0.2.1", count=1))
    assert (seen.state, seen.sentence) == (State.UNKNOWN, "could not look: there is no route to 192.0.2.1")


async def test_no_resolver() -> None:
    seen = await _in_a_network_of_its_own("", IcmpOptions(host="db.example.org", count=1))
    assert (seen.state, seen.sentence) == (State.UNKNOWN, "could not look: the resolver does not answer the question for db.example.org")


async def test_nobody_answers() -> None:
    need("ip")
    script = (
        "ip link set lo up; ip link add d0 type veth peer name d1; ip addr add 192.0.2.1/24 dev d0; ip link set d0 up; ip link set d1 up"
    )
    seen = await _in_a_network_of_its_own(script, IcmpOptions(host="192.0.2.77", count=2, wait=1))
    if seen.state is State.UNKNOWN:
        pytest.skip("this machine has no pairs of network devices")
    assert seen.state is State.FAIL
    assert seen.sentence.startswith("192.0.2.77 answered none of 2 echo requests")
    assert seen.values["loss_ratio"] == 1


async def test_a_packet_larger_than_a_path_is_lost_without_hanging() -> None:
    seen = await look("icmp", {"host": "127.0.0.1", "size": 65507, "count": 1})
    assert seen.state in (State.OK, State.FAIL)
    assert "\n" not in seen.sentence
