"""``keepwell tasks ...``: asked and told of the running server. Imports nothing costly."""

from urllib.parse import quote, urlencode

from keepwell.ports.offer import Argument, Call, Group, Subcommand
from keepwell.ports.server import BY, DATA, AskServer, TellServer

_BASE = "/api/v1/tasks"
_NAME = Argument(("name",), "the task's name", {"metavar": "NAME"})
_NOTE = Argument(("--note",), "what others should know; it is kept", {"metavar": "TEXT", "default": ""})


def commands(ask: AskServer, tell: TellServer) -> Group:
    """The group ``tasks``."""
    done = _said(tell, "done", "say that a person did it", "keepwell tasks done review-access --note 'two accounts closed'")
    skip = _said(tell, "skip", "say that it is not done this time", "keepwell tasks skip review-access --note 'holidays'")
    every = (_list(ask), _show(ask), _history(ask), _run(tell), done, skip, _rewind(tell))
    return Group("tasks", "work that recurs: how it stands, when it is due, what came of it", every)


def _list(ask: AskServer) -> Subcommand:
    async def run(call: Call) -> int:
        from .told import listing

        return listing(call, await ask(call.arguments["data"], _BASE))

    return Subcommand(
        "list",
        "every task, how it stands, and when it is due next",
        run,
        (DATA,),
        description="Exit code 0 when all is well, 1 when a task failed, was refused or was missed, 2 where no server runs.",
        example="keepwell tasks list",
    )


def _show(ask: AskServer) -> Subcommand:
    async def run(call: Call) -> int:
        from .told import show

        return show(call, await ask(call.arguments["data"], f"{_BASE}/{quote(call.arguments['name'])}"))

    return Subcommand("show", "one task and its newest occasions", run, (_NAME, DATA), example="keepwell tasks show vacuum")


def _history(ask: AskServer) -> Subcommand:
    async def run(call: Call) -> int:
        from .told import history

        given = {"limit": call.arguments["limit"], "task": call.arguments["task"], "before": call.arguments["before"]}
        query = urlencode({key: value for key, value in given.items() if value is not None})
        return history(call, await ask(call.arguments["data"], f"/api/v1/task-runs?{query}"))

    return Subcommand(
        "history",
        "occasions and what came of each, newest first",
        run,
        (
            Argument(("--task",), "only of this task", {"metavar": "NAME"}),
            Argument(("--before",), "due before this instant (RFC 3339): the next page", {"metavar": "INSTANT"}),
            Argument(("--limit",), "so many, and what else was due when the last was", {"metavar": "N", "type": int, "default": 50}),
            DATA,
        ),
        example="keepwell tasks history --task vacuum",
    )


def _run(tell: TellServer) -> Subcommand:
    async def run(call: Call) -> int:
        from .told import begun

        path = f"{_BASE}/{quote(call.arguments['name'])}/run"
        return begun(call, await tell(call.arguments["data"], path, {}))

    return Subcommand(
        "run",
        "do a task now, beside its cadence",
        run,
        (_NAME, DATA),
        description="The work goes on in the server; keepwell tasks show NAME says what came of it. Exit code 2 where it cannot begin.",
        example="keepwell tasks run vacuum",
    )


def _rewind(tell: TellServer) -> Subcommand:
    async def run(call: Call) -> int:
        from .told import rewound

        names, by = call.arguments["names"], {"by": call.arguments["by"]}
        return rewound(call, [await tell(call.arguments["data"], f"{_BASE}/{quote(name)}/rewind", by) for name in names])

    return Subcommand(
        "rewind",
        "say that the clock had been ahead, and is right now",
        run,
        (Argument(("names",), "the tasks' names", {"metavar": "NAME", "nargs": "+"}), BY, DATA),
        description="What was decided of days that have not come yet is forgotten; it is done when they come. Say it only where the clock "
        "is right now: one that is behind asks for nothing twice by itself.",
        example="keepwell tasks rewind backups/audio vacuum",
    )


def _said(tell: TellServer, word: str, summary: str, example: str) -> Subcommand:
    async def run(call: Call) -> int:
        from .told import begun

        body = {"note": call.arguments["note"], "by": call.arguments["by"]}
        return begun(call, await tell(call.arguments["data"], f"{_BASE}/{quote(call.arguments['name'])}/{word}", body))

    return Subcommand(word, summary, run, (_NAME, _NOTE, BY, DATA), example=example)
