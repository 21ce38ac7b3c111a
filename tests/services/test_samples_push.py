"""``POST /api/v1/metrics`` over a real server and a real store: what is answered is what is stored."""

import gzip
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keepwell.api.gate import BODY_LIMIT
from keepwell.api.tokens import Token, digest_of
from keepwell.ports.offer import Face
from keepwell.ports.samples import NAME, Matcher
from keepwell.rooms.samples import push
from keepwell.rooms.samples.admission import FUTURE, LABELS, LIMIT, OLD, Limits
from keepwell.rooms.samples.work.store import SampleStore, Settings
from tests.services.web_face import RealClock, Reply, Running, request, send

WRITER, READER = "kw_writer", "kw_reader"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
TOKENS = [
    (Token("writer", digest_of(WRITER), frozenset({"samples.write"}), NOW), WRITER),
    (Token("reader", digest_of(READER), frozenset({"samples.read"}), NOW), READER),
]
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


class Room:
    """Only the route for pushes."""

    def __init__(self, store: SampleStore) -> None:
        self._store = store

    def face(self) -> Face:
        return Face("samples", routes=push.routes(self._store, RealClock()))


class Pushed:
    """A server that takes pushes, and its store."""

    def __init__(self, running: Running, store: SampleStore) -> None:
        self.running, self.store = running, store

    async def send(self, body: str | bytes, query: str = "", token: str = WRITER, **headers: str) -> Reply:
        data = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"/api/v1/metrics{query}"
        return await send(self.running, request("POST", path, self.running, data, authorization=f"Bearer {token}", **named))

    async def taken(self, body: str | bytes, query: str = "", **headers: str) -> dict[str, Any]:
        reply = await self.send(body, query, **headers)
        assert reply.status == 200, reply.body
        return dict(json.loads(reply.body))

    async def refused(self, body: str | bytes, status: int, query: str = "", **headers: str) -> str:
        reply = await self.send(body, query, **headers)
        assert reply.status == status, reply.body
        return str(json.loads(reply.body)["error"]["message"])

    async def rows(self, name: str, store: SampleStore | None = None) -> list[tuple[dict[str, str], list[int], list[float]]]:
        columns = await (store or self.store).select([Matcher(NAME, "=", name)], 0, 2**60)
        return [(dict(column.labels), column.timestamps.tolist(), column.values.tolist()) for column in columns]


@asynccontextmanager
async def pushing(folder: Path, limits: Limits | None = None) -> AsyncIterator[Pushed]:
    store = SampleStore(folder, RealClock(), Settings(limits=limits or Limits(), every=0.05))
    await store.begin()
    try:
        async with Running(Room(store), TOKENS) as running:  # type: ignore[arg-type]
            yield Pushed(running, store)
    finally:
        await store.end()


@pytest.fixture
async def pushed(tmp_path: Path) -> AsyncIterator[Pushed]:
    async with pushing(tmp_path / "samples") as made:
        yield made


def _now() -> int:
    return round(datetime.now(UTC).timestamp() * 1000)


async def test_what_is_answered_is_on_the_disk(pushed: Pushed, tmp_path: Path) -> None:
    before = _now()
    assert await pushed.taken('jobs_total{kind="a"} 5\njobs_total{kind="b"} 6\n') == {"stored": 2, "refused": {}}
    shutil.copytree(pushed.store.folder, tmp_path / "copy")  # as a crash would leave it
    copy = SampleStore(tmp_path / "copy", RealClock())
    await copy.begin()
    try:
        rows = await pushed.rows("jobs_total", copy)
    finally:
        await copy.end()
    assert [(labels, values) for labels, _, values in rows] == [
        ({NAME: "jobs_total", "kind": "a"}, [5.0]),
        ({NAME: "jobs_total", "kind": "b"}, [6.0]),
    ]
    assert all(before <= at <= _now() for _, instants, _ in rows for at in instants)


async def test_instants_and_labels_of_the_address_count(pushed: Pushed) -> None:
    at = _now() - 60_000
    body = f'# TYPE a gauge\na{{job="theirs",x="1"}} 1.5 {at / 1000}\n# EOF\n'
    assert (await pushed.taken(body, "?job=backup&instance=host-1", content_type=OPENMETRICS))["stored"] == 1
    assert await pushed.rows("a") == [({NAME: "a", "job": "backup", "instance": "host-1", "x": "1"}, [at], [1.5])]


async def test_gzip_is_unpacked_also_in_several_members(pushed: Pushed) -> None:
    body = gzip.compress(b"a 1\n") + gzip.compress(b"b 2\n")
    assert (await pushed.taken(body, content_encoding="gzip"))["stored"] == 2
    assert [values for _, _, values in await pushed.rows("b")] == [[2.0]]


