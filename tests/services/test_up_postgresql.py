"""``keepwell up`` on a real PostgreSQL: nothing shown is lost, a lost connection delays storing only, and no password is ever seen."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from tests.postgresql import unprivileged
from tests.serving import Served, Target, keepwell, operations, pause, serving
from tests.support import free_port, need, wait_until

PASSWORD = "correct-horse-battery"
VARIABLE = "SHOP_DATABASE"
SETTINGS = "listen_addresses='127.0.0.1'\nunix_socket_directories=''\nfsync=off\nmax_connections=20\nshared_buffers=16MB\n"


class Database:
    """A PostgreSQL of this test's own, that can be stopped and started; ``keeper`` is let in only with a password."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "data"
        self._log = folder / "log"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        options = ("-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        subprocess.run(unprivileged([need("initdb"), "-D", str(self._data), *options]), check=True, capture_output=True, cwd=folder)
        (self._data / "pg_hba.conf").write_text("host all keeper 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 trust\n")
        (self._data / "postgresql.conf").write_text(SETTINGS)
        self.start()
        self.run(f"CREATE ROLE keeper LOGIN PASSWORD '{PASSWORD}'")
        self.run("CREATE DATABASE shop OWNER keeper TEMPLATE template0 ENCODING 'UTF8'")

    def url(self, password: str = PASSWORD) -> str:
        return f"postgresql://keeper:{password}@127.0.0.1:{self.port}/shop"

    def start(self) -> None:
        argv = unprivileged([need("postgres"), "-D", str(self._data), "-p", str(self.port)])
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._data.parent)
        wait_until(self._answers, 20, "an answer of PostgreSQL")

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            self.run("SELECT 1")
            return True
        return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)  # "fast shutdown": ends open sessions
            self.process.wait(20)
            self.process = None

    def run(self, statement: str) -> None:
        address = f"postgresql://postgres@127.0.0.1:{self.port}/postgres?connect_timeout=2"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())

    def end_sessions(self) -> None:
        """Ends every session of Keepwell's, as an administrator or a broken network would."""
        self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'keeper'")


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    folder = Path(tempfile.mkdtemp(prefix="postgresql-up-"))
    database = None
    try:
        if os.geteuid() == 0:
            need("postgres")
            shutil.chown(folder, "postgres", "postgres")
        database = Database(folder)
        yield database
    finally:
        if database is not None:
            database.stop()
        shutil.rmtree(folder)


@pytest.fixture
def database(server: Database) -> Database:
    """The server, running, with an empty database."""
    if server.process is None:
        server.start()
    server.run("DROP DATABASE shop WITH (FORCE)")
    server.run("CREATE DATABASE shop OWNER keeper TEMPLATE template0 ENCODING 'UTF8'")
    return server


def directory(tmp_path: Path, target: Target) -> Path:
    lines = ["keepwell: 1", "service: shop", f"storage: {{url: 'secret:{VARIABLE}'}}", "checks:"]
    return operations(tmp_path / "ops", "\n".join([*lines, f"  api: {{http: {{url: {target.url}/health}}, every: 1s}}", ""]))


def started_looks(served: Served) -> int:
    return int(served.get("/api/system/performance")["engine"]["started"])


def test_states_survive_kill_and_the_journal_is_whole(tmp_path: Path, database: Database) -> None:
    address = {VARIABLE: database.url()}
    with Target(tmp_path) as target:
        ops, data = directory(tmp_path, target), tmp_path / "data"
        shown: list[dict[str, str]] = []
        for status, state in ((200, "ok"), (503, "fail"), (200, "ok")):
            target.answer(status)
            with serving(ops, data, **address) as served:
                served.until({"api": state})
                changes = served.get("/api/v1/changes")["changes"]
                assert changes[1:] == shown, "what was shown before the kill is there after it"
                shown = changes
                served.kill()
        with serving(ops, data, **address) as served:
            assert served.get("/api/v1/checks/api")["state"] == "ok", "before any new look"
            assert served.get("/api/v1/changes")["changes"] == shown
    assert not (data / "keepwell.sqlite").exists()
    verified = keepwell("journal", "verify", KEEPWELL_DATABASE=database.url())
    assert verified.returncode == 0, verified.stdout + verified.stderr
    listed = keepwell("journal", "list", "--json", KEEPWELL_DATABASE=database.url())
    events = [entry["event"] for entry in json.loads(listed.stdout)]
    assert events.count("check.state-changed") == 3
    assert PASSWORD not in served.log + listed.stdout + listed.stderr + verified.stdout


