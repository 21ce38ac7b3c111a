"""The ``tls`` kind against real handshakes with certificates made for the test."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from keepwell.kernel.states import State
from tests.misbehaving import Misbehaviour, misbehaving, server_context
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
        seen = await look("tls", {"host": "127.0.0.1", "port": port}, timeout=2)
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


def chained(tmp_path: Path, leaf_days: float, authority_days: float) -> tuple[ssl.SSLContext, str]:
    """A server's context with a certificate of an authority below another one, and the path of the authority to trust."""
    root = trustme.CA()
    between = root.create_child_ca()
    leaf = certificate(between, "127.0.0.1", leaf_days)
    shortened = with_end(between, root, authority_days)
    root.cert_pem.write_to_path(tmp_path / "root.pem")
    (tmp_path / "chain.pem").write_bytes(leaf.cert_chain_pems[0].bytes() + shortened)
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
    return context, str(tmp_path / "root.pem")


def with_end(child: trustme.CA, parent: trustme.CA, days: float) -> bytes:
    """The child's certificate again, with another end, in PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    old = x509.load_pem_x509_certificate(child.cert_pem.bytes())
    key = serialization.load_pem_private_key(parent.private_key_pem.bytes(), None)
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .serial_number(old.serial_number)
        .not_valid_before(datetime.now(UTC) - timedelta(days=200))
        .not_valid_after(datetime.now(UTC) + timedelta(days=days, minutes=1))
    )
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)  # type: ignore[arg-type]


async def test_the_authority_whose_certificate_ends_first_counts(tmp_path: Path) -> None:
    context, root = chained(tmp_path, 300, 20)
    async with misbehaving("never-answers", tls=context) as port:
        seen = await look("tls", {"host": "127.0.0.1", "port": port, "authority": root})
    assert seen.state is State.WARN, seen.sentence
    assert seen.sentence.startswith("that of its authority ")
    assert "(20 d left), warn below 30 d; the certificate of 127.0.0.1:" in seen.sentence
    assert seen.values["chain_length"] == 2
    assert 20 <= seen.values["chain_days_left"] < 20.01
    assert 300 <= seen.values["days_left"] < 300.01


async def test_an_authority_that_goes_on_longer_is_not_mentioned(tmp_path: Path) -> None:
    context, root = chained(tmp_path, 100, 900)
    async with misbehaving("never-answers", tls=context) as port:
        seen = await look("tls", {"host": "127.0.0.1", "port": port, "authority": root})
    assert (seen.state, "authority" in seen.sentence) == (State.OK, False)


@pytest.mark.parametrize(("oldest", "state", "word"), [("1.3", State.FAIL, "agrees to TLSv1.2"), ("1.2", State.OK, "refuses")])
async def test_the_oldest_protocol_that_a_server_agrees_to(
    authority: trustme.CA, trusted: str, oldest: str, state: State, word: str
) -> None:
    async with misbehaving("never-answers", tls=server_context(certificate(authority, "127.0.0.1", 90))) as port:
        seen = await look("tls", {"host": "127.0.0.1", "port": port, "authority": trusted, "protocol": oldest})
    assert seen.state is state, seen.sentence
    assert word in seen.sentence


async def test_a_server_that_agrees_to_an_ancient_protocol(authority: trustme.CA, trusted: str) -> None:
    context = server_context(certificate(authority, "127.0.0.1", 90))
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with misbehaving("never-answers", tls=context) as port:
        seen = await look("tls", {"host": "127.0.0.1", "port": port, "authority": trusted, "protocol": "1.2"})
    assert seen.state is State.FAIL, seen.sentence
    assert f"127.0.0.1:{port} agrees to TLSv1.1, expected nothing older than TLS 1.2" in seen.sentence


@pytest.mark.parametrize(("bits", "state"), [(128, State.OK), (512, State.FAIL)])
async def test_the_bits_of_the_cipher(authority: trustme.CA, trusted: str, bits: int, state: State) -> None:
    async with misbehaving("never-answers", tls=server_context(certificate(authority, "127.0.0.1", 90))) as port:
        seen = await look("tls", {"host": "127.0.0.1", "port": port, "authority": trusted, "cipher_bits": bits})
    assert seen.state is state, seen.sentence
    assert f" bits, expected at least {bits}" in seen.sentence
    assert seen.values["cipher_bits"] >= 128


async def test_a_certificate_in_a_file(authority: trustme.CA, tmp_path: Path) -> None:
    file = tmp_path / "cert.pem"
    file.write_bytes(b"".join(pem.bytes() for pem in certificate(authority, "*.example.org", 20).cert_chain_pems))
    seen = await look("tls", {"file": str(file), "server_name": "shop.example.org"})
    assert (seen.state, seen.sentence.partition(" is valid until")[0]) == (State.WARN, f"the certificate in {file}")
    assert 20 <= seen.values["days_left"] < 20.01
    assert seen.values["chain_length"] == 1
    other = await look("tls", {"file": str(file), "server_name": "shop.example.com"})
    assert other.state is State.FAIL
    assert "is for *.example.org, expected one for shop.example.com" in other.sentence
    later = await look("tls", {"file": str(file)}, days=21)
    assert (later.state, "expired on" in later.sentence) == (State.FAIL, True)
    earlier = await look("tls", {"file": str(file)}, days=-200)
    assert "is not valid before" in earlier.sentence


async def test_a_chain_in_a_file_and_others_beside_it(tmp_path: Path) -> None:
    chained(tmp_path, 300, 20)
    file = tmp_path / "chain.pem"
    file.write_bytes(file.read_bytes() + trustme.CA().cert_pem.bytes())
    seen = await look("tls", {"file": str(file)})
    assert seen.state is State.WARN, seen.sentence
    assert seen.values["chain_length"] == 2
    assert 20 <= seen.values["chain_days_left"] < 20.01


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        (b"", "holds no certificate in PEM form"),
        (b"-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n", "(it holds a private key)"),
        (b"-----BEGIN CERTIFICATE-----\nTm8=\n-----END CERTIFICATE-----\n", "cannot be read"),
        (b"-----BEGIN CERTIFICATE-----\n" + b"\xff" * 1000, "cannot be read"),
    ],
)
async def test_a_file_that_holds_no_certificate(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "cert.pem"
    if content is not None:
        file.write_bytes(content)
    seen = await look("tls", {"file": str(file)})
    assert (seen.state, words in seen.sentence) == (State.FAIL, True), seen.sentence
    assert "\n" not in seen.sentence


def starting_in_clear_text(context: ssl.SSLContext, *said: tuple[bytes, bytes]) -> Misbehaviour:
    """A server that says each first text, waits for each second one, and then speaks TLS."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for words, wanted in said:
            writer.write(words)
            if wanted:
                await reader.readuntil(wanted)
        await writer.drain()
        await writer.start_tls(context)
        await reader.read(1)

    return serve


