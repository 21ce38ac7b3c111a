"""The ``http`` kind in steps against a real service: a log-in with cookies and a token, signed webhooks with TwiML, credentials."""

import base64
import contextlib
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from keepwell.kernel.states import State
from keepwell.machine.http_sealing import signed
from keepwell.rooms.checks.http.signing import SignatureOptions, signature_of
from tests.misbehaving import misbehaving, server_context
from tests.services.look import look

AUTH_TOKEN = "12345-the-auth-token"


async def _page(request: web.Request) -> web.Response:
    """A log-in page: a cookie of its own, and a token in a hidden field."""
    answer = web.Response(text='<form><input type="hidden" name="csrf" value="c-42/ü"></form>', content_type="text/html")
    answer.set_cookie("before", "1", path="/")
    return answer


async def _login(request: web.Request) -> web.Response:
    fields = await request.post()
    if (fields.get("csrf"), fields.get("password"), request.cookies.get("before")) != ("c-42/ü", "p&ss=word", "1"):
        raise web.HTTPForbidden
    answer = web.HTTPFound("/home")
    answer.set_cookie("session", "s-1", path="/", httponly=True)
    answer.set_cookie("elsewhere", "1", path="/other")
    answer.del_cookie("before", path="/")
    raise answer


async def _home(request: web.Request) -> web.Response:
    if dict(request.cookies) != {"session": "s-1"}:
        return web.json_response({"cookies": dict(request.cookies)}, status=401)
    return web.json_response({"token": "t-9", "user": {"id": 7}})


async def _items(request: web.Request) -> web.Response:
    if request.headers.get("Authorization") != "Bearer t-9":
        raise web.HTTPUnauthorized
    given = await request.json()
    return web.json_response({"owner": given["owner"], "kind": request.content_type}, status=201, headers={"Location": "/items/1"})


async def _item(request: web.Request) -> web.Response:
    return web.json_response({"id": request.match_info["id"]})


