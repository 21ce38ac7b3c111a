"""A server for the tests of charts: the real room of samples in memory, the real pages, and checks that a test holds in its hand."""

import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from keepwell.api.application import build_application
from keepwell.api.gate import Policy
from keepwell.api.server import Servers, address_of, bind_tcp
from keepwell.composition.samples_shown import measured
from keepwell.kernel.states import State
from keepwell.kernel.windows import Window
from keepwell.ports.offer import Face
from keepwell.ports.samples import NAME
from keepwell.rooms.checks import offer as checks_offer
from keepwell.rooms.checks.kinds.http import DRIVER
from keepwell.rooms.checks.model import Change, ChangeRow, Check, CheckOptions, Shown, Standing, Stored
from keepwell.rooms.samples import views_page
from keepwell.rooms.samples.model import Keep
from keepwell.rooms.samples.questions.routes import routes
from keepwell.rooms.samples.work.asking import Asker, CheckFacts, Facts
from keepwell.rooms.samples.work.kept import KeptFiles
from keepwell.rooms.samples.work.reader import Reader
from keepwell.rooms.samples.work.store import SampleStore, Settings
from keepwell.web.pages import Site
from lab.day import Series
from tests.services.web_face import RealClock

EVERY = timedelta(seconds=15)


class FakeChecks:
    """Checks as the page is shown them; ``tell`` makes open pages look again."""

    def __init__(self, shown: Sequence[Shown]) -> None:
        self.all = {one.check.name: one for one in shown}
        self.heard: Any = None
        self.changes: list[ChangeRow] = []
        self.seen: list[dict[str, Any]] = []

    def shown(self) -> list[Shown]:
        return list(self.all.values())

    def show(self, name: str) -> Shown:
        from keepwell.kernel.problems import NotFound

        if name not in self.all:
            raise NotFound(f"no check is called {name}")
        return self.all[name]

    async def news(self) -> AsyncIterator[Stored]:
        import asyncio

        self.heard = self.heard or asyncio.Queue()
        while True:
            yield await self.heard.get()

    def tell(self, name: str) -> None:
        if self.heard is not None:
            self.heard.put_nowait(Stored(frozenset((name,)), ()))

    async def list_changes(self, limit: int, name: str | None, before: int | None) -> Sequence[ChangeRow]:
        fitting = [row for row in self.changes if name in (None, row.name) and (before is None or row.number < before)]
        return sorted(fitting, key=lambda row: -row.number)[:limit]

    async def list_observations(self, name: str, limit: int) -> Sequence[Mapping[str, Any]]:
        return self.seen[:limit]


def http_check(name: str, number: int = 1, state: State = State.OK, **changed: Any) -> Shown:
    """A check of kind http that has been looked at; ``changed`` are its standing's sentence and values, and its url and limits."""
    from keepwell.rooms.checks.http.options import HttpOptions

    now = datetime.now(UTC)
    given = {"url": changed.pop("url", "http://127.0.0.1:3001"), "path": "/health", "warn": "> 100ms", "fail": "> 500ms"}
    settings = HttpOptions.model_validate(given | changed.pop("options", {}))
    values = changed.pop("values", {"dns_seconds": 6e-6, "duration_seconds": 0.0031, "status_code": 200.0, "body_bytes": 265.0})
    sentence = changed.pop("sentence", "GET http://127.0.0.1:3001/health answered 200 in 3.1 ms, expected 200")
    standing = Standing(state, now - timedelta(minutes=40), state, sentence, now - timedelta(seconds=4), 0, values)
    check = Check(name, "http", CheckOptions(every=EVERY), DRIVER, settings, looks_at=changed.pop("looks_at", "tonehoused"))
    return Shown(check, number, standing, (State.OK,) * 24 + (State.FAIL,) * 3 + (State.OK,) * 3)


def change_of(name: str, number: int, state: State, sentence: str = "answered 503") -> ChangeRow:
    """A state change, the higher its number the newer."""
    at = datetime.now(UTC) - timedelta(hours=10) + timedelta(minutes=number)
    return ChangeRow(number, name, Change(at, State.OK, state, sentence))


class SamplesFace:
    """The server. Used as ``async with SamplesFace(tmp_path, checks, series) as face``; the store keeps everything in memory."""

    def __init__(self, folder: Path, checks: Sequence[Shown] = (), series: Iterable[Series] = ()) -> None:
        self.checks = FakeChecks(checks)
        self.about = views_page.About()
        self.targets: list[Mapping[str, Any]] = []
        self.windows: dict[str, Window] = {}
        self._series = series
        self._clock = RealClock()
        self._files = KeptFiles(folder)
        self.store = SampleStore(folder, self._clock, Settings(window=timedelta(hours=30)), self._files)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "SamplesFace":
        await self.store.begin(patience=60)
        self._stack.push_async_callback(self.store.end)
        await self.load(self._series)
        listening = bind_tcp("127.0.0.1", 0)
        self.host, self.port = address_of(listening)
        self.address = f"http://{self.host}:{self.port}"
        faces = self._faces()
        site = Site(faces, "audio deck", self._clock)
        policy = Policy([(self.host, self.port)], os.getuid(), {}.get)
        servers = Servers(build_application(faces, policy, site), [listening], site.close, grace=1)
        await servers.start()
        self._stack.push_async_callback(servers.stop)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def load(self, series: Iterable[Series]) -> None:
        """Brings samples to the store, and waits until they are seen."""
        outcome = None
        for one in series:
            ids = self.store.identify("test", [one.labels])
            at = np.round(one.at * 1000).astype(np.int64)
            outcome = self.store.add("test", np.repeat(ids, len(at)), at, one.values)
        if outcome is not None:
            await outcome

    def _faces(self) -> tuple[Face, ...]:
        host = SimpleNamespace(clock=self._clock)
        verbs = checks_offer.Verbs(self.checks.list_changes, self.checks.list_observations, lambda check: measured(self.store, check))
        asker = Asker(Reader(self.store, self._files, Keep, self._clock), self._facts)
        pages = views_page.pages(self._page_verbs())
        templates = str(Path(views_page.__file__).parent / "pages")
        return (
            checks_offer.face(self.checks, host, "audio deck", verbs),  # type: ignore[arg-type]
            Face("samples", routes=routes(asker), pages=pages, templates=templates),
        )

    def _facts(self) -> Facts:
        known = {name: CheckFacts(one.check.options.every, one.check.looks_at) for name, one in self.checks.all.items()}
        return Facts("audio deck", known, self.windows, {})

    def _page_verbs(self) -> views_page.PageVerbs:
        return views_page.PageVerbs(
            counts=self._counts,
            metric=self.store.metric,
            latest=self.store.latest,
            targets=lambda: self.targets,
            about=self._about,
            now=self._clock.now,
        )

    def _counts(self) -> Mapping[str, int]:
        return self.store.counts(NAME)

    async def _about(self) -> views_page.About:
        return self.about
