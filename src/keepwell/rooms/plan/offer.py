"""What the plan room declares: ``keepwell plan``."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from keepwell.kernel.exits import Exit
from keepwell.kernel.problems import UsageError
from keepwell.ports.offer import Argument, Call, Subcommand

if TYPE_CHECKING:
    from .model import Operated

MOST_DAYS = 366
_DAYS = {"type": int, "default": 7, "metavar": "N"}


class LoadOperated(Protocol):
    """Reads an operations directory and gives what would run in it as ``user`` (None: this process' own). Starts nothing.

    Raises ConfigurationError."""

    def __call__(self, directory: str, user: str | None, /) -> "Operated": ...


def commands(load: LoadOperated, now: Callable[[], datetime]) -> tuple[Subcommand, ...]:
    """``keepwell plan``; ``load`` reads a directory."""

    async def plan(call: Call) -> int:
        return _plan(call, load, now())

    return (
        Subcommand(
            "plan",
            "say what would run when, and run nothing",
            plan,
            (
                Argument(("directory",), "the operations directory", {"metavar": "DIR"}),
                Argument(
                    ("--days",), "how many days to look ahead (7, if not given; at most 366)", {"type": int, "default": 7, "metavar": "N"}
                ),
                Argument(("--user",), "the user it will run as (you, if not given)", {"metavar": "USER"}),
            ),
            description="Says what an operations directory would run: each check with its interval, each task with its moments in its own "
            "zone and the steps of its runbook, where and as whom, accepted or not, and what is missing. Starts no process, opens no "
            "socket, reads no secret. Exit code 0 whatever waits or is missing: a plan informs; 2 where the directory is invalid.",
            example="keepwell plan ops --days 30 --json",
            waits=False,
        ),
    )


def _plan(call: Call, load: LoadOperated, now: datetime) -> int:
    from .work import make_plan

    days = call.arguments["days"]
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"{days} days cannot be planned", hint=f"give a number from 1 to {MOST_DAYS}")
    directory = call.arguments["directory"]
    plan = make_plan(Path(directory), load(directory, call.arguments["user"]), now, days)
    if call.output.wants_json:
        from .views import as_json

        call.output.data(as_json(plan))
        return Exit.OK
    from .pages import lines

    for text, style in lines(plan):
        call.output.say(text, style=style)
    return Exit.OK
