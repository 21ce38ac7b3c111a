"""``keepwell logs ...``: asked and told of the running server. Imports nothing costly."""

from typing import Any
from urllib.parse import quote

from keepwell.ports.offer import Argument, Call, Group, Subcommand
from keepwell.ports.server import BY, DATA, AskServer, TellServer

_BASE = "/api/v1/logs"
_NAME = Argument(("name",), "the entry of the section logs", {"metavar": "NAME"})
_CODES = "Exit code 0 when it is done, 1 when it is not (refused, failed, waiting for a person), 2 where no server runs."


def commands(ask: AskServer, tell: TellServer) -> Group:
    """The group ``logs``."""
    return Group("logs", "log files: rotate them, clean up, ask them questions", (_list(ask), _show(ask), *_doing(tell)))


def _list(ask: AskServer) -> Subcommand:
    async def run(call: Call) -> int:
        from .told import listing

        return listing(call, await ask(call.arguments["data"], _BASE))

    return Subcommand("list", "every group of log files", run, (DATA,), example="keepwell logs list")


def _show(ask: AskServer) -> Subcommand:
    async def run(call: Call) -> int:
        from .told import show

        return show(call, await ask(call.arguments["data"], f"{_BASE}/{quote(call.arguments['name'])}"))

    return Subcommand("show", "one group: its files, and what was done to them", run, (_NAME, DATA), example="keepwell logs show shop")


def _doing(tell: TellServer) -> tuple[Subcommand, ...]:
    async def rotate(call: Call) -> int:
        return await _done(tell, call, "rotate", {})

    async def clean(call: Call) -> int:
        return await _done(tell, call, "clean", {"dry_run": call.arguments["dry_run"]})

    async def analyse(call: Call) -> int:
        return await _done(tell, call, "analyse", {"question": call.arguments["question"] or ""})

    return (
        Subcommand(
            "rotate",
            "rotate its files now",
            rotate,
            (_NAME, BY, DATA),
            description="Renames each file that has content, has the writer open it anew, waits until it let go of the old one, and "
            f"compresses and removes what the policy says. No line is lost. {_CODES}",
            example="keepwell logs rotate shop",
        ),
        Subcommand(
            "clean",
            "delete its old files now",
            clean,
            (_NAME, Argument(("--dry-run",), "only say what would be deleted", {"action": "store_true"}), BY, DATA),
            description=f"Never follows a link, and never deletes what is still written to. {_CODES}",
            example="keepwell logs clean shop --dry-run",
        ),
        Subcommand(
            "analyse",
            "answer its questions now",
            analyse,
            (_NAME, Argument(("question",), "only this one", {"metavar": "QUESTION", "nargs": "?"}), BY, DATA),
            description=f"Reads each file once, rotated and compressed ones of the time asked for included. {_CODES}",
            example="keepwell logs analyse shop errors",
        ),
    )


async def _done(tell: TellServer, call: Call, word: str, body: dict[str, Any]) -> int:
    from .told import done

    path = f"{_BASE}/{quote(call.arguments['name'])}/{word}"
    return done(call, await tell(call.arguments["data"], path, {"by": call.arguments["by"], **body}))
