"""Migrations, on both databases: they give what is declared, whole or not at all, and touch nothing that is newer."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, text

from keepwell.composition import verbs
from keepwell.kernel.problems import StorageError
from keepwell.ports.offer import Tables
from keepwell.storage import journal
from keepwell.storage.database import Database
from keepwell.storage.declared import STORAGE_TABLES
from keepwell.storage.upgrading import differences, real_head

NOW = datetime(2026, 11, 1, 1, 30, tzinfo=UTC)

REVISIONS = {
    "toy_0001": """
        def upgrade():
            op.create_table("toy", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(20), nullable=False))
            op.execute("INSERT INTO toy VALUES (1, 'bear'), (2, 'ball')")
    """,
    "toy_0002": """
        import os, time
        def upgrade():
            with op.batch_alter_table("toy") as batch:
                batch.add_column(sa.Column("weight", sa.Integer))
            op.execute("UPDATE toy SET weight = 7")
            if os.environ.get("TOY_SLOW"):
                print("in the middle", flush=True)
                time.sleep(60)
            if os.environ.get("TOY_FAILS"):
                raise RuntimeError("this migration has a defect")
            op.create_table("toy_box", sa.Column("id", sa.Integer, primary_key=True))
    """,
}

OPENER = """
import asyncio, sys
from datetime import UTC, datetime
from keepwell.ports.offer import Tables
from keepwell.storage.database import Database

async def main(place, folder, head):
    toys = [Tables("toy", lambda: None, folder, head)] if folder else []
    database = await Database.open(place, toys, datetime(2026, 11, 1, tzinfo=UTC))
    await database.close()
    print("alembic" in sys.modules)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "revisions with % in: their path"
    made.mkdir()
    return made


def toys(folder: Path, head: str) -> Tables:
    """Tables of a made-up room, with its revisions up to ``head``."""
    previous = None
    for revision, body in REVISIONS.items():
        opening = f"import sqlalchemy as sa\nfrom alembic import op\nrevision = {revision!r}\ndown_revision = {previous!r}\n"
        if revision <= head:
            (folder / f"{revision}.py").write_text(opening + dedent(body))
        previous = revision
    return Tables("toy", lambda: None, str(folder), head)


async def state(place: Path | str, tables: list[Tables]) -> tuple[list[str], list[str]]:
    """Opens the database: the names of the toys' columns, and the migrations that the journal tells of."""
    database = await Database.open(place, tables, NOW)
    try:

        def ask(connection: Connection) -> tuple[list[str], list[str]]:
            columns = list(connection.execute(text("SELECT * FROM toy")).keys())
            return columns, [str(entry.facts) for entry in journal.slice(connection, event="storage.migrated")]

        return await database.read(ask)
    finally:
        await database.close()


def columns(place: Path | str) -> list[str]:
    """The names of the toys' columns, asked past Keepwell."""
    if isinstance(place, Path):
        connection = sqlite3.connect(place)
        try:
            return [row[1] for row in connection.execute("PRAGMA table_info(toy)")]
        finally:
            connection.close()
    import psycopg

    with psycopg.connect(place) as server:
        return [
            row[0]
            for row in server.execute("SELECT attname FROM pg_attribute WHERE attrelid='toy'::regclass AND attnum > 0 ORDER BY attnum")
        ]


def contents(place: Path | str) -> dict[str, bytes]:
    """What lies in the folder of a SQLite file, by name."""
    return {each.name: each.read_bytes() for each in Path(place).parent.iterdir() if each.is_file()} if isinstance(place, Path) else {}


