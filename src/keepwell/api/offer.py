"""What the machinery of the API itself offers on the command line: tokens. Imports nothing costly."""

from collections.abc import Callable, Sequence
from pathlib import Path

from keepwell.kernel.exits import Exit
from keepwell.kernel.problems import UsageError
from keepwell.ports.offer import Argument, Call, Subcommand
from keepwell.ports.server import DATA

_EVERYTHING = "*"


def commands(data_directory: Callable[[str | None], Path]) -> Sequence[Subcommand]:
    """``keepwell token``; ``data_directory`` gives the directory that ``--data`` names, or the user's default one."""
    actions = {"create": _create, "list": _list, "revoke": _revoke}

    async def token(call: Call) -> int:
        return actions[call.arguments["action"]](call, data_directory(call.arguments["data"]))

    return (
        Subcommand(
            "token",
            "make, list and revoke the tokens that writes over HTTP need",
            token,
            (
                Argument(("action",), "create, list or revoke", {"choices": tuple(actions), "metavar": "ACTION"}),
                Argument(("name",), "create, revoke: the token's name, after what uses it", {"nargs": "?", "metavar": "NAME"}),
                Argument(
                    ("--permission",),
                    "create: what the token permits, may be repeated (default: everything)",
                    {"action": "append", "metavar": "PERMISSION"},
                ),
                DATA,
            ),
            description="A token is shown once, when it is made; only its digest is kept. A running server takes changes up at once. "
            "The permission of every operation stands in the OpenAPI document at /api/v1/openapi.json.",
            example="keepwell token create deploy-script --permission configuration.reload",
        ),
    )


def _name(call: Call) -> str:
    name = call.arguments["name"]
    if not name:
        action = call.arguments["action"]
        raise UsageError(f"which token? {action} needs a name", hint=f"keepwell token {action} NAME")
    return str(name)


def _create(call: Call, directory: Path) -> int:
    from datetime import UTC, datetime

    from keepwell.storage.directory import DataDirectory

    from .tokens import TokenFile

    name, permissions = _name(call), frozenset(call.arguments["permission"] or (_EVERYTHING,))
    DataDirectory(directory).create()
    text = TokenFile(directory).create(name, permissions, datetime.now(UTC))
    call.output.data({"name": name, "permissions": sorted(permissions), "token": text})
    call.output.say(text)
    call.output.say(f"It permits {_permits(permissions)}. It is shown only now; send it as: Authorization: Bearer TOKEN", style="dim")
    return Exit.OK


def _list(call: Call, directory: Path) -> int:
    from .tokens import TokenFile

    tokens = TokenFile(directory).list()
    call.output.data(
        [{"name": token.name, "permissions": sorted(token.permissions), "created": token.created.isoformat()} for token in tokens]
    )
    if not tokens:
        call.output.say("There are no tokens.", style="dim")
        return Exit.OK
    rows = [(token.name, _permits(token.permissions), token.created.isoformat(timespec="seconds")) for token in tokens]
    call.output.table(("name", "permits", "created"), rows)
    return Exit.OK


def _revoke(call: Call, directory: Path) -> int:
    from .tokens import TokenFile

    name = _name(call)
    TokenFile(directory).revoke(name)
    call.output.data({"revoked": name})
    call.output.say(f"revoked: {name}", style="ok")
    return Exit.OK


def _permits(permissions: frozenset[str]) -> str:
    return "everything" if _EVERYTHING in permissions else ", ".join(sorted(permissions))
