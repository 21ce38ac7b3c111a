"""Errors as HTTP says them: a status and one JSON shape, ``{"error": {code, message, hint, problems}}``. Read back by the client."""

from collections.abc import Mapping
from typing import Any

from keepwell.kernel.problems import (
    AnswerError,
    AskError,
    ConfigurationError,
    KeepwellError,
    NotAccepted,
    NotFound,
    Place,
    Problem,
    Refused,
    StorageError,
    UsageError,
)

_BY_CODE: Mapping[str, int] = {
    "refused.no-token": 401,
    "refused.unknown-token": 401,
    "request.method": 405,
    "request.too-slow": 408,
    "request.too-large": 413,
    "request.invalid": 422,
    "busy": 503,
    "alerts.resolved": 409,
    "alerts.pending": 409,
    "alerts.changed": 409,
    "alerts.silence": 400,
    "incidents.resolved": 409,
}
_BY_KIND: Mapping[type[KeepwellError], int] = {
    UsageError: 400,
    Refused: 403,
    NotFound: 404,
    NotAccepted: 409,
    ConfigurationError: 422,
    AskError: 502,
    AnswerError: 504,
    StorageError: 503,
}


def status_of(error: KeepwellError) -> int:
    """The HTTP status (RFC 9110, 15) of an error, by its code or else its kind; 500 for whatever has no status of its own."""
    code = error.problems[0].code if error.problems else error.code
    if code in _BY_CODE:
        return _BY_CODE[code]
    return next((status for kind, status in _BY_KIND.items() if isinstance(error, kind)), 500)


def error_body(error: KeepwellError) -> dict[str, Any]:
    """The JSON of an error. The first problem, the most important one, stands above the list of them all."""
    problems = [_problem_body(problem) for problem in error.problems] or [_problem_body(Problem(error.code, "no reason was given"))]
    return {"error": {**{key: problems[0][key] for key in ("code", "message", "hint")}, "problems": problems}}


def error_from(status: int, body: Any) -> KeepwellError:
    """The error that a server told with ``error_body``; a body of another shape gives an error that says so."""
    kind = next((kind for kind, known in _BY_KIND.items() if known == (403 if status == 401 else status)), KeepwellError)
    try:
        return kind(*(_read_problem(entry) for entry in body["error"]["problems"]))
    except (KeyError, TypeError):
        return kind(f"The server answered with status {status} and gave no reason")


def prefers_html(accept: str | None) -> bool:
    """Whether an ``Accept`` header asks for a page: browsers name text/html, programs do not."""
    return accept is not None and "text/html" in accept and "application/json" not in accept


def _problem_body(problem: Problem) -> dict[str, Any]:
    where = problem.where
    place = None if where is None else {key: getattr(where, key) for key in ("file", "line", "column", "quote", "width")}
    return {"code": problem.code, "message": problem.message, "hint": problem.hint, "where": place}


def _read_problem(entry: Mapping[str, Any]) -> Problem:
    where = entry.get("where")
    return Problem(entry["code"], entry["message"], entry.get("hint", ""), None if where is None else Place(**where))
