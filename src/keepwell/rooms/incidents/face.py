"""What incidents show while a server runs: routes, pages, and the stream that keeps them live."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

from starlette.requests import Request

from keepwell.ports.offer import Event, Face, Stream

from .deeds import Deeds
from .offer import READ
from .pages import pages
from .reading import Reading
from .routes import routes
from .verbs import Verbs
from .work import Incidents

_CHANGED = Event("incidents", "incidents/changed.html", {})


def face(incidents: Incidents, verbs: Verbs, service: str, caller: Callable[[Request], str]) -> Face:
    """All of it."""
    reading = Reading(incidents, verbs, service)

    async def events() -> AsyncIterator[Event]:
        async for _ in incidents.news():
            yield _CHANGED

    return Face(
        name="incidents",
        routes=routes(reading, Deeds(incidents, caller)),
        pages=pages(reading, READ),
        streams=(Stream("/events/incidents", READ, events),),
        templates=str(Path(__file__).parent / "templates"),
    )
