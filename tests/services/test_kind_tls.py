"""The ``tls`` kind against real handshakes with certificates made for the test."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from keepwell.kernel.states import State
from tests.misbehaving import misbehaving, server_context
from tests.services.look import look
from tests.support import free_port

DAY = 86400.0


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return str(tmp_path / "authority.pem")


def certificate(authority: trustme.CA, name: str, days: float) -> trustme.LeafCert:
    now = datetime.now(UTC)
    return authority.issue_cert(name, not_before=now - timedelta(days=100), not_after=now + timedelta(days=days, minutes=1))


async def test_a_good_certificate(authority: trustme.CA, trusted: str) -> None:
    async with misbehaving("never-answers", tls=server_context(certificate(authority, "localhost", 90))) as port:
        seen = await look("tls", {"host": "127.0.0.1", "port": port, "server_name": "localhost", "authority": trusted})
    assert seen.state is State.OK, seen.sentence
    assert seen.sentence.startswith(f"the certificate of 127.0.0.1:{port} is valid until 20")
    assert seen.sentence.endswith(" (90 d left), warn below 30 d, fail below 7 d")
    assert 90 * DAY < seen.values["expires_in_seconds"] < 91 * DAY
    assert seen.values["handshake_seconds"] > 0
    assert seen.values["protocol_version"] == 1.3


@pytest.mark.parametrize(("days", "limits", "state"), [(20, {}, State.WARN), (5, {}, State.FAIL), (5, {"warn": "< 3d"}, State.OK)])
async def test_the_time_left_is_judged(authority: trustme.CA, trusted: str, days: float, limits: dict[str, str], state: State) -> None:
    async with misbehaving("never-answers", tls=server_context(certificate(authority, "127.0.0.1", days))) as port:
        seen = await look("tls", {"host": "127.0.0.1", "port": port, "authority": trusted, **limits})
    assert seen.state is state, seen.sentence
    assert f"({days:g} d left)" in seen.sentence


async def test_the_targets_address(authority: trustme.CA, trusted: str) -> None:
    async with misbehaving("never-answers", tls=server_context(certificate(authority, "127.0.0.1", 90))) as port:
        seen = await look("tls", {"target": "api", "authority": trusted}, url=f"https://127.0.0.1:{port}/health")
    assert seen.state is State.OK, seen.sentence


async def test_an_expired_certificate(authority: trustme.CA, trusted: str) -> None:
    async with misbehaving("never-answers", tls=server_context(certificate(authority, "127.0.0.1", -3))) as port:
        seen = await look("tls", {"host": "127.0.0.1", "port": port, "authority": trusted})
    assert seen.state is State.FAIL
    assert "the certificate expired on 20" in seen.sentence
    assert "; it ended on 20" in seen.sentence
    assert -4 * DAY < seen.values["expires_in_seconds"] < -2 * DAY


async def test_the_calendar_is_the_hosts_clock(authority: trustme.CA, trusted: str) -> None:
    async with misbehaving("never-answers", tls=server_context(certificate(authority, "127.0.0.1", 90))) as port:
        soon = await look("tls", {"host": "127.0.0.1", "port": port, "authority": trusted}, days=70)
        after = await look("tls", {"host": "127.0.0.1", "port": port, "authority": trusted, "warn": "< 1d"}, days=91)
    assert soon.state is State.WARN
    assert after.state is State.FAIL
    assert "expired on" in after.sentence


async def test_an_authority_that_is_not_trusted(authority: trustme.CA) -> None:
    async with misbehaving("never-answers", tls=server_context(certificate(authority, "127.0.0.1", 90))) as port:
        seen = await look("tls", {"host": "127.0.0.1", "port": port})
    assert seen.state is State.FAIL
    assert "authority that is not trusted here" in seen.sentence
    assert "expected one for 127.0.0.1 from a trusted authority; it is valid until 20" in seen.sentence
    assert seen.values["expires_in_seconds"] > 80 * DAY


async def test_a_self_signed_certificate(tmp_path: Path) -> None:
    alone = trustme.CA()  # the certificate of an authority, used as a server's own, is signed by itself
    alone.cert_pem.write_to_path(tmp_path / "certificate.pem")
    alone.private_key_pem.write_to_path(tmp_path / "key.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    async with misbehaving("never-answers", tls=context) as port:
        seen = await look("tls", {"host": "127.0.0.1", "port": port})
    assert seen.state is State.FAIL
    assert "the certificate is self-signed" in seen.sentence


async def test_the_wrong_host(authority: trustme.CA, trusted: str) -> None:
    async with misbehaving("never-answers", tls=server_context(certificate(authority, "other.example.org", 90))) as port:
        seen = await look("tls", {"host": "127.0.0.1", "port": port, "server_name": "api.example.org", "authority": trusted})
    assert seen.state is State.FAIL
    assert "the certificate is for other.example.org, not api.example.org" in seen.sentence


async def test_an_older_protocol_shows(authority: trustme.CA, trusted: str) -> None:
    context = server_context(certificate(authority, "127.0.0.1", 90))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with misbehaving("never-answers", tls=context) as port:
        seen = await look("tls", {"host": "127.0.0.1", "port": port, "authority": trusted})
    assert (seen.state, seen.values["protocol_version"]) == (State.OK, 1.2)


@pytest.mark.parametrize("kind", ["garbage", "closes", "banner", "never-answers"])
async def test_no_tls_at_all(kind: str) -> None:
    async with misbehaving(kind) as port:
        seen = await look("tls", {"host": "127.0.0.1", "port": port}, timeout=0.5)
    assert seen.state is State.FAIL
    assert f"127.0.0.1:{port}" in seen.sentence
    assert "\n" not in seen.sentence


async def test_nobody_listens() -> None:
    port = free_port()
    seen = await look("tls", {"host": "127.0.0.1", "port": port})
    assert (seen.state, seen.sentence) == (State.FAIL, f"connection refused by 127.0.0.1:{port}")


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_an_authority_file_that_cannot_be_used_is_our_own_fault(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content)
    seen = await look("tls", {"host": "127.0.0.1", "port": 443, "authority": str(file)})
    assert seen.state is State.UNKNOWN
    assert str(file) in seen.sentence
