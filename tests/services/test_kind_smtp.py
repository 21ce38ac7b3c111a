"""The ``smtp`` kind against a real mail server (aiosmtpd), and against servers that say strange things."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from keepwell.kernel.states import State
from tests.misbehaving import misbehaving
from tests.services.look import look
from tests.support import free_port, wait_until


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def folder(authority: trustme.CA, tmp_path: Path) -> Path:
    """A folder with the authority's certificate, and one for 127.0.0.1 that is valid for 90 days."""
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    now = datetime.now(UTC)
    leaf = authority.issue_cert("127.0.0.1", not_before=now - timedelta(days=1), not_after=now + timedelta(days=90, minutes=1))
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    return tmp_path


@contextmanager
def mail_server(*arguments: str) -> Iterator[int]:
    """A server in a process of its own; gives its port."""
    port = free_port()
    argv = [sys.executable, "-W", "ignore", "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}", *arguments]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listens() -> bool:
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(listens, 20, "a mail server that listens")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def tls(folder: Path, kind: str = "tls") -> list[str]:
    return [f"--{kind}cert", str(folder / "certificate.pem"), f"--{kind}key", str(folder / "key.pem")]


async def test_a_server_without_tls() -> None:
    with mail_server() as port:
        seen = await look("smtp", {"host": "127.0.0.1", "port": port, "greeting": "SMTP", "offers": ["HELP", "8bitmime"], "warn": "> 5s"})
        required = await look("smtp", {"host": "127.0.0.1", "port": port, "starttls": "required"})
        offers = await look("smtp", {"host": "127.0.0.1", "port": port, "offers": ["AUTH"]})
    assert seen.state is State.OK, seen.sentence
    assert seen.sentence.startswith(f'127.0.0.1:{port} greeted with "220 ')
    assert seen.values["starttls_offered"] == 0
    assert 0 <= seen.values["greeting_seconds"] < 5
    assert required.state is State.FAIL
    assert required.sentence.startswith(f"127.0.0.1:{port} does not offer STARTTLS; ")
    assert offers.state is State.FAIL
    assert "does not offer AUTH, only " in offers.sentence


async def test_starttls_and_its_certificate(folder: Path) -> None:
    with mail_server(*tls(folder)) as port:
        options = {"host": "127.0.0.1", "port": port, "authority": str(folder / "authority.pem"), "starttls": "required"}
        seen = await look("smtp", options)
        soon = await look("smtp", options, days=70)
        strange = await look("smtp", {**options, "server_name": "other.example.org"})
        untrusted = await look("smtp", {"host": "127.0.0.1", "port": port})
        unverified = await look("smtp", {"host": "127.0.0.1", "port": port, "verify": False})
        alone = await look("smtp", {"host": "127.0.0.1", "port": port, "starttls": "off"})
        by_tls = await look("tls", {"host": "127.0.0.1", "port": port, "starttls": "smtp", "authority": str(folder / "authority.pem")})
    assert seen.state is State.OK, seen.sentence
    assert "its certificate is valid until 20" in seen.sentence
    assert 90 <= seen.values["days_left"] < 90.01
    assert seen.values["starttls_offered"] == 1
    assert soon.state is State.WARN
    assert strange.state is State.FAIL
    assert untrusted.state is State.FAIL
    assert "authority that is not trusted here" in untrusted.sentence
    assert (unverified.state, alone.state) == (State.OK, State.OK)
    assert "days_left" not in alone.values
    assert by_tls.state is State.OK, by_tls.sentence


async def test_tls_from_the_first_byte_on(folder: Path) -> None:
    with mail_server(*tls(folder, "smtps")) as port:
        options = {"host": "127.0.0.1", "port": port, "authority": str(folder / "authority.pem"), "tls": True}
        seen = await look("smtp", options)
        clear = await look("smtp", {"host": "127.0.0.1", "port": port}, timeout=1)
    assert seen.state is State.OK, seen.sentence
    assert seen.values["days_left"] > 89
    assert clear.state is State.FAIL


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"554 go away\r\n", 'greeted with "554 go away" in '),
        (b"220 a\r\n421 busy\r\n", 'answered EHLO with "421 busy", expected 250'),
        (b"220 a\r\n250-a\r\n250 STARTTLS\r\n454 not now\r\n", 'answered STARTTLS with "454 not now", expected 220'),
        (b"220 a\r\n250-a\r\n250 STARTTLS\r\n220 go\r\nno TLS at all", "went on in clear text after it had agreed to TLS"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", 'said "SSH-2.0-OpenSSH_9.2p1", expected a reply of SMTP'),
        (b"\xff\xfe\x00\r\n", "expected a reply of SMTP"),
        (b"220" * 10_000, "sends a line without end"),
        (b"220-more\r\n" * 10_000, "sends a reply without end"),
    ],
)
async def test_a_conversation_that_goes_wrong(said: bytes, words: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        writer.write_eof()
        await reader.read()

    async with misbehaving(serve) as port:
        seen = await look("smtp", {"host": "127.0.0.1", "port": port}, timeout=1)
    assert (seen.state, words in seen.sentence) == (State.FAIL, True), seen.sentence
    assert f"127.0.0.1:{port}" in seen.sentence
    assert "\n" not in seen.sentence


@pytest.mark.parametrize("kind", ["never-answers", "never-reads", "closes", "resets", "garbage", "endless-header-line", "slow-drip-head"])
@pytest.mark.parametrize("protected", [False, True])
async def test_a_misbehaving_server(kind: str, protected: bool) -> None:
    async with misbehaving(kind) as port:
        seen = await look("smtp", {"host": "127.0.0.1", "port": port, "tls": protected}, timeout=1)
    assert seen.state is State.FAIL
    assert f"127.0.0.1:{port}" in seen.sentence
    assert "\n" not in seen.sentence


async def test_nobody_listens() -> None:
    port = free_port()
    seen = await look("smtp", {"host": "127.0.0.1", "port": port})
    assert (seen.state, seen.sentence) == (State.FAIL, f"connection refused by 127.0.0.1:{port}")
