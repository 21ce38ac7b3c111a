"""A server whose data directory has a long name, or one that is no text, on a PostgreSQL that several share."""

import os
from pathlib import Path

import pytest

from keepwell.composition.serve import identity_of
from tests.serving import Served, keepwell, operations
from tests.support import wait_until

VARIABLE = "SHARED_DATABASE"
OPERATIONS = f"""\
keepwell: 1
service: shop
storage: {{url: 'secret:{VARIABLE}'}}
checks: {{}}
audits: {{ports: {{listening_ports: {{expected: []}}, every: 2s}}}}
"""


@pytest.mark.parametrize("name", ["/".join(["a" * 60] * 5), os.fsdecode(b"data-\xff")], ids=["long", "no text"])
def test_its_tasks_are_done(tmp_path: Path, postgresql_url: str, name: str) -> None:
    data = tmp_path / name
    data.mkdir(parents=True)
    directory = operations(tmp_path / "ops", OPERATIONS)
    server = Served(directory, data, **{VARIABLE: postgresql_url}).ready()
    try:
        wait_until(lambda: bool(server.get("/api/v1/audits/ports")["made"]), 30, "an audit that the calendar asks for")
        assert server.get("/health")["status"] == "healthy"
        assert keepwell("tasks", "list", "--data", str(data)).returncode == 0
    finally:
        server.kill()
    assert "Traceback" not in server.log


def test_two_long_names_stay_two() -> None:
    one, two = identity_of("host", f"/{'a' * 300}/one"), identity_of("host", f"/{'a' * 300}/two")
    assert one != two
    assert max(len(one), len(two)) <= 150
    assert identity_of("host", "/srv/keepwell") == "host:/srv/keepwell"
