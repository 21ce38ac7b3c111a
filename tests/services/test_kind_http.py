"""The ``http`` kind against real servers: aiohttp, nginx where it is, and a server of misbehaviours."""

import asyncio
import contextlib
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from keepwell.kernel.states import State
from tests.misbehaving import misbehaving, server_context
from tests.services.look import look
from tests.support import free_port, need, wait_until


async def _health(request: web.Request) -> web.Response:
    return web.json_response({"status": "UP", "metrics": {"memoryUsage": 104857600, "connections": 3}})


async def _slow(request: web.Request) -> web.Response:
    await asyncio.sleep(0.15)
    return web.Response(text="late")


async def _echo(request: web.Request) -> web.Response:
    return web.json_response(
        {"method": request.method, "authorization": request.headers.get("Authorization", ""), "body": await request.text()}
    )


async def _down(request: web.Request) -> web.Response:
    return web.json_response({"status": "DOWN"}, status=503)


async def _old(request: web.Request) -> web.Response:
    raise web.HTTPFound("/health")


@contextlib.asynccontextmanager
async def service() -> AsyncIterator[str]:
    """A small real service; gives its address."""
    application = web.Application()
    for path, handler in {"/health": _health, "/slow": _slow, "/echo": _echo, "/down": _down, "/old": _old}.items():
        application.router.add_route("*", path, handler)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_healthy_service_with_its_values() -> None:
    expect = {"status": 200, "json.status": "UP", "json.metrics.memoryUsage": "< 200MB", "header.content-type": "application/json"}
    async with service() as url:
        seen = await look(
            "http", {"target": "api", "path": "/health", "expect": expect, "values": {"connections": "metrics.connections"}}, url=url
        )
    assert seen.state is State.OK, seen.sentence
    assert f"GET {url}/health answered 200 in " in seen.sentence
    assert seen.values["connections"] == 3
    assert seen.values["json_metrics_memoryUsage"] == 104857600
    assert 0 < seen.values["connect_seconds"] <= seen.values["duration_seconds"] < 10
    assert seen.values["first_byte_seconds"] > 0


async def test_a_service_that_says_it_is_down() -> None:
    async with service() as url:
        seen = await look("http", {"url": f"{url}/down", "expect": {"status": 200, "json.status": "UP"}})
    assert seen.state is State.FAIL
    assert "answered 503 in " in seen.sentence
    assert 'expected 200; json.status is "DOWN", expected "UP"' in seen.sentence


@pytest.mark.parametrize(
    ("limits", "state"), [({"warn": "> 100ms"}, State.WARN), ({"fail": "> 100ms"}, State.FAIL), ({"warn": "> 9s"}, State.OK)]
)
async def test_latency_is_judged(limits: dict[str, str], state: State) -> None:
    async with service() as url:
        seen = await look("http", {"url": f"{url}/slow", **limits})
    assert seen.state is state
    assert seen.values["duration_seconds"] > 0.14


async def test_a_redirect_is_followed_or_judged() -> None:
    async with service() as url:
        followed = await look("http", {"url": f"{url}/old"})
        judged = await look("http", {"url": f"{url}/old", "redirects": 0})
        wanted = await look("http", {"url": f"{url}/old", "redirects": 0, "expect": {"status": 302, "header.Location": "/health"}})
    assert (followed.state, judged.state, wanted.state) == (State.OK, State.FAIL, State.OK)
    assert f"(through 1 redirect from {url}/health)" in followed.sentence
    assert "answered 302" in judged.sentence


async def test_a_changing_request_with_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPWELL_TEST_TOKEN", "Bearer hunter2hunter2")
    options: dict[str, Any] = {"method": "POST", "body": "line 1\nline 2", "secrets": {"Authorization": "secret:KEEPWELL_TEST_TOKEN"}}
    expect = {"json.method": "POST", "json.authorization": "Bearer hunter2hunter2", "json.body": "line 1\nline 2"}
    async with service() as url:
        seen = await look("http", {"url": f"{url}/echo", **options, "expect": expect})
    assert seen.state is State.OK, seen.sentence