async def _voice(request: web.Request) -> web.Response:
    """Checks Twilio's signature as its documentation says, with nothing of ours."""
    fields = await request.post()
    text = str(request.url) + "".join(name + str(fields[name]) for name in sorted(fields))
    wanted = base64.b64encode(hmac.new(AUTH_TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()
    if request.headers.get("X-Twilio-Signature") != wanted:
        raise web.HTTPForbidden
    body = '<?xml version="1.0" encoding="UTF-8"?><Response><Gather action="/next"><Say>Hello</Say></Gather></Response>'
    return web.Response(text=body, content_type="text/xml")


async def _hook(request: web.Request) -> web.Response:
    wanted = "sha256=" + hmac.new(AUTH_TOKEN.encode(), await request.read(), hashlib.sha256).hexdigest()
    return web.Response(status=204 if request.headers.get("X-Hub-Signature-256") == wanted else 403)


async def _basic(request: web.Request) -> web.Response:
    wanted = "Basic " + base64.b64encode(b"probe:p&ss=word").decode()
    if request.headers.get("Authorization") != wanted:
        raise web.HTTPUnauthorized
    return web.Response(text=f"you sent {request.headers['Authorization']}")


async def _hangs(request: web.Request) -> web.Response:
    import asyncio

    await asyncio.sleep(5)
    return web.Response()


@contextlib.asynccontextmanager
async def service() -> AsyncIterator[str]:
    application = web.Application()
    pages = {"/login": _page, "/home": _home, "/items/{id}": _item, "/basic": _basic, "/hangs": _hangs}
    for path, handler in pages.items():
        application.router.add_get(path, handler)
    for path, handler in {"/login": _login, "/items": _items, "/voice": _voice, "/hook": _hook}.items():
        application.router.add_post(path, handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_PASSWORD", "p&ss=word")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", AUTH_TOKEN)


FLOW: list[dict[str, Any]] = [
    {"name": "page", "path": "/login", "keep": {"csrf": {"after": 'name="csrf" value="', "before": '"'}}},
    {
        "name": "login",
        "path": "/login",
        "method": "POST",
        "form": {"csrf": "{{csrf}}"},
        "body_secrets": {"password": "secret:PROBE_PASSWORD"},
        "expect": {"final_url": "/home"},
        "keep": {"token": "json.token", "user": "json.user.id", "session": "cookie.session"},
    },
    {
        "name": "create",
        "path": "/items",
        "method": "POST",
        "headers": {"Authorization": "Bearer {{token}}"},
        "json_body": {"owner": "{{user}}"},
        "expect": {"status": 201, "json.owner": "{{user}}", "json.kind": "application/json"},
        "keep": {"where": "header.Location"},
    },
    {"name": "show", "path": "{{where}}", "expect": {"json.id": "1"}},
]


async def test_a_log_in_with_cookies_a_token_and_what_was_made() -> None:
    async with service() as url:
        seen = await look("http", {"url": url, "steps": FLOW})
    assert seen.state is State.OK, seen.sentence
    assert seen.sentence.startswith("all 4 steps are as expected in ")
    assert seen.values["steps_done"] == 4
    assert 0 < seen.values["login_first_byte_seconds"] <= seen.values["login_duration_seconds"] < seen.values["duration_seconds"]
    assert seen.values["create_status_code"] == 201


async def test_a_log_in_that_fails_ends_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_PASSWORD", "another-password")
    async with service() as url:
        seen = await look("http", {"url": url, "steps": FLOW})
    assert seen.state is State.FAIL
    assert seen.sentence.startswith(f"step 2 of 4 (login): POST {url}/login answered 403 in ")
    assert "1 of 4 steps were as expected" in seen.sentence
    assert "another-password" not in seen.sentence


async def test_cookies_are_forgotten_between_looks() -> None:
    async with service() as url:
        assert (await look("http", {"url": url, "steps": FLOW})).state is State.OK
        seen = await look("http", {"url": url, "steps": [{"path": "/home"}]})
    assert "answered 401" in seen.sentence


async def test_the_steps_share_one_timeout() -> None:
    async with service() as url:
        started = time.monotonic()
        seen = await look("http", {"url": url, "steps": [{"path": "/hangs", "redirects": 0}, {"path": "/hangs"}]}, timeout=1)
        assert time.monotonic() - started < 10
    assert (seen.state, seen.sentence.partition(":")[0]) == (State.FAIL, "step 1 of 2 (step_1)")
    assert "no answer within 1 s" in seen.sentence


@pytest.mark.parametrize("kind", ["never-answers", "closes", "garbage", "endless-body", "redirects-for-ever"])
async def test_a_step_that_misbehaves(kind: str) -> None:
    async with misbehaving(kind) as port:
        options = {"url": f"http://127.0.0.1:{port}", "steps": [{"keep": {"a": "json.a"}}, {"path": "/{{a}}"}]}
        seen = await look("http", options, timeout=1)
    assert seen.state is State.FAIL
    assert seen.sentence.startswith("step 1 of 2 (step_1): ")


async def test_a_kept_address_elsewhere_is_not_asked() -> None:
    async def leads_away(request: web.Request) -> web.Response:
        return web.json_response({"next": "http://169.254.169.254/latest"})

    application = web.Application()
    application.router.add_get("/", leads_away)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        seen = await look("http", {"url": url, "steps": [{"keep": {"next": "json.next"}}, {"path": "{{next}}"}]})
    finally:
        await runner.cleanup()
    assert (seen.state, seen.sentence) == (State.FAIL, "what was kept as next is no address on the server that is asked")


TWILIO = {
    "path": "/voice",
    "method": "POST",
    "form": {"To": "+15550000002", "From": "+15550000001", "CallSid": "CAtest", "Body": "ä & b=c"},
    "signature": {"kind": "twilio", "secret": "secret:TWILIO_AUTH_TOKEN"},
    "expect": {"xml_root": "Response", "xml.Gather/Say": "Hello", "xml_has": ["Gather@action"]},
}


async def test_a_signed_call_is_answered_with_twiml() -> None:
    async with service() as url:
        seen = await look("http", {"url": url, **TWILIO})
    assert seen.state is State.OK, seen.sentence


async def test_a_call_with_another_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "rotated")
    async with service() as url:
        seen = await look("http", {"url": url, **TWILIO})
    assert seen.state is State.FAIL
    assert "answered 403" in seen.sentence


@pytest.mark.parametrize(
    ("token", "fields", "wanted"),
    [
        # The example of Twilio's own documentation and libraries.
        (
            "12345",
            {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234", "From": "+14158675309", "To": "+18005551212"},
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        ),
    ],
)
def test_twilios_published_example(token: str, fields: dict[str, str], wanted: str) -> None:
    options = SignatureOptions(kind="twilio", secret="secret:T")
    assert signed(signature_of(options, "https://mycompany.com/myapp.php?foo=1&bar=2", fields.items()), token, b"") == wanted


def test_the_published_example_of_hmac() -> None:
    # GitHub's documentation, "Validating webhook deliveries", "Testing the webhook payload validation"
    options = SignatureOptions(kind="hmac-sha256", secret="secret:T", header="X-Hub-Signature-256", prefix="sha256=")
    value = signed(signature_of(options, "", ()), "It's a Secret to Everybody", b"Hello, World!")
    assert value == "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


@pytest.mark.parametrize("body", [{"body": "text ü"}, {"json_body": {"a": ["ü", 1]}}, {"form": {"a": "ü"}}])
async def test_any_body_can_be_signed(body: dict[str, Any]) -> None:
    signature = {"kind": "hmac-sha256", "secret": "secret:TWILIO_AUTH_TOKEN", "header": "X-Hub-Signature-256", "prefix": "sha256="}
    async with service() as url:
        seen = await look("http", {"url": url, "path": "/hook", "method": "POST", "signature": signature, **body})
    assert seen.state is State.OK, seen.sentence


async def test_user_and_password() -> None:
    basic = {"user": "probe", "password": "secret:PROBE_PASSWORD"}
    async with service() as url:
        good = await look("http", {"url": url, "path": "/basic", "basic": basic})
        shown = await look("http", {"url": url, "path": "/basic", "basic": basic, "expect": {"json.a": 1}})
        without = await look("http", {"url": url, "path": "/basic"})
    assert good.state is State.OK, good.sentence
    assert base64.b64encode(b"probe:p&ss=word").decode() not in shown.sentence
    assert "answered 401" in without.sentence


async def test_a_secret_in_a_json_body_needs_its_place() -> None:
    async with service() as url:
        options = {"url": url, "method": "POST", "json_body": {"a": 1}, "body_secrets": {"b.c": "secret:PROBE_PASSWORD"}}
        seen = await look("http", options)
    assert (seen.state, seen.sentence) == (State.UNKNOWN, 'could not look: the JSON body has no place "b.c" for a secret')


async def test_the_days_that_a_certificate_has_left(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    now = datetime.now(UTC)
    certificate = authority.issue_cert("127.0.0.1", not_before=now - timedelta(days=1), not_after=now + timedelta(days=20, minutes=1))
    async with misbehaving("hello", tls=server_context(certificate)) as port:
        options = {"url": f"https://127.0.0.1:{port}", "authority": str(tmp_path / "authority.pem"), "certificate": {"warn": "< 30d"}}
        seen = await look("http", options)
        kept = await look("http", {"url": f"https://127.0.0.1:{port}", "authority": str(tmp_path / "authority.pem")})
        unverified = await look("http", {"url": f"https://127.0.0.1:{port}", "verify": False})
    assert seen.state is State.WARN, seen.sentence
    assert seen.sentence.startswith("the certificate is valid for another 20 d, warn below 30 d; GET https://127.0.0.1:")
    assert 20 <= kept.values["certificate_days_left"] < 20.01
    assert kept.state is State.OK
    assert "certificate_days_left" not in unverified.values


async def test_a_redirect_that_is_expected() -> None:
    async with misbehaving("redirects-for-ever") as port:
        seen = await look("http", {"url": f"http://127.0.0.1:{port}/7", "expect": {"location": "/8", "status": 302}})
        other = await look("http", {"url": f"http://127.0.0.1:{port}/7", "expect": {"location": "/9"}})
    assert seen.state is State.OK, seen.sentence
    assert other.sentence.endswith("redirects to /8, expected /9")
