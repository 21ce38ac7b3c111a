"""What the room shows while a server runs: routes, pages, and the stream that keeps them live."""

from collections.abc import AsyncIterator
from pathlib import Path

from keepwell.ports.offer import Event, Face, Stream

from .context import pages
from .routes import READ, routes
from .verbs import Verbs

_CHANGED = Event("runs", "runbooks/changed.html", {})


def face(verbs: Verbs) -> Face:
    """All of it."""

    async def events() -> AsyncIterator[Event]:
        async for _ in verbs.runs.news.listen():
            yield _CHANGED

    return Face(
        name="runbooks",
        routes=routes(verbs),
        pages=pages(verbs, READ),
        streams=(Stream("/events/runs", READ, events),),
        templates=str(Path(__file__).parents[1] / "pages"),
    )
