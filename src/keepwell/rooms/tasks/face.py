"""What tasks show while a server runs: routes, pages, and the stream that keeps them live."""

from collections.abc import AsyncIterator
from pathlib import Path

from keepwell.ports.offer import Event, Face, Stream

from .context import pages
from .routes import READ, Verbs, routes

_CHANGED = Event("tasks", "tasks/changed.html", {})


def face(verbs: Verbs) -> Face:
    """All of it."""

    async def events() -> AsyncIterator[Event]:
        async for _ in verbs.kept.news():
            yield _CHANGED

    return Face(
        "tasks",
        routes=routes(verbs),
        pages=pages(verbs),
        streams=(Stream("/events/tasks", READ, events),),
        templates=str(Path(__file__).parent / "pages"),
    )
