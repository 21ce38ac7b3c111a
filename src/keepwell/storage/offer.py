"""What storage declares: the command that shows and proves the journal. Imports nothing costly (its tables: ``declared.py``)."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Argument, Call, Output, Subcommand
from keepwell.ports.server import DATA

from .directory import DataDirectory

if TYPE_CHECKING:
    from .database import Database
    from .journal import Entry

ADDRESS_VARIABLE = "KEEPWELL_DATABASE"
"""The environment variable in which the journal's commands find the address of a PostgreSQL database."""


def commands(data_directory: Callable[[str | None], Path], environment: Mapping[str, str] | None = None) -> Sequence[Subcommand]:
    """``keepwell journal``; ``data_directory`` gives the directory that ``--data`` names, or the user's default one."""
    actions = {"verify": _verify, "head": _head, "list": _list}

    async def journal(call: Call) -> int:
        from .database import Database

        database = await Database.open_to_read(_place(call, data_directory, os.environ if environment is None else environment))
        try:
            return await actions[call.arguments["action"]](database, call)
        finally:
            await database.close()

    return (
        Subcommand(
            "journal",
            "show the journal and prove that nobody changed it",
            journal,
            (
                Argument(("action",), "verify, head or list", {"choices": tuple(actions), "metavar": "ACTION"}),
                Argument(("--head",), "verify: a hash noted earlier, which must still be in the journal", {"metavar": "HASH"}),
                Argument(("--limit",), "list: how many of the newest entries (default: 20)", {"type": int, "default": 20, "metavar": "N"}),
                DATA,
            ),
            description="verify recomputes the whole chain of hashes; head prints the newest hash, to be noted elsewhere; list shows the "
            "newest entries. It only reads, beside a running server or without one: the data directory, or, without --data, the "
            f"PostgreSQL database that the environment variable {ADDRESS_VARIABLE} names. Exit code 1 where verify finds a fault.",
            example="keepwell journal verify",
        ),
    )


def _place(call: Call, data_directory: Callable[[str | None], Path], environment: Mapping[str, str]) -> Path | str:
    data = call.arguments["data"]
    address = environment.get(ADDRESS_VARIABLE)
    return address if address and not data else DataDirectory(data_directory(data)).database


async def _verify(database: "Database", call: Call) -> int:
    from .verify import verify

    noted = call.arguments["head"]
    verdict = await database.read(lambda connection: verify(connection, noted.strip().lower() if noted else None))
    call.output.data(asdict(verdict))
    call.output.say(verdict.sentence, style="ok" if verdict.ok else "fail")
    return Exit.OK if verdict.ok else Exit.NEGATIVE


async def _head(database: "Database", call: Call) -> int:
    from .journal import head

    newest = await database.read(head)
    call.output.data(asdict(newest))
    call.output.say(newest.hash)
    return Exit.OK


async def _list(database: "Database", call: Call) -> int:
    from .journal import slice

    entries = await database.read(lambda connection: slice(connection, limit=max(call.arguments["limit"], 0)))
    call.output.data([asdict(entry) | {"at": entry.at.isoformat()} for entry in entries])
    _show(call.output, entries)
    return Exit.OK


def _show(output: Output, entries: "Sequence[Entry]") -> None:
    from .columns import canonical

    rows = [
        (str(entry.number), f"{entry.at:%Y-%m-%d %H:%M:%S}Z", entry.actor, entry.event, entry.subject, canonical(entry.facts))
        for entry in entries
    ]
    output.table(("number", "at", "actor", "event", "subject", "facts"), rows)
