"""The ``ssh`` kind against a real sshd, and against servers that are none."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from keepwell.kernel.states import State
from tests.misbehaving import misbehaving
from tests.services.look import look
from tests.ssh_server import SshServer, ssh_server
from tests.support import free_port

pytestmark = pytest.mark.xdist_group("sshd")
"""One after another: sshd insists on one folder of the machine, /run/sshd, which is there while they run."""

OTHER = "SHA256:" + "A" * 43


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with ssh_server() as running:
        yield running


async def test_who_answers(server: SshServer) -> None:
    seen = await look("ssh", {"host": "127.0.0.1", "port": server.port, "banner": "OpenSSH", "warn": "> 10s"})
    assert seen.state is State.OK, seen.sentence
    assert seen.sentence.startswith(f'127.0.0.1:{server.port} introduced itself as "SSH-2.0-OpenSSH_')
    assert 0 < seen.values["banner_seconds"] < 10
    other = await look("ssh", {"host": "127.0.0.1", "port": server.port, "banner": "dropbear"})
    assert other.state is State.FAIL
    assert other.sentence.startswith('its identification does not contain "dropbear"; ')


async def test_the_host_key(server: SshServer) -> None:
    options = {"host": "127.0.0.1", "port": server.port}
    good = await look("ssh", {**options, "fingerprints": [OTHER, server.fingerprint], "algorithm": "ssh-ed25519"})
    wrong = await look("ssh", {**options, "fingerprints": [OTHER]})
    shown = await look("ssh", {**options, "algorithm": "ssh-ed25519"})
    assert good.state is State.OK, good.sentence
    assert good.sentence.endswith(f"its host key is ssh-ed25519 {server.fingerprint}, as expected")
    assert wrong.state is State.FAIL
    assert wrong.sentence.startswith(f"its host key is ssh-ed25519 {server.fingerprint}, expected {OTHER}; ")
    assert shown.sentence.endswith(f"its host key is ssh-ed25519 {server.fingerprint}")


async def test_a_key_that_the_server_does_not_have(server: SshServer) -> None:
    seen = await look("ssh", {"host": "127.0.0.1", "port": server.port, "algorithm": "ecdsa-sha2-nistp256"})
    assert seen.state is State.FAIL
    assert "shows no host key of ecdsa-sha2-nistp256: " in seen.sentence


async def test_an_algorithm_that_is_none_is_our_fault(server: SshServer) -> None:
    seen = await look("ssh", {"host": "127.0.0.1", "port": server.port, "algorithm": "ssh-none"})
    assert (seen.state, "ssh-none" in seen.sentence) == (State.UNKNOWN, True), seen.sentence


async def test_nothing_is_left_behind(server: SshServer) -> None:
    await look("ssh", {"host": "127.0.0.1", "port": server.port, "fingerprints": [server.fingerprint]})
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        await look("ssh", {"host": "127.0.0.1", "port": server.port, "fingerprints": [server.fingerprint]})
    await asyncio.sleep(0.1)
    assert len(os.listdir("/proc/self/fd")) <= before


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"220 mail ready\r\n", "closed the connection"),
        (b"hello\r\n" * 60, "says 50 lines and none that introduces an SSH server"),
        (b"x" * 100_000, "sends a line without end"),
        (b"", "closed the connection without a word"),
        (b"SSH-1.5-old\r\n", "it does not speak version 2 of SSH"),
        (b"SSH-2.0-\xff\xfe\r\n", "shows no host key: "),
        (b"SSH-2.0-x\r\n" + bytes(range(256)) * 40, "host key"),
    ],
)
async def test_a_server_that_is_none(said: bytes, words: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        if said.startswith(b"SSH"):
            await asyncio.sleep(0.1)

    async with misbehaving(serve) as port:
        options = {"host": "127.0.0.1", "port": port} | ({"fingerprints": [OTHER]} if b"2.0" in said else {})
        seen = await look("ssh", options, timeout=15)
    assert (seen.state, words in seen.sentence) == (State.FAIL, True), seen.sentence
    assert "\n" not in seen.sentence


@pytest.mark.parametrize("kind", ["never-answers", "never-reads", "garbage", "banner", "endless-header-line", "slow-drip-head"])
async def test_a_misbehaving_server(kind: str) -> None:
    async with misbehaving(kind) as port:
        seen = await look("ssh", {"host": "127.0.0.1", "port": port}, timeout=1)
    assert seen.state is State.FAIL
    assert f"127.0.0.1:{port}" in seen.sentence


async def test_a_server_that_introduces_itself_and_then_hangs() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
        while await reader.read(65536):
            pass

    async with misbehaving(serve) as port:
        seen = await look("ssh", {"host": "127.0.0.1", "port": port, "fingerprints": [OTHER]}, timeout=1)
    assert (seen.state, seen.sentence) == (State.FAIL, f"127.0.0.1:{port} did not show its host key in time")


async def test_nobody_listens() -> None:
    port = free_port()
    seen = await look("ssh", {"host": "127.0.0.1", "port": port})
    assert (seen.state, seen.sentence) == (State.FAIL, f"connection refused by 127.0.0.1:{port}")
