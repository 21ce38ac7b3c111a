"""A server of tasks alone whose database takes nothing: it says so, once, it is not healthy, and it goes on by itself."""

from pathlib import Path

from tests.faults.test_storage_faults import holding_a_lock
from tests.serving import Served, operations
from tests.support import wait_until

TEXT = """\
keepwell: 1
service: shop
tasks:
  look: {every: 2s}
"""


def test_tasks_that_cannot_be_stored_make_the_server_unhealthy(tmp_path: Path) -> None:
    served = Served(operations(tmp_path / "ops", TEXT), tmp_path / "data").ready()
    try:
        with holding_a_lock(tmp_path / "data" / "keepwell.sqlite"):
            wait_until(lambda: "tasks cannot be stored" in served.log, 20)
            health = served.get("/health")
            assert health["status"] == "degraded"
            assert health["services"]["tasks"].startswith("tasks cannot be stored, and none begins: another program holds")
        wait_until(lambda: served.get("/health")["status"] == "healthy", 20)
        wait_until(lambda: "tasks are stored again" in served.log, 5)
        assert served.log.count("tasks cannot be stored") == 1
    finally:
        assert served.stop() == 0
