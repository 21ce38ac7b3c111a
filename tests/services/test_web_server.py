"""The server over real sockets: who is let in, what is refused, and what a bad client cannot do to others."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from keepwell.api import gate, server
from keepwell.api.access import EVERYTHING
from keepwell.api.application import build_application
from keepwell.api.gate import BODY_LIMIT, Policy
from keepwell.api.server import Servers, address_of, bind_tcp
from keepwell.api.tokens import Token, digest_of
from keepwell.kernel.problems import UsageError
from keepwell.ports.offer import Face, Route
from tests.services.web_face import FakeRoom, Reply, Running, check, parse, request, send
from tests.support import need, until

WRITER, READER = "kw_writer", "kw_reader"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
TOKENS = [
    (Token("writer", digest_of(WRITER), frozenset({"things:write"}), NOW), WRITER),
    (Token("reader", digest_of(READER), frozenset({"things:read"}), NOW), READER),
]
THINGS = "/api/v1/things"


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with Running(FakeRoom([check("api")]), TOKENS, tmp_path / "s") as started:
        yield started


async def ask(running: Running, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
    return await send(running, request(method, path, running, body, **headers))


async def test_reads_need_nothing_and_carry_the_security_headers(running: Running) -> None:
    for path in ("/", THINGS, "/nowhere", "/api/v1/openapi.json"):
        reply = await ask(running, "GET", path)
        assert reply.status == (404 if path == "/nowhere" else 200)
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["x-frame-options"] == "deny"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert not [name for name in reply.headers if name.startswith("access-control")]
        assert "server" not in reply.headers


async def test_no_write_without_a_token(running: Running) -> None:
    for method, path in product(["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"], ["/", THINGS, "/nowhere", "/live"]):
        reply = await ask(running, method, path, b"{}")
        assert (reply.status, reply.code) == (401, "refused.no-token"), f"{method} {path}"
        assert reply.headers["www-authenticate"].startswith("bearer")
    assert running.room.written == []


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"authorization": f"Bearer {WRITER}"}, 200, ""),
        ({"authorization": f"bearer   {WRITER} "}, 200, ""),
        ({"authorization": f"Bearer {READER}"}, 403, "refused.permission"),
        ({"authorization": "Bearer kw_wrong"}, 401, "refused.unknown-token"),
        ({"authorization": f"Basic {WRITER}"}, 401, "refused.no-token"),
        ({"authorization": f"Bearer {WRITER}", "host": "evil.example"}, 403, "refused.host"),
        ({"authorization": f"Bearer {WRITER}", "origin": "http://evil.example"}, 403, "refused.origin"),
        ({"authorization": f"Bearer {WRITER}", "origin": "null"}, 403, "refused.origin"),
        ({"authorization": f"Bearer {WRITER}", "sec_fetch_site": "cross-site"}, 403, "refused.cross-site"),
        ({"authorization": f"Bearer {WRITER}", "sec_fetch_site": "same-origin"}, 200, ""),
    ],
)
async def test_a_write_needs_token_host_and_origin(running: Running, headers: dict[str, str], status: int, code: str) -> None:
    reply = await ask(running, "POST", THINGS, b'{"a": 1}', **headers)
    assert reply.status == status
    assert running.room.written == ([{"a": 1}] if status == 200 else [])
    if code:
        assert reply.code == code


async def test_reads_for_another_host_or_site_are_refused(running: Running) -> None:
    assert (await ask(running, "GET", "/", host="rebound.example")).code == "refused.host"
    assert (await ask(running, "GET", "/live", sec_fetch_site="cross-site", sec_fetch_mode="cors")).code == "refused.cross-site"
    assert (await ask(running, "GET", "/", sec_fetch_site="cross-site", sec_fetch_mode="navigate")).status == 200


async def test_the_permission_is_asked_before_the_body_is_read(running: Running) -> None:
    reply = await ask(running, "POST", THINGS, b"{garbage", authorization=f"Bearer {READER}")
    assert (reply.status, reply.code) == (403, "refused.permission")


async def test_bodies_are_limited(running: Running) -> None:
    allowed = {"authorization": f"Bearer {WRITER}"}
    padding = b'{"a": "' + b"x" * (BODY_LIMIT - 9) + b'"}'
    assert (await ask(running, "POST", THINGS, padding, **allowed)).status == 200
    reply = await ask(running, "POST", THINGS, padding + b" ", **allowed)
    assert (reply.status, reply.code) == (413, "request.too-large")
    declared = await send(running, request("POST", THINGS, running, **allowed, content_length=str(10**12)))
    assert declared.code == "request.too-large", "what is declared is believed before it is read"
    assert len(running.room.written) == 1


async def test_an_endless_chunked_body_is_cut_off(running: Running) -> None:
    reader, writer = await asyncio.open_connection(running.host, running.port)
    writer.write(request("POST", THINGS, running, authorization=f"Bearer {WRITER}", transfer_encoding="chunked"))
    sent = 0
    try:
        while sent < 64 * BODY_LIMIT:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await asyncio.wait_for(writer.drain(), 5)
            sent += 65536
    except ConnectionError:
        pass
    assert sent < 64 * BODY_LIMIT, "the server goes on reading"
    writer.close()
    assert reader is not None
    assert running.room.written == []


async def test_a_body_that_does_not_come_is_given_up(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.2)
    reply = await send(running, request("POST", THINGS, running, authorization=f"Bearer {WRITER}", content_length="10") + b"{")
    assert (reply.status, reply.code) == (408, "request.too-slow")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000,
        b"\r\n" * 50_000,
    ],
)
async def test_malformed_requests_are_refused_and_harm_nobody(running: Running, garbage: bytes) -> None:
    try:
        reply = await send(running, garbage)
        assert 400 <= reply.status < 500
    except (ConnectionError, IndexError):
        pass  # closed without an answer
    assert (await ask(running, "GET", THINGS)).status == 200


async def test_a_websocket_is_not_opened(running: Running) -> None:
    upgrade = {"connection": "Upgrade, close", "upgrade": "websocket", "sec_websocket_key": "x", "sec_websocket_version": "13"}
    assert (await ask(running, "GET", "/live2", **upgrade)).status == 404


async def test_slow_clients_do_not_hold_up_others_and_are_dropped(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 2)
    slow = [await asyncio.open_connection(running.host, running.port) for _ in range(50)]
    for _, writer in slow[:25]:
        writer.write(b"GET / HTTP/1.1\r\nHost: ")
    started = asyncio.get_running_loop().time()
    assert (await ask(running, "GET", THINGS)).status == 200
    assert asyncio.get_running_loop().time() - started < 2
    for reader, writer in slow:
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b"", "closed without an answer"
        writer.close()
    await until(lambda: settled(running), 5, "all slow connections gone")


async def settled(running: Running) -> bool:
    return running.servers.connections == 0


async def test_a_second_request_that_stalls_is_dropped_too(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
    reader, writer = await asyncio.open_connection(running.host, running.port)
    writer.write(request("GET", THINGS, running, connection="keep-alive"))
    assert parse(await reader.read(4096)).status == 200
    for _ in range(20):
        writer.write(b"G")
        await asyncio.sleep(0.05)
    await until(lambda: settled(running), 3, "the stalled connection gone")
    writer.close()


async def test_too_many_connections_are_told_so(running: Running) -> None:
    held = [await asyncio.open_connection(running.host, running.port) for _ in range(server.CONNECTIONS)]
    await asyncio.sleep(0.1)
    assert (await ask(running, "GET", THINGS)).status == 503
    for _, writer in held:
        writer.close()
    await until(lambda: settled(running), 5, "the connections gone")
    assert (await ask(running, "GET", THINGS)).status == 200


async def test_an_internal_fault_is_logged_and_not_shown(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        reply = await ask(running, "GET", "/api/v1/explode")
    assert (reply.status, reply.code) == (500, "internal")
    assert b"secret" not in reply.body
    assert b"Traceback" not in reply.body
    assert "secret detail" in caplog.text
    assert len(caplog.records) == 1, "said once"


async def test_invalid_parameters_have_the_shape_of_every_error(running: Running) -> None:
    reply = await ask(running, "GET", THINGS + "?limit=many")
    assert (reply.status, reply.code) == (422, "request.invalid")
    assert "limit" in json.loads(reply.body)["error"]["message"]
    reply = await ask(running, "POST", THINGS, b"{garbage", authorization=f"Bearer {WRITER}")
    assert (reply.status, reply.code) == (422, "request.invalid")
    reply = await ask(running, "PUT", THINGS, b"{}", authorization=f"Bearer {WRITER}")
    assert (reply.status, reply.code) == (405, "request.method")
    assert reply.headers["allow"]


async def test_browsers_get_a_page_for_an_error(running: Running) -> None:
    reply = await ask(running, "GET", "/<script>alert(1)</script>", accept="text/html,*/*;q=0.8")
    assert reply.status == 404
    assert reply.headers["content-type"].startswith("text/html")
    assert b"<script>alert" not in reply.body
    assert b"There is nothing at" in reply.body


async def test_head_has_no_body(running: Running) -> None:
    for path in ("/", THINGS, "/live"):
        reply = await ask(running, "HEAD", path)
        assert (reply.status, reply.body) == (200, b"")


async def test_the_document_names_every_permission(running: Running) -> None:
    document = json.loads((await ask(running, "GET", "/api/v1/openapi.json")).body)
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == 3
    assert all(operation["x-keepwell-permission"] for operation in operations)
    assert all("4XX" in operation["responses"] for operation in operations)
    for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
        assert (await ask(running, "GET", path)).status == 404


# --- the Unix socket -----------------------------------------------------------------------------------------------------------


async def test_the_server_s_user_writes_over_the_unix_socket(running: Running, tmp_path: Path) -> None:
    reply = await send(tmp_path / "s", request("POST", THINGS, body=b'{"a": 1}'))
    assert reply.status == 200
    reply = await send(tmp_path / "s", request("POST", THINGS, body=b'{"a": 2}', origin="http://evil.example"))
    assert reply.code == "refused.origin"
    assert running.room.written == [{"a": 1}]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own is the owner's alone."""
    with tempfile.TemporaryDirectory(prefix="keepwell-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


async def test_another_user_does_not_write_over_the_unix_socket(open_folder: Path) -> None:
    command, owner = [], os.getuid() + 1
    if os.getuid() == 0:
        command, owner = [need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups"], 0
    curl = [need("curl"), "-sS", "--max-time", "10", "--unix-socket", str(open_folder / "s"), f"http://keepwell{THINGS}"]
    async with Running(FakeRoom([]), TOKENS, open_folder / "s", owner) as running:

        async def run(*more: str) -> dict[str, object]:
            process = await asyncio.create_subprocess_exec(
                *command, *curl, *more, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
            out, err = await process.communicate()
            assert process.returncode == 0, err
            return dict(json.loads(out))

        for more in ((), ("-H", f"Authorization: Bearer {WRITER}")):
            refused = await run("-H", "Content-Type: application/json", "-d", "{}", *more)
            assert refused["error"]["code"] == "refused.permission"  # type: ignore[index]
            assert "uid:" in refused["error"]["message"]  # type: ignore[index]
        assert await run() == {"limit": 10}
        assert running.room.written == []


async def test_nobody_claims_to_be_a_peer_over_tcp(running: Running) -> None:
    reply = await ask(running, "POST", THINGS, b"{}", **{gate.PEER_UID.replace(".", "_"): "0", "x_forwarded_for": "127.0.0.1"})
    assert reply.status == 401


# --- binding, starting, stopping -----------------------------------------------------------------------------------------------


async def test_a_port_in_use_is_one_sentence() -> None:
    with bind_tcp("127.0.0.1", 0) as first:
        host, port = address_of(first)
        with pytest.raises(UsageError) as told:
            bind_tcp(host, port)
    assert f"Port {port} of 127.0.0.1 is in use" in str(told.value)
    assert told.value.problems[0].hint


def test_an_address_that_is_not_here_is_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"cannot listen on 192\.0\.2\.1, port 1"):
        bind_tcp("192.0.2.1", 1)


async def test_requests_wait_from_binding_to_starting() -> None:
    listening = bind_tcp("127.0.0.1", 0)
    host, port = address_of(listening)
    servers = Servers(build_application([], Policy([(host, port)], os.getuid(), lambda text: None)), [listening])
    _, writer = early = await asyncio.open_connection(host, port)
    writer.write(b"GET /x HTTP/1.1\r\nhost: localhost:%d\r\nconnection: close\r\n\r\n" % port)
    async with servers:
        assert parse(await early[0].read()).status == 404
        writer.close()
    assert listening.fileno() == -1
    await servers.stop()
    with socket.socket() as probe:
        assert probe.connect_ex((host, port)) != 0


async def test_stop_lets_replies_end_and_cuts_off_the_endless() -> None:
    begun = asyncio.Event()

    async def slow(seconds: float) -> dict[str, float]:
        begun.set()
        await asyncio.sleep(seconds)
        return {"slept": seconds}

    listening = bind_tcp("127.0.0.1", 0)
    host, port = address_of(listening)
    face = Face("slow", routes=(Route("GET", "/slow", "slow:read", slow, "Slow"),))
    servers = Servers(build_application([face], Policy([(host, port)], os.getuid(), lambda text: None)), [listening], grace=1)
    await servers.start()
    connections = []
    for seconds in (0.5, 60):
        begun.clear()
        connections.append(await asyncio.open_connection(host, port))
        connections[-1][1].write(f"GET /slow?seconds={seconds} HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n".encode())
        await asyncio.wait_for(begun.wait(), 5)
    started = asyncio.get_running_loop().time()
    await servers.stop()
    assert asyncio.get_running_loop().time() - started < 30
    assert parse(await connections[0][0].read()).body == b'{"slept":0.5}'
    assert b"slept" not in await connections[1][0].read()
    for _, writer in connections:
        writer.close()


def test_a_route_is_declared_once() -> None:
    async def read() -> None:
        return None

    route = Route("GET", "/x", "x:read", read, "X")
    with pytest.raises(ValueError, match="declared twice"):
        build_application([Face("a", (route,)), Face("b", (route,))], Policy([], 0, lambda text: None))


def test_everything_is_a_permission_of_its_own() -> None:
    assert EVERYTHING == "*"
