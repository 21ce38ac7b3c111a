"""``keepwell query``: asks the running server, or another engine, in PromQL. Imports nothing costly."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from keepwell.ports.offer import Argument, Call, Subcommand
from keepwell.ports.server import DATA

if TYPE_CHECKING:
    from keepwell.rooms.promql.terminal.answer import Reply
    from keepwell.rooms.promql.terminal.told import Paper
    from keepwell.rooms.promql.terminal.whom import Whom


class Put(Protocol):
    """Puts a form to an engine."""

    async def __call__(self, whom: "Whom", path: str, fields: Mapping[str, str]) -> "Reply":
        """What it answers to the operation at ``path`` (``/api/v1/query``). Raises KeepwellError where nothing answers."""
        ...


_ARGUMENTS = (
    Argument(("expression",), "the question, in PromQL", {"metavar": "EXPRESSION"}),
    Argument(("--at",), "at which instant, or where --range ends: RFC 3339, seconds since 1970, or --at=-24h", {"metavar": "INSTANT"}),
    Argument(("--range",), "values over so long a time instead of those of one instant, such as 24h or 7d", {"metavar": "DURATION"}),
    Argument(("--step",), "how far they lie apart (default: so that at most 250 result)", {"metavar": "DURATION"}),
    Argument(("--lookback",), "how long a sample stands for its series (default: 5m)", {"metavar": "DURATION"}),
    Argument(("--plot",), "draw them; without --range those of the last hour", {"action": "store_true"}),
    DATA,
    Argument(("--url",), "ask another engine that speaks Prometheus' HTTP API instead, such as http://127.0.0.1:9090", {"metavar": "URL"}),
    Argument(("--user",), "the user's name at --url; the password is in --password-file, else in the variable KEEPWELL_QUERY_PASSWORD"),
    Argument(("--password-file",), "a file that holds the password of --user and nothing else", {"metavar": "FILE"}),
    Argument(("--bearer-file",), "a file that holds the token to send to --url, and nothing else", {"metavar": "FILE"}),
)


def commands(put: Put, now: Callable[[], datetime]) -> tuple[Subcommand, ...]:
    """The command; ``put`` asks an engine, ``now`` gives the time."""
    return (
        Subcommand(
            "query",
            "ask for samples in PromQL",
            _query(put, now),
            _ARGUMENTS,
            description="Gives a table of series, points over time, or a plot. With --json the answer is as Prometheus' HTTP API gives it. "
            "An error points at the place of the expression. Exit code 0 with an answer, 1 where nothing was found, 2 where the expression "
            "is refused or has no value, or nobody answers.",
            example="keepwell query 'sum by (endpoint) (rate(http_requests_total[5m]))' --range 24h --plot",
        ),
    )


def _query(put: Put, now: Callable[[], datetime]) -> Callable[[Call], Awaitable[int]]:
    async def run(call: Call) -> int:
        from keepwell.rooms.promql.terminal.answer import read_answer
        from keepwell.rooms.promql.terminal.question import read_question
        from keepwell.rooms.promql.terminal.told import tell
        from keepwell.rooms.promql.terminal.whom import read_whom

        question, whom = read_question(call.arguments, now()), read_whom(call.arguments)
        reply = await put(whom, question.path, question.fields)
        return tell(call, read_answer(reply, question.expression, str(whom)), question, _paper())

    return run


def _paper() -> "Paper":
    import shutil
    import sys

    from keepwell.rooms.promql.terminal.told import Paper

    size = shutil.get_terminal_size((80, 24))
    shows_all = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return Paper(size.columns, size.lines, shows_all and sys.stdout.isatty())
