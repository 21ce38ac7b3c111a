"""``keepwell journal``, as a person types it: beside a running server and without one."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from keepwell.cli.output import TerminalOutput
from keepwell.cli.program import run
from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Call
from keepwell.storage import journal
from keepwell.storage.database import Database
from keepwell.storage.directory import DataDirectory
from keepwell.storage.offer import ADDRESS_VARIABLE, commands

NOW = datetime(2026, 11, 1, 1, 30, tzinfo=UTC)


def keepwell(*argv: str) -> int:
    """Runs the program with only storage's commands; the default data directory does not exist."""
    return run(commands(lambda data: Path(data or "/nonexistent"), {}), "0", ["journal", *argv])


@pytest_asyncio.fixture
async def data(tmp_path: Path) -> AsyncIterator[str]:
    """A data directory whose server runs."""
    directory = DataDirectory(tmp_path / "data")
    with directory.lock():
        database = await Database.open(directory.database, (), NOW)
        await database.write(
            lambda c: journal.append(c, journal.NewEntry("ann", "check.state-changed", "checks/disk", {"after": "fail"}), NOW)
        )
        yield str(directory.path)
        await database.close()


def test_verify_head_and_list_beside_a_running_server(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert keepwell("head", "--data", data) == Exit.OK
    head = capsys.readouterr().out.strip()
    assert len(head) == 64
    assert keepwell("verify", "--data", data, "--head", head.upper()) == Exit.OK
    assert capsys.readouterr().out == f"2 entries, each proved by the next; the newest is {head}\n"
    assert keepwell("list", "--data", data, "--limit", "1") == Exit.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["2", "2026-11-01", "01:30:00Z", "ann", "check.state-changed", "checks/disk", '{"after":"fail"}']


def test_the_same_as_json(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    answers = {}
    for action in ("verify", "head", "list"):
        assert keepwell(action, "--data", data, "--json") == Exit.OK
        answers[action] = json.loads(capsys.readouterr().out)
    assert answers["verify"]["ok"] is True
    assert answers["head"] == {"number": 2, "hash": answers["verify"]["head"]}
    assert [(entry["number"], entry["at"]) for entry in answers["list"]] == [(2, NOW.isoformat()), (1, NOW.isoformat())]
    assert answers["list"][0]["previous_hash"] == answers["list"][1]["hash"]


def test_what_a_command_printed_is_erased_for_good_and_the_journal_says_by_whom(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def told() -> str | None:
        beside = await Database.open(DataDirectory(Path(data)).database, (), NOW)
        entry = await beside.write(
            lambda c: journal.append(c, journal.NewEntry("ann", "step.ended", "runs/1", {}, b"password: hunter2"), NOW)
        )
        await beside.close()
        return entry.output_digest

    async def left(digest: str) -> tuple[bytes | None, list[tuple[str, str]]]:
        beside = await Database.open_to_read(DataDirectory(Path(data)).database)
        erased = await beside.read(lambda c: journal.slice(c, event=journal.ERASED))
        content = await beside.read(lambda c: journal.output(c, digest))
        await beside.close()
        return content, [(entry.actor, entry.subject) for entry in erased]

    digest = asyncio.run(told()) or ""
    assert asyncio.run(left(digest)) == (b"password: hunter2", [])
    assert keepwell("erase", "--data", data, "--output", digest, "--by", "ben") == Exit.OK
    assert "is erased" in capsys.readouterr().out
    assert asyncio.run(left(digest)) == (None, [("ben", digest)])
    assert keepwell("verify", "--data", data) == Exit.OK
    assert keepwell("erase", "--data", data, "--output", digest) == Exit.NEGATIVE
    assert "was erased before" in capsys.readouterr().out


def test_erase_wants_a_digest_and_a_database(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ((), ("--output", "all"), ("--output", "0" * 63)):
        assert keepwell("erase", "--data", data, *words) == Exit.COULD_NOT
        assert "64 hexadecimal digits" in capsys.readouterr().err
    assert keepwell("erase", "--data", str(tmp_path / "none"), "--output", "0" * 64) != Exit.OK
    assert not (tmp_path / "none").exists()


def test_an_unknown_head_is_a_negative_answer(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert keepwell("verify", "--data", data, "--head", "0" * 63 + "1") == Exit.NEGATIVE
    assert "the journal was rewritten" in capsys.readouterr().out


async def test_tampering_is_a_negative_answer_without_a_server(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    database = await Database.open(directory.database, (), NOW)
    await database.write(lambda c: c.execute(text("DROP TRIGGER journal_no_UPDATE")))
    await database.write(lambda c: c.execute(text("UPDATE journal SET actor = 'bob'")))
    await database.close()
    output = TerminalOutput(wants_json=False)
    (command,) = commands(lambda data: Path(str(data)), {})
    assert await command.run(Call({"action": "verify", "data": str(tmp_path), "head": None}, output)) == Exit.NEGATIVE


def test_no_database_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert keepwell("verify", "--data", str(tmp_path)) == Exit.COULD_NOT
    assert "there is no database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


async def test_a_postgresql_database_is_named_by_the_environment(postgresql_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    await (await Database.open(postgresql_url, (), NOW)).close()
    (command,) = commands(lambda data: Path("/nonexistent"), {ADDRESS_VARIABLE: postgresql_url})
    assert await command.run(Call({"action": "head", "data": None}, TerminalOutput(wants_json=False))) == Exit.OK
    assert len(capsys.readouterr().out.strip()) == 64


def test_declaring_the_commands_imports_nothing_costly() -> None:
    costly = "[name for name in ('sqlalchemy', 'alembic', 'psycopg') if name in sys.modules]"
    program = f"import sys; import keepwell.storage.offer as offer; offer.commands(None); print({costly})"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    assert shown.stdout == "[]\n"