async def test_what_is_refused_is_counted_by_its_reason(tmp_path: Path) -> None:
    async with pushing(tmp_path / "samples", Limits(100, 3)) as pushed:
        now = _now()
        many = ",".join(f'l{number}="x"' for number in range(100))
        long = "y" * 20_000
        body = f'a 1\na 2 {now + 3_600_000}\na 3 {now - 40 * 86_400_000}\nb{{{many}}} 1\nlong{{x="{long}"}} 1\nc 1\nd 1\ne 1\n'
        answer = await pushed.taken(body)
        assert answer["stored"] == 3
        assert answer["refused"] == {FUTURE: 1, OLD: 1, LABELS: 1, LIMIT: 1, "lines that are too long to be meant": 1}


async def test_the_same_again_is_a_duplicate_and_counts_once(pushed: Pushed) -> None:
    body = f"a 1 {_now()}\n"
    assert (await pushed.taken(body))["stored"] == 1
    again = await pushed.taken(body)
    assert again["stored"] == 0
    assert list(again["refused"].values()) == [1]
    assert [len(values) for _, _, values in await pushed.rows("a")] == [1]


@pytest.mark.parametrize(
    ("body", "headers", "sentence"),
    [
        ("a 1\nb two\n", {}, 'Nothing was stored: line 2: its value is no number: "b two"'),
        (b"a 1\nb\xff 2\n", {}, "Nothing was stored: line 2: the byte 0xff is no UTF-8"),
        ("a 1\n", {"content_type": OPENMETRICS}, "Nothing was stored: line 1: the text does not end with # EOF there"),
        ("<html></html>", {}, "Nothing was stored: the body is a page for people (HTML), not one of measurements"),
        ("x", {"content_type": "application/x-protobuf"}, 'Nothing was stored: the body is "application/x-protobuf", and only text'),
        ("a 1\n", {"content_encoding": "gzip"}, "The body is not the gzip that its Content-Encoding says"),
        (
            gzip.compress(b"a 1\n" * 99, mtime=0)[:-9],
            {"content_encoding": "gzip"},
            "The body is not the gzip that its Content-Encoding says",
        ),
        ("a 1\n", {"content_encoding": "snappy"}, 'The body is encoded as "snappy"'),
    ],
)
async def test_a_body_that_cannot_be_read_stores_nothing(pushed: Pushed, body: str | bytes, headers: dict[str, str], sentence: str) -> None:
    assert (await pushed.refused(body, 400, **headers)).startswith(sentence)
    assert await pushed.rows("a") == []


async def test_a_slip_in_the_address_is_told(pushed: Pushed) -> None:
    assert await pushed.refused("a 1\n", 400, "?jobs=x") == 'The parameter "jobs" is none, or stands twice'
    assert await pushed.refused("a 1\n", 400, "?job=x&job=y") == 'The parameter "job" is none, or stands twice'


async def test_too_much_is_refused_and_a_bomb_does_not_go_off(pushed: Pushed) -> None:
    reply = await pushed.send(b"a 1\n" * (BODY_LIMIT // 4 + 1))
    assert (reply.status, reply.code) == (413, "request.too-large")
    bomb = gzip.compress(b"\n" * (push.LARGEST * 3))
    assert len(bomb) < BODY_LIMIT
    assert "unpacked" in await pushed.refused(bomb, 413, content_encoding="gzip")
    members = b"".join(gzip.compress(b"#" * (push.LARGEST // 3)) for _ in range(4))
    assert "unpacked" in await pushed.refused(members, 413, content_encoding="gzip")
    assert (await pushed.taken("a 1\n"))["stored"] == 1


async def test_nobody_pushes_without_the_permission(pushed: Pushed) -> None:
    assert (await pushed.send("a 1\n", token=READER)).status == 403
    assert (await pushed.send("a 1\n", token="kw_other")).status == 401
    assert await pushed.rows("a") == []


async def test_an_empty_body_stores_nothing_and_is_no_fault(pushed: Pushed) -> None:
    assert await pushed.taken("") == {"stored": 0, "refused": {}}


async def test_a_store_that_cannot_be_opened_answers_503(tmp_path: Path) -> None:
    (tmp_path / "samples").write_text("a file stands where the folder should be")
    async with pushing(tmp_path / "samples") as pushed:
        reply = await pushed.send("a 1\n")
        assert reply.status == 503
        assert json.loads(reply.body)["error"]["message"]
