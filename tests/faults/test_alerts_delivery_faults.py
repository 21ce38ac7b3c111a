"""Receivers that misbehave, and what becomes of notices then: nothing is lost, nobody else waits, and no secret is in any sentence."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keepwell.storage.database import Database
from tests.alerts_outbox import NOW, notice, opened, outbox_over, receivers
from tests.misbehaving import misbehaving
from tests.support import free_port
from tests.webhook_listener import listening


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = await opened(tmp_path / "keepwell.sqlite")
    yield found
    await found.close()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith("keepwell.sqlite")]


def hook(url: str, more: str = "") -> str:
    return f"receivers:\n  hook: {{webhook: {{url: '{url}', timeout: 1s{more}}}}}\n"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("never-answers", "no answer within 1 s"),
        ("never-reads", "no answer within 1 s"),
        ("closes", "closed the connection"),
        ("resets", "reset the connection"),
        ("garbage", "something that is not HTTP"),
        ("banner", "something that is not HTTP"),
        ("half-head", "closed the connection"),
        ("endless-headers", ""),
    ],
)
async def test_a_webhook_that_misbehaves_is_tried_again(database: Database, tmp_path: Path, behaviour: str, words: str) -> None:
    async with misbehaving(behaviour) as port, outbox_over(database, receivers(tmp_path, hook(f"http://127.0.0.1:{port}/"))) as rig:
        await rig.put(notice("a-1"))
        await rig.settle()
        row = (await rig.rows())["a-1"]
        assert (row.state, row.tries) == ("waiting", 1)
        assert words in row.error
        assert row.error


async def test_a_name_that_does_not_exist(database: Database, tmp_path: Path) -> None:
    async with outbox_over(database, receivers(tmp_path, hook("http://hooks.invalid/"))) as rig:
        await rig.put(notice("a-1"))
        await rig.settle()
        row = (await rig.rows())["a-1"]
        assert row.state == "waiting"
        assert "hooks.invalid" in row.error


async def test_those_who_hang_hold_nobody_else_up(database: Database, tmp_path: Path) -> None:
    """Twelve receivers that never answer, each with many notices, and one that does."""
    async with misbehaving("never-answers") as port:
        with listening() as good:
            text = "receivers:\n" + "".join(
                f"  hang-{number}: {{webhook: {{url: 'http://127.0.0.1:{port}/', timeout: 5s}}}}\n" for number in range(12)
            )
            text += f"  good: {{webhook: {{url: '{good.url}'}}}}\n"
            async with outbox_over(database, receivers(tmp_path, text)) as rig:
                for number in range(12):
                    await rig.put(*(notice(f"h-{number}-{group}", f"hang-{number}", f"group {group}") for group in range(5)))
                # The first of each are on their way before the good one has anything to do.
                rig.step()
                await asyncio.sleep(0)
                await rig.put(notice("g-1", "good"))
                end = asyncio.get_running_loop().time() + 60
                while (await rig.states())["g-1"] != "delivered":
                    assert asyncio.get_running_loop().time() < end
                    rig.step()
                    await asyncio.sleep(0.02)
                    rig.clock.advance(0.02)
                assert good.told()[0]["receiver"] == "good"


async def test_an_instant_that_a_receiver_asks_for_is_kept(database: Database, tmp_path: Path) -> None:
    seen: list[float] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        seen.append(rig.clock.monotonic())
        status = b"429 X\r\nretry-after: 600" if len(seen) == 1 else b"200 X"
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with outbox_over(database, receivers(tmp_path, hook(url))) as rig:
            await rig.put(notice("a-1"))
            await rig.after(599)
            assert seen == [0.0]
            assert (await rig.rows())["a-1"].next_at == NOW.replace(minute=10)
            await rig.after(62)
            assert await rig.states() == {"a-1": "delivered"}


async def test_one_notice_that_a_receiver_chokes_on_keeps_the_others_from_nothing(database: Database, tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        status = b"500 X" if b"bad-1" in head else b"200 X"
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with outbox_over(database, receivers(tmp_path, hook(url))) as rig:
            await rig.put(notice("bad-1", "hook", "bad"))
            for number in range(5):
                await rig.put(notice(f"a-{number}", "hook", f"group {number}"))
                await rig.after(61)
            states = dict(await rig.states())
            assert states.pop("bad-1") == "waiting"
            assert set(states.values()) == {"delivered"}
            assert rig.told.failing == {"hook": "the receiver hook gets no notices: answered with status 500"}
            await rig.outbox.drop((await rig.rows())["bad-1"].id, "anna")
            await rig.put(notice("a-6"))
            await rig.settle()
            assert rig.told.failing == {}


async def test_no_secret_is_in_what_is_stored(database: Database, tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")  # says everything that it was told
        writer.write(b"HTTP/1.1 400 X\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(head) + head)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        text = hook("secret:URL", ", bearer: 'secret:TOKEN', secrets: {X-Key: 'secret:KEY'}, sign: {secret: 'secret:SIGN'}")
        values = {
            "URL": f"http://127.0.0.1:{port}/services/T0pS3cret",
            "TOKEN": "bearer-t0ken-value",
            "KEY": "k3y-value-long",
            "SIGN": "s1gning-value",
        }
        async with outbox_over(database, receivers(tmp_path, text), secrets=values) as rig:
            await rig.put(notice("a-1"))
            await rig.settle()
            row = (await rig.rows())["a-1"]
            assert row.state == "refused"
            told = rig.told.failing["hook"]
    secret = ("T0pS3cret", "bearer-t0ken-value", "k3y-value-long", "s1gning-value")
    assert not [value for value in secret if value in row.error + told]
    written = b"".join([path.read_bytes() for path in files(tmp_path)])
    assert not [value for value in secret if value.encode() in written]


async def test_ten_thousand_notices_for_a_receiver_that_is_down_are_looked_at_quickly(database: Database, tmp_path: Path) -> None:
    gone = f"http://127.0.0.1:{free_port()}/"
    async with outbox_over(database, receivers(tmp_path, hook(gone))) as rig:
        await rig.put(*(notice(f"a-{number}", "hook", f"group {number}") for number in range(10_000)))
        await rig.after(60)
        assert 5 <= rig.outbox.failed <= 10
        assert rig.outbox.waiting == 10_000
        assert len(rig.outbox._sending) <= 1