async def test_a_secret_that_is_not_set_is_our_own_fault() -> None:
    async with service() as url:
        seen = await look("http", {"url": url, "secrets": {"Authorization": "secret:KEEPWELL_TEST_NOT_SET"}})
    assert seen.state is State.UNKNOWN
    assert "KEEPWELL_TEST_NOT_SET" in seen.sentence


async def test_a_target_without_url_is_our_own_fault() -> None:
    seen = await look("http", {"target": "api", "path": "/health"})
    assert seen.state is State.UNKNOWN
    assert "the target api has no url" in seen.sentence


async def test_nobody_listens() -> None:
    port = free_port()
    seen = await look("http", {"url": f"http://127.0.0.1:{port}/health"})
    assert seen.state is State.FAIL
    assert seen.sentence == f"GET http://127.0.0.1:{port}/health: connection refused by 127.0.0.1:{port}, expected 2xx"


@pytest.mark.parametrize(
    "kind", ["garbage", "never-answers", "closes", "resets", "half-head", "redirects-for-ever", "short-body", "bad-chunks"]
)
async def test_a_server_that_misbehaves_fails(kind: str) -> None:
    async with misbehaving(kind) as port:
        seen = await look("http", {"url": f"http://127.0.0.1:{port}/1", "expect": {"json.status": "UP"}}, timeout=1)
    assert seen.state is State.FAIL
    assert seen.sentence.startswith(f"GET http://127.0.0.1:{port}/1: ")
    assert "\n" not in seen.sentence


async def test_an_endless_body_is_read_to_the_limit_only() -> None:
    async with misbehaving("endless-body") as port:
        plain = await look("http", {"url": f"http://127.0.0.1:{port}/", "body_limit": "64KiB", "expect": {"body": "more"}})
        parsed = await look("http", {"url": f"http://127.0.0.1:{port}/", "body_limit": "64KiB", "expect": {"json.status": "UP"}})
    assert plain.state is State.OK
    assert plain.values["body_bytes"] == 65536
    assert parsed.state is State.FAIL
    assert "longer than the 64 KiB that were read" in parsed.sentence


async def test_certificates_are_verified_unless_told_otherwise(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    async with misbehaving("hello", tls=server_context(authority.issue_cert("127.0.0.1"))) as port:
        options = {"url": f"https://127.0.0.1:{port}/", "expect": {"body": "hello"}}
        distrusted = await look("http", options)
        trusted = await look("http", {**options, "authority": str(tmp_path / "authority.pem")})
        unverified = await look("http", {**options, "verify": False})
    assert (distrusted.state, trusted.state, unverified.state) == (State.FAIL, State.OK, State.OK)
    assert "certificate" in distrusted.sentence
    assert trusted.values["tls_seconds"] > 0


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[str]:
    """A real nginx that serves two files; gives its address."""
    port = free_port()
    (tmp_path / "index.html").write_text("<title>Audio</title>")
    (tmp_path / "status.json").write_text(json.dumps({"status": "UP"}))
    configuration = tmp_path / "nginx.conf"
    temporary = "".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    configuration.write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}"
        f"http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port}; root {tmp_path}; server_tokens off; }} }}"
    )
    with subprocess.Popen([need("nginx"), "-e", str(tmp_path / "error.log"), "-c", str(configuration)]) as process:
        wait_until(lambda: (tmp_path / "pid").exists(), what="nginx")
        yield f"http://127.0.0.1:{port}"
        process.terminate()


async def test_nginx(nginx: str) -> None:
    page = await look("http", {"url": f"{nginx}/", "expect": {"body": "<title>Audio", "header.Server": "nginx"}})
    value = await look("http", {"url": f"{nginx}/status.json", "expect": {"json.status": "UP"}})
    head = await look("http", {"url": f"{nginx}/", "method": "HEAD"})
    missing = await look("http", {"url": f"{nginx}/nothing"})
    assert [seen.state for seen in (page, value, head, missing)] == [State.OK, State.OK, State.OK, State.FAIL]
    assert "answered 404" in missing.sentence
