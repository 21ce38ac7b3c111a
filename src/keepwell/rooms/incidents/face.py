"""What incidents show while a server runs: routes, pages, and the stream that keeps them live."""

from collections.abc import Callable

from starlette.requests import Request

from keepwell.ports.offer import Face

from .deeds import Deeds
from .reading import Reading
from .routes import routes
from .verbs import Verbs
from .work import Incidents


def face(incidents: Incidents, verbs: Verbs, service: str, caller: Callable[[Request], str]) -> Face:
    """All of it."""
    return Face(name="incidents", routes=routes(Reading(incidents, verbs, service), Deeds(incidents, caller)))
