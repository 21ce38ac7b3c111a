"""A real store of samples, and the application that answers questions about it, for tests."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

from keepwell.kernel.windows import parse_window
from keepwell.ports.fakes import FakeClock
from keepwell.ports.offer import Face
from keepwell.rooms.samples.model import Keep, Labels
from keepwell.rooms.samples.questions.routes import routes
from keepwell.rooms.samples.work.asking import Asker, CheckFacts, Facts
from keepwell.rooms.samples.work.kept import KeptFiles
from keepwell.rooms.samples.work.reader import Reader
from keepwell.rooms.samples.work.store import SampleStore
from tests.services.web_face import Reply, Running, request, send

START = datetime(2026, 11, 22, tzinfo=UTC)
NOW = START + timedelta(hours=6)


def ms(at: datetime) -> int:
    """Milliseconds since 1970."""
    return int(at.timestamp() * 1000)


class Asked:
    """The store, its reader and the facts in force; as a room it has a face with the routes of questions."""

    def __init__(self, folder: Path, now: datetime = NOW) -> None:
        self.clock = FakeClock(now)
        self.store = SampleStore(folder, self.clock)
        self.keep = Keep()
        self.reader = Reader(self.store, KeptFiles(folder), lambda: self.keep, self.clock)
        self.facts = Facts("shop", {"api": CheckFacts(timedelta(seconds=30), "api")}, {}, {})
        self.by_hand: list[tuple[int, int]] = []
        self.asked_for: list[Labels] = []
        self.asker = Asker(self.reader, lambda: self.facts, self._maintenance)

    async def __aenter__(self) -> "Asked":
        await self.store.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.store.end()

    async def put(self, labels: Labels, at: Sequence[int] | np.ndarray, value: Sequence[float] | np.ndarray) -> None:
        """Stores samples of one series, as if each had been taken in its time."""
        times = np.asarray(at, np.int64)
        await self.store.add("test", [labels] * len(times), times, np.asarray(value, np.float64))

    async def _maintenance(self, labels: Labels, start: int, end: int, /) -> Sequence[tuple[int, int]]:
        self.asked_for.append(labels)
        return [span for span in self.by_hand if span[0] < end and span[1] > start]

    def windows(self, **texts: str) -> None:
        """Sets the maintenance windows."""
        self.facts = replace(self.facts, windows={name: parse_window(text, "UTC") for name, text in texts.items()})

    def face(self) -> Face:
        """The routes."""
        return Face("samples", routes=routes(self.asker))


async def ask(running: Running, path: str, **parameters: Any) -> Reply:
    """GET with these parameters."""
    names = {name.rstrip("_"): value for name, value in parameters.items()}
    return await send(running, request("GET", f"{path}?{urlencode(names)}", running))


async def answer(running: Running, path: str, **parameters: Any) -> Any:
    """The JSON of a good answer."""
    reply = await ask(running, path, **parameters)
    assert reply.status == 200, reply.body
    return json.loads(reply.body)
