"""What the HTTP client says of servers that misbehave: the right class, one sentence, in time."""

import asyncio
import contextlib
import datetime
import errno
import resource
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.machine.addresses import Address, Resolver
from keepwell.machine.http_client import HttpClient
from keepwell.ports.fakes import FakeSecrets
from keepwell.ports.http import Request
from tests.misbehaving import misbehaving, server_context
from tests.support import free_port


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with HttpClient(FakeSecrets({"secret:TOKEN": "s3cret-value"})) as made:
        yield made


async def _fault(client: HttpClient, request: Request) -> AnswerError | AskError:
    with pytest.raises((AnswerError, AskError)) as caught:
        await client.ask(request)
    assert isinstance(caught.value, AnswerError | AskError)
    assert "\n" not in str(caught.value)
    return caught.value


SENTENCES = {
    "never-answers": "no answer within 1 s (connected after 0 ms)",
    "closes": "127.0.0.1:{port} closed the connection without an answer",
    "resets": "127.0.0.1:{port} reset the connection",
    "garbage": "127.0.0.1:{port} answered something that is not HTTP",
    "banner": "127.0.0.1:{port} answered something that is not HTTP",
    "half-head": "127.0.0.1:{port} closed the connection in the middle of an answer",
    "endless-headers": "127.0.0.1:{port} sends a head without end (a line beyond 8190 bytes or more than 128 headers)",
    "endless-header-line": "127.0.0.1:{port} sends a head without end (a line beyond 8190 bytes or more than 128 headers)",
    "endless-interim": "the answer did not end within 1 s (its first byte came after 0 ms)",
    "slow-drip": "the answer did not end within 1 s (its first byte came after 0 ms)",
    "slow-drip-head": "the answer did not end within 1 s (its first byte came after 0 ms)",
    "short-body": "the answer of 127.0.0.1:{port} broke off after 5 bytes of its body",
    "bad-length": "127.0.0.1:{port} gave an answer that breaks the rules of HTTP: Invalid character in Content-Length",
    "bad-chunks": "the answer of 127.0.0.1:{port} broke off after 5 bytes of its body",
    "not-gzip": "the body that 127.0.0.1:{port} sent is not in the encoding that its head states",
    "redirects-for-ever": "more than 5 redirects, the last to http://127.0.0.1:{port}/6",
    "redirects-nowhere": "127.0.0.1:{port} redirects to something that cannot be asked: "
    '"ftp://example.org/" is not an http or https address',
}


@pytest.mark.parametrize("kind", SENTENCES)
async def test_a_misbehaving_server_is_the_servers_fault_in_one_sentence(client: HttpClient, kind: str) -> None:
    async with misbehaving(kind) as port:
        started = time.monotonic()
        fault = await _fault(client, Request(f"http://127.0.0.1:{port}/", timeout=1 if " 1 s " in SENTENCES[kind] else 15))
        assert time.monotonic() - started < 20
    assert isinstance(fault, AnswerError)
    # A busy machine may need a few milliseconds where the sentence of a test says 0.
    assert _without_times(str(fault)) == _without_times(SENTENCES[kind].format(port=port))


def _without_times(sentence: str) -> str:
    return " ".join("N" if word.isdigit() else word for word in sentence.split())


async def test_a_server_that_closes_is_asked_once_only(client: HttpClient) -> None:
    asked = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1

    async with misbehaving(count) as port:
        await _fault(client, Request(f"http://127.0.0.1:{port}/", timeout=20))
    assert asked == 1


async def test_an_endless_body_is_cut_at_the_limit(client: HttpClient) -> None:
    async with misbehaving("endless-body") as port:
        response = await client.ask(Request(f"http://127.0.0.1:{port}/", body_limit=1000, timeout=5))
    assert (len(response.body), response.truncated, response.status) == (1000, True, 200)


async def test_a_gzip_bomb_is_cut_at_the_limit_and_fills_no_memory(client: HttpClient) -> None:
    async with misbehaving("gzip-bomb") as port:
        await client.ask(Request(f"http://127.0.0.1:{port}/", timeout=10, body_limit=1000))  # the server's own part of the memory
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        response = await client.ask(Request(f"http://127.0.0.1:{port}/", timeout=10))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert response.truncated
    assert response.body == bytes(1024 * 1024)
    assert grown < 30 * 1024  # KiB, of 512 MiB that the bomb holds