SMTP = ((b"220-mail\r\n220 ready\r\n", b"\r\n"), (b"250-mail\r\n250 STARTTLS\r\n", b"STARTTLS\r\n"), (b"220 go\r\n", b""))


@pytest.mark.parametrize(("starttls", "said"), [("smtp", SMTP), ("postgres", ((b"", b"\x04\xd2\x16\x2f"), (b"S", b"")))])
async def test_a_protocol_that_begins_in_clear_text(
    authority: trustme.CA, trusted: str, starttls: str, said: tuple[tuple[bytes, bytes], ...]
) -> None:
    server = starting_in_clear_text(server_context(certificate(authority, "127.0.0.1", 90)), *said)
    async with misbehaving(server) as port:
        options = {"host": "127.0.0.1", "port": port, "authority": trusted, "starttls": starttls}
        seen = await look("tls", options)
        strange = await look("tls", {**options, "server_name": "other.example.org"})
        older = await look("tls", {**options, "protocol": "1.3"})
    assert seen.state is State.OK, seen.sentence
    assert seen.values["handshake_seconds"] > 0
    assert "the certificate is for 127.0.0.1, not other.example.org" in strange.sentence
    assert "agrees to TLSv1.2" in older.sentence


@pytest.mark.parametrize(
    ("starttls", "said", "words"),
    [
        ("postgres", b"N", "is a PostgreSQL server that offers no TLS"),
        ("postgres", b"E", 'said "E", expected an answer of PostgreSQL'),
        ("smtp", b"554 no\r\n", 'greeted with "554 no", expected 220'),
        ("smtp", b"220 a\r\n502 what\r\n", 'answered EHLO with "502 what", expected 250'),
        ("smtp", b"HTTP/1.1 400 Bad Request\r\n", 'said "HTTP/1.1 400 Bad Request", expected a reply of SMTP'),
        ("smtp", b"x" * 100_000, "sends a line without end"),
        ("smtp", b"220-\r\n" * 10_000, "sends a reply without end"),
        ("smtp", b"22", 'closed the connection after "22"'),
        ("postgres", b"", "closed the connection"),
        ("postgres", b"Sgarbage that is no TLS", "went on in clear text after it had agreed to TLS"),
    ],
)
async def test_a_beginning_in_clear_text_that_goes_wrong(starttls: str, said: bytes, words: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        if said != b"":
            writer.write_eof()
            await reader.read(100_000)

    async with misbehaving(serve) as port:
        seen = await look("tls", {"host": "127.0.0.1", "port": port, "starttls": starttls}, timeout=15)
    assert (seen.state, words in seen.sentence) == (State.FAIL, True), seen.sentence
    assert "\n" not in seen.sentence


@pytest.mark.parametrize("starttls", ["smtp", "postgres"])
async def test_a_server_that_is_silent_in_clear_text(starttls: str) -> None:
    async with misbehaving("never-answers") as port:
        seen = await look("tls", {"host": "127.0.0.1", "port": port, "starttls": starttls}, timeout=2)
    assert (seen.state, seen.sentence) == (State.FAIL, f"127.0.0.1:{port} did not finish the TLS handshake in time")
