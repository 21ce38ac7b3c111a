"""A small room for the tests of pages: the real templates of the checks room, over states that a test holds in its hand."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import keepwell.rooms.checks
from keepwell.api.application import build_application
from keepwell.api.gate import Policy
from keepwell.api.server import Servers, address_of, bind_tcp
from keepwell.api.tokens import Token
from keepwell.ports.offer import Event, Face, Page, Route, Stream
from keepwell.storage import directory
from keepwell.web.pages import Site

TEMPLATES = str(Path(keepwell.rooms.checks.__file__).parent / "pages")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class RealClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def check(name: str, state: str = "ok", **changed: Any) -> dict[str, Any]:
    """What a page is told of one check."""
    now = datetime.now(UTC)
    return {
        "id": name,
        "name": name,
        "kind": "http",
        "state": state,
        "sentence": f"200 in 42 ms (expected 200 from http://127.0.0.1:8080/{name})",
        "since": (now - timedelta(minutes=5)).isoformat(),
        "since_words": "for 5 min",
        "last_at": (now - timedelta(seconds=12)).isoformat(),
        "last_words": "12 s ago",
        "every": "30s",
        "target": "api",
        "values": [("duration", "42 ms"), ("size", "1.2 kB")],
        "accepted": True,
        "history": ["ok"] * 25 + ["warn", "fail", "fail", "ok", state],
        **changed,
    }


def change(name: str, before: str, after: str, sentence: str = "503 Service Unavailable (expected 200)") -> dict[str, Any]:
    """What a page is told of one change of state."""
    at = datetime.now(UTC) - timedelta(minutes=5)
    return {"at": at.isoformat(), "at_words": "5 min ago", "name": name, "before": before, "after": after, "sentence": sentence}


class FakeRoom:
    """Checks that a test sets; ``push`` tells every open page."""

    def __init__(self, checks: Sequence[Mapping[str, Any]], changes: Sequence[Mapping[str, Any]] = ()) -> None:
        self.checks = list(checks)
        self.changes = list(changes)
        self.listening: set[asyncio.Queue[Event]] = set()
        self.written: list[Any] = []

    def counts(self) -> dict[str, int]:
        return {state: sum(1 for one in self.checks if one["state"] == state) for state in ("ok", "warn", "fail", "unknown")}

    async def context(self) -> Mapping[str, Any]:
        return {"service": "audio <deck>", "counts": self.counts(), "checks": self.checks, "changes": self.changes}

    async def events(self) -> AsyncIterator[Event]:
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self.listening.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self.listening.discard(queue)

    def push(self, event: Event) -> None:
        for queue in self.listening:
            queue.put_nowait(event)

    def set_state(self, name: str, state: str, sentence: str) -> None:
        """Changes a check and tells the pages."""
        old = next(one for one in self.checks if one["name"] == name)
        new = check(name, state, sentence=sentence, since=datetime.now(UTC).isoformat(), history=[*old["history"][1:], state])
        self.checks[self.checks.index(old)] = new
        self.changes.insert(0, change(name, old["state"], state, sentence))
        self.push(Event(f"check-{name}", "checks/check_row.html", {"check": new}))
        self.push(Event("summary", "checks/summary.html", {"counts": self.counts()}))
        self.push(Event("change", "checks/change_row.html", {"change": self.changes[0]}))

    async def read(self, limit: int = 10) -> dict[str, Any]:
        return {"limit": limit}

    async def write(self, body: dict[str, Any]) -> dict[str, Any]:
        self.written.append(body)
        return {"written": len(self.written)}

    async def explode(self) -> None:
        raise RuntimeError("secret detail")

    def face(self) -> Face:
        return Face(
            "checks",
            routes=(
                Route("GET", "/api/v1/things", "things:read", self.read, "Reads"),
                Route("POST", "/api/v1/things", "things:write", self.write, "Writes"),
                Route("GET", "/api/v1/explode", "things:read", self.explode, "Fails inside"),
            ),
            pages=(Page("/", "Checks", "checks:read", "checks/checks.html", self.context),),
            streams=(Stream("/live", "checks:read", self.events),),
            templates=TEMPLATES,
        )


class Running:
    """The whole of api and web around a room, on a free TCP port and, where a path is given, a Unix socket."""

    def __init__(
        self,
        room: FakeRoom,
        tokens: Sequence[tuple[Token, str]] = (),
        unix: Path | None = None,
        owner: int | None = None,
        *,
        port: int = 0,
        **site: Any,
    ) -> None:
        listening = bind_tcp("127.0.0.1", port)
        sockets = [listening]
        if unix is not None:
            sockets.append(bind_unix(unix))
        self.host, self.port = address_of(listening)
        self.address = f"http://{self.host}:{self.port}"
        self.room = room
        known = {text: token for token, text in tokens}
        self.site = Site([room.face()], "audio deck", RealClock(), **site)
        policy = Policy([(self.host, self.port)], os.getuid() if owner is None else owner, known.get)
        self.servers = Servers(build_application([room.face()], policy, self.site), sockets, self.site.close, grace=1)

    async def __aenter__(self) -> "Running":
        await self.servers.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.servers.stop()


def bind_unix(path: Path) -> socket.socket:
    """A bound Unix socket that everybody may connect to, however long its path."""
    bound = directory.bind_unix(path)
    path.chmod(0o666)
    bound.setblocking(False)
    return bound


class Reply(NamedTuple):
    """One answer as it came over the wire; of a header that came twice the last."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The code of the error that it tells."""
        return str(json.loads(self.body)["error"]["code"])


async def send(place: Running | Path, request: bytes) -> Reply:
    """Sends bytes to the TCP port of a server or to a Unix socket, and reads the answer to its end (ask for ``connection: close``)."""
    if isinstance(place, Path):
        reader, writer = await asyncio.open_unix_connection(place)
    else:
        reader, writer = await asyncio.open_connection(place.host, place.port)
    try:
        writer.write(request)
        return parse(await asyncio.wait_for(reader.read(), 10))
    finally:
        writer.close()


def parse(answer: bytes) -> Reply:
    """Reads an answer with Content-Length or until its end."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return Reply(int(lines[0].split()[1]), headers, body)


def request(method: str, path: str, running: Running | None = None, body: bytes = b"", **headers: str) -> bytes:
    """A request's bytes; ``fetch_site`` becomes Sec-Fetch-Site, every other header keeps its name with dashes."""
    host = f"{running.host}:{running.port}" if running else "keepwell"
    given = {"host": host, "connection": "close", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body:
        given = {"content-type": "application/json", "content-length": str(len(body)), **given}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode() + body
