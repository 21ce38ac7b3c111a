"""``keepwell incidents ...``: incidents on the command line, asked and told of the running server. Imports nothing costly."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

from keepwell.kernel.problems import UsageError
from keepwell.ports.offer import Argument, Call, Group, Subcommand

AskServer = Callable[[str | None, str], Awaitable[Any]]
Download = Callable[[str | None, str], AsyncIterator[bytes]]


class TellServer(Protocol):
    """Writes to the running server of a data directory: a path and its body."""

    def __call__(self, data: str | None, path: str, body: Any = None, /) -> Awaitable[Any]: ...


_BASE = "/api/v1/incidents"
_DATA = Argument(("--data",), "the server's data directory", {"metavar": "DIR"})
_ID = Argument(("id",), "the incident's number", {"metavar": "ID"})
_BY = Argument(("--by",), "who does it (default: the user of this command)", {"metavar": "NAME", "default": ""})
_NOTE = Argument(("--note",), "what others should know", {"metavar": "TEXT", "default": ""})
_NO_SERVER = "2 where no server runs or it refuses"


def commands(ask: AskServer, tell: TellServer, download: Download) -> Group:
    """The group ``incidents``."""
    every = (*_asking(ask), _open(tell), *_doing(tell), *_texts(download))
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
                _DATA,
            ),
            description=f"The newest first. Exit code 0 when none is open, 1 when one is, {_NO_SERVER}.",
            example="keepwell incidents list --all",
        ),
        Subcommand(
            "show",
            "one incident with all that happened",
            show,
            (_ID, _DATA),
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
            _BY,
            _DATA,
        ),
        description=f"People are told until somebody acknowledges it. Exit code 0, {_NO_SERVER}.",
        example='keepwell incidents open "no sound in room 4" --severity P2',
    )


def _doing(tell: TellServer) -> tuple[Subcommand, ...]:
    def doing(deed: str, said: str, *names: str) -> Callable[[Call], Awaitable[int]]:
        async def run(call: Call) -> int:
            body: Mapping[str, Any] = {name: call.arguments[name] for name in names}
            incident = await tell(call.arguments["data"], f"{_BASE}/{_number(call)}/{deed}", body if names else None)
            call.output.data(incident)
            call.output.say(f"incident {incident['id']}: {said.format(**incident)}", style="ok")
            return 0

        return run

    exits = f"Exit code 0, {_NO_SERVER}."
    text = Argument(("note",), "the update", {"metavar": "TEXT"})
    severity = Argument(("severity",), "one of incidents.severities", {"metavar": "NAME"})
    return (
        Subcommand(
            "ack",
            "answer an incident: the clock for the response ends",
            doing("acknowledge", "acknowledged", "note", "by"),
            (_ID, _NOTE, _BY, _DATA),
            description=f"Its alerts are acknowledged, too. {exits}",
            example='keepwell incidents ack 3 --note "looking at it"',
        ),
        Subcommand(
            "note",
            "say how it goes: the clock for updates begins anew",
            doing("note", "noted", "note", "by"),
            (_ID, text, _BY, _DATA),
            description=exits,
            example='keepwell incidents note 3 "the disk is full, archiving"',
        ),
        Subcommand(
            "mitigate",
            "say that it hurts nobody any more",
            doing("mitigate", "mitigated", "note", "by"),
            (_ID, _NOTE, _BY, _DATA),
            description=exits,
            example='keepwell incidents mitigate 3 --note "restarted"',
        ),
        Subcommand(
            "resolve",
            "say that it is over",
            doing("resolve", "resolved", "note", "by"),
            (_ID, _NOTE, _BY, _DATA),
            description=exits,
            example='keepwell incidents resolve 3 --note "disk replaced"',
        ),
        Subcommand(
            "severity",
            "say that it is more or less severe than was thought",
            doing("severity", "is {severity} now", "severity", "note"),
            (_ID, severity, _NOTE, _DATA),
            description=f"What is due follows the other severity, from when it was opened. {exits}",
            example='keepwell incidents severity 3 P1 --note "everybody is cut off"',
        ),
        Subcommand(
            "collect",
            "collect evidence now",
            doing("collect", "{collected} diagnostics were run"),
            (_ID, _DATA),
            description=f"Runs incidents.diagnostics of keepwell.yaml, those that are accepted. {exits}",
            example="keepwell incidents collect 3",
        ),
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
            (_ID, _DATA),
            description=f"Written from the timeline; what only people know is left for them. Exit code 0, {_NO_SERVER}.",
            example="keepwell incidents review 3 > incident-3.md",
        ),
        Subcommand(
            "output",
            "what a diagnostic printed",
            output,
            (_ID, Argument(("digest",), "the output's digest", {"metavar": "DIGEST"}), _DATA),
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
