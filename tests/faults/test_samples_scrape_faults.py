"""What exporters should not do and some do: one clear sentence each, no other target delayed, nothing left open."""

import asyncio
import gzip
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from keepwell.machine.http_client import HttpClient
from keepwell.ports.fakes import FakeClock, FakeHttp, FakeSecrets
from keepwell.ports.http import Phases, Response
from keepwell.ports.samples import NAME, Matcher, is_stale
from keepwell.rooms.samples.admission import Limits
from keepwell.rooms.samples.scraping.listing import listing, problems
from keepwell.rooms.samples.scraping.options import ScrapeOptions
from keepwell.rooms.samples.scraping.work import Scraping
from keepwell.rooms.samples.work.store import SampleStore, Settings
from tests.misbehaving import Misbehaviour, misbehaving
from tests.services.test_samples_push import Pushed, pushing
from tests.services.test_samples_scrape import Ours, has, ours, pages
from tests.services.web_face import RealClock
from tests.support import free_port, missing, need, until

pytestmark = pytest.mark.timeout(120)

_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}\r\n"
_TEXT = "text/plain; version=0.0.4"


def _sockets() -> int:
    """How many sockets this process has open."""
    count = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
        except OSError:
            continue
    return count


@asynccontextmanager
async def beside_a_good_one(folder: Path, bad: str, **given: Any) -> AsyncIterator[Ours]:
    """Scrapes a bad target and a good one every second; at the end the good one must have been asked as if it were alone."""
    before = _sockets()
    async with pages("good 1\n") as (port, _), ours(folder) as here:
        job = {"targets": [bad], "every": "1s", "timeout": "500ms", **given}
        here.configure(bad=job, good={"targets": [f"127.0.0.1:{port}"], "every": "1s"})
        yield here
        await until(lambda: _scrapes(here, "good", 3), 30, "three scrapes of the good target")
        (ups,) = await here.store.select([Matcher(NAME, "=", "up"), Matcher("job", "=", "good")], 0, here.now)
        assert set(ups.values.tolist()) == {1.0}
        assert here.target("good")["missed"] == 0
    await until(lambda: _no_more(before), 5, "the end of all connections")


async def _no_more(before: int) -> bool:
    return _sockets() <= before


async def _scrapes(here: Ours, job: str, count: int) -> bool:
    found = await here.store.select([Matcher(NAME, "=", "scrape_duration_seconds"), Matcher("job", "=", job)], 0, here.now)
    return bool(found) and len(found[0].values) >= count


def _answer(body: bytes, kind: str = _TEXT, more: str = "") -> Misbehaviour:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_HEAD.format(kind, len(body), more).encode() + body)

    return serve


async def _mid_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Half of a page, and then nothing."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_HEAD.format(_TEXT, 1000, "").encode() + b"a 1\n")
    while await reader.read(65536):
        pass


async def _flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A hundred megabytes."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_HEAD.format(_TEXT, 100_000_000, "").encode())
    for _ in range(100):
        writer.write(b"metric 1\n" * 111_111 + b"\n")
        await writer.drain()


_BOMB = gzip.compress(bytes(1 << 26))

SENTENCES: dict[str, tuple[str | Misbehaviour, str]] = {
    "hangs before an answer": ("never-answers", "no answer within 0.5 s (connected after N ms)"),
    "hangs in mid answer": (_mid_answer, "the answer did not end within 0.5 s (its first byte came after N ms)"),
    "closes": ("closes", "127.0.0.1:{port} closed the connection without an answer"),
    "resets": ("resets", "127.0.0.1:{port} reset the connection"),
    "another protocol": ("banner", "127.0.0.1:{port} answered something that is not HTTP"),
    "endless headers": ("endless-headers", "127.0.0.1:{port} sends a head without end (a line beyond 8190 bytes or more than 128 headers)"),
    "short body": ("short-body", "the answer of 127.0.0.1:{port} broke off after 5 bytes of its body"),
    "says gzip and is none": ("not-gzip", "the body that 127.0.0.1:{port} sent is not in the encoding that its head states"),
    "floods": (_flood, "the page of {url} cannot be taken: it is larger than the 1048576 bytes of body_size_limit"),
    "gzip bomb": (
        _answer(_BOMB, more="Content-Encoding: gzip\r\n"),
        "the page of {url} cannot be taken: it is larger than the 1048576 bytes of body_size_limit",
    ),
    "invalid UTF-8": (_answer(b'a 1\nb{x="\xff"} 2\n'), "the page of {url} cannot be taken: line 2: the byte 0xff is no UTF-8"),
    "a page for people": (
        _answer(b"<!DOCTYPE html><p>hello", "text/html"),
        "the page of {url} cannot be taken: the body is a page for people (HTML), not one of measurements",
    ),
    "no measurements": (_answer(b"hello there\n"), 'the page of {url} cannot be taken: line 1: its value is no number: "hello there"'),
    "OpenMetrics that broke off": (
        _answer(b"# TYPE a gauge\na 1\n", "application/openmetrics-text; version=1.0.0"),
        "the page of {url} cannot be taken: line 2: the text does not end with # EOF there: it broke off, or is not OpenMetrics",
    ),
    "protobuf": (
        _answer(b"\x0a\x00", "application/vnd.google.protobuf"),
        'the page of {url} cannot be taken: the body is "application/vnd.google.protobuf", and only text in Prometheus\' or '
        "OpenMetrics' format is read",
    ),
}


