"""``keepwell alerts ...``: alerts on the command line, asked and told of the running server. Imports nothing costly."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from keepwell.kernel.problems import UsageError
from keepwell.ports.offer import Argument, Call, Group, Subcommand
from keepwell.ports.server import BY, DATA, AskServer, Download, TellServer

Tell = Callable[[Call, Mapping[str, Any]], int]
"""Prints an answer and gives the exit code."""


_BASE, _SILENCES = "/api/v1/alerts", "/api/v1/silences"
_EVERYTHING = 'alertname=~".+"'
_ID = Argument(("id",), "the alert's id (or the fingerprint of an active one)", {"metavar": "ID"})
_LIMIT = Argument(("--limit",), "so many at most", {"metavar": "N", "type": int})
_BEFORE = Argument(("--before",), "those with a smaller id: the next page", {"metavar": "ID", "type": int})
_SEVERITY = Argument(("--severity",), "only of this severity", {"metavar": "WORD"})
_MATCHERS = Argument(
    ("matchers",), 'which alerts, as amtool takes them: service=api severity=~"P1|P2"', {"metavar": "MATCHER", "nargs": "*"}
)
_FOR = Argument(("--for",), "how long, such as 2h", {"metavar": "DURATION", "dest": "lasts"})
_COMMENT = Argument(("--comment",), "why", {"metavar": "TEXT", "required": True})
_NO_SERVER = "2 where no server runs or the question cannot be read"


def commands(ask: AskServer, tell: TellServer, download: Download) -> Group:
    """The group ``alerts``."""
    every = (*_asking(ask), _stats(ask, download), *_doing(tell), *_muting(ask, tell), _on_call(ask))
    return Group("alerts", "what fires, what fired, and what people do about it", every)


def _asking(ask: AskServer) -> tuple[Subcommand, ...]:
    async def listed(call: Call) -> int:
        given = {"state": call.arguments["state"], "severity": call.arguments["severity"], "matcher": call.arguments["matchers"]}
        return _told(call, await ask(call.arguments["data"], _with(_BASE, call, given, ("limit", "before"))), "listing")

    async def show(call: Call) -> int:
        return _told(call, await ask(call.arguments["data"], f"{_BASE}/{_number(call.arguments['id'])}"), "show")

    async def history(call: Call) -> int:
        given = {"severity": call.arguments["severity"], "matcher": call.arguments["matchers"]}
        names = ("limit", "before", "name", "service", "start", "end")
        return _told(call, await ask(call.arguments["data"], _with(f"{_BASE}/history", call, given, names)), "history")

    return (
        Subcommand(
            "list",
            "alerts that are pending or firing",
            listed,
            (
                _MATCHERS,
                Argument(("--state",), "only these", {"choices": ("pending", "firing")}),
                _SEVERITY,
                _LIMIT,
                _BEFORE,
                DATA,
            ),
            description=f"The most urgent first. Exit code 0 when none fires, 1 when one does, {_NO_SERVER}.",
            example="keepwell alerts list service=api --severity critical",
        ),
        Subcommand(
            "show",
            "one alert with all that happened to it",
            show,
            (Argument(("id",), "the alert's id", {"metavar": "ID"}), DATA),
            description=f"Exit code 1 when it fires, 0 when it does not, {_NO_SERVER}.",
            example="keepwell alerts show 12",
        ),
        Subcommand(
            "history",
            "alerts that fired, newest first",
            history,
            (
                _MATCHERS,
                Argument(("--name",), "only of this name", {"metavar": "NAME"}),
                Argument(("--service",), "only of this service", {"metavar": "NAME"}),
                _SEVERITY,
                Argument(("--start",), "fired at this instant or later (RFC 3339)", {"metavar": "INSTANT"}),
                Argument(("--end",), "fired before this instant", {"metavar": "INSTANT"}),
                _LIMIT,
                _BEFORE,
                DATA,
            ),
            description=f"At most --limit (50). Exit code 0, {_NO_SERVER}.",
            example="keepwell alerts history --name CheckFailed --limit 20",
        ),
    )


def _stats(ask: AskServer, download: Download) -> Subcommand:
    async def stats(call: Call) -> int:
        data, query = call.arguments["data"], _with("", call, {}, ("over", "end", "zone"))
        if not call.arguments["html"]:
            return _told(call, await ask(data, f"{_BASE}/stats{query}"), "stats")
        pieces = [piece async for piece in download(data, f"/alerts/patterns/file{query}")]
        call.output.raw(b"".join(pieces).decode())
        return 0

    return Subcommand(
        "stats",
        "patterns: the noisiest, what flaps, what nobody acknowledges",
        stats,
        (
            Argument(("--over",), "so long until --end (default: 7d)", {"metavar": "DURATION"}),
            Argument(("--end",), "where it ends (RFC 3339; default: now)", {"metavar": "INSTANT"}),
            Argument(("--zone",), "whose hours of the day (default: UTC)", {"metavar": "ZONE"}),
            Argument(("--html",), "as a page that needs nothing else", {"action": "store_true"}),
            DATA,
        ),
        description=f"With mean and median times to acknowledge and to resolve, and when alerts fire. Exit code 0, {_NO_SERVER}.",
        example="keepwell alerts stats --over 30d --zone Europe/Berlin",
    )


def _on_call(ask: AskServer) -> Subcommand:
    async def on_call(call: Call) -> int:
        return _told(call, await ask(call.arguments["data"], _with("/api/v1/on-call", call, {}, ("ahead",))), "on_call")

    return Subcommand(
        "oncall",
        "who is on call in each rota",
        on_call,
        (Argument(("--ahead",), "so far into the future (default: 14d)", {"metavar": "DURATION"}), DATA),
        description=f"Exit code 0 when somebody is on call now in every rota, 1 when not, {_NO_SERVER}.",
        example="keepwell alerts oncall --ahead 30d",
    )


def _doing(tell: TellServer) -> tuple[Subcommand, ...]:
    def doing(deed: str, body: Callable[[Mapping[str, Any]], Mapping[str, Any]], said: str) -> Callable[[Call], Awaitable[int]]:
        async def run(call: Call) -> int:
            path = f"{_BASE}/{quote(call.arguments['id'], safe='')}/{deed}"
            alert = await tell(
                call.arguments["data"], path, {name: value for name, value in body(call.arguments).items() if value is not None}
            )
            call.output.data(alert)
            call.output.say(f"{alert['id']} {alert['name']}: {said.format(**call.arguments)}", style="ok")
            return 0

        return run

    acknowledge = doing("acknowledge", lambda given: {"by": given["by"], "note": given["note"], "for": given["lasts"]}, "acknowledged")
    return (
        Subcommand(
            "ack",
            "say that you know of an alert: no repeats, no escalation",
            acknowledge,
            (_ID, Argument(("--note",), "what to remember", {"metavar": "TEXT", "default": ""}), _FOR, BY, DATA),
            description=f"Until it is resolved, or --for so long. Exit code 0, {_NO_SERVER}.",
            example='keepwell alerts ack 12 --note "restarting the database"',
        ),
        Subcommand(
            "unack",
            "take an acknowledgement back",
            doing("unacknowledge", lambda given: {}, "no longer acknowledged"),
            (_ID, DATA),
            description=f"Repeats and escalation go on. Exit code 0, {_NO_SERVER}.",
            example="keepwell alerts unack 12",
        ),
        Subcommand(
            "assign",
            "say who does something about an alert",
            doing("assign", lambda given: {"to": given["to"]}, "assigned to {to}"),
            (_ID, Argument(("to",), 'who ("" for nobody)', {"metavar": "NAME"}), DATA),
            description=f"Exit code 0, {_NO_SERVER}.",
            example="keepwell alerts assign 12 maria",
        ),
        Subcommand(
            "resolve",
            "say that an alert has ended",
            doing("resolve", lambda given: {"resolution": given["reason"], "by": given["by"]}, "resolved"),
            (_ID, Argument(("--reason",), "why", {"metavar": "TEXT", "default": ""}), BY, DATA),
            description=f"It stays closed, whatever its rule or check still finds, until that has ended too. Exit code 0, {_NO_SERVER}.",
            example='keepwell alerts resolve 12 --reason "disk replaced"',
        ),
    )


def _muting(ask: AskServer, tell: TellServer) -> tuple[Subcommand, ...]:
    async def listed(call: Call) -> int:
        return _told(call, await ask(call.arguments["data"], _SILENCES), "silences")

    async def expire(call: Call) -> int:
        ended = await tell(call.arguments["data"], f"{_SILENCES}/{quote(call.arguments['id'], safe='')}/expire")
        call.output.data(ended)
        call.output.say(f"ended: {ended['id']}", style="ok")
        return 0

    return (
        Subcommand(
            "silence",
            "mute alerts for a time",
            _begin(ask, tell, is_maintenance=False),
            (_MATCHERS, _FOR, _COMMENT, BY, DATA),
            description=f"Says which active alerts it mutes. Exit code 0, {_NO_SERVER}.",
            example='keepwell alerts silence service=api --for 2h --comment "known, fix on its way"',
        ),
        Subcommand(
            "maintenance",
            "begin work on the service: mute, and keep it apart in availability",
            _begin(ask, tell, is_maintenance=True),
            (_MATCHERS, _FOR, _COMMENT, BY, DATA),
            description=f"Without matchers it is everything. Recurring windows stand in keepwell.yaml. Exit code 0, {_NO_SERVER}.",
            example='keepwell alerts maintenance --for 30m --comment "database upgrade"',
        ),
        Subcommand(
            "silences",
            "silences and maintenance that have not ended",
            listed,
            (DATA,),
            description=f"Exit code 0, {_NO_SERVER}.",
            example="keepwell alerts silences",
        ),
        Subcommand(
            "unsilence",
            "end a silence, or maintenance, now",
            expire,
            (Argument(("id",), "the silence's id", {"metavar": "ID"}), DATA),
            description=f"Exit code 0, {_NO_SERVER}.",
            example="keepwell alerts unsilence 3f5c2a",
        ),
    )


def _begin(ask: AskServer, tell: TellServer, *, is_maintenance: bool) -> Callable[[Call], Awaitable[int]]:
    word = "maintenance" if is_maintenance else "silence"

    async def begin(call: Call) -> int:
        given = call.arguments
        matchers = list(given["matchers"]) or ([_EVERYTHING] if is_maintenance else [])
        if not matchers or given["lasts"] is None:
            missing = "how long" if matchers else "which alerts"
            raise UsageError(f"{word}: say {missing}", hint=f"keepwell alerts {word} service=api --for 2h --comment TEXT")
        muted = await ask(given["data"], f"{_SILENCES}/preview?{urlencode([('matcher', text) for text in matchers])}")
        body = {"matchers": matchers, "for": given["lasts"], "comment": given["comment"], "by": given["by"], "maintenance": is_maintenance}
        made = await tell(given["data"], _SILENCES, body)
        call.output.data({**made, "mutes": muted["total"]})
        call.output.say(f"{word} {made['id']} until {made['ends_at']}; active alerts that it mutes: {muted['total']}", style="ok")
        for alert in muted["alerts"]:
            call.output.say(f"  {alert['id']} {alert['name']}: {alert['message']}", style="dim")
        return 0

    return begin


def _with(path: str, call: Call, given: Mapping[str, Any], names: Sequence[str]) -> str:
    """The path with what is asked: those arguments of these names that were given, and more."""
    asked = {**given, **{name: call.arguments[name] for name in names}}
    query = urlencode([(name, value) for name, value in asked.items() if value is not None and value != []], doseq=True)
    return f"{path}?{query}" if query else path


def _number(text: str) -> str:
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"{text!r} is no alert's id", hint="keepwell alerts list shows them")
    return text


def _told(call: Call, answer: Any, name: str) -> int:
    from . import told

    tellers: Mapping[str, Tell] = {
        "listing": told.listing,
        "show": told.show,
        "history": told.history,
        "stats": told.stats,
        "silences": told.silences,
        "on_call": told.on_call,
    }
    call.output.data(answer)
    return tellers[name](call, answer)
