"""The HTTP client against servers that behave: what is sent, what comes back, and how long each phase took."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from keepwell import __version__
from keepwell.machine import tls_trust
from keepwell.machine.addresses import Address, Resolver, literal_address
from keepwell.machine.http_client import HttpClient
from keepwell.ports.fakes import FakeSecrets
from keepwell.ports.http import Request, Response
from tests.misbehaving import Misbehaviour, misbehaving, server_context


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with HttpClient(FakeSecrets({"secret:TOKEN": "Bearer s3cret-value"})) as made:
        yield made


def _redirecting(status: int, location: str) -> Misbehaviour:
    """``/`` redirects; every other path echoes the whole request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.split(b" ")[1] == b"/":
            answer = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\n"
            writer.write(answer.encode() + (b"" if head.startswith(b"HEAD") else b"gone"))
            return
        lengths = [line.partition(b":")[2] for line in head.splitlines() if line.lower().startswith(b"content-length:")]
        body = await reader.readexactly(int(lengths[0])) if lengths else b""
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(head + body))
        writer.write(b"" if head.startswith(b"HEAD") else head + body)

    return serve


def _sent(response: Response) -> tuple[str, dict[str, str]]:
    """The request line and the headers that an echoing server saw."""
    lines = response.body.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return lines[0], {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}


async def test_what_a_plain_request_sends(client: HttpClient) -> None:
    async with misbehaving("echo") as port:
        response = await client.ask(Request(f"http://127.0.0.1:{port}/health?deep=1#part", headers={"X-Room": "checks"}))
    line, headers = _sent(response)
    assert line == "GET /health?deep=1 HTTP/1.1"
    assert headers == {
        "host": f"127.0.0.1:{port}",
        "user-agent": f"Keepwell/{__version__}",
        "accept": "*/*",
        "connection": "close",
        "x-room": "checks",
    }
    assert response.headers["content-TYPE"] == "text/plain"
    assert not response.truncated


async def test_a_body_and_a_method(client: HttpClient) -> None:
    async with misbehaving(_redirecting(302, "/")) as port:
        large = bytes(3 << 20)
        small = await client.ask(Request(f"http://127.0.0.1:{port}/echo", method="post", body=b"{}"))
        big = await client.ask(Request(f"http://127.0.0.1:{port}/echo", method="PUT", body=large, body_limit=4 << 20))
    assert small.body.startswith(b"POST /echo HTTP/1.1\r\n")
    assert small.body.endswith(b"\r\n\r\n{}")
    assert big.body.startswith(b"PUT /echo HTTP/1.1\r\n")
    assert big.body.endswith(b"\r\n\r\n" + large)


async def test_the_phases_of_a_plain_request(client: HttpClient) -> None:
    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(1)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
        await writer.drain()
        await asyncio.sleep(1)
        writer.write(b"llo")

    async with misbehaving(slowly) as port:
        phases = (await client.ask(Request(f"http://127.0.0.1:{port}/"))).phases
    assert phases.tls == 0
    assert 0 <= phases.dns < 0.9
    assert 0 < phases.connect < 0.9
    assert 0.99 < phases.first_byte < 1.9
    assert phases.total > 1.99
    assert phases.total >= phases.dns + phases.connect + phases.first_byte


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def test_the_phases_tell_a_slow_resolver_and_a_slow_handshake_apart(tmp_path: Path) -> None:
    class Slow(Resolver):
        async def addresses(self, host: str, port: int) -> list[Address]:
            await asyncio.sleep(1)
            return await super().addresses("127.0.0.1", port)

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2)
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", inner)
        try:
            await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
        finally:
            inner_writer.close()

    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = server_context(authority.issue_cert("shop.example"))
    async with HttpClient(FakeSecrets({}), Slow()) as client, misbehaving("hello", tls=context) as inner, misbehaving(late) as port:
        response = await client.ask(Request(f"https://shop.example:{port}/", authority=str(tmp_path / "ca.pem")))
    assert (response.status, response.body) == (200, b"hello")
    assert 0.99 < response.phases.dns < 1.9
    assert response.phases.connect < 0.9
    assert response.phases.tls > 1.99
    assert response.phases.first_byte < 0.9


