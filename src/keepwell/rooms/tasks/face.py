"""What tasks show while a server runs."""

from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request

from keepwell.ports.offer import Face

from .routes import Kept, routes


def face(kept: Kept, now: Callable[[], datetime], caller: Callable[[Request], str]) -> Face:
    """Routes and pages."""
    return Face("tasks", routes=routes(kept, now, caller))
