"""What tasks show while a server runs."""

from keepwell.ports.offer import Face

from .routes import Verbs, routes


def face(verbs: Verbs) -> Face:
    """Routes and pages."""
    return Face("tasks", routes=routes(verbs))