async def test_a_secret_header_is_resolved_and_sent(client: HttpClient) -> None:
    async with misbehaving("echo") as port:
        response = await client.ask(Request(f"http://127.0.0.1:{port}/", secrets={"Authorization": "secret:TOKEN"}))
    assert _sent(response)[1]["authorization"] == "Bearer s3cret-value"


async def test_user_and_password_of_an_address_become_basic_credentials(client: HttpClient) -> None:
    async with misbehaving("echo") as port:
        response = await client.ask(Request(f"http://ann:pass@127.0.0.1:{port}/"))
    assert _sent(response)[1]["authorization"] == "Basic YW5uOnBhc3M="  # RFC 7617
    assert response.url == f"http://127.0.0.1:{port}/"


@pytest.mark.parametrize(
    ("status", "method", "expected"),
    [(301, "GET", "GET"), (301, "POST", "GET"), (302, "POST", "GET"), (302, "PUT", "PUT"), (303, "PUT", "GET"), (303, "HEAD", "HEAD"),
     (307, "POST", "POST"), (308, "POST", "POST")],
)  # fmt: skip
async def test_a_redirect_keeps_or_changes_the_method(client: HttpClient, status: int, method: str, expected: str) -> None:
    seen: list[bytes] = []
    redirect = _redirecting(status, "/next")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head)
        again = asyncio.StreamReader()
        again.feed_data(head + await reader.read(2) if b"ontent-Length: 2" in head else head)
        again.feed_eof()
        await redirect(again, writer)

    async with misbehaving(serve) as port:
        body = b"{}" if method in ("POST", "PUT") else None
        response = await client.ask(Request(f"http://127.0.0.1:{port}/", method=method, body=body, headers={"X-A": "1"}))
    assert [head.split(b" ")[0].decode() for head in seen] == [method, expected]
    assert (b"ontent-Length: 2" in seen[1]) == (expected in ("POST", "PUT"))
    assert b"X-A: 1" in seen[1]
    assert response.url == f"http://127.0.0.1:{port}/next"
    assert response.passed == (f"http://127.0.0.1:{port}/",)


async def test_secrets_stay_with_the_origin_that_they_are_for(client: HttpClient) -> None:
    headers = {"Cookie": "a=b", "X-Plain": "yes"}
    secrets = {"Authorization": "secret:TOKEN", "X-Key": "secret:TOKEN"}
    async with misbehaving("echo") as other, misbehaving(_redirecting(302, f"http://127.0.0.1:{other}/there")) as port:
        response = await client.ask(Request(f"http://127.0.0.1:{port}/", headers=headers, secrets=secrets))
    sent = _sent(response)[1]
    assert "x-plain" in sent
    assert not {"authorization", "cookie", "x-key"} & set(sent)
    assert b"s3cret-value" not in response.body
    async with misbehaving(_redirecting(302, "/there")) as port:
        response = await client.ask(Request(f"http://127.0.0.1:{port}/", headers=headers, secrets=secrets))
    assert {"authorization", "cookie", "x-key"} <= set(_sent(response)[1])


async def test_without_redirects_the_redirect_is_the_answer(client: HttpClient) -> None:
    async with misbehaving(_redirecting(301, "/next")) as port:
        response = await client.ask(Request(f"http://127.0.0.1:{port}/", redirects=0))
    assert (response.status, response.headers["Location"], response.body) == (301, "/next", b"gone")


async def test_a_redirect_from_https_to_http_shows_in_what_was_passed(client: HttpClient) -> None:
    context = server_context(trustme.CA().issue_cert("localhost"))
    async with misbehaving("hello") as plain, misbehaving(_redirecting(302, f"http://localhost:{plain}/"), tls=context) as port:
        response = await client.ask(Request(f"https://localhost:{port}/", verify=False))
    assert (response.url, response.passed) == (f"http://localhost:{plain}/", (f"https://localhost:{port}/",))


async def test_nothing_is_kept_between_requests_and_nothing_is_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: %d\r\n\r\n" % len(head) + head)

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")
    async with HttpClient(FakeSecrets({})) as client, misbehaving(serve) as port:
        for _ in range(2):
            response = await client.ask(Request(f"http://127.0.0.1:{port}/"))
    assert "cookie" not in _sent(response)[1]
    assert connections == 2


