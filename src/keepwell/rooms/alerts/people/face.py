"""What the alerts show while a server runs: routes, pages, and the stream that keeps them live."""

from collections.abc import AsyncIterator
from pathlib import Path

from keepwell.ports.offer import Event, Face, Stream

from .context import pages
from .reading import Reading
from .routes import READ, routes
from .verbs import Verbs

_CHANGED = Event("alerts", "alerts/changed.html", {})


def face(verbs: Verbs) -> Face:
    """All of it."""

    async def events() -> AsyncIterator[Event]:
        async for _ in verbs.alerts.news():
            yield _CHANGED

    return Face(
        name="alerts",
        routes=routes(verbs),
        pages=pages(Reading(verbs), READ),
        streams=(Stream("/events/alerts", READ, events),),
        templates=str(Path(__file__).parent / "pages"),
    )