@pytest.mark.parametrize("says", SENTENCES)
async def test_a_bad_exporter_is_down_in_one_sentence_and_delays_nobody(says: str, tmp_path: Path) -> None:
    kind, sentence = SENTENCES[says]
    async with misbehaving(kind) as port, beside_a_good_one(tmp_path / "samples", f"127.0.0.1:{port}", body_size_limit="1MiB") as here:
        await until(lambda: _scrapes(here, "bad", 2), 30, "two scrapes of the bad target")
        target = here.target("bad")
        assert target["health"] == "down"
        wanted = sentence.format(port=port, url=f"http://127.0.0.1:{port}/metrics")
        assert _without_times(target["error"]) == _without_times(wanted)
        assert await here.value("up", job="bad") == 0


def _without_times(sentence: str) -> str:
    words = sentence.split()
    return " ".join("N" if word.isdigit() and following == "ms)" else word for word, following in zip(words, [*words[1:], ""], strict=True))


async def test_an_exporter_that_is_absent(tmp_path: Path) -> None:
    port = free_port()
    async with beside_a_good_one(tmp_path / "samples", f"127.0.0.1:{port}") as here:
        await until(lambda: _scrapes(here, "bad", 2), 30, "two scrapes")
        assert here.target("bad")["error"] == f"connection refused by 127.0.0.1:{port}"