async def test_tls_with_an_authority_of_ones_own(client: HttpClient, tmp_path: Path) -> None:
    authority = trustme.CA()
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    async with misbehaving("hello", tls=server_context(authority.issue_cert("localhost", "127.0.0.1"))) as port:
        by_name = await client.ask(Request(f"https://localhost:{port}/", authority=str(path)))
        by_address = await client.ask(Request(f"https://127.0.0.1:{port}/", authority=str(path)))
    assert (by_name.body, by_address.body) == (b"hello", b"hello")
    assert by_name.phases.tls > 0


async def test_an_authority_file_that_was_renewed_is_read_again(client: HttpClient, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    for _ in range(2):
        authority = trustme.CA()
        authority.cert_pem.write_to_path(path)
        async with misbehaving("hello", tls=server_context(authority.issue_cert("localhost"))) as port:
            response = await client.ask(Request(f"https://localhost:{port}/", authority=str(path)))
        assert response.status == 200


async def test_a_context_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ssl.SSLContext] = []
    create = ssl.create_default_context

    def counting(*, cafile: str | None = None) -> ssl.SSLContext:
        made.append(create(cafile=cafile))
        return made[-1]

    monkeypatch.setattr(ssl, "create_default_context", counting)
    trust = tls_trust.Trust()
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    contexts = [await trust.context(True, authority) for authority in (None, None, str(path), str(path))]
    assert len(made) == 2
    assert contexts[0] is contexts[1]
    assert contexts[2] is contexts[3]
    assert contexts[0] is not contexts[2]
    assert not (await trust.context(False, None)).check_hostname
    monkeypatch.setattr(tls_trust, "LIFE", -1.0)
    await trust.context(True, None)
    assert len(made) == 3


class Both(Resolver):
    """Every name has an address that may not answer, and both of loopback."""

    async def addresses(self, host: str, port: int) -> list[Address]:
        literals = ("192.0.2.1", "127.0.0.1", "::1") if host == "shop.example" else ("127.0.0.1", "::1")
        return [found for literal in literals if (found := literal_address(literal, port))]


async def test_names_with_several_addresses_and_ipv6(client: HttpClient) -> None:
    async with misbehaving("echo", host="::1") as port, HttpClient(FakeSecrets({}), Both()) as knowing:
        by_address = await client.ask(Request(f"http://[::1]:{port}/"))
        by_name = await knowing.ask(Request(f"http://any.example:{port}/"))
    assert _sent(by_address)[1]["host"] == f"[::1]:{port}"
    assert _sent(by_name)[1]["host"] == f"any.example:{port}"


async def test_a_silent_first_address_costs_a_quarter_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect

    async def silent_first(sock: object, address: tuple[str, int]) -> None:
        if address[0] == "192.0.2.1":
            await asyncio.sleep(60)
        await connect(sock, address)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "sock_connect", silent_first)
    async with HttpClient(FakeSecrets({}), Both()) as client, misbehaving("hello") as port:
        response = await client.ask(Request(f"http://shop.example:{port}/", timeout=30))
    assert response.body == b"hello"
    assert 0.2 < response.phases.connect < 10


async def test_the_same_name_is_asked_for_once_at_a_time() -> None:
    asked: list[str] = []

    class Counting(Resolver):
        async def _ask(self, host: str, port: int) -> list[Address]:
            asked.append(host)
            await asyncio.sleep(0.05)
            return await super()._ask(host, port)

    resolver = Counting()
    found = await asyncio.gather(*(resolver.addresses("localhost", 80) for _ in range(5)))
    assert asked == ["localhost"]
    assert all(addresses == found[0] and addresses for addresses in found)
    await resolver.addresses("localhost", 80)
    assert asked == ["localhost", "localhost"]
    await resolver.close()


async def test_compressed_bodies_are_unpacked(client: HttpClient) -> None:
    import gzip

    packed = gzip.compress(b'{"status": "ok"}' * 100)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)

    async with misbehaving(serve) as port:
        response = await client.ask(Request(f"http://127.0.0.1:{port}/"))
    assert response.body == b'{"status": "ok"}' * 100
    assert not response.truncated


async def test_many_at_once(client: HttpClient) -> None:
    async with misbehaving("hello") as port:
        responses = await asyncio.gather(*(client.ask(Request(f"http://127.0.0.1:{port}/")) for _ in range(200)))
    assert {response.body for response in responses} == {b"hello"}
