"""The hosts of a configuration: which are the same after a reload, and what is said of those that cannot be used."""

import pytest

from keepwell.composition.hosts import Hosts, hosts_of
from keepwell.config.hosts import HostEntry, KubernetesHost, split_ssh
from keepwell.kernel.problems import AskError
from keepwell.ports.fakes import FakeRunner, fake_host, result
from keepwell.ports.host import Host
from keepwell.ports.runner import Command


def names(local: Host, entries: dict[str, HostEntry]) -> Hosts:
    hosts = Hosts(local)
    hosts.configure(entries)
    return hosts


async def test_this_machine_and_one_that_is_not_there() -> None:
    local = fake_host()
    hosts = names(local, {})
    assert hosts.of("local") is local
    with pytest.raises(AskError, match="there is no host app1"):
        await hosts.of("app1").runner.run(Command(("true",)))
    with pytest.raises(AskError, match="there is no host app1"):
        await hosts.of("app1").files.read("/etc/hostname")


async def test_a_reload_keeps_what_did_not_change() -> None:
    one, other = HostEntry(ssh="ops@a.example.org"), HostEntry(ssh="ops@b.example.org")
    async with hosts_of(fake_host(), {"a": one, "b": other}) as hosts:
        a, b = hosts.of("a"), hosts.of("b")
        assert hosts.of("a") is a
        hosts.configure({"a": one, "c": other})
        assert hosts.of("a") is a
        assert hosts.of("b") is not b
        hosts.configure({"a": HostEntry(ssh="ops@a.example.org", sudo=True)})
        assert hosts.of("a") is not a


async def test_programs_of_a_container_are_run_by_its_client() -> None:
    runner = FakeRunner(lambda command: result("done"))
    hosts = names(
        fake_host(runner=runner),
        {
            "web": HostEntry(docker="shop-web-1"),
            "worker": HostEntry(kubernetes=KubernetesHost(deployment="worker", namespace="shop", container="app", context="prod")),
        },
    )
    for name in ("web", "worker"):
        assert (await hosts.of(name).runner.run(Command(("true",)))).stdout == "done"
    before = [command.argv[: command.argv.index("/bin/sh")] for command in runner.asked]
    assert before == [
        ("docker", "exec", "--interactive", "--", "shop-web-1"),
        ("kubectl", "--context=prod", "--namespace=shop", "exec", "--stdin", "--container=app", "deployment/worker", "--"),
    ]


async def test_a_jump_host_needs_ssh() -> None:
    hosts = names(fake_host(), {"a": HostEntry(ssh="ops@a.example.org", jump="web"), "web": HostEntry(docker="web")})
    with pytest.raises(AskError, match="the host web has no ssh, so nothing can be reached through it"):
        await hosts.of("a").runner.run(Command(("true",)))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ops@app1", ("ops", "app1", 22)),
        ("ops@10.0.0.11:2222", ("ops", "10.0.0.11", 2222)),
        ("o.p-s_1@[2001:db8::1]:22", ("o.p-s_1", "2001:db8::1", 22)),
    ],
)
def test_addresses(text: str, parts: tuple[str, str, int]) -> None:
    assert split_ssh(text) == parts


@pytest.mark.parametrize(
    "text", ["", "app1", "@app1", "ops@", "ops@-x", "-ops@x", "ops@a b", "ops@a:0", "ops@a:65536", "ops@a:x", "ops@a/b", "o p@a"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="is no address for SSH"):
        split_ssh(text)


@pytest.mark.parametrize(
    ("entry", "place", "user"),
    [
        (HostEntry(ssh="ops@a:23"), "ssh ops@a:23", "ops"),
        (HostEntry(ssh="ops@a", sudo=True), "ssh ops@a", "root"),
        (HostEntry(docker="web"), "docker web", "me"),
        (HostEntry(kubernetes=KubernetesHost(pod="web-1", namespace="shop", container="app")), "kubernetes shop pod/web-1 app", "me"),
    ],
)
def test_what_an_acceptance_names(entry: HostEntry, place: str, user: str) -> None:
    assert (entry.place, entry.user("me")) == (place, user)