async def test_a_longer_body_than_stated_is_cut_or_called_broken(client: HttpClient) -> None:
    async def more_later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b" and more")

    async with misbehaving(more_later) as port:
        response = await client.ask(Request(f"http://127.0.0.1:{port}/", timeout=5))
    assert (response.status, response.body) == (200, b"hello")
    async with misbehaving("long-body") as port:
        fault = await _fault(client, Request(f"http://127.0.0.1:{port}/", timeout=5))
    assert isinstance(fault, AnswerError)


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_server_that_never_reads_a_large_body_ends_at_the_limit_and_leaves_no_connection(client: HttpClient) -> None:
    async with misbehaving("never-reads") as port:
        before = _open_descriptors()
        fault = await _fault(client, Request(f"http://127.0.0.1:{port}/", method="POST", body=bytes(64 << 20), timeout=1))
        await asyncio.sleep(0.05)
        assert _open_descriptors() <= before + 1  # the server's own end of it
    assert isinstance(fault, AnswerError)
    assert str(fault).startswith("no answer within 1 s (connected after ")


async def test_connection_refused(client: HttpClient) -> None:
    port = free_port()
    fault = await _fault(client, Request(f"http://127.0.0.1:{port}/", timeout=20))
    assert isinstance(fault, AnswerError)
    assert str(fault) == f"connection refused by 127.0.0.1:{port}"


async def test_connection_refused_by_every_address_of_a_name(client: HttpClient) -> None:
    port = free_port()
    fault = await _fault(client, Request(f"http://localhost:{port}/", timeout=20))
    assert isinstance(fault, AnswerError)
    assert str(fault) == f"connection refused by localhost:{port}"


async def test_a_full_backlog_is_no_connection_in_time(client: HttpClient) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = []
        try:
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
                fillers.append(filler)
            fault = await _fault(client, Request(f"http://127.0.0.1:{port}/", timeout=1))
        finally:
            for filler in fillers:
                filler.close()
    assert isinstance(fault, AnswerError)
    assert str(fault) == f"127.0.0.1:{port} accepted no connection within 1 s"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://127.0.0.1/", '"ftp://127.0.0.1/" is not an http or https address'),
        ("/health", '"/health" is not an http or https address'),
        ("http://", '"http://" names no host'),
        ("http://127.0.0.1:99999/", '"http://127.0.0.1:99999/" is not a URL'),
        ("http://[::1/", '"http://[::1/" is not a URL'),
        ("http://" + "a" * 70 + ".example/", "is not a valid host name"),
    ],
)
async def test_an_invalid_address_is_ours(client: HttpClient, url: str, sentence: str) -> None:
    fault = await _fault(client, Request(url, timeout=20))
    assert isinstance(fault, AskError)
    assert sentence in str(fault)


@pytest.mark.parametrize(
    "request_",
    [
        Request("", headers={"X-Bad": "a\r\nb"}),
        Request("", headers={"X Bad": "a"}),
        Request("", method="GET /\r\n"),
        Request("", headers={"Content-Length": "many"}, body=b"x", method="POST"),
    ],
)
async def test_a_request_that_cannot_be_written_is_ours(client: HttpClient, request_: Request) -> None:
    async with misbehaving("hello") as port:
        fault = await _fault(client, replace(request_, url=f"http://127.0.0.1:{port}/"))
    assert isinstance(fault, AskError)
    assert str(fault).startswith(("the request cannot be put: ", "the header "))


async def test_a_secret_that_breaks_a_header_does_not_show_in_the_message() -> None:
    async with HttpClient(FakeSecrets({"secret:TOKEN": "s3cret\r\nvalue"})) as client:
        fault = await _fault(client, Request("http://127.0.0.1:1/", secrets={"Authorization": "secret:TOKEN"}))
    assert isinstance(fault, AskError)
    assert "s3cret" not in str(fault)


async def test_a_secret_that_cannot_be_resolved_is_ours(client: HttpClient) -> None:
    fault = await _fault(client, Request("http://127.0.0.1:1/", secrets={"Authorization": "secret:ABSENT"}))
    assert isinstance(fault, AskError)


async def test_a_secret_that_a_redirect_echoes_is_redacted(client: HttpClient) -> None:
    async def leak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /?token=s3cret-value\r\nContent-Length: 0\r\n\r\n")

    async with misbehaving(leak) as port:
        fault = await _fault(client, Request(f"http://127.0.0.1:{port}/", secrets={"X-Token": "secret:TOKEN"}, redirects=1, timeout=20))
    assert str(fault).startswith("more than 1 redirects, the last to http://127.0.0.1:")
    assert "s3cret-value" not in str(fault)


