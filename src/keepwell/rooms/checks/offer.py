"""What the checks room declares: its sections, tables, commands, and, once it lives, its routes and page."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from keepwell.kernel.problems import UsageError
from keepwell.ports.offer import Argument, Call, Drivers, Event, Face, Route, Section, Stream, Subcommand, Tables
from keepwell.ports.server import DATA, AskServer

if TYPE_CHECKING:
    from keepwell.ports.host import Host

    from .model import Check, Stored
    from .work.watch import Checks

READ, RUN = "checks.read", "checks.run"

LARGEST_NUMBER = 2**63 - 1
"""The largest number that a database column holds."""

SAMPLE = """\
checks:
  # A check's name is its identity; to rename it and keep its history, write  was: the-old-name
  disk:
    host: {mount: /, warn: "> 80%", fail: "> 90%"}
    every: 1m
  # api-health:
  #   http: {target: api, path: /health, expect: {status: 200, "json.status": healthy}, warn: "> 100ms", fail: "> 500ms"}
  #   every: 30s
  #   fail_after: 3        # so many worse results in a row before the state changes
  # certificate:
  #   tls: {host: api.example.org, warn: "< 30d", fail: "< 7d"}
  #   every: 6h
  # A command runs only after a person accepted its exact text:  keepwell accept DIR
  # queue:
  #   command: {shell: "ls /var/spool/queue | wc -l", value: {warn: "> 100"}}
  #   every: 5m
"""


def sections(drivers: Callable[[], Drivers]) -> tuple[Section, ...]:
    """The section ``checks``; ``drivers`` gives the kinds."""

    def options() -> type[Any]:
        from .model import CheckOptions

        return CheckOptions

    return (Section("checks", "What is looked at, how often, and what is expected", options, named=True, kinds=drivers, sample=SAMPLE),)


def tables() -> Tables:
    """The room's tables."""

    def metadata() -> Any:
        from .heartbeats import store

        return store.METADATA  # with the tables of the room's own store, on which it stands

    return Tables("checks", metadata, str(Path(__file__).parent / "migrations"), "checks_0002")


class LoadChecks(Protocol):
    """Reads an operations directory and gives its checks. Raises ConfigurationError. Starts nothing."""

    def __call__(self, directory: str, /) -> "tuple[Check, ...]": ...


class OpenHosts(Protocol):
    """Gives a directory's hosts by name, closed at the end of the context."""

    def __call__(self, directory: str, /) -> Any: ...


def commands(load: LoadChecks, open_hosts: OpenHosts, ask_server: AskServer, drivers: Callable[[], Drivers]) -> tuple[Subcommand, ...]:
    """``keepwell check`` and ``keepwell status``; ``drivers`` gives the kinds."""

    async def check(call: Call) -> int:
        if call.arguments["explain"] is not None:
            return _explain(call, drivers())
        from .work.once import check_once

        directory = call.arguments["directory"]
        if directory is None:
            raise UsageError("no operations directory is named", hint="write keepwell check DIR, or keepwell check --explain KIND")
        async with open_hosts(directory) as host_of:
            return await check_once(call, load(directory), host_of)

    async def status(call: Call) -> int:
        from .work.once import tell_status

        return tell_status(call, await ask_server(call.arguments["data"], "/api/v1/checks"))

    return (
        Subcommand(
            "check",
            "look at every check of a directory once, now",
            check,
            (
                Argument(("directory",), "the operations directory", {"metavar": "DIR", "nargs": "?"}),
                Argument(("names",), "only these checks", {"metavar": "NAME", "nargs": "*", "default": ()}),
                Argument(
                    ("--explain",),
                    "look at nothing: say what this kind of check looks at, takes and gives; without a KIND, which kinds there are",
                    {"metavar": "KIND", "nargs": "?", "const": ""},
                ),
            ),
            description="Looks once at every check (or those named) and prints what was seen. It needs no server and may run beside one. "
            "Exit code as a Nagios plugin: 0 ok, 1 warn, 2 fail, 3 unknown; the worst of fail, warn, unknown, ok counts. "
            "With --explain it needs no directory, and answers 0.",
            example="keepwell check ops api-health --json",
            on_error=3,
        ),
        Subcommand(
            "status",
            "say where the checks of the running server stand",
            status,
            (DATA,),
            description="Asks the running server where each check stands. Exit code 0 when all are ok, 1 when not, 2 when no server runs.",
            example="keepwell status --json",
        ),
    )


def _explain(call: Call, drivers: Drivers) -> int:
    from .work.explain import explain_kind, explain_kinds

    kind = call.arguments["explain"]
    return explain_kind(call, drivers, kind) if kind else explain_kinds(call, drivers)


@dataclass(frozen=True, slots=True)
class Verbs:
    """What the room's face asks of the stores: its state changes and observations as plain values, and what is kept of its samples."""

    changes: Callable[[int, str | None, int | None], Awaitable[Sequence[Any]]]
    observations: Callable[[str, int], Awaitable[Sequence[Mapping[str, Any]]]]
    measured: Callable[[str], Sequence[str]] = lambda check: ()
    """Names of the metrics that a check ever left, as far as they are kept: its newest look may have measured nothing."""


def face(checks: "Checks", host: "Host", service: str, verbs: Verbs) -> Face:
    """The routes, the page and the stream of a room that lives."""
    from . import views
    from .page_context import pages

    def now() -> Any:
        return host.clock.now()

    async def listing() -> dict[str, Any]:
        return views.listing(checks.shown(), now())

    async def one(name: str) -> dict[str, Any]:
        shown = checks.show(name)
        return {
            **views.as_json(shown),
            "changes": [views.change_json(row) for row in await verbs.changes(50, name, None)],
            "observations": [views.observation_json(row) for row in await verbs.observations(name, 100)],
        }

    async def changes(limit: int = 100, before: int | None = None) -> dict[str, Any]:
        rows = await verbs.changes(max(1, min(limit, 1000)), None, None if before is None else max(0, min(before, LARGEST_NUMBER)))
        return {"changes": [views.change_json(row) for row in rows], "next": rows[-1].number if rows else None}

    async def run(name: str) -> dict[str, Any]:
        observation = await checks.look_now(name)
        shown = checks.show(name)
        return {
            "name": name,
            "kind": shown.check.kind,
            "state": observation.state.value,
            "sentence": observation.sentence,
            "values": dict(observation.values),
        }

    told: list[tuple[Stored, tuple[Event, ...]]] = []  # the newest news, so that all listeners hear the same events, made once

    async def events() -> AsyncIterator[Event]:
        async for news in checks.news():
            if not told or told[0][0] is not news:
                told[:] = [(news, tuple(Event(*parts) for parts in views.events(news, checks.shown(), now())))]
            for event in told[0][1]:
                yield event

    return Face(
        name="checks",
        routes=(
            Route("GET", "/api/v1/checks", READ, listing, "Where every check stands, worst first"),
            Route("GET", "/api/v1/checks/{name}", READ, one, "One check with its newest changes and observations"),
            Route("POST", "/api/v1/checks/{name}/run", RUN, run, "Look at a check now"),
            Route("GET", "/api/v1/changes", READ, changes, "State changes, newest first; before= pages on"),
        ),
        pages=pages(checks, service, verbs, READ, now),
        streams=(Stream("/events/checks", READ, events),),
        templates=str(Path(__file__).parent / "pages"),
    )
