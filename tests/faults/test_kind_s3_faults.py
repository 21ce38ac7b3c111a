"""What the kind ``s3`` says of services that misbehave, also after the first page."""

import asyncio
import time
from typing import Any

import pytest

from keepwell.kernel.states import State
from keepwell.rooms.checks.model import Observation
from tests.misbehaving import Misbehaviour, misbehaving
from tests.services.look import look
from tests.support import free_port

SECRET = "hunter2-and-more"
PAGE = (
    b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>n</NextContinuationToken>"
    b"<Contents><Key>a</Key><LastModified>2026-03-01T16:00:00Z</LastModified><Size>10</Size></Contents></ListBucketResult>"
)


async def seen_at(port: int, monkeypatch: pytest.MonkeyPatch, timeout: float = 15.0, **given: Any) -> Observation:
    monkeypatch.setenv("S3_ACCESS", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("S3_SECRET", SECRET)
    keys = {"access_key": "secret:S3_ACCESS", "secret_key": "secret:S3_SECRET"}
    started = time.monotonic()
    seen = await look("s3", {"bucket": "shop", "endpoint": f"http://127.0.0.1:{port}", **keys, **given}, timeout=timeout)
    assert time.monotonic() - started < timeout + 5
    assert SECRET not in seen.sentence
    assert "\n" not in seen.sentence
    return seen


def pages(status: bytes = b"200 OK", then: bytes | None = None) -> Misbehaviour:
    """Answers the first request with a page, the next ones as told (None: never)."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body: bytes | None = PAGE if b"continuation-token" not in head else then
        if body is None:
            await asyncio.sleep(60)
        else:
            writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))

    return handler


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("never-answers", "had not answered"),
        ("closes", "closed the connection without an answer"),
        ("resets", "reset the connection"),
        ("garbage", "something that is not HTTP"),
        ("banner", "something that is not HTTP"),
        ("half-head", "closed the connection"),
        ("short-body", "the bucket shop: "),
        ("slow-drip", "the bucket shop: "),
        ("endless-body", "the answer is longer than an answer of S3 may be"),
        ("hello", "the answer is not that of an S3 service"),
        ("redirects-nowhere", "the bucket shop was answered with status 302"),
    ],
)
async def test_misbehaving(behaviour: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with misbehaving(behaviour) as port:
        seen = await seen_at(port, monkeypatch, timeout=1 if behaviour in ("never-answers", "slow-drip") else 15)
    assert seen.state is State.FAIL
    assert said in seen.sentence or "no answer" in seen.sentence, seen.sentence


async def test_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    seen = await seen_at(port, monkeypatch)
    assert (seen.state, seen.sentence) == (State.FAIL, f"the bucket shop: connection refused by 127.0.0.1:{port}")


async def test_the_second_page_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    async with misbehaving(pages()) as port:
        seen = await seen_at(port, monkeypatch, timeout=1, count={})
    assert seen.state is State.FAIL
    assert seen.sentence.startswith("the next page of the list: ")
    assert "1 object with 10 B in shop (only a part was seen)" in seen.sentence


async def test_a_list_without_end_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async with misbehaving(pages(then=PAGE)) as port:
        seen = await seen_at(port, monkeypatch, count={}, pages=5)
    assert seen.state is State.OK, seen.sentence
    assert seen.sentence == "5 objects with 50 B in shop (only a part was seen)"


async def test_a_secret_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = await seen_at(1, monkeypatch, secret_key="secret:NOBODY_SET_THIS")
    assert (seen.state, seen.sentence) == (State.UNKNOWN, "could not look: the secret NOBODY_SET_THIS is not set in the environment")