class _Gaierror(Resolver):
    """A resolver whose getaddrinfo fails as prepared."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def _in_thread(self, host: str, port: int) -> "asyncio.Future[list[Address]]":
        future: asyncio.Future[list[Address]] = asyncio.get_running_loop().create_future()
        future.set_exception(self._error)
        return future


@pytest.mark.parametrize(
    ("code", "expected", "sentence"),
    [
        (socket.EAI_NONAME, AnswerError, "the name shop.example does not exist"),
        (socket.EAI_AGAIN, AskError, "the resolver does not answer the question for shop.example"),
        (socket.EAI_FAIL, AskError, "the resolver failed at shop.example: Non-recoverable failure"),
    ],
)
async def test_a_failed_look_up(code: int, expected: type[Exception], sentence: str) -> None:
    error = socket.gaierror(code, "Non-recoverable failure")
    async with HttpClient(FakeSecrets({}), _Gaierror(error)) as client:
        fault = await _fault(client, Request("http://shop.example/", timeout=20))
    assert (type(fault), str(fault)) == (expected, sentence)


async def test_a_resolver_that_hangs_is_ours() -> None:
    class Hanging(Resolver):
        def _in_thread(self, host: str, port: int) -> "asyncio.Future[list[Address]]":
            return asyncio.get_running_loop().create_future()

    async with HttpClient(FakeSecrets({}), Hanging()) as client:
        fault = await _fault(client, Request("http://shop.example/", timeout=0.1))
    assert isinstance(fault, AskError)
    assert str(fault) == "the resolver gave no answer for shop.example within 0.1 s"


async def test_no_descriptor_left_is_ours(client: HttpClient) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with misbehaving("hello") as port:
        used = _open_descriptors()
        hoard: list[socket.socket] = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 5, hard))
        try:
            while len(hoard) < 100:
                with contextlib.suppress(OSError):
                    hoard.append(socket.socket())
                    continue
                break
            fault = await _fault(client, Request(f"http://127.0.0.1:{port}/", timeout=20))
        finally:
            for held in hoard:
                held.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert (await client.ask(Request(f"http://127.0.0.1:{port}/", timeout=20))).status == 200
    assert isinstance(fault, AskError)
    assert str(fault) == f"this process has no file descriptor left to connect to 127.0.0.1:{port}"


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.EPERM, errno.EINVAL])
async def test_what_only_this_machine_lacks_is_ours(client: HttpClient, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    async def fail(*_: object) -> None:
        raise OSError(number, "as prepared")

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", fail)
    fault = await _fault(client, Request("http://192.0.2.1/", timeout=20))
    assert isinstance(fault, AskError)
    assert "192.0.2.1:80" in str(fault)


async def test_what_a_target_said_stands_before_what_this_machine_lacks(client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: socket.socket, address: tuple[str, int]) -> None:
        raise OSError(errno.EADDRNOTAVAIL if ":" in address[0] else errno.ECONNREFUSED, "as prepared")

    class Both(Resolver):
        async def addresses(self, host: str, port: int) -> list[Address]:
            return [(socket.AF_INET6, ("::1", port, 0, 0)), (socket.AF_INET, ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", fail)
    async with HttpClient(FakeSecrets({}), Both()) as client:
        fault = await _fault(client, Request("http://shop.example:81/", timeout=20))
    assert isinstance(fault, AnswerError)
    assert str(fault) == "connection refused by shop.example:81"


AUTHORITY = trustme.CA()
_NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture
def authority(tmp_path: Path) -> str:
    path = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(path)
    return str(path)


def _self_signed() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    lone = trustme.CA()
    with lone.private_key_pem.tempfile() as key, lone.cert_pem.tempfile() as certificate:
        context.load_cert_chain(certificate, key)
    return context


def _many_names() -> trustme.LeafCert:
    return AUTHORITY.issue_cert("example.org", "a.example.org", "b.example.org", "c.example.org")


BROKEN_TLS: dict[str, tuple[Callable[[], ssl.SSLContext], str]] = {
    "expired": (
        lambda: server_context(AUTHORITY.issue_cert("localhost", not_after=datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC))),
        "the certificate expired on 2026-01-02",
    ),
    "not yet valid": (
        lambda: server_context(AUTHORITY.issue_cert("localhost", not_before=_NOW + datetime.timedelta(days=2))),
        f"the certificate is not valid before {_NOW + datetime.timedelta(days=2):%Y-%m-%d}",
    ),
    "wrong host": (
        lambda: server_context(AUTHORITY.issue_cert("example.org")),
        "the certificate is for example.org, not localhost",
    ),
    "wrong host, many names": (
        lambda: server_context(_many_names()),
        "the certificate is for example.org, a.example.org, b.example.org and 1 more, not localhost",
    ),
    "self-signed": (_self_signed, "the certificate is self-signed"),
    "unknown authority": (
        lambda: server_context(trustme.CA().issue_cert("localhost")),
        "the certificate comes from an authority that is not trusted here, or an intermediate certificate is missing",
    ),
}


@pytest.mark.parametrize("kind", BROKEN_TLS)
async def test_a_broken_certificate_is_named(client: HttpClient, authority: str, kind: str) -> None:
    make, sentence = BROKEN_TLS[kind]
    async with misbehaving("hello", tls=make()) as port:
        request = Request(f"https://localhost:{port}/", timeout=5, authority=authority)
        fault = await _fault(client, request)
        unverified = await client.ask(Request(request.url, timeout=5, verify=False))
    assert isinstance(fault, AnswerError)
    assert str(fault) == sentence
    assert unverified.body == b"hello"


async def test_a_certificate_for_a_name_asked_by_its_address(client: HttpClient, authority: str) -> None:
    async with misbehaving("hello", tls=server_context(AUTHORITY.issue_cert("localhost"))) as port:
        fault = await _fault(client, Request(f"https://127.0.0.1:{port}/", timeout=5, authority=authority))
    assert str(fault) == "the certificate is for localhost, not 127.0.0.1"


@pytest.mark.parametrize(
    ("kind", "timeout", "sentence"),
    [
        ("banner", 10, "127.0.0.1:{port} answered something that is not TLS"),
        ("never-answers", 0.9, "no end of the TLS handshake within 0.9 s (connected after N ms)"),
    ],
)
async def test_no_tls_where_tls_was_expected(client: HttpClient, kind: str, timeout: float, sentence: str) -> None:
    async with misbehaving(kind) as port:
        fault = await _fault(client, Request(f"https://127.0.0.1:{port}/", timeout=timeout))
    assert isinstance(fault, AnswerError)
    assert _without_times(str(fault)) == sentence.format(port=port)


async def test_a_server_that_closes_during_the_handshake(client: HttpClient) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with misbehaving(close) as port:
        fault = await _fault(client, Request(f"https://127.0.0.1:{port}/", timeout=20))
    assert isinstance(fault, AnswerError)
    assert str(fault) == f"127.0.0.1:{port} closed the connection during the TLS handshake"


async def test_a_server_that_refuses_the_handshake_by_an_alert(client: HttpClient) -> None:
    async def alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(bytes([21, 3, 3, 0, 2, 2, 70]))  # a fatal alert, protocol_version (RFC 8446 section 6)
        await writer.drain()
        await reader.read(65536)

    async with misbehaving(alert) as port:
        fault = await _fault(client, Request(f"https://127.0.0.1:{port}/", timeout=20))
    assert isinstance(fault, AnswerError)
    assert str(fault) == f"the TLS handshake with 127.0.0.1:{port} failed: tlsv1 alert protocol version"


@pytest.mark.parametrize(("content", "sentence"), [(None, "does not exist"), (b"no certificate\n", "holds no certificate in PEM form")])
async def test_an_authority_file_that_is_no_use_is_ours(client: HttpClient, tmp_path: Path, content: bytes | None, sentence: str) -> None:
    path = tmp_path / "authority.pem"
    if content is not None:
        path.write_bytes(content)
    fault = await _fault(client, Request("https://127.0.0.1:1/", authority=str(path)))
    assert isinstance(fault, AskError)
    assert str(fault) == f"the authority file {path} {sentence}"


async def test_cancelling_leaves_no_connection(client: HttpClient) -> None:
    async with misbehaving("never-answers") as port:
        before = _open_descriptors()
        task = asyncio.ensure_future(client.ask(Request(f"http://127.0.0.1:{port}/", timeout=30)))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.1)
        assert _open_descriptors() <= before


RESOLVER_SCRIPT = """
import asyncio, socket, struct, sys, threading
from keepwell.kernel.problems import KeepwellError
from keepwell.machine.http_client import HttpClient
from keepwell.ports.fakes import FakeSecrets
from keepwell.ports.http import Request

