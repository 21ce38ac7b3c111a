"""The kinds ``prometheus``, ``alertmanager`` and ``exporter`` against servers that misbehave: one sentence, in time, no harm done."""

import asyncio
import time
from typing import Any

import pytest

from keepwell.kernel.states import State
from tests.misbehaving import MISBEHAVIOURS, misbehaving
from tests.services.look import look
from tests.support import free_port

KINDS: dict[str, dict[str, Any]] = {
    "prometheus": {"query": "up"},
    "alertmanager": {},
    "exporter": {"series": {"x": {"select": "up"}}},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("misbehaviour", sorted(MISBEHAVIOURS.keys() - {"hello", "echo"}))
async def test_a_misbehaving_server(kind: str, misbehaviour: str) -> None:
    started = time.monotonic()
    async with misbehaving(misbehaviour) as port:
        seen = await look(kind, {"url": f"http://127.0.0.1:{port}", "body_limit": "64KiB", **KINDS[kind]}, timeout=0.3)
    assert time.monotonic() - started < 5
    assert seen.state is State.FAIL
    assert "127.0.0.1" in seen.sentence
    assert "\n" not in seen.sentence
    assert len(seen.sentence) < 600


@pytest.mark.parametrize("kind", KINDS)
async def test_nobody_listens(kind: str) -> None:
    port = free_port()
    seen = await look(kind, {"url": f"http://127.0.0.1:{port}", **KINDS[kind]})
    assert seen.state is State.FAIL
    assert seen.sentence.endswith(f": connection refused by 127.0.0.1:{port}")


BODIES = [
    b"",
    b"\xff\xfe\x00garbage",
    b"[" * 100_000,
    b"{}",
    b"[null]",
    b'{"status":"success"}',
    b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"1e999"]}]}}',
    b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":{}},"value":[1,"-0"]}]}}',
    b"up " + b"9" * 5000,
    b"up{" * 20_000,
    b'up NaN\nup{a="b"} -Inf\n',
    b"\n".join(b'up{a="%d"} 1' % number for number in range(3000)),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
async def test_any_body_gives_finite_numbers_and_one_line(kind: str, body: bytes) -> None:
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async with misbehaving(answers) as port:
        seen = await look(kind, {"url": f"http://127.0.0.1:{port}", **KINDS[kind]}, timeout=3)
    assert seen.state in (State.FAIL, State.UNKNOWN, State.OK)
    assert "internal fault" not in seen.sentence
    assert "\n" not in seen.sentence
    assert len(seen.sentence) < 1000
    assert all(abs(value) < float("inf") for value in seen.values.values())