async def test_an_exporter_that_accepts_nobody(tmp_path: Path) -> None:
    """A full backlog: the kernel answers no more SYN."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        try:
            async with beside_a_good_one(tmp_path / "samples", f"127.0.0.1:{port}") as here:
                await until(lambda: _scrapes(here, "bad", 2), 30, "two scrapes")
                assert here.target("bad")["error"] == f"127.0.0.1:{port} accepted no connection within 0.5 s"
        finally:
            for one in waiting:
                one.close()


async def test_another_status_is_told(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")

    async with misbehaving(serve) as port, beside_a_good_one(tmp_path / "samples", f"127.0.0.1:{port}") as here:
        await until(lambda: _scrapes(here, "bad", 1), 30, "a scrape")
        assert here.target("bad")["error"] == f"http://127.0.0.1:{port}/metrics answered 503, expected 200"


# --- pages that are half good: what can be kept is kept, the rest is told -----------------------------------------------------


async def _noted(here: Ours, count: int = 1) -> bool:
    return len(here.target("bad")["notes"]) >= count


async def test_a_series_that_stands_twice_counts_once_and_is_told(tmp_path: Path) -> None:
    async with misbehaving(_answer(b"a 1\nb 2\na 3\n")) as port, beside_a_good_one(tmp_path / "samples", f"127.0.0.1:{port}") as here:
        await until(lambda: _noted(here), 30, "the note")
        assert await here.value("a", job="bad") == 1
        assert here.target("bad")["health"] == "up"
        assert here.target("bad")["notes"] == ["1 samples are refused: there already is a sample of this series at this instant"]


async def test_ten_thousand_labels_and_a_megabyte_of_value_are_left_out_and_told(tmp_path: Path) -> None:
    labels = ",".join(f'l{number}="v"' for number in range(10_000))
    body = f'a 1\nb{{{labels}}} 2\nc{{x="{"y" * 1_000_000}"}} 3\nd{{{",".join(f"l{number}=1" for number in range(3))}}} 4\n'.replace(
        "=1", '="1"'
    )
    body += "e{" + ",".join(f'l{number}="v"' for number in range(80)) + "} 5\n"
    async with misbehaving(_answer(body.encode())) as port, beside_a_good_one(tmp_path / "samples", f"127.0.0.1:{port}") as here:
        await until(lambda: _noted(here, 2), 30, "the notes")
        assert {name for labels in await here.latest(job="bad") if (name := dict(labels)[NAME]) in "abcde"} == {"a", "d"}
        assert sorted(here.target("bad")["notes"]) == [
            "1 samples are refused: labels that are too many, too long or malformed",
            "2 lines are passed over: they are too long to be meant",
        ]
        assert len(list(problems(here.scraping))) == 2


async def test_instants_far_off_are_refused_and_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    body = "future 1 99999999999999\npast 1 1000\nfar 1 99999999999999999999\nnow 1\n"
    async with misbehaving(_answer(body.encode())) as port, beside_a_good_one(tmp_path / "samples", f"127.0.0.1:{port}") as here:
        await until(lambda: _noted(here, 2), 30, "the notes")
        assert await here.value("now", job="bad") == 1
        assert await here.value("past", job="bad") is None
        assert sorted(here.target("bad")["notes"]) == [
            "1 samples are refused: older than raw samples are kept",
            "2 samples are refused: later than ten minutes from now",
        ]


async def _forever(
    kind: str, page: Callable[[int], str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter, turns: list[int]
) -> None:
    await reader.readuntil(b"\r\n\r\n")
    turns.append(len(turns))
    body = page(len(turns)).encode()
    writer.write(_HEAD.format(kind, len(body), "").encode() + body)


async def test_a_type_that_changes_every_time_and_a_counter_that_begins_anew_are_kept(tmp_path: Path) -> None:
    turns: list[int] = []

    def page(turn: int) -> str:
        kind = "counter" if turn % 2 else "gauge"
        return f"# TYPE a {kind}\na {turn}\n# TYPE c_total counter\nc_total {turn % 2}\nNaN_there NaN\ninf -Inf\nzero -0\n"

    async with (
        misbehaving(lambda reader, writer: _forever(_TEXT, page, reader, writer, turns)) as port,
        beside_a_good_one(tmp_path / "samples", f"127.0.0.1:{port}") as here,
    ):
        await until(lambda: _scrapes(here, "bad", 4), 30, "four scrapes")
        (a,) = await here.store.select([Matcher(NAME, "=", "a")], 0, here.now)
        (c,) = await here.store.select([Matcher(NAME, "=", "c_total")], 0, here.now)
        assert a.values[:4].tolist() == [1, 2, 3, 4]
        assert c.values[:4].tolist() == [1, 0, 1, 0]
        assert here.store.metric("a").kind in ("counter", "gauge")
        assert here.target("bad")["notes"] == []
        (nan,) = await here.store.select([Matcher(NAME, "=", "NaN_there")], 0, here.now)
        assert not is_stale(nan.values).any()


async def test_too_many_samples_fail_the_page_and_fewer_are_taken_again(tmp_path: Path) -> None:
    turns: list[int] = []

    def page(turn: int) -> str:
        return "".join(f"m{number} 1\n" for number in range(5 if turn in (2, 3) else 3))

    async with (
        misbehaving(lambda reader, writer: _forever(_TEXT, page, reader, writer, turns)) as port,
        beside_a_good_one(tmp_path / "samples", f"127.0.0.1:{port}", sample_limit=3) as here,
    ):
        url = f"http://127.0.0.1:{port}/metrics"
        wanted = f"the page of {url} cannot be taken: the page has 5 samples, and sample_limit allows 3"
        await until(lambda: _says(here, wanted), 30, "the refusal")
        await until(lambda: _ended(here, "m0"), 30, "the end of its series")
        await until(lambda: _says(here, ""), 30, "the next good page")
        await until(lambda: has(here, "m0", "bad"), 30, "its samples")


async def _ended(here: Ours, name: str) -> bool:
    (column,) = await here.store.select([Matcher(NAME, "=", name)], 0, here.now)
    return bool(is_stale(column.values).any())


async def _says(here: Ours, sentence: str) -> bool:
    return bool(here.target("bad")["error"] == sentence)


async def test_where_our_own_side_is_at_fault_nothing_is_said_of_the_target(tmp_path: Path) -> None:
    """An address that this machine cannot reach, or a secret that is not there: ``up`` ends instead of being 0."""
    async with pages("a 1\n") as (port, _), ours(tmp_path / "samples") as here:
        here.configure(one={"targets": [f"127.0.0.1:{port}"], "every": "1s"})
        await until(lambda: _scrapes(here, "one", 1), 30, "a good scrape")
        assert await here.value("up") == 1
        here.configure(one={"targets": [f"127.0.0.1:{port}"], "every": "1s", "bearer": "secret:MISSING"})
        await until(lambda: _unknown(here), 30, "the fault")
        assert await here.value("a") is None
        (ups,) = await here.store.select([Matcher(NAME, "=", "up")], 0, here.now)
        assert is_stale(ups.values)[-1]
        assert 0.0 not in ups.values.tolist()


async def _unknown(here: Ours) -> bool:
    return bool(here.target("one")["health"] == "unknown" and here.target("one")["error"] and await here.value("up") is None)


# --- the clock, and the store ----------------------------------------------------------------------------------------------------


async def test_a_calendar_that_jumps_an_hour_and_back_loses_no_scrape(tmp_path: Path) -> None:
    """Instants follow the calendar, times between scrapes do not: every scrape is stored at the instant that the clock says then."""
    clock = FakeClock()
    body = b"a 1\n"
    http = FakeHttp(lambda request: Response(200, {"Content-Type": _TEXT}, body, Phases(), request.url))
    store = SampleStore(tmp_path / "samples", clock, Settings(every=0.01))
    await store.begin()
    scraping = Scraping(http, clock, store)
    try:
        scraping.configure({"one": ScrapeOptions.model_validate({"targets": ("h:1",)})})
        began = clock.now()
        for jump in (0, 3600, -3600, 0):
            clock.advance(60)
            clock.set(clock.now() + timedelta(seconds=jump))
            for job in scraping.take_due(clock.monotonic()):
                await job.run()
        await until(lambda: _stored(store, 4), 10, "four samples")
        (column,) = await store.select([Matcher(NAME, "=", "a")], 0, 2**60)
        start = round(began.timestamp() * 1000)
        assert column.timestamps.tolist() == [start + 60_000, start + 180_000, start + 240_000, start + 3_720_000]
        assert scraping.next_due() is not None
    finally:
        await scraping.end()
        await store.end()


async def _stored(store: SampleStore, count: int) -> bool:
    found = await store.select([Matcher(NAME, "=", "a")], 0, 2**60)
    return bool(found) and len(found[0].values) >= count


async def test_a_store_that_cannot_be_opened_stops_no_scrape_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "samples").write_text("a file stands where the folder should be")
    async with pages("a 1\n") as (port, heads), ours(tmp_path / "samples") as here:
        here.configure(one={"targets": [f"127.0.0.1:{port}"], "every": "1s"})
        await until(lambda: _asked(heads, 3), 30, "three scrapes")
        await until(lambda: _noted_one(here), 30, "the note")
        assert here.target("one")["health"] == "up"
        (tmp_path / "samples").unlink()
        await until(lambda: _is_there(here), 30, "the first sample once the store opens")


async def _asked(heads: list[str], count: int) -> bool:
    return len(heads) >= count


async def _noted_one(here: Ours) -> bool:
    return bool(here.target("one")["notes"])


async def _is_there(here: Ours) -> bool:
    return await here.value("a") == 1


async def test_a_secret_stands_in_no_sentence(tmp_path: Path) -> None:
    async with misbehaving("garbage") as port, ours(tmp_path / "samples", {"secret:TOKEN": "t0ken-value"}) as here:
        here.configure(one={"targets": [f"127.0.0.1:{port}"], "every": "1s", "bearer": "secret:TOKEN"})
        await until(lambda: _says_something(here), 30, "the fault")
        assert "t0ken-value" not in str(listing(here.scraping))


async def _says_something(here: Ours) -> bool:
    return bool(here.target("one")["error"])


async def test_more_series_than_there_may_be_are_refused_told_and_do_not_take_the_place_of_what_is_reported(tmp_path: Path) -> None:
    body = "".join(f'a{{number="{number}"}} 1\n' for number in range(50)).encode()
    clock = RealClock()
    async with misbehaving(_answer(body)) as port, HttpClient(FakeSecrets({})) as http:
        store = SampleStore(tmp_path / "samples", clock, Settings(limits=Limits(1000, 20), every=0.05))
        await store.begin()
        scraping = Scraping(http, clock, store)
        try:
            scraping.configure({"one": ScrapeOptions.model_validate({"targets": (f"127.0.0.1:{port}",)})})
            for job in scraping.take_due(clock.monotonic() + 100):
                await job.run()
            await until(lambda: _stored(store, 1), 10, "a sample")
            assert len(store.ids([Matcher(NAME, "=", "a")])) == 15
            assert len(store.ids([Matcher(NAME, "=", "up")])) == 1
            await until(lambda: _told(scraping), 10, "the note")
            assert list(problems(scraping)) == [
                f"one at http://127.0.0.1:{port}/metrics: 35 samples are refused: the limit of series is reached"
            ]
        finally:
            await scraping.end()
            await store.end()


async def _told(scraping: Scraping) -> bool:
    return bool(list(problems(scraping)))


_ON_A_SMALL_DISK = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.faults.test_samples_scrape_faults import on_a_small_disk
asyncio.run(on_a_small_disk(Path({folder!r})))
"""