def serve(server):  # every name does not exist: header with the response bit and code 3 (RFC 1035 section 4.1.1)
    while True:
        question, client = server.recvfrom(512)
        server.sendto(question[:2] + struct.pack(">H", 0x8183) + question[4:12] + question[12:], client)

async def main():
    async with HttpClient(FakeSecrets({})) as client:
        try:
            await client.ask(Request("http://shop.example/", timeout=8))
        except KeepwellError as error:
            print(type(error).__name__, error)

if sys.argv[1] == "nxdomain":
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    threading.Thread(target=serve, args=(server,), daemon=True).start()
asyncio.run(main())
"""
NAMESPACE = 'ip link set lo up && mount --bind "$1" /etc/resolv.conf && exec "$2" -c "$3" "$4"'


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("nxdomain", "AnswerError the name shop.example does not exist"),
        ("silent", "AskError the resolver does not answer the question for shop.example"),
    ],
)
async def test_a_real_resolver_in_a_namespace_of_its_own(tmp_path: Path, kind: str, sentence: str) -> None:
    from tests.support import missing, need

    need("ip")
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    process = await asyncio.create_subprocess_exec(
        need("unshare"), "--net", "--mount", "sh", "-c", NAMESPACE, "sh", str(resolv), sys.executable, RESOLVER_SCRIPT, kind,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 30)
    if process.returncode != 0 and b"Operation not permitted" in err:
        missing("namespaces need root")
    assert out.decode().strip() == sentence, err.decode()