def opener(place: Path | str, folder: Path | str = "", head: str = "", **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", OPENER, str(place), str(folder), head]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment)


@pytest.mark.parametrize("tables", verbs.tables(), ids=lambda tables: tables.name)
def test_the_declared_head_is_the_real_one(tables: Tables) -> None:
    assert real_head(tables) == tables.head


async def test_migrations_give_exactly_the_declared_tables(database_place: Path | str) -> None:
    database = await Database.open(database_place, verbs.tables(), NOW)
    found = {each.name: await database.write(lambda c, each=each: differences(c, each)) for each in verbs.tables()}
    await database.close()
    assert found == {each.name: [] for each in verbs.tables()}


async def test_a_difference_would_be_found(database_place: Path | str) -> None:
    other = MetaData()
    Table("journal", other, Column("number", Integer, primary_key=True), Column("extra", String))
    database = await Database.open(database_place, (), NOW)
    found = await database.write(lambda c: differences(c, Tables("storage", lambda: other, STORAGE_TABLES.migrations, "")))
    await database.close()
    assert "extra" in str(found)


async def test_a_room_can_be_updated_removed_and_come_back(database_place: Path | str, folder: Path) -> None:
    assert await state(database_place, [toys(folder, "toy_0001")]) == (
        ["id", "name"],
        ["{'storage': [None, 'storage_0001'], 'toy': [None, 'toy_0001']}"],
    )
    await state(database_place, [])
    migrated = await state(database_place, [toys(folder, "toy_0002")])
    assert migrated[0] == ["id", "name", "weight"]
    assert migrated[1][0] == "{'toy': ['toy_0001', 'toy_0002']}"
    assert await state(database_place, [toys(folder, "toy_0002")]) == migrated


def test_new_and_current_databases_are_opened_without_alembic(database_place: Path | str, folder: Path) -> None:
    answers = []
    for revision in ("", "", toys(folder, "toy_0001").head, toys(folder, "toy_0001").head):
        process = opener(database_place, folder if revision else "", revision)
        output, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
        answers.append(output)
    assert answers == ["False\n", "False\n", "True\n", "False\n"]


def schema(connection: Connection) -> list[tuple[str, ...]]:
    """All that the database itself says of its tables, sorted, and how many rows each has."""
    if connection.dialect.name == "sqlite":
        found = [(str(name), " ".join(sql.split())) for name, sql in connection.execute(text("SELECT name, sql FROM sqlite_master")) if sql]
        tables = set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")))
    else:
        asked = (
            "SELECT table_name, column_name || '|' || data_type || '|' || is_nullable || '|' || coalesce(character_maximum_length, 0) "
            "|| '|' || coalesce(column_default, '') || '|' || ordinal_position FROM information_schema.columns WHERE table_schema='public'",
            "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'",
            "SELECT conrelid::regclass::text, conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE connamespace = 'public'::regnamespace",
            "SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
            "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        )
        found = [(str(row[0]), " ".join(str(row[1]).split())) for question in asked for row in connection.execute(text(question))]
        tables = set(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))
    return sorted([*found, *((name, str(connection.scalar(text(f'SELECT count(*) FROM "{name}"')))) for name in tables)])


def empty(place: Path | str) -> None:
    """Takes everything out of a database."""
    if isinstance(place, Path):
        for each in place.parent.glob(f"{place.name}*"):
            each.unlink()
        return
    import psycopg

    with psycopg.connect(place) as server:
        server.execute("DROP SCHEMA public CASCADE")
        server.execute("CREATE SCHEMA public")


async def test_a_new_database_is_what_the_revisions_make(database_place: Path | str, monkeypatch: pytest.MonkeyPatch) -> None:
    created = await Database.open(database_place, verbs.tables(), NOW)
    found = await created.write(schema)
    await created.close()
    empty(database_place)
    monkeypatch.setattr("keepwell.storage.migrating.is_creatable", lambda step: False)
    migrated = await Database.open(database_place, verbs.tables(), NOW)
    wanted = await migrated.write(schema)
    await migrated.close()
    assert found == wanted
    assert len(found) > 30


async def test_tables_that_are_there_in_spite_of_their_version_are_not_taken_over(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "keepwell.sqlite", verbs.tables(), NOW)

    def lose(connection: Connection) -> None:
        connection.execute(text("DROP TABLE alembic_version_checks"))

    await database.write(lose)
    await database.close()
    before = contents(tmp_path / "keepwell.sqlite")
    with pytest.raises(Exception, match="already exists"):
        await Database.open(tmp_path / "keepwell.sqlite", verbs.tables(), NOW)
    assert contents(tmp_path / "keepwell.sqlite")["keepwell.sqlite"] == before["keepwell.sqlite"]


async def test_a_copy_is_made_before_a_migration_of_sqlite(tmp_path: Path, folder: Path) -> None:
    place = tmp_path / "keepwell.sqlite"
    await state(place, [toys(folder, "toy_0001")])
    assert list(contents(place)) == ["keepwell.sqlite"], "a new database has nothing to copy"
    await state(place, [toys(folder, "toy_0002")])
    copy = tmp_path / "keepwell.sqlite.before-toy_0002"
    assert columns(copy) == ["id", "name"]
    assert copy.stat().st_mode & 0o777 == 0o600
    assert await state(copy, [toys(folder, "toy_0001")]) == (
        ["id", "name"],
        ["{'storage': [None, 'storage_0001'], 'toy': [None, 'toy_0001']}"],
    )


async def test_a_database_from_a_newer_keepwell_is_left_alone(database_place: Path | str, folder: Path) -> None:
    await state(database_place, [toys(folder, "toy_0002")])
    (folder / "toy_0002.py").unlink()
    before = contents(database_place)
    with pytest.raises(StorageError, match="written by a newer Keepwell: its toy tables are at toy_0002") as caught:
        await Database.open(database_place, [toys(folder, "toy_0001")], NOW)
    assert caught.value.problems[0].code == "storage.newer"
    with pytest.raises(StorageError, match="newer Keepwell"):
        await Database.open_to_read(database_place, [toys(folder, "toy_0001")])
    after = contents(database_place)
    assert {name: after[name] for name in before} == before
    assert not any("before" in name for name in after)


def test_killed_in_the_middle_of_a_migration(database_place: Path | str, folder: Path) -> None:
    first = opener(database_place, folder, toys(folder, "toy_0001").head)
    assert first.wait(30) == 0
    slow = opener(database_place, folder, toys(folder, "toy_0002").head, TOY_SLOW="1")
    assert slow.stdout is not None
    assert slow.stdout.readline() == "in the middle\n"
    slow.kill()
    slow.communicate()
    assert columns(database_place) == ["id", "name"], "killed before its commit: the old schema, whole"
    assert asyncio.run(state(database_place, [toys(folder, "toy_0002")]))[0] == ["id", "name", "weight"]
    for process in (first,):
        process.communicate()


async def test_a_migration_that_fails_leaves_the_old_schema(
    database_place: Path | str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await state(database_place, [toys(folder, "toy_0001")])
    monkeypatch.setenv("TOY_FAILS", "1")
    with pytest.raises(RuntimeError, match="defect"):
        await Database.open(database_place, [toys(folder, "toy_0002")], NOW)
    assert columns(database_place) == ["id", "name"]
    assert await state(database_place, [toys(folder, "toy_0001")]) == before


def test_two_servers_that_start_at_once_on_one_postgresql(postgresql_url: str) -> None:
    both = [opener(postgresql_url), opener(postgresql_url)]
    errors = [process.communicate(timeout=30)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors


async def test_a_migration_that_leaves_dangling_references_is_undone(tmp_path: Path, folder: Path) -> None:
    (folder / "toy_0001.py").write_text(
        dedent("""
        import sqlalchemy as sa
        from alembic import op
        revision, down_revision = "toy_0001", None
        def upgrade():
            op.create_table("toy", sa.Column("id", sa.Integer, primary_key=True))
            op.create_table("part", sa.Column("toy", sa.Integer, sa.ForeignKey("toy.id")))
            op.execute("INSERT INTO part VALUES (9)")
        """)
    )
    with pytest.raises(StorageError, match="refer to nothing"):
        await Database.open(tmp_path / "keepwell.sqlite", [Tables("toy", lambda: None, str(folder), "toy_0001")], NOW)
    assert columns(tmp_path / "keepwell.sqlite") == []
