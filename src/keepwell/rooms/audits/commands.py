"""``keepwell audit ...``: audits on the command line, asked and told of the running server. Imports nothing costly."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Argument, Call, Group, Subcommand
from keepwell.ports.server import BY, DATA, AskServer, TellServer

_BASE = "/api/v1/audits"
_NAME = Argument(("name",), "the audit's name", {"metavar": "NAME"})
_ID = Argument(("id",), "the finding's id, as findings shows it", {"metavar": "ID"})
_UNDER_WAY = "under way"
_AGAIN_AFTER = 1.0
"""Seconds after which it is asked again whether an audit ended."""
_NO_SERVER = "2 where no server runs or it refuses"


def commands(ask: AskServer, tell: TellServer) -> Group:
    """The group ``audit``."""
    return Group("audit", "what must hold on hosts, and what does not", (*_asking(ask), _run(ask, tell), *_waiving(tell)))


def _asking(ask: AskServer) -> tuple[Subcommand, ...]:
    async def listed(call: Call) -> int:
        answer = await ask(call.arguments["data"], _BASE)
        call.output.data(answer)
        return _listing(call, answer["audits"])

    async def findings(call: Call) -> int:
        name = call.arguments["name"]
        answer = await ask(call.arguments["data"], "/api/v1/findings" if name is None else f"{_BASE}/{quote(name, safe='')}")
        call.output.data(answer)
        return _findings(call, answer["findings"] if name is None else answer["open"])

    return (
        Subcommand(
            "list",
            "audits, and how the newest of each ended",
            listed,
            (DATA,),
            description=f"Exit code 0 when no finding counts and each was made, 1 when not, {_NO_SERVER}.",
            example="keepwell audit list",
        ),
        Subcommand(
            "findings",
            "what was found and is not gone",
            findings,
            (Argument(("name",), "only of this audit", {"metavar": "NAME", "nargs": "?"}), DATA),
            description=f"Exit code 0 when all are waived or there is none, 1 when not, {_NO_SERVER}.",
            example="keepwell audit findings permissions",
        ),
    )


def _run(ask: AskServer, tell: TellServer) -> Subcommand:
    async def run(call: Call) -> int:
        path = f"{_BASE}/{quote(call.arguments['name'], safe='')}"
        answer = await tell(call.arguments["data"], f"{path}/run", {})
        if answer["outcome"] == _UNDER_WAY:
            answer = await _ended(ask, call.arguments["data"], path, answer["occasion"])
        call.output.data(answer)
        if answer["outcome"] != "done":
            call.output.say(f"{call.arguments['name']} could not be made: {answer['sentence']}", style="fail")
            return Exit.NEGATIVE
        call.output.say(f"{call.arguments['name']}: {answer['sentence']}", style="ok" if not answer["findings"] else "warn")
        return _findings(call, answer["open"]) if answer["open"] else Exit.OK

    return Subcommand(
        "run",
        "make an audit now",
        run,
        (_NAME, DATA),
        description=f"It changes nothing. Exit code 0 when no finding counts, 1 when one does or it could not be made, {_NO_SERVER}.",
        example="keepwell audit run permissions",
    )


async def _ended(ask: AskServer, data: str | None, path: str, occasion: str) -> dict[str, Any]:
    """How an audit that takes long ended, when it has. Raises KeepwellError where the server ended before it."""
    while True:
        await asyncio.sleep(_AGAIN_AFTER)
        told = await ask(data, path)
        made = next((one for one in told["made"] if one["occasion"] == occasion), None)
        if made is None or made["outcome"] != _UNDER_WAY:
            gone = {"outcome": "failed", "sentence": "the server ended or forgot it meanwhile", "findings": 0}
            return {**(made or gone), "open": told["open"]}


def _waiving(tell: TellServer) -> tuple[Subcommand, ...]:
    async def waive(call: Call) -> int:
        given = call.arguments
        body = {"reason": given["reason"], "for": given["lasts"], "by": given["by"]}
        waived = await tell(given["data"], f"{_of(given)}/waive", body)
        call.output.data(waived)
        call.output.say(f"waived until {waived['waiver']['until']}: {waived['finding']}", style="ok")
        return 0

    async def unwaive(call: Call) -> int:
        given = call.arguments
        answer = await tell(given["data"], f"{_of(given)}/unwaive")
        call.output.data(answer)
        call.output.say(f"no longer waived: {given['id']}", style="ok")
        return 0

    return (
        Subcommand(
            "waive",
            "accept a finding for a time",
            waive,
            (
                _NAME,
                _ID,
                Argument(("--for",), "how long, such as 30d", {"metavar": "DURATION", "dest": "lasts", "required": True}),
                Argument(("--reason",), "why", {"metavar": "TEXT", "required": True}),
                BY,
                DATA,
            ),
            description=f"Nobody is told of it until then. Exit code 0, {_NO_SERVER}.",
            example='keepwell audit waive permissions 3f5c2a91b0c4d7e8 --for 30d --reason "moved in May"',
        ),
        Subcommand(
            "unwaive",
            "take a waiver back",
            unwaive,
            (_NAME, _ID, DATA),
            description=f"Exit code 0, {_NO_SERVER}.",
            example="keepwell audit unwaive permissions 3f5c2a91b0c4d7e8",
        ),
    )


def _of(given: Mapping[str, Any]) -> str:
    return f"{_BASE}/{quote(given['name'], safe='')}/findings/{quote(given['id'], safe='')}"


def _listing(call: Call, audits: Sequence[Mapping[str, Any]]) -> int:
    if not audits:
        call.output.say("there are no audits: keepwell.yaml has them below audits", style="dim")
        return Exit.OK
    rows, styles = [], []
    for one in audits:
        newest = one["newest"]
        failed = newest is not None and newest["outcome"] == "failed"
        sentence = newest["sentence"] if newest is not None else "not made yet"
        rows.append((one["name"], one["control"], one["every"], newest["ended_at"] if newest else "", f"{one['counting']}", sentence))
        styles.append("fail" if failed else "warn" if one["counting"] else "" if newest else "dim")
    call.output.table(("audit", "control", "every", "newest", "findings", "how it ended"), rows, styles=styles)
    return Exit.NEGATIVE if any(style in ("fail", "warn") for style in styles) else Exit.OK


def _findings(call: Call, found: Sequence[Mapping[str, Any]]) -> int:
    if not found:
        call.output.say("nothing was found that is not gone", style="ok")
        return Exit.OK
    rows = []
    for one in found:
        waiver = one["waiver"]
        waived = f"until {waiver['until'][:10]} by {waiver['by']}: {waiver['reason']}" if waiver else ""
        rows.append((one["audit"], one["id"], one["finding"], one["since"], waived))
    styles = ["dim" if one["waiver"] else "warn" for one in found]
    call.output.table(("audit", "id", "finding", "since", "waived"), rows, styles=styles)
    return Exit.OK if all(one["waiver"] for one in found) else Exit.NEGATIVE
