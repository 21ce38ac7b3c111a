"""``keepwell notify ...``: what a receiver would be told, and whether it can be told anything. Imports nothing costly."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from keepwell.kernel.exits import Exit
from keepwell.kernel.problems import UsageError
from keepwell.ports.offer import Argument, Call, Group, Subcommand
from keepwell.ports.server import TellServer


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be previewed: an alert of a rule, or one of a check in a state; to which receivers (none: to those that its routes name),
    and whether it was resolved."""

    directory: str
    rule: str | None = None
    check: str | None = None
    state: str = "fail"
    receivers: Sequence[str] = ()
    resolved: bool = False


Preview = Callable[[Wanted], Awaitable[Mapping[str, Any]]]
"""The alert and, of each receiver, what it would be sent: ``{labels, annotations, receivers: [{receiver, kind, note, text, html, sent}]}``.
Sends nothing."""


class Test(Protocol):
    """Sends a test to receivers of a directory from here, without a server: of each, ``{receiver, state, error}``."""

    def __call__(self, directory: str, receivers: Sequence[str], message: str, /) -> Awaitable[Sequence[Mapping[str, Any]]]: ...


_RECEIVER = Argument(("--receiver",), "only to this receiver; several times for several", {"metavar": "NAME", "action": "append"})


def commands(preview: Preview, test: Test, tell: TellServer) -> Group:
    """The group ``notify``."""

    async def run_preview(call: Call) -> int:
        return _previewed(call, await preview(_wanted(call)))

    async def run_test(call: Call) -> int:
        names, message = call.arguments["receivers"], call.arguments["message"]
        if call.arguments["directory"] is not None:
            results = await test(call.arguments["directory"], names, message)
        else:
            body = {"receivers": list(names), **({"message": message} if message else {})}
            results = (await tell(call.arguments["data"], "/api/v1/test-alert", body))["receivers"]
        return _tested(call, results)

    return Group(
        "notify", "what receivers are told, and whether they can be told", (_preview_command(run_preview), _test_command(run_test))
    )


def _preview_command(run: Callable[[Call], Awaitable[int]]) -> Subcommand:
    return Subcommand(
        "preview",
        "show what receivers would be told of an alert; sends nothing",
        run,
        (
            Argument(("directory",), "the operations directory", {"metavar": "DIR"}),
            Argument(("rule",), "the rule whose alert it is", {"metavar": "RULE", "nargs": "?"}),
            Argument(("--check",), "a check instead", {"metavar": "NAME"}),
            Argument(("--state",), "the check's state (default: fail)", {"choices": ("warn", "fail", "unknown"), "default": "fail"}),
            Argument(("--resolved",), "the end of the alert instead of its beginning", {"action": "store_true"}),
            _RECEIVER,
            Argument(("--html",), "the HTML of the mail, to be put into a file", {"action": "store_true"}),
        ),
        description="Makes an alert as that rule would, with a value at its limit, finds the receivers by the routes, and prints what each "
        "would be sent. Secrets are not resolved. Exit code 0, 1 where nobody would be told, 2 where there is no such rule or check.",
        example="keepwell notify preview ops ErrorRate",
    )


def _test_command(run: Callable[[Call], Awaitable[int]]) -> Subcommand:
    return Subcommand(
        "test",
        "send a test to receivers and say what became of it",
        run,
        (
            Argument(
                ("receivers",),
                "receivers, 'contact NAME', or 'escalation NAME' for all in it; without any, all receivers",
                {"metavar": "RECEIVER", "nargs": "*"},
            ),
            Argument(("--directory",), "send from here, by this operations directory, without a server", {"metavar": "DIR"}),
            Argument(("--message",), "what it says", {"metavar": "TEXT", "default": ""}),
            Argument(("--data",), "the data directory of the server that sends it", {"metavar": "DIR"}),
        ),
        description="The running server sends it through its outbox and waits some ten seconds; with --directory this command sends it "
        "itself, once. Exit code 0 where every receiver took it, 1 where one did not, 2 where there is no such receiver or no server runs.",
        example="keepwell notify test team --directory ops",
    )


def _wanted(call: Call) -> Wanted:
    given = call.arguments
    if (given["rule"] is None) == (given["check"] is None):
        raise UsageError("name a rule, or a check with --check", hint="keepwell notify preview ops --check api-health")
    names = tuple(given["receiver"] or ())
    return Wanted(given["directory"], given["rule"], given["check"], given["state"], names, given["resolved"])


def _previewed(call: Call, answer: Mapping[str, Any]) -> int:
    call.output.data(answer)
    receivers: Sequence[Mapping[str, Any]] = answer["receivers"]
    if call.arguments["html"]:
        call.output.raw(next((one["html"] for one in receivers if one.get("html")), ""))
        return Exit.OK if any(one.get("html") for one in receivers) else Exit.NEGATIVE
    for one in receivers:
        call.output.say(f"to {one['receiver']} ({one['kind']}){': ' + one['note'] if one['note'] else ''}", style="strong")
        for line in str(one["text"]).splitlines():
            call.output.say(f"  {line}" if line else "")
        call.output.say()
    if not receivers:
        call.output.say("nobody would be told: no route leads to a receiver", style="warn")
    return Exit.OK if receivers else Exit.NEGATIVE


def _tested(call: Call, results: Sequence[Mapping[str, Any]]) -> int:
    call.output.data({"receivers": list(results)})
    for one in results:
        delivered = one["state"] == "delivered"
        state = one["state"] if one["state"] != "waiting" else "not delivered"
        words = [f"{one['receiver']}: {state}"] if one["receiver"] else []
        call.output.say(": ".join([*words, *([one["error"]] if one["error"] else [])]), style="ok" if delivered else "fail")
    return Exit.OK if all(one["state"] == "delivered" for one in results) else Exit.NEGATIVE