def test_sessions_that_are_ended_cost_nothing(tmp_path: Path, database: Database) -> None:
    with Target(tmp_path) as target, serving(directory(tmp_path, target), tmp_path / "data", **{VARIABLE: database.url()}) as served:
        served.until({"api": "ok"})
        for status, state in ((503, "fail"), (200, "ok"), (503, "fail")):
            database.end_sessions()
            target.answer(status)
            served.until({"api": state})
            assert served.get("/api/v1/checks/api")["state"] == state, "readers connect anew, too"
        api = served.get("/api/v1/checks/api")
        assert len(api["changes"]) == 4
        assert served.get("/health")["status"] == "healthy"
    assert "Traceback" not in served.log
    assert PASSWORD not in served.log


def test_a_stopped_server_delays_storing_never_looking(tmp_path: Path, database: Database) -> None:
    with Target(tmp_path) as target, serving(directory(tmp_path, target), tmp_path / "data", **{VARIABLE: database.url()}) as served:
        served.until({"api": "ok"})
        database.stop()
        target.answer(503)
        wait_until(lambda: served.get("/health")["status"] == "degraded", 20, "degraded health")
        said = served.get("/health")["services"]["storage"]
        assert f"127.0.0.1:{database.port}/shop does not answer" in said
        assert served.states() == {"api": "ok"}, "what is not stored must not be shown"
        looks, since = started_looks(served), datetime.now(UTC).isoformat()
        pause(3.5)
        assert started_looks(served) >= looks + 2
        until = datetime.now(UTC).isoformat()
        refused = keepwell("reload", "--data", str(served.data))
        assert refused.returncode == 2
        assert "does not answer" in refused.stderr
        served.signal(signal.SIGHUP)
        wait_until(lambda: "the configuration could not be read again" in served.log, 20, "a word about the reload that failed")
        database.start()
        served.until({"api": "fail"}, 30)
        wait_until(lambda: served.get("/api/v1/checks/api")["observations"][0]["at"] > until, 20, "an observation made later")
        seen = served.get("/api/v1/checks/api")
        meanwhile = [row["at"] for row in seen["observations"] if since < row["at"] < until]
        assert len(meanwhile) >= 2, "observations made meanwhile were kept"
        assert served.get("/health")["status"] == "healthy"
        assert keepwell("reload", "--data", str(served.data)).returncode == 0
    assert "Traceback" not in served.log
    assert PASSWORD not in served.log + said + refused.stderr


def test_it_stops_gracefully_while_the_server_is_away(tmp_path: Path, database: Database) -> None:
    with Target(tmp_path) as target, serving(directory(tmp_path, target), tmp_path / "data", **{VARIABLE: database.url()}) as served:
        served.until({"api": "ok"})
        database.stop()
        pause(1.5)
        assert served.stop() == 0, served.log
    assert served.log.splitlines()[-1].endswith("stopped")
    assert "could not be stored" in served.log
    assert "Traceback" not in served.log
    assert PASSWORD not in served.log


@pytest.mark.parametrize(
    ("password", "away", "sentence"),
    [("wrong-password", False, "does not let this user in"), (PASSWORD, True, "does not answer"), ("", False, f"the secret {VARIABLE} is")],
    ids=["wrong-password", "away", "unset"],
)
def test_what_cannot_start_says_one_sentence(tmp_path: Path, database: Database, password: str, away: bool, sentence: str) -> None:
    if away:
        database.stop()
    address = database.url(password) if password else ""
    with Target(tmp_path) as target:
        ops = directory(tmp_path, target)
    done = keepwell("up", str(ops), "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", **{VARIABLE: address})
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert (password or PASSWORD) not in done.stdout + done.stderr
    assert not (tmp_path / "data" / "keepwell.sock").exists()


def test_hostile_text_of_a_target_is_stored(tmp_path: Path, database: Database) -> None:
    """PostgreSQL takes no zero character and no lone surrogate in text: a target must not stop storing by sending them."""
    hostile = r"printf 'zero \000 byte \377 escape \033 \355\240\200' ; exit 1"
    lines = ["keepwell: 1", "service: shop", f"storage: {{url: 'secret:{VARIABLE}'}}", "checks:"]
    lines += ["  hostile:", "    command:", "      shell: |", f"        {hostile}", "    every: 1s", ""]
    ops = operations(tmp_path / "ops", "\n".join(lines))
    assert keepwell("accept", str(ops), "--yes").returncode == 0
    with serving(ops, tmp_path / "data", **{VARIABLE: database.url()}) as served:
        served.until({"hostile": "fail"})
        assert served.get("/health")["status"] == "healthy"
    verified = keepwell("journal", "verify", KEEPWELL_DATABASE=database.url())
    assert verified.returncode == 0, verified.stdout + verified.stderr
