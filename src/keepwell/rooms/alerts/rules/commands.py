"""``keepwell rules list``, ``thresholds``, ``set`` and ``revert``: asked and told of the running server. Imports nothing costly."""

from collections.abc import Mapping

from keepwell.kernel.problems import UsageError
from keepwell.kernel.quoting import quoted
from keepwell.ports.offer import Argument, Call, Subcommand
from keepwell.ports.server import DATA, AskServer, TellServer

_RULES, _CONFIG = "/api/v1/alerts/rules", "/api/v1/alerts/config"
_REASON = Argument(("--reason",), "why; it is kept", {"metavar": "TEXT", "default": ""})
_WORDS: Mapping[str, bool | None] = {"true": True, "on": True, "false": False, "off": False, "file": None}


def commands(ask: AskServer, tell: TellServer) -> tuple[Subcommand, ...]:
    """All of them."""
    return (_list(ask), _thresholds(ask), _set(tell), _revert(tell))


def _list(ask: AskServer) -> Subcommand:
    async def run(call: Call) -> int:
        from .told import listing

        return listing(call, await ask(call.arguments["data"], _RULES))

    return Subcommand(
        "list",
        "the rules of the configuration, and how they stand",
        run,
        (DATA,),
        description="What each rule waits for, measures and holds for true now. Rules of rule files are listed by Prometheus' API.",
        example="keepwell rules list",
    )


def _thresholds(ask: AskServer) -> Subcommand:
    async def run(call: Call) -> int:
        from .told import thresholds, versions

        if call.arguments["versions"]:
            return versions(call, await ask(call.arguments["data"], f"{_CONFIG}/versions"))
        return thresholds(call, await ask(call.arguments["data"], _CONFIG))

    shown = Argument(("--versions",), "who changed what, when and why", {"action": "store_true"})
    return Subcommand(
        "thresholds",
        "thresholds in force, beside what the file says",
        run,
        (shown, DATA),
        example="keepwell rules thresholds --versions",
    )


def _set(tell: TellServer) -> Subcommand:
    async def run(call: Call) -> int:
        from .told import changed

        group, _, name = call.arguments["rule"].rpartition("/")
        values = {key: value for key, value in map(_value, call.arguments["values"])}
        body = {"rules": {group or "rules": {name: values}}, "reason": call.arguments["reason"]}
        return changed(call, await tell(call.arguments["data"], _CONFIG, body, "PATCH"))

    return Subcommand(
        "set",
        "change a rule's threshold while Keepwell runs",
        run,
        (
            Argument(("rule",), "the rule: NAME, or GROUP/NAME", {"metavar": "RULE"}),
            Argument(
                ("values",),
                "threshold=5%%, warning=.., critical=.., enabled=off; =file takes back what the file says",
                {"metavar": "KEY=VALUE", "nargs": "+"},
            ),
            _REASON,
            DATA,
        ),
        description="Makes a new version of the thresholds, with an entry in the journal; the file stays as it is. Exit code 2 where there "
        "is no such rule, or it cannot have that value.",
        example="keepwell rules set ErrorRate threshold=5% --reason 'the release is noisy'",
    )


def _value(text: str) -> tuple[str, bool | str | None]:
    key, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"{quoted(text)} has no value", hint="write threshold=5% or enabled=off")
    return key, _WORDS.get(value, value)


def _revert(tell: TellServer) -> Subcommand:
    async def run(call: Call) -> int:
        from .told import changed

        body = {"to": call.arguments["version"], "reason": call.arguments["reason"]}
        return changed(call, await tell(call.arguments["data"], f"{_CONFIG}/revert", body, "POST"))

    return Subcommand(
        "revert",
        "take the thresholds of an earlier version again",
        run,
        (
            Argument(("version",), "its number (0: those of the file)", {"metavar": "VERSION", "type": int}),
            _REASON,
            DATA,
        ),
        example="keepwell rules revert 0",
    )
