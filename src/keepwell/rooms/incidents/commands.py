"""``keepwell incidents ...``: incidents on the command line, asked and told of the running server. Imports nothing costly."""

from dataclasses import dataclass
from typing import Any

from keepwell.kernel.problems import UsageError
from keepwell.ports.offer import Argument, Call, Group, Subcommand
from keepwell.ports.server import BY, DATA, AskServer, Download, TellServer

_BASE = "/api/v1/incidents"
_ID = Argument(("id",), "the incident's number", {"metavar": "ID"})
_NOTE = Argument(("--note",), "what others should know", {"metavar": "TEXT", "default": ""})
_UPDATE = Argument(("note",), "the update", {"metavar": "TEXT"})
_SEVERITY = Argument(("severity",), "one of incidents.severities", {"metavar": "NAME"})
_INTO = Argument(("--into",), "the incident that it is part of", {"metavar": "ID", "type": int, "required": True})
_NO_SERVER = "2 where no server runs or it refuses"


def commands(ask: AskServer, tell: TellServer, download: Download) -> Group:
    """The group ``incidents``."""
    every = (*_asking(ask), _open(tell), *(_doing(tell, deed) for deed in _DEEDS), *_texts(download))
    return Group("incidents", "what went wrong, who answers it, and how quickly", every)


def _asking(ask: AskServer) -> tuple[Subcommand, ...]:
    async def listed(call: Call) -> int:
        state = "all" if call.arguments["all"] else "open"
        limit = f"&limit={call.arguments['limit']}" if call.arguments["limit"] is not None else ""
        return _told(call, await ask(call.arguments["data"], f"{_BASE}?state={state}{limit}"), "listing")

    async def show(call: Call) -> int:
        return _told(call, await ask(call.arguments["data"], f"{_BASE}/{_number(call)}"), "show")

    return (
        Subcommand(
            "list",
            "incidents that are not resolved",
            listed,
            (
                Argument(("--all",), "those that are resolved, too", {"action": "store_true"}),
                Argument(("--limit",), "so many at most", {"metavar": "N", "type": int}),
                DATA,
            ),
            description=f"The newest first. Exit code 0 when none is open, 1 when one is, {_NO_SERVER}.",
            example="keepwell incidents list --all",
        ),
        Subcommand(
            "show",
            "one incident with all that happened",
            show,
            (_ID, DATA),
            description=f"Exit code 1 while it is open, 0 when it is resolved, {_NO_SERVER}.",
            example="keepwell incidents show 3",
        ),
    )


def _open(tell: TellServer) -> Subcommand:
    async def run(call: Call) -> int:
        given = call.arguments
        body = {"title": given["title"], "severity": given["severity"], "by": given["by"]}
        made = await tell(given["data"], _BASE, body)
        call.output.data(made)
        call.output.say(f"incident {made['id']} is open ({made['severity']}): {made['title']}", style="ok")
        return 0

    return Subcommand(
        "open",
        "open an incident",
        run,
        (
            Argument(("title",), "what is wrong, in a sentence", {"metavar": "TITLE"}),
            Argument(("--severity",), "one of incidents.severities", {"metavar": "NAME", "required": True}),
            BY,
            DATA,
        ),
        description=f"People are told until somebody acknowledges it. Exit code 0, {_NO_SERVER}.",
        example='keepwell incidents open "no sound in room 4" --severity P2',
    )


@dataclass(frozen=True, slots=True)
class _Deed:
    """What people say of an incident: the command, what it means, what is said when it was taken, and the end of an example. ``given`` are
    its arguments, which are sent, ``path`` where to (empty: the command's name), ``more`` what else happens."""

    name: str
    means: str
    said: str
    example: str = ""
    given: tuple[Argument, ...] = (_NOTE, BY)
    path: str = ""
    more: str = ""


_DEEDS = (
    _Deed(
        "ack",
        "answer an incident: the clock for the response ends",
        "acknowledged",
        ' --note "looking at it"',
        path="acknowledge",
        more="Its alerts are acknowledged, too. ",
    ),
    _Deed("note", "say how it goes: the clock for updates begins anew", "noted", ' "the disk is full, archiving"', given=(_UPDATE, BY)),
    _Deed("mitigate", "say that it hurts nobody any more", "mitigated", ' --note "restarted"'),
    _Deed("resolve", "say that it is over", "resolved", ' --note "disk replaced"'),
    _Deed(
        "severity",
        "say that it is more or less severe than was thought",
        "is {severity} now",
        ' P1 --note "everybody is cut off"',
        given=(_SEVERITY, _NOTE),
        more="What is due follows the other severity, from when it was opened. ",
    ),
    _Deed(
        "merge",
        "say that it is part of another incident",
        "has incident {merged} as a part",
        ' --into 2 --note "one outage"',
        given=(_INTO, _NOTE, BY),
        more="The other has its alerts from now on, and is as severe as the more severe of both. ",
    ),
    _Deed(
        "collect",
        "collect evidence now",
        "{collected} diagnostics are run; keepwell incidents show {id} has what they found",
        given=(),
        more="Runs incidents.diagnostics of keepwell.yaml, those that are accepted. ",
    ),
)


def _doing(tell: TellServer, deed: _Deed) -> Subcommand:
    async def run(call: Call) -> int:
        body = {name: call.arguments[name] for name in (argument.names[0].removeprefix("--") for argument in deed.given)}
        incident = await tell(call.arguments["data"], f"{_BASE}/{_number(call)}/{deed.path or deed.name}", body or None)
        call.output.data(incident)
        call.output.say(f"incident {incident['id']}: {deed.said.format(**incident)}", style="ok")
        return 0

    return Subcommand(
        deed.name,
        deed.means,
        run,
        (_ID, *deed.given, DATA),
        description=f"{deed.more}Exit code 0, {_NO_SERVER}.",
        example=f"keepwell incidents {deed.name} 3{deed.example}",
    )


def _texts(download: Download) -> tuple[Subcommand, ...]:
    async def review(call: Call) -> int:
        return await _copy(call, f"{_BASE}/{_number(call)}/review")

    async def output(call: Call) -> int:
        digest = call.arguments["digest"]
        if not (digest.isascii() and digest.isalnum()):
            raise UsageError(f"{digest!r} is no digest", hint=f"keepwell incidents show {_number(call)} lists them")
        return await _copy(call, f"{_BASE}/{_number(call)}/outputs/{digest}")

    async def _copy(call: Call, path: str) -> int:
        pieces = [piece async for piece in download(call.arguments["data"], path)]
        call.output.raw(b"".join(pieces).decode("utf-8", "replace"))
        return 0

    return (
        Subcommand(
            "review",
            "the review of an incident, as Markdown",
            review,
            (_ID, DATA),
            description=f"Written from the timeline; what only people know is left for them. Exit code 0, {_NO_SERVER}.",
            example="keepwell incidents review 3 > incident-3.md",
        ),
        Subcommand(
            "output",
            "what a diagnostic printed",
            output,
            (_ID, Argument(("digest",), "the output's digest", {"metavar": "DIGEST"}), DATA),
            description=f"Exit code 0, {_NO_SERVER}.",
            example="keepwell incidents output 3 2c26b46b68ffc68f",
        ),
    )


def _number(call: Call) -> str:
    text: str = call.arguments["id"]
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise UsageError(f"{text!r} is no incident's number", hint="keepwell incidents list shows them")
    return text


def _told(call: Call, answer: Any, name: str) -> int:
    from . import told

    call.output.data(answer)
    return told.listing(call, answer) if name == "listing" else told.show(call, answer)
