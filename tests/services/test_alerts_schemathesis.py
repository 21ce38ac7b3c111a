"""Alertmanager's own description of its API v2: schemathesis asks a running Keepwell whatever it allows, and whatever it does not."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.alertmanager_clients import Api, api_of, configured, token_of, told
from tests.serving import operations, serving
from tests.support import outside
from tests.webhook_listener import listening

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # not ours
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi.checks import content_type_conformance, negative_data_rejection, positive_data_acceptance

EVERY_TIME_THE_SAME = settings(
    max_examples=30, deadline=None, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
OPERATIONS = (
    "GET /status",
    "GET /receivers",
    "GET /silences",
    "POST /silences",
    "GET /silence/{silenceID}",
    "DELETE /silence/{silenceID}",
    "GET /alerts",
    "POST /alerts",
    "GET /alerts/groups",
)

BY_LUCK = ("POST /silences", "GET /silence/{silenceID}", "DELETE /silence/{silenceID}")
"""They succeed where a silence happens to end in the future, or an id to be known; see the test of those that are."""

NOT_SAID = [positive_data_acceptance]
"""The document does not say what a matcher is, nor that a silence begins before it ends: what it allows may be refused."""

EMPTY = [content_type_conformance]
"""Success without a word has no type, as Alertmanager's."""

WORDS = [negative_data_rejection]
"""An empty flag is one that is left out, and ``yes`` and ``0`` are taken too, as Alertmanager takes them."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("asked")
    with listening() as hook, serving(operations(folder / "ops", configured(hook.url)), folder / "data") as server:
        running = Api(f"http://127.0.0.1:{server.port}/alertmanager", token_of(server))
        running.post_alerts(told("Full", severity="critical", instance="db-1"), told("Slow", severity="warning"))
        yield running
        assert "internal fault" not in server.log


@pytest.fixture(scope="module")
def document() -> Any:
    return schemathesis.openapi.from_path(outside("conformance", "alertmanager", "openapi.yaml"))


def test_the_document_has_no_other_operations(document: Any) -> None:
    assert sorted(found.ok().label for found in document.get_all_operations()) == sorted(OPERATIONS)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "not allowed"])
@pytest.mark.parametrize("label", OPERATIONS)
def test_answers_are_as_described(api: Api, document: Any, label: str, mode: GenerationMode) -> None:
    operation = next(found.ok() for found in document.get_all_operations() if found.ok().label == label)
    if mode is GenerationMode.NEGATIVE and label == "GET /status":
        return  # it takes nothing that could be wrong
    left_out = [*NOT_SAID, *(EMPTY if label == "POST /alerts" else []), *(WORDS if label.startswith("GET") else [])]
    statuses = set()

    @given(case=operation.as_strategy(generation_mode=mode))
    @EVERY_TIME_THE_SAME
    def ask(case: Any) -> None:
        response = case.call(base_url=f"{api.address}/api/v2", headers=api.headers, timeout=30)
        statuses.add(response.status_code)
        # ``null`` is how Go writes a list without entries; Alertmanager takes it.
        case.validate_response(response, excluded_checks=[*left_out, *(WORDS if case.body is None else [])])

    ask()
    assert statuses <= {200, 400, 404}
    assert mode is GenerationMode.NEGATIVE or label in BY_LUCK or 200 in statuses, statuses


def test_known_silences_are_as_described(tmp_path: Path, document: Any) -> None:
    """Those of which the id is known: schemathesis alone would not guess one."""
    by_label = {found.ok().label: found.ok() for found in document.get_all_operations()}
    with serving(operations(tmp_path / "ops", configured("http://127.0.0.1:9/")), tmp_path / "data") as server:
        api = api_of(server)
        body = {
            "matchers": [{"name": "a", "value": "b", "isRegex": True}],
            "startsAt": "2020-01-01T00:00:00Z",
            "endsAt": "2036-01-01T00:00:00Z",
        }
        made = by_label["POST /silences"].Case(body={**body, "createdBy": "ops", "comment": ""}, media_type="application/json")
        at = {"base_url": f"{api.address}/api/v2", "headers": api.headers}
        id = made.call_and_validate(**at).json()["silenceID"]
        for label in ("GET /silence/{silenceID}", "DELETE /silence/{silenceID}", "GET /silence/{silenceID}"):
            case = by_label[label].Case(path_parameters={"silenceID": id})
            response = case.call(**at)
            assert response.status_code == 200
            case.validate_response(response, excluded_checks=EMPTY)
        assert by_label["GET /silences"].Case().call_and_validate(**at).json()[0]["status"] == {"state": "expired"}
