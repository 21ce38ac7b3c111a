"""Server-sent events over a real connection: what arrives, who is dropped, and that all end at the stop."""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.api import server
from keepwell.ports.offer import Event
from keepwell.web import streams
from keepwell.web.pages import Site
from keepwell.web.streams import encode
from tests.services.web_face import FakeRoom, Running, check, request, send
from tests.support import until

TEXT = st.text(st.characters() | st.sampled_from("\r\n\ud800"))


class Listener:
    """One open stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def until(self, wanted: bytes) -> bytes:
        """Everything up to the wanted bytes; what follows them in the same moment is lost."""
        seen = bytearray()
        async with asyncio.timeout(10):
            while seen.find(wanted, max(0, len(seen) - 65536 - len(wanted))) < 0:  # it may begin in the chunk before
                chunk = await self.reader.read(65536)
                assert chunk, "the stream ended"
                seen += chunk
        return bytes(seen)


@contextlib.asynccontextmanager
async def listening(running: Running) -> AsyncIterator[Listener]:
    before = len(running.room.listening)
    reader, writer = await asyncio.open_connection(running.host, running.port)
    writer.write(request("GET", "/live", running))
    listener = Listener(reader, writer)
    head = await listener.until(b"\r\n\r\n")
    assert b"200 OK" in head
    assert b"text/event-stream" in head

    async def there() -> bool:
        return len(running.room.listening) > before

    await until(there, what="the listener")
    try:
        yield listener
    finally:
        writer.close()


def row(name: str, sentence: str) -> Event:
    return Event(f"check-{name}", "checks/check_row.html", {"check": check(name, sentence=sentence)})


async def test_events_arrive_with_their_name_and_their_lines() -> None:
    async with Running(FakeRoom([check("api")])) as running, listening(running) as one, listening(running) as other:
        running.room.push(row("api", "first\r\nsecond"))
        running.room.push(row("api", "third"))
        for listener in (one, other):
            seen = await listener.until(b"third")
            assert seen.count(b"event: check-api\n") == 2
            assert b"data: <tr id=" in seen
            assert seen.index(b"first") < seen.index(b"second") < seen.index(b"third")
        assert running.site.listening == 2


async def test_many_events_arrive_all_and_in_order() -> None:
    async with Running(FakeRoom([])) as running, listening(running) as listener:
        for number in range(1000):
            running.room.push(row("api", f"number {number}."))
        seen = await listener.until(b"number 999.")
        assert [int(number) for number in re.findall(rb"number (\d+)\.", seen)] == list(range(1000))


async def test_what_comes_right_after_is_gathered() -> None:
    async with Running(FakeRoom([])) as running, listening(running) as listener:
        started = asyncio.get_running_loop().time()
        running.room.push(row("api", "first"))
        await listener.until(b"first")
        assert asyncio.get_running_loop().time() - started < 0.5, "what comes after silence is sent at once"
        for number in range(3):
            running.room.push(row("api", f"later {number}"))
            await asyncio.sleep(0.05)
        seen = await listener.until(b"later 2")
        assert b"later 0" in seen
        assert asyncio.get_running_loop().time() - started > streams.PAUSE_SECONDS * 0.8


async def test_a_listener_that_leaves_is_forgotten() -> None:
    async with Running(FakeRoom([])) as running:
        async with listening(running):
            assert running.site.listening == 1

        async def gone() -> bool:
            return running.site.listening == 0 and not running.room.listening

        await until(gone, what="the end of the listener")


async def test_past_the_limit_there_is_a_clear_answer() -> None:
    async with Running(FakeRoom([]), listeners=2) as running, listening(running), listening(running):
        reply = await send(running, request("GET", "/live", running))
        assert (reply.status, reply.code) == (503, "busy")
        assert b"2 live pages" in reply.body


async def test_silence_is_broken_by_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.1)
    async with Running(FakeRoom([])) as running, listening(running) as listener:
        await listener.until(b": still here\n\n")
        await listener.until(b": still here\n\n")


async def test_a_listener_that_does_not_read_is_dropped_and_its_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "WAITING_LIMIT", 50)
    monkeypatch.setattr(streams, "PAUSE_SECONDS", 0)
    async with Running(FakeRoom([])) as running, listening(running), listening(running) as good:
        for number in range(400):
            running.room.push(row("api", f"{number} " + "x" * 50_000))
            await asyncio.sleep(0)
            if number % 20 == 19:
                await good.until(f"{number} xx".encode())

        async def dropped() -> bool:
            return len(running.room.listening) == 1

        await until(dropped, what="the end of the listener that does not read")
        running.room.push(row("api", "the last one"))
        await good.until(b"the last one")


async def test_a_connection_whose_peer_does_not_read_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "STALLED_SECONDS", 0.5)
    async with Running(FakeRoom([])) as running, listening(running):
        for _ in range(200):
            running.room.push(row("api", "x" * 100_000))

        async def closed() -> bool:
            return running.site.listening == 0 and running.servers.connections == 0

        await until(closed, 20, "the end of the connection")


async def test_the_stop_ends_every_stream() -> None:
    async with Running(FakeRoom([])) as running, listening(running) as listener:
        started = asyncio.get_running_loop().time()
        await running.servers.stop()
        assert asyncio.get_running_loop().time() - started < 0.8, "it did not wait for the grace period"
        assert (await asyncio.wait_for(listener.reader.read(), 2)).endswith(b"0\r\n\r\n"), "the reply ended properly"


class Breaking(FakeRoom):
    """A room whose events break off."""

    async def events(self) -> AsyncIterator[Event]:
        yield row("api", "one")
        raise RuntimeError("broken")


async def test_events_that_break_off_end_the_stream_and_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with Running(Breaking([])) as running:
        reply = await send(running, request("GET", "/live", running))
    assert b"one" in reply.body
    assert "broken" in caplog.text


async def test_a_template_that_fails_costs_its_own_event_only(caplog: pytest.LogCaptureFixture) -> None:
    async with Running(FakeRoom([])) as running, listening(running) as listener:
        running.room.push(Event("x", "checks/missing.html", {}))
        running.room.push(row("api", "what follows"))
        await listener.until(b"what follows")
        assert "missing.html" in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@given(TEXT, TEXT)
def test_an_event_is_one_event_whatever_its_text(name: str, html: str) -> None:
    lines = encode(name, html).decode().split("\n")
    assert lines[-2:] == ["", ""]
    assert lines[0].startswith("event: ")
    assert "\r" not in "".join(lines)
    assert all(line.startswith("data: ") for line in lines[1:-2])


async def test_what_many_listeners_hear_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    render = Site._render_event

    def counted(site: Site, event: Event) -> str:
        rendered.append(event.name)
        return render(site, event)

    monkeypatch.setattr(Site, "_render_event", counted)
    async with Running(FakeRoom([check("api")])) as running, listening(running) as one, listening(running) as other:
        running.room.push(row("api", "told to both"))
        for listener in (one, other):
            await listener.until(b"told to both")
    assert rendered == ["check-api"]
