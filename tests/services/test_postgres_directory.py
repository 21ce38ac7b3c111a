"""A database as an operations directory holds it: the connection string of a target, and what waits for a person."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepwell.composition import verbs
from keepwell.config.acceptance import accept_in
from keepwell.kernel.states import State
from keepwell.rooms.checks.model import Observation
from keepwell.rooms.checks.work.observe import observe

CONFIGURATION = """\
keepwell: 1
service: shop
targets:
  db: {postgres: "SECRET"}
checks:
  database: {postgres: {target: db}, every: 1m}
  orders: {postgres: {target: db, sql: "SELECT 42", value: {warn: "> 40"}}, every: 1m}
"""
USER = "keepwell"


def directory(folder: Path, secret: str) -> str:
    (folder / "keepwell.yaml").write_text(CONFIGURATION.replace("SECRET", secret))
    return str(folder)


async def looks(folder: str) -> dict[str, Observation]:
    async with verbs.local_host() as host:
        return {check.name: await observe(check, host, None) for check in verbs.load_checks(folder, USER)}


def accept(folder: str) -> None:
    accept_in(Path(folder), verbs.executables(folder, USER), by="ada", at=datetime(2026, 11, 22, tzinfo=UTC))


async def test_questions_of_ours_run_and_a_statement_waits(tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATABASE", postgresql_url)
    folder = directory(tmp_path, "secret:SHOP_DATABASE")
    seen = await looks(folder)
    assert seen["database"].state is State.OK, seen["database"].sentence
    assert "accepts connections: PostgreSQL " in seen["database"].sentence
    assert seen["orders"].state is State.UNKNOWN
    assert seen["orders"].sentence.startswith("waiting for acceptance")
    accept(folder)
    seen = await looks(folder)
    assert seen["orders"].state is State.WARN
    assert "your statement gives 42, warn above 40" in seen["orders"].sentence


async def test_another_database_is_another_acceptance(tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER", postgresql_url)
    folder = directory(tmp_path, "secret:SHOP_DATABASE")
    accept(folder)
    seen = await looks(directory(tmp_path, "secret:OTHER"))
    assert seen["database"].state is State.OK
    assert seen["orders"].sentence.startswith("waiting for acceptance")


async def test_a_command_that_fetches_the_connection_string_waits_too(tmp_path: Path, postgresql_url: str) -> None:
    (tmp_path / "dsn").write_text(postgresql_url)
    folder = directory(tmp_path, f"secret:command:cat {tmp_path}/dsn")
    assert all(one.sentence.startswith("waiting for acceptance") for one in (await looks(folder)).values())
    texts = {one.name: one.text for one in verbs.executables(folder, USER)}
    assert texts["checks/database"] == f"secret:command:cat {tmp_path}/dsn"
    assert texts["checks/orders"] == f"sql:\nSELECT 42\nsecret:command:cat {tmp_path}/dsn"
    accept(folder)
    seen = await looks(folder)
    assert [seen[name].state for name in ("database", "orders")] == [State.OK, State.WARN]


async def test_a_target_without_a_database(tmp_path: Path) -> None:
    folder = directory(tmp_path, "secret:SHOP_DATABASE")
    text = (tmp_path / "keepwell.yaml").read_text()
    (tmp_path / "keepwell.yaml").write_text(text.replace('postgres: "secret:SHOP_DATABASE"', 'url: "http://127.0.0.1"'))
    accept(folder)
    seen = await looks(folder)
    assert seen["database"].state is State.UNKNOWN
    assert seen["database"].sentence == (
        "could not look: the target db has no postgres, so there is nothing to ask: give it its connection string"
    )
