"""Two servers on one PostgreSQL: what one is doing the other leaves alone, and takes up once that one was killed."""

import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from keepwell.storage.under_way import EVERY, LOOKS
from tests.serving import Served, keepwell, operations, pause, token_in
from tests.support import wait_until

VARIABLE = "SHARED_DATABASE"
OPERATIONS = f"""\
keepwell: 1
service: shop
storage: {{url: 'secret:{VARIABLE}'}}
checks: {{}}
audits: {{ports: {{listening_ports: {{expected: []}}, every: yearly}}}}
logs:
  shop:
    paths: [FOLDER/logs/app.log]
    rotate: {{keep: 3, compress: never, first: "touch FOLDER/begun; until test -e FOLDER/go; do sleep 0.2; done"}}
"""
SLOW_SS = "#!/bin/sh\nuntil test -e FOLDER/go; do sleep 0.2; done\n"
"""A program ss(8) that prints nothing, as long as it takes."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where everything waits for a file ``go``, which is there at the end in any case."""
    for name in ("logs", "bin", "one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "logs" / "app.log").write_text("a line\n")
    (tmp_path / "bin" / "ss").write_text(SLOW_SS.replace("FOLDER", str(tmp_path)))
    (tmp_path / "bin" / "ss").chmod(0o755)
    yield tmp_path
    (tmp_path / "go").touch()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_what_a_killed_server_had_begun_is_taken_up_and_never_while_it_lives(folder: Path, postgresql_url: str) -> None:
    directory = operations(folder / "ops", OPERATIONS.replace("FOLDER", str(folder)))
    assert keepwell("accept", str(directory), "--yes").returncode == 0
    address = {VARIABLE: postgresql_url, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    with ExitStack() as stack:
        one, two = (Served(directory, folder / name / "data", **address).ready() for name in ("one", "two"))
        for server in (one, two):
            stack.callback(lambda server=server: server.process.poll() is None and server.kill())
        token = token_in(one.data)
        asking = [threading.Thread(target=_post, args=(one, path, token)) for path in ("audits/ports/run", "logs/shop/rotate")]
        for thread in asking:
            thread.start()
        wait_until(lambda: _audit(two) == "under way" and (folder / "begun").exists(), 20, "both under way")
        pause(EVERY * LOOKS + 5)
        assert (_audit(two), _rotation(two)["outcome"]) == ("under way", "running"), "its server lives"
        assert (folder / "logs" / "app.log").exists()
        one.kill()
        for thread in asking:
            thread.join()
        (folder / "go").touch()
        wait_until(lambda: _audit(two) == "", EVERY * (LOOKS + 2), "nothing that stays under way for ever")
        wait_until(lambda: _rotation(two)["outcome"] == "done", EVERY * (LOOKS + 2), "the end of the rotation")
        assert (folder / "logs" / "app.log.1").read_text() == "a line\n"
        pause(EVERY + 5)
        events = keepwell("journal", "list", "--json", KEEPWELL_DATABASE=postgresql_url).stdout
        assert events.count('"logs.rotated"') == 1
        assert "Traceback" not in two.log
        # The one that was killed finds nothing to do any more.
        again = Served(directory, one.data, **address).ready()
        stack.callback(again.kill)
        pause(3)
        assert _rotation(again)["outcome"] == "done"
        assert not (folder / "logs" / "app.log.2").exists()


@pytest.mark.slow
def test_a_server_that_is_started_again_goes_on_with_its_own_at_once(folder: Path, postgresql_url: str) -> None:
    directory = operations(folder / "ops", OPERATIONS.replace("FOLDER", str(folder)))
    assert keepwell("accept", str(directory), "--yes").returncode == 0
    address = {VARIABLE: postgresql_url, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    with ExitStack() as stack:
        one = Served(directory, folder / "one" / "data", **address).ready()
        stack.callback(lambda: one.process.poll() is None and one.kill())
        token = token_in(one.data)
        asking = [threading.Thread(target=_post, args=(one, path, token)) for path in ("audits/ports/run", "logs/shop/rotate")]
        for thread in asking:
            thread.start()
        wait_until(lambda: _audit(one) == "under way" and (folder / "begun").exists(), 20, "both under way")
        one.kill()
        for thread in asking:
            thread.join()
        (folder / "go").touch()
        again = Served(directory, one.data, **address).ready()
        stack.callback(again.kill)
        wait_until(lambda: _audit(again) == "" and _rotation(again)["outcome"] == "done", 15, "what it had begun")
        assert (folder / "logs" / "app.log.1").read_text() == "a line\n"


def _post(server: Served, path: str, token: str) -> None:
    """Asks for something whose answer does not come before the server dies."""
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/api/v1/{path}", b"{}", method="POST")
    request.add_header("Authorization", f"Bearer {token}")
    request.add_header("Content-Type", "application/json")
    try:
        urllib.request.urlopen(request, timeout=300).close()
    except (OSError, urllib.error.URLError):
        return


def _audit(server: Served) -> str:
    """How the newest audit ended; nothing where there is none."""
    made = server.get("/api/v1/audits/ports")["made"]
    return str(made[0]["outcome"]) if made else ""


def _rotation(server: Served) -> dict[str, Any]:
    found: dict[str, Any] = server.get("/api/v1/logs/shop")["work"]["rotation"][0]
    return found
