"""``keepwell samples ...``: the questions to samples on the command line, asked of the running server. Imports nothing costly."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from keepwell.ports.offer import Argument, Call, Subcommand
from keepwell.ports.server import DATA, AskServer

Tell = Callable[[Call, Mapping[str, Any]], int]
"""Prints an answer and gives the exit code."""

_BASE = "/api/v1/samples"
_TIME = (
    Argument(("--over",), "so long until --end, such as 24h or 30d", {"metavar": "DURATION"}),
    Argument(("--start",), "where it begins: RFC 3339, seconds since 1970, or --start=-24h", {"metavar": "INSTANT"}),
    Argument(("--end",), "where it ends (default: now)", {"metavar": "INSTANT"}),
)
_MATCH = Argument(("match",), 'which series, as in Prometheus: name{label="value",other=~"regular.*"}', {"metavar": "SELECTOR"})
_SOME = Argument(("--match",), "series instead of a check", {"metavar": "SELECTOR"})
_CHECK = Argument(("check",), "the check", {"metavar": "CHECK"})
_ANY_CHECK = Argument(("check",), "the check", {"metavar": "CHECK", "nargs": "?"})
_LIMIT = Argument(("--limit",), "so many series at most", {"metavar": "N"})
_CODES = "Exit code 0 with an answer, 1 where there are no such samples, 2 where no server runs or the question cannot be read."


def commands(ask: AskServer) -> tuple[Subcommand, ...]:
    """All but those that bring and take away samples; ``ask`` puts them to the running server."""
    return (*_listing(ask), *_measuring(ask), *_reckoning(ask), *_standing(ask))


def _listing(ask: AskServer) -> tuple[Subcommand, ...]:
    from_server = _asking(ask)
    return (
        Subcommand(
            "series",
            "which series there are",
            from_server(f"{_BASE}/series", "series"),
            (_MATCH, _LIMIT, DATA),
            description=f"Lists the series that fit a selector, at most --limit (1000). {_CODES}",
            example="keepwell samples series 'http_requests_total{code=~\"5..\"}'",
        ),
        Subcommand(
            "latest",
            "the newest sample of everything",
            from_server("/api/v1/metrics/current", "latest"),
            (
                Argument(("match",), "only these series", {"metavar": "SELECTOR", "nargs": "?"}),
                Argument(("--within",), "not older than this (default: 5m, of a check five intervals)", {"metavar": "DURATION"}),
                Argument(("--service",), "only what carries this label service", {"metavar": "NAME"}),
                DATA,
            ),
            description=f"Gives the newest sample of every series that has not ended. {_CODES}",
            example="keepwell samples latest '{check=\"api-health\"}' --json",
        ),
        Subcommand(
            "range",
            "points over time",
            from_server(f"{_BASE}/range", "range"),
            (
                _MATCH,
                *_TIME,
                Argument(
                    ("--step",), "distance of the points (default: a minute or more, so that at most 500 result)", {"metavar": "DURATION"}
                ),
                Argument(
                    ("--of",),
                    "avg, min, max, sum, count, last, increase, rate, p50, p90, p95 or p99; several with commas",
                    {"metavar": "KINDS", "default": "avg"},
                ),
                _LIMIT,
                DATA,
            ),
            description="Gives a point for each step, of the samples in it. An increase begins at the last sample before the step and is "
            f"not extrapolated. {_CODES}",
            example="keepwell samples range duration_seconds --over 7d --step 1h --of p50,p95",
        ),
    )


def _measuring(ask: AskServer) -> tuple[Subcommand, ...]:
    from_server = _asking(ask)
    return (
        Subcommand(
            "availability",
            "how much of the time a check was up",
            from_server(f"{_BASE}/availability", "availability"),
            (
                _CHECK,
                *_TIME,
                Argument(("--windows",), "maintenance windows to keep apart, or none (default: all)", {"metavar": "NAMES"}),
                DATA,
            ),
            description="Availability is up / (up + down) over 30 days, by time: a look's outcome holds until the next look, at most five "
            f"intervals. What was unknown, not measured or in a maintenance window is kept apart. {_CODES}",
            example="keepwell samples availability api-health --over 90d",
        ),
        Subcommand(
            "percentiles",
            "how long the phases of a check took",
            from_server(f"{_BASE}/percentiles", "percentiles"),
            (_ANY_CHECK, _SOME, *_TIME, DATA),
            description=f"Gives p50, p90, p95 and p99 over 24 hours of the phases of a check, or of any series. {_CODES}",
            example="keepwell samples percentiles api-health --over 7d",
        ),
        Subcommand(
            "errors",
            "the share of what failed",
            from_server(f"{_BASE}/errors", "errors"),
            (
                _ANY_CHECK,
                Argument(("--failed",), "counters of failures, instead of a check's looks", {"metavar": "SELECTOR"}),
                Argument(("--all",), "counters of everything", {"metavar": "SELECTOR"}),
                Argument(("--by",), "labels to group by, with commas", {"metavar": "LABELS"}),
                *_TIME,
                DATA,
            ),
            description=f"Gives the share over 24 hours: of a check's looks, or of what counters gained. {_CODES}",
            example="keepwell samples errors --failed 'http_requests_total{code=~\"5..\"}' --all http_requests_total --by endpoint",
        ),
    )


def _reckoning(ask: AskServer) -> tuple[Subcommand, ...]:
    from_server = _asking(ask)
    return (
        Subcommand(
            "trend",
            "where series are heading",
            from_server(f"{_BASE}/trend", "trend"),
            (
                _MATCH,
                Argument(("--until",), "a threshold; when is it reached?", {"metavar": "LIMIT"}),
                Argument(("--confidence",), "0.8, 0.9, 0.95 or 0.99", {"metavar": "SHARE", "default": "0.95"}),
                *_TIME,
                DATA,
            ),
            description="Gives the median of all slopes (Theil and Sen) over 7 days with its interval, and when a threshold is reached: in "
            f"so many days, never, or already. {_CODES}",
            example="keepwell samples trend 'disk_used_ratio{check=\"disk\"}' --until '> 90%' --over 30d",
        ),
        Subcommand(
            "compare",
            "this hour beside the same hour last week",
            from_server(f"{_BASE}/compare", "compare"),
            (
                _ANY_CHECK,
                _SOME,
                Argument(("--over",), "how long (default: 1h)", {"metavar": "DURATION"}),
                Argument(("--end",), "where it ends (default: now)", {"metavar": "INSTANT"}),
                Argument(("--ago",), "how long before that the other lies", {"metavar": "DURATION", "default": "7d"}),
                DATA,
            ),
            description=f"Compares mean, p95 and count, and says whether there is enough data on both sides. {_CODES}",
            example="keepwell samples compare api-health",
        ),
    )


def _standing(ask: AskServer) -> tuple[Subcommand, ...]:
    from_server = _asking(ask)
    return (
        Subcommand(
            "targets",
            "what is scraped, and how that goes",
            from_server(f"{_BASE}/targets", "targets"),
            (DATA,),
            description="Lists the targets of the section scrape. Exit code 0 when all are up, 1 when not, 2 where no server runs.",
            example="keepwell samples targets",
        ),
        Subcommand(
            "objectives",
            "what is promised, and whether it is kept",
            from_server("/api/v1/objectives", "objectives"),
            (DATA,),
            description="Measures every promise of the section objectives. Exit code 0 when all that can be measured are met and there is "
            "at least one, 1 when not, 2 where no server runs.",
            example="keepwell samples objectives",
        ),
    )


def _asking(ask: AskServer) -> Callable[[str, str], Callable[[Call], Awaitable[int]]]:
    """Makes commands that ask a path with their arguments, and tell the answer by the function of that name."""

    def command(path: str, telling: str) -> Callable[[Call], Awaitable[int]]:
        async def run(call: Call) -> int:
            given = {name: value for name, value in call.arguments.items() if name != "data" and value is not None}
            answer = await ask(call.arguments["data"], f"{path}?{urlencode(given)}" if given else path)
            call.output.data(answer)
            return _teller(telling)(call, answer)

        return run

    return command


def _teller(name: str) -> Tell:
    from keepwell.rooms.samples import told

    tellers: Sequence[Tell] = (
        told.series,
        told.latest,
        told.range_,
        told.availability,
        told.percentiles,
        told.errors,
        told.trend,
        told.compare,
        told.targets,
        told.objectives,
    )
    return {one.__name__.rstrip("_"): one for one in tellers}[name]