def test_a_full_disk_is_told_to_who_pushes_and_stops_no_scrape(tmp_path: Path) -> None:
    unshare = need("unshare")
    if os.geteuid() != 0 or subprocess.run([unshare, "-m", "true"], capture_output=True, check=False).returncode != 0:
        missing("mounting needs root and a mount namespace")
    program = _ON_A_SMALL_DISK.format(root=str(Path(__file__).parents[2]), folder=str(tmp_path))
    mount = f'mount -t tmpfs -o size=6m keepwell-test {tmp_path}; exec "$@"'
    command = [unshare, "-m", "sh", "-ec", mount, "sh", sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr


async def on_a_small_disk(folder: Path) -> None:
    """Runs in a process whose folder is a disk of a few megabytes."""
    async with pushing(folder / "samples") as pushed, pages("good 1\n") as (port, heads), HttpClient(FakeSecrets({})) as http:
        body = "".join(f'a{{number="{number}"}} {{}}\n' for number in range(1000))
        assert (await pushed.taken(body.replace("{}", "0")))["stored"] == 1000
        (folder / "ballast").write_bytes(bytes(os.statvfs(folder).f_bavail * 4096 - 16384))
        reply, number = await pushed.send(body.replace("{}", "1")), 1
        while reply.status == 200 and number < 50:
            number += 1
            reply = await pushed.send(body.replace("{}", str(number)))
        assert reply.status == 503, reply.body
        assert reply.code == "storage.disk-full"
        scraping = Scraping(http, RealClock(), pushed.store)
        scraping.configure({"one": ScrapeOptions.model_validate({"targets": (f"127.0.0.1:{port}",)})})
        for turn in (100, 200):
            for job in scraping.take_due(RealClock().monotonic() + turn):
                await job.run()
        await until(lambda: _told(scraping), 20, "the note")
        assert len(heads) == 2
        (folder / "ballast").unlink()
        await until(lambda: _pushed(pushed, number + 1), 20, "a push that is taken again")
        columns = await pushed.store.select([Matcher(NAME, "=", "a"), Matcher("number", "=", "7")], 0, 2**60)
        stored = columns[0].values.tolist()
        assert sorted(stored) == sorted(set(stored)), "nothing counts twice"
        assert set(map(float, range(number))) <= set(stored), "what was acknowledged is there"
        await scraping.end()


async def _pushed(pushed: Pushed, number: int) -> bool:
    return (await pushed.send(f'a{{number="7"}} {number}\n')).status == 200


async def test_an_exporter_that_hangs_is_asked_at_every_interval_all_the_same(tmp_path: Path) -> None:
    """Its timeout is its interval: each scrape ends before the next is due."""
    async with misbehaving("never-answers") as port, ours(tmp_path / "samples") as here:
        here.configure(one={"targets": [f"127.0.0.1:{port}"], "every": "2s", "timeout": "2s"})
        await until(lambda: _scrapes(here, "one", 3), 40, "three scrapes")
        (ups,) = await here.store.select([Matcher(NAME, "=", "up")], 0, here.now)
        assert set(ups.values.tolist()) == {0.0}
        assert here.target("one")["timeout"] == 1.9
