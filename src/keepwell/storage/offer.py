"""What storage declares: the command that shows and proves the journal. Imports nothing costly (its tables: ``declared.py``)."""

import os
import pwd
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from keepwell.kernel.exits import Exit
from keepwell.kernel.problems import UsageError
from keepwell.ports.offer import Argument, Call, Output, Subcommand
from keepwell.ports.server import BY, DATA

from .directory import DataDirectory

if TYPE_CHECKING:
    from .database import Database
    from .journal import Entry

ADDRESS_VARIABLE = "KEEPWELL_DATABASE"
"""The environment variable in which the journal's commands find the address of a PostgreSQL database."""


def commands(data_directory: Callable[[str | None], Path], environment: Mapping[str, str] | None = None) -> Sequence[Subcommand]:
    """``keepwell journal``; ``data_directory`` gives the directory that ``--data`` names, or the user's default one."""
    actions = {"verify": _verify, "head": _head, "list": _list, "erase": _erase}

    async def journal(call: Call) -> int:
        from .database import Database

        place = _place(call, data_directory, os.environ if environment is None else environment)
        database = await Database.open_to_read(place)
        try:
            if call.arguments["action"] == "erase":
                await database.close()
                database = await Database.open(place, (), datetime.now(UTC))
            return await actions[call.arguments["action"]](database, call)
        finally:
            await database.close()

    return (
        Subcommand(
            "journal",
            "show the journal, prove that nobody changed it, erase what a command printed",
            journal,
            (
                Argument(("action",), "verify, head, list or erase", {"choices": tuple(actions), "metavar": "ACTION"}),
                Argument(("--head",), "verify: a hash noted earlier, which must still be in the journal", {"metavar": "HASH"}),
                Argument(("--output",), "erase: the digest of what is to be erased, as --json shows it", {"metavar": "DIGEST"}),
                Argument(("--limit",), "list: how many of the newest entries (default: 20)", {"type": int, "default": 20, "metavar": "N"}),
                BY,
                DATA,
            ),
            description="verify recomputes the whole chain of hashes; head prints the newest hash, to be noted elsewhere; list shows the "
            "newest entries; erase removes for good what a command printed, such as a secret, and the journal says who did it. It works "
            "beside a running server or without one: on the data directory, or, without --data, on the PostgreSQL database that the "
            f"environment variable {ADDRESS_VARIABLE} names. Exit code 1 where verify finds a fault, or there is nothing to erase.",
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


async def _erase(database: "Database", call: Call) -> int:
    from .journal import erase_output

    digest = (call.arguments["output"] or "").strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise UsageError("erase needs --output DIGEST, 64 hexadecimal digits", hint="keepwell runs show ID --json has those of its steps")
    by, now = call.arguments["by"] or pwd.getpwuid(os.geteuid()).pw_name, datetime.now(UTC)
    erased = await database.write(lambda connection: erase_output(connection, digest, by, now))
    call.output.data({"digest": digest, "erased": erased})
    said = "is erased; copies of the database that were made before still hold it" if erased else "is not there, or was erased before"
    call.output.say(f"what has the digest {digest[:12]}… {said}", style="ok" if erased else "fail")
    return Exit.OK if erased else Exit.NEGATIVE


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
