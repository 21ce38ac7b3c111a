"""``keepwell outbox ...``: notices on their way, asked and told of the running server. Imports nothing costly."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Argument, Call, Group, Subcommand
from keepwell.ports.server import DATA, AskServer, TellServer

BASE = "/api/v1/outbox"
STATES = ("waiting", "delivered", "refused", "expired", "dropped")
_STYLES = {"delivered": "dim", "waiting": "warn", "refused": "fail", "expired": "fail"}
_IDS = Argument(("ids",), "the notice's id, or several", {"metavar": "ID", "type": int, "nargs": "+"})
_CODES = "2 where no server runs, or the notice does not exist or cannot be changed any more"


def commands(ask: AskServer, tell: TellServer) -> Group:
    """The group ``outbox``."""

    async def listed(call: Call) -> int:
        given = {name: call.arguments[name] for name in ("state", "receiver", "limit", "before")}
        query = urlencode({name: value for name, value in given.items() if value is not None}, doseq=True)
        return _listing(call, await ask(call.arguments["data"], f"{BASE}?{query}"))

    async def retry(call: Call) -> int:
        return await _each(call, tell, "retry", "is tried again")

    async def drop(call: Call) -> int:
        return await _each(call, tell, "drop", "is given up")

    return Group(
        "outbox",
        "notices on their way to receivers, and what became of them",
        (
            Subcommand(
                "list",
                "notices, newest first",
                listed,
                (
                    Argument(("--state",), "only these; several times for several", {"choices": STATES, "action": "append"}),
                    Argument(("--receiver",), "only to this receiver (a person as: contact NAME)", {"metavar": "NAME"}),
                    Argument(("--limit",), "so many at most (default: 50)", {"metavar": "N", "type": int}),
                    Argument(("--before",), "those with a smaller id: the next page", {"metavar": "ID", "type": int}),
                    DATA,
                ),
                description="Exit code 0 where none of them was refused or expired, 1 where one was, 2 where no server runs.",
                example="keepwell outbox list --state waiting --state refused",
            ),
            Subcommand(
                "retry",
                "try notices again now, those too that were refused, expired or dropped",
                retry,
                (_IDS, DATA),
                description=f"Exit code 0, {_CODES}.",
                example="keepwell outbox retry 12",
            ),
            Subcommand(
                "drop",
                "give notices up that wait",
                drop,
                (_IDS, DATA),
                description=f"Exit code 0, {_CODES}.",
                example="keepwell outbox drop 12 13",
            ),
        ),
    )


def _listing(call: Call, answer: Mapping[str, Any]) -> int:
    notices: Sequence[Mapping[str, Any]] = answer["notices"]
    call.output.data(answer)
    rows = [
        (str(one["id"]), one["state"], one["receiver"], str(one["tries"]), _at(one["created_at"]), one["title"], one["error"])
        for one in notices
    ]
    if rows:
        columns = ("id", "state", "receiver", "tries", "made at", "notice", "why")
        call.output.table(columns, rows, styles=[_STYLES.get(one["state"], "") for one in notices])
    else:
        call.output.say("no notice", style="dim")
    if answer["next"] is not None:
        call.output.say(f"--before {answer['next']} shows the next ones", style="dim")
    return Exit.NEGATIVE if any(one["state"] in ("refused", "expired") for one in notices) else Exit.OK


def _at(text: str) -> str:
    return f"{text[:19].replace('T', ' ')}Z"


async def _each(call: Call, tell: TellServer, deed: str, words: str) -> int:
    answers = []
    for id in call.arguments["ids"]:
        answer = await tell(call.arguments["data"], f"{BASE}/{id}/{deed}")
        answers.append(answer)
        call.output.say(f"notice {id} to {answer['receiver']} {words}", style="ok")
    call.output.data({"notices": answers})
    return Exit.OK
