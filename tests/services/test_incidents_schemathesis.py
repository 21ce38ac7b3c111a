"""What this server itself says of its routes for incidents and audits: schemathesis asks whatever that allows, and nothing breaks."""

import json
import urllib.request
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.serving import Served, operations, serving, token_in

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # not ours
    import schemathesis
    from schemathesis import GenerationMode

EVERY_TIME_THE_SAME = settings(
    max_examples=12, deadline=None, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
OPERATIONS = """\
keepwell: 1
service: shop
checks: {}
incidents: {severities: {P1: {respond: 15m, update: 30m}}}
audits: {files: {world_writable: {paths: [/nowhere]}, every: yearly}}
"""
ANYTHING_GOES = (
    "GET /api/v1/audits",
    "GET /api/v1/findings",
    "GET /api/v1/audits/{name}",
    "POST /api/v1/audits/{name}/findings/{which}/unwaive",
)
"""They take nothing, or any name: nothing that is asked is of the wrong form."""
OURS = ("/api/v1/incidents", "/api/v1/audits", "/api/v1/findings")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, str]]:
    folder = tmp_path_factory.mktemp("asked")
    data = folder / "data"
    token = token_in(data, "incidents.write", "audits.write")
    with serving(operations(folder / "ops", OPERATIONS), data) as server:
        yield server, token
        assert "internal fault" not in server.log


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "not allowed"])
def test_nothing_that_is_asked_breaks(asked: tuple[Served, str], mode: GenerationMode) -> None:
    server, token = asked
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/api/v1/openapi.json", timeout=20) as answer:
        document = schemathesis.openapi.from_dict(json.load(answer))
    found: list[Any] = [one.ok() for one in document.get_all_operations()]  # type: ignore[union-attr]
    ours = [operation for operation in found if operation.path.startswith(OURS)]
    assert len(ours) >= 15
    for operation in ours:
        _ask(operation, server, token, mode)


def _ask(operation: Any, server: Served, token: str, mode: GenerationMode) -> None:
    if mode is GenerationMode.NEGATIVE and operation.label in ANYTHING_GOES:
        return

    @given(case=operation.as_strategy(generation_mode=mode))
    @EVERY_TIME_THE_SAME
    def ask(case: Any) -> None:
        address = f"http://127.0.0.1:{server.port}"
        answer = case.call(base_url=address, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code < 500, f"{operation.label}: {answer.status_code} {answer.text[:300]}"

    ask()
