"""Pages for people: every declared page inside the shared layout, every declared stream as server-sent events."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from keepwell import __version__
from keepwell.ports.clock import Clock
from keepwell.ports.offer import Event, Face, Page, Route, Stream

from . import assets
from .streams import Listeners

if TYPE_CHECKING:
    from jinja2 import Environment

STREAM_LISTENERS = 100
"""Live pages at once."""


class Site:
    """The pages, streams and files of all faces, as routes.

    ``service`` is what is operated, for the header of every page; a page's own context may replace it. Templates get, beside their
    context: ``service``, ``version``, ``now``, ``page_title``, ``navigation`` (path, title, whether it is this page or the one around
    it) and ``stream`` (the path of the face's first stream, or empty).
    """

    def __init__(self, faces: Sequence[Face], service: str, clock: Clock, listeners: int = STREAM_LISTENERS) -> None:
        self._assets = assets.Assets.packaged()
        self._templates = {face.name: face.templates for face in faces if face.templates}
        self._listeners = Listeners(self._render_event, listeners)
        self._clock = clock
        self._service = service
        self._pages = [page for face in faces for page in face.pages]
        routes = [self._page_route(page, face) for face in faces for page in face.pages]
        routes += [self._stream_route(stream) for face in faces for stream in face.streams]
        routes.append(Route("GET", assets.PATH, "static:read", self._assets.serve, "A style or script"))
        self._routes = tuple(routes)

    @property
    def routes(self) -> Sequence[Route]:
        """All of it, for the application; the endpoints give responses."""
        return self._routes

    @property
    def listening(self) -> int:
        """How many live pages are open."""
        return len(self._listeners)

    def error_page(self, status: int, error: Mapping[str, Any]) -> str:
        """The HTML of an error."""
        return self._render("error.html", self._frame(None, ""), {"status": status, "error": error, "page_title": error["message"]})

    def close(self) -> None:
        """Ends every stream."""
        self._listeners.close()

    @cached_property
    def _environment(self) -> "Environment":
        """Made for the first page that somebody opens: until then a server does without the template engine (3 MB)."""
        from .environment import build_environment

        return build_environment(self._templates, self._assets.url)

    def _page_route(self, page: Page, face: Face) -> Route:
        stream = face.streams[0].path if face.streams else ""

        async def endpoint(**asked: Any) -> Response:
            html = self._render(page.template, self._frame(page, stream), await page.context(**asked))
            return HTMLResponse(html, headers={"cache-control": "no-store"})

        return Route("GET", page.path, page.permission, _taking_what(page.context, endpoint), page.title)

    def _stream_route(self, stream: Stream) -> Route:
        async def endpoint(request: Request) -> Response:
            if request.method == "HEAD":
                return Response(media_type="text/event-stream")
            return self._listeners.listen(stream)

        return Route("GET", stream.path, stream.permission, endpoint, "Server-sent events")

    def _frame(self, page: Page | None, stream: str) -> Mapping[str, Any]:
        here = (page.within or page.path) if page else ""
        return {
            "service": self._service,
            "version": __version__,
            "now": self._clock.now().isoformat(),
            "page_title": page.title if page else "",
            "navigation": [(other.path, other.title, other.path == here) for other in self._pages if not other.within],
            "stream": stream,
        }

    def _render(self, template: str, frame: Mapping[str, Any], context: Mapping[str, Any]) -> str:
        return self._environment.get_template(template).render({**frame, **context})

    def _render_event(self, event: Event) -> str:
        return self._environment.get_template(event.template).render(event.context)


def _taking_what(context: Callable[..., Any], endpoint: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
    """The endpoint with the parameters of a page's context, so that they are read from the request as a route's are."""
    signature = inspect.signature(context, eval_str=True)
    endpoint.__signature__ = signature.replace(return_annotation=Response)  # type: ignore[attr-defined]
    return endpoint
