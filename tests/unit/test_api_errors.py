"""Errors over HTTP: the status of each, and that the client reads back what the server wrote."""

import pytest

from keepwell.api.errors import error_body, error_from, prefers_html, status_of
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

CASES = [
    (UsageError("x"), 400),
    (Refused(Problem("refused.no-token", "x")), 401),
    (Refused(Problem("refused.unknown-token", "x")), 401),
    (Refused("x"), 403),
    (NotFound("x"), 404),
    (KeepwellError(Problem("request.method", "x")), 405),
    (NotAccepted("x"), 409),
    (KeepwellError(Problem("request.too-large", "x")), 413),
    (ConfigurationError("x"), 422),
    (KeepwellError(Problem("request.invalid", "x")), 422),
    (KeepwellError("x"), 500),
    (AskError("x"), 502),
    (StorageError("x"), 503),
    (KeepwellError(Problem("busy", "x")), 503),
    (AnswerError("x"), 504),
]


@pytest.mark.parametrize(("error", "status"), CASES)
def test_every_error_has_its_status(error: KeepwellError, status: int) -> None:
    assert status_of(error) == status


@pytest.mark.parametrize(
    "kind", [UsageError, Refused, NotFound, NotAccepted, ConfigurationError, AskError, StorageError, AnswerError, KeepwellError]
)
def test_the_client_reads_what_the_server_wrote(kind: type[KeepwellError]) -> None:
    problems = (Problem("a.b", "one", "do this", Place("keepwell.yaml", 3, 5, "x: y", 2)), Problem("c", "two"))
    read = error_from(status_of(kind(*problems)), error_body(kind(*problems)))
    assert type(read) is kind
    assert read.problems == problems


@pytest.mark.parametrize("body", [None, [], "x", {}, {"error": None}, {"error": {"problems": [{}]}}, {"error": {"problems": 3}}])
def test_another_shape_is_said_to_be_so(body: object) -> None:
    assert "gave no reason" in str(error_from(500, body))


def test_an_error_without_problems_still_has_a_body() -> None:
    assert error_body(NotFound())["error"]["code"] == "not-found"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", True),
        ("application/json, text/html", False),
    ],
)
def test_browsers_get_pages(accept: str | None, expected: bool) -> None:
    assert prefers_html(accept) is expected
