"""``keepwell backups ...``: asked and told of the running server; restoring needs none. Imports nothing costly."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol
from urllib.parse import quote

from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Argument, Call, Group, Subcommand
from keepwell.ports.server import DATA, AskServer, TellServer


class Restore(Protocol):
    """Restores a copy (``arguments`` as ``keepwell backups restore`` has them) and gives what came of it. Raises KeepwellError."""

    def __call__(self, arguments: Any, /) -> Awaitable[dict[str, Any]]: ...


_BASE = "/api/v1/backups"
_BETWEEN_LOOKS = 0.3
_NAME = Argument(("name",), "the backup's name", {"metavar": "NAME"})
_STAY = Argument(("--no-wait",), "do not wait for its end", {"action": "store_true"})
_CODES = "Exit code 0 when it went well, 1 when it failed or was refused, 2 where no server runs or no backup is called so."


def commands(ask: AskServer, tell: TellServer, restore: Restore) -> Group:
    """The group ``backups``."""
    every = (_list(ask), _show(ask), _run(ask, tell), _prove(ask, tell), _restore(restore), _recover(ask, tell), _accept(tell), _key(ask))
    return Group("backups", "copies of what matters: made, kept, proved by restoring them, brought back", every)


def _of(name: str) -> str:
    """Where a backup is asked for; a name with slashes leads nowhere else."""
    return f"{_BASE}/{quote(name, safe='')}"


def _list(ask: AskServer) -> Subcommand:
    async def run(call: Call) -> int:
        from .told import listing

        return listing(call, await ask(call.arguments["data"], _BASE))

    return Subcommand(
        "list",
        "every backup with its newest copy and proof, and its recovery time and point",
        run,
        (DATA,),
        description="Exit code 0 when none failed, 1 where one did, 2 where no server runs.",
        example="keepwell backups list",
    )


def _show(ask: AskServer) -> Subcommand:
    async def run(call: Call) -> int:
        from .told import show

        return show(call, await ask(call.arguments["data"], _of(call.arguments["name"])))

    return Subcommand(
        "show",
        "one backup, its copies and why each is kept, and what was done",
        run,
        (_NAME, DATA),
        example="keepwell backups show settings",
    )


def _run(ask: AskServer, tell: TellServer) -> Subcommand:
    async def run(call: Call) -> int:
        started = await tell(call.arguments["data"], f"{_of(call.arguments['name'])}/run")
        return await _ended(call, ask, started)

    return Subcommand(
        "run",
        "make a backup now",
        run,
        (_NAME, _STAY, DATA),
        description=f"The running server writes the copy and reads it back. {_CODES}",
        example="keepwell backups run settings",
    )


def _prove(ask: AskServer, tell: TellServer) -> Subcommand:
    async def run(call: Call) -> int:
        wanted = {"copy": call.arguments["copy"]} if call.arguments["copy"] else None
        started = await tell(call.arguments["data"], f"{_of(call.arguments['name'])}/prove", wanted)
        return await _ended(call, ask, started)

    return Subcommand(
        "prove",
        "restore a copy beside, compare and question it, and measure how long that takes",
        run,
        (_NAME, Argument(("--copy",), "this copy instead of the newest", {"metavar": "ID", "default": ""}), _STAY, DATA),
        description=f"The copy is restored into a folder of its own in the data directory, which is removed afterwards. {_CODES}",
        example="keepwell backups prove settings",
    )


async def _ended(call: Call, ask: AskServer, run: dict[str, Any]) -> int:
    while run["state"] == "running" and not call.arguments["no_wait"]:
        await asyncio.sleep(_BETWEEN_LOOKS)
        run = await ask(call.arguments["data"], f"/api/v1/backup-runs/{run['id']}")
    call.output.data(run)
    style = {"done": "ok", "running": "dim", "waiting": "warn"}.get(run["state"], "fail")
    call.output.say(f"{run['backup']}: {run['sentence'] or 'under way'}", style=style)
    return Exit.OK if run["state"] in ("done", "running", "waiting") else Exit.NEGATIVE


def _restore(restore: Restore) -> Subcommand:
    async def run(call: Call) -> int:
        answer = await restore(call.arguments)
        call.output.data(answer)
        call.output.say(answer["sentence"], style="ok")
        for note in answer["notes"]:
            call.output.say(note, style="warn")
        return Exit.OK

    return Subcommand(
        "restore",
        "bring a copy back into a folder; needs no running server",
        run,
        (
            _NAME,
            Argument(("--to",), "the folder, which must be empty or not exist", {"metavar": "DIR", "required": True}),
            Argument(("--directory",), "the operations directory, which says where the copies lie", {"metavar": "DIR"}),
            Argument(("--repository",), "the repository's folder itself, where there is no operations directory", {"metavar": "DIR"}),
            Argument(("--copy",), "this copy instead of the newest good one", {"metavar": "ID", "default": ""}),
            Argument(("--only",), "only this path and what is below it; may be repeated", {"metavar": "PATH", "action": "append"}),
            Argument(("--identity-file",), "the file with the identity of age that opens the copies", {"metavar": "FILE"}),
            Argument(("--key",), "the file with the public key that must have signed the copies", {"metavar": "FILE"}),
            DATA,
        ),
        description="Everything is compared with the signed list while it is written; nothing that is there is written over. Without "
        "--key the key of the data directory counts; where there is none, that is said and digests alone are compared. "
        "Exit code 0 when all of it was restored, 2 otherwise.",
        example="keepwell backups restore settings --directory ops --to /tmp/restored",
    )


def _recover(ask: AskServer, tell: TellServer) -> Subcommand:
    async def run(call: Call) -> int:
        wanted = {"paths": call.arguments["paths"], "copy": call.arguments["copy"]}
        started = await tell(call.arguments["data"], f"{_of(call.arguments['name'])}/recover", wanted)
        return await _ended(call, ask, started)

    return Subcommand(
        "recover",
        "put paths of a copy in the place of what is there, which is kept beside it",
        run,
        (
            _NAME,
            Argument(("paths",), "paths from the root, as they were backed up", {"metavar": "PATH", "nargs": "+"}),
            Argument(("--copy",), "this copy instead of the newest good one", {"metavar": "ID", "default": ""}),
            _STAY,
            DATA,
        ),
        description="The running server restores each path beside its place, compares it, and exchanges the two in one step: whoever "
        "uses it sees the old or the new. What was there is PATH.before-INSTANT afterwards. "
        f"The section policy says who must permit it first. {_CODES}",
        example="keepwell backups recover settings /etc/shop",
    )


def _accept(tell: TellServer) -> Subcommand:
    async def run(call: Call) -> int:
        name, id = call.arguments["name"], call.arguments["id"]
        answer = await tell(call.arguments["data"], f"{_of(name)}/copies/{quote(id, safe='')}/accept")
        call.output.data(answer)
        call.output.say(f"the copy {id} of {name} is taken for right", style="ok")
        return Exit.OK

    return Subcommand(
        "accept",
        "say that a copy which was held for implausible is right",
        run,
        (_NAME, Argument(("id",), "the copy", {"metavar": "ID"}), DATA),
        example="keepwell backups accept settings 20260301T010000.000Z-1a2b3c4d",
    )


def _key(ask: AskServer) -> Subcommand:
    async def run(call: Call) -> int:
        answer = await ask(call.arguments["data"], "/api/v1/backup-signing-key")
        call.output.data(answer)
        if not call.output.wants_json:
            call.output.raw(answer["public_key"])
        return Exit.OK

    return Subcommand(
        "key",
        "print the public key that signs copies: keep it where the copies are not",
        run,
        (DATA,),
        example="keepwell backups key > signer.pem",
    )
