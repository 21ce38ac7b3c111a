"""Error replies: one renderer for JSON, and a page where a person with a browser asked."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from keepwell.kernel.problems import KeepwellError

from .errors import error_body, prefers_html, status_of

ErrorPage = Callable[[int, Mapping[str, Any]], str]
"""Gives the HTML of an error from its status and what stands under ``error`` in its JSON."""


class ErrorReplies:
    """Turns errors into replies."""

    def __init__(self, page: ErrorPage | None) -> None:
        self._page = page

    def reply(self, error: KeepwellError, accept: str | None) -> Response:
        """The reply to a request with this ``Accept`` header."""
        status, body = status_of(error), error_body(error)
        headers = {"cache-control": "no-store"}
        if status == 401:
            headers["www-authenticate"] = 'Bearer realm="Keepwell"'
        if self._page is not None and prefers_html(accept):
            return HTMLResponse(self._page(status, body["error"]), status, headers)
        return JSONResponse(body, status, headers)
