"""The composition root and console script: collects what the rooms declare and hands each the verbs of the others.

Everything costly is imported where it is used, so that ``keepwell --help`` stays quick.
"""

import gc
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepwell import __version__
from keepwell.composition import verbs
from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Argument, Call, Group, Subcommand
from keepwell.rooms.checks import offer as checks

if TYPE_CHECKING:
    from keepwell.rooms.alerts.delivery.commands import Wanted


def commands() -> Sequence[Subcommand | Group]:
    """Every command of the program, in the order of ``keepwell --help``."""
    return (*_of_directories(), _up(), _reload(), *_of_the_running_server(), *_of_manuals(), *_of_the_program())


def _of_directories() -> Sequence[Subcommand | Group]:
    """What is done with an operations directory before a server runs."""
    from keepwell.config import offer as config
    from keepwell.machine.clock import SystemClock
    from keepwell.rooms.plan import offer as plan

    return (
        *config.commands(verbs.sections, verbs.validate, verbs.executables, SystemClock().now),
        *plan.commands(verbs.operated, SystemClock().now),
        *checks.commands(verbs.load_checks, verbs.open_hosts, verbs.ask_server, verbs.check_kinds),
    )


def _of_the_running_server() -> Sequence[Subcommand | Group]:
    """What the running server is asked and told."""
    from keepwell.composition.querying import put_question
    from keepwell.machine.clock import SystemClock
    from keepwell.rooms.alerts.delivery import commands as delivery
    from keepwell.rooms.alerts.outbox import commands as outbox
    from keepwell.rooms.alerts.people import commands as alerts
    from keepwell.rooms.audits import commands as audits
    from keepwell.rooms.backups import commands as backups
    from keepwell.rooms.incidents import commands as incidents
    from keepwell.rooms.logs import commands as logs
    from keepwell.rooms.manual.living import offer as living
    from keepwell.rooms.promql import commands as promql
    from keepwell.rooms.reports import commands as reports
    from keepwell.rooms.runbooks import commands as runbooks
    from keepwell.rooms.tasks import commands as tasks

    ask, tell, download = verbs.ask_server, verbs.tell_server, verbs.download
    return (
        alerts.commands(ask, tell, download),
        *runbooks.commands(ask, tell),
        tasks.commands(ask, tell),
        backups.commands(ask, tell, _restore_backup),
        logs.commands(ask, tell),
        *reports.commands(ask, tell, download),
        living.commands(download),
        outbox.commands(ask, tell),
        incidents.commands(ask, tell, download),
        audits.commands(ask, tell),
        delivery.commands(_preview_notice, _try_receivers, tell),
        *promql.commands(put_question, SystemClock().now),
        _rules(),
        _samples(),
    )


def _of_manuals() -> Sequence[Subcommand | Group]:
    """How a manual, or another program's configuration, becomes an operations directory."""
    from keepwell.composition import providing
    from keepwell.rooms.alerts.importing import offer as alertmanager
    from keepwell.rooms.manual.importing import offer as manual
    from keepwell.rooms.manual.lint import offer as lint
    from keepwell.rooms.manual.provide import offer as provide

    return (
        provide.commands(verbs.data_directory, providing.facts, providing.keepwell),
        *manual.commands(verbs.data_directory, verbs.check_problem, lambda directory: verbs.validate(str(directory))),
        *alertmanager.commands(verbs.receiver_kinds, lambda directory: verbs.validate(str(directory))),
        *lint.commands(verbs.shellcheck, __version__),
    )


def _of_the_program() -> Sequence[Subcommand | Group]:
    """The demonstration, and what concerns Keepwell itself: its database and its tokens."""
    from keepwell.api import offer as api
    from keepwell.demo import offer as demo
    from keepwell.storage import offer as storage

    return (
        *demo.commands(_run_demonstration, _import_for_demonstration, _accept_for_demonstration),
        *storage.commands(verbs.data_directory),
        *api.commands(verbs.data_directory),
    )


def _rules() -> Group:
    from keepwell.rooms.alerts.rules import commands as alert_rules
    from keepwell.rooms.promql.rules import commands as rules

    every = (*alert_rules.commands(verbs.ask_server, verbs.tell_server), *rules.commands())
    return Group("rules", "how rules stand, their thresholds, and rule files", every)


def _samples() -> Group:
    from keepwell.composition.transferring import open_store, server
    from keepwell.rooms.samples import commands as samples
    from keepwell.rooms.samples.transfer import commands as transfer

    every = (*samples.commands(verbs.ask_server), *transfer.commands(server(), open_store))
    return Group("samples", "ask for samples, bring them and take them away", every)


DATA = Argument(("--data",), "the data directory (default: $XDG_DATA_HOME/keepwell, as root /var/lib/keepwell)", {"metavar": "DIR"})


def _collect_garbage() -> None:
    """For what runs for long. Nearly all of what a look leaves behind goes by counting references: looked for after every 700 new objects,
    as CPython is set up, cycles cost one twentieth of all CPU and are hardly ever there."""
    gc.set_threshold(10_000)
    gc.enable()


def _up() -> Subcommand:
    async def up(call: Call) -> int:
        from keepwell.composition.serve import Settings, serve

        _collect_garbage()
        settings = Settings(**call.arguments)
        return await serve(replace(settings, log_format="json") if call.output.wants_json else settings)

    return Subcommand(
        "up",
        "run an operations directory until it is stopped",
        up,
        (
            Argument(("directory",), "the operations directory", {"metavar": "DIR"}),
            DATA,
            Argument(("--listen",), "address and port of the pages, instead of web.listen", {"metavar": "ADDRESS:PORT"}),
            Argument(
                ("--log-format",),
                "one line an event, as text or JSON (--json means JSON too)",
                {"choices": ("text", "json"), "default": "text"},
            ),
            Argument(
                ("--log-level",), "the least level that is logged", {"choices": ("debug", "info", "warning", "error"), "default": "info"}
            ),
        ),
        description="Looks at every check at its interval, keeps what it sees, and serves the page. SIGHUP or keepwell reload reads the "
        "directory again (an invalid one is refused, the old one stays in force); SIGINT and SIGTERM stop it gracefully, exit code 0.",
        example="keepwell up ops",
        stays=True,
    )


async def _preview_notice(wanted: "Wanted") -> Mapping[str, Any]:
    from keepwell.composition.notifying import preview

    return await preview(wanted)


async def _try_receivers(directory: str, receivers: Sequence[str], message: str) -> Sequence[Mapping[str, Any]]:
    from keepwell.composition.notifying import test

    return await test(directory, receivers, message)


async def _restore_backup(arguments: Mapping[str, Any]) -> dict[str, Any]:
    from keepwell.composition.backing import restore

    return await restore(arguments)


async def _run_demonstration(directory: str, data: str, listen: str) -> int:
    from keepwell.composition.serve import Settings, serve

    _collect_garbage()
    return await serve(Settings(directory, data, listen, log_level="warning"))


async def _import_for_demonstration(manual: Path, folder: Path, data: Path, every: str) -> int:
    from keepwell.rooms.manual.importing.work import import_file

    return (await import_file(manual, folder, every, verbs.check_problem, data)).counts["checks"]


async def _accept_for_demonstration(folder: Path) -> int:
    from keepwell.config.acceptance import accept_in
    from keepwell.machine.clock import SystemClock

    waiting = verbs.executables(str(folder), verbs.effective_user())
    accept_in(folder, waiting, by=f"keepwell demo ({verbs.effective_user()})", at=SystemClock().now())
    return len(waiting)


def _reload() -> Subcommand:
    async def reload(call: Call) -> int:
        from keepwell.kernel.problems import ConfigurationError
        from keepwell.kernel.rendering import as_json, render_text

        try:
            answer = await verbs.tell_server(call.arguments["data"], "/api/v1/reload")
        except ConfigurationError as error:
            call.output.data({"problems": as_json(error.problems)})
            if not call.output.wants_json:
                call.output.note(render_text(error.problems).rstrip("\n"))
            return Exit.NEGATIVE
        call.output.data(answer)
        call.output.say(f"reloaded: {answer['checks']} checks, {answer['waiting']} waiting for acceptance", style="ok")
        if answer["at_next_start"]:
            call.output.say(f"changed, and in force only after the next start: {', '.join(answer['at_next_start'])}", style="warn")
        return 0

    return Subcommand(
        "reload",
        "make the running server read its operations directory again",
        reload,
        (DATA,),
        description="An invalid directory is refused with every problem (exit code 1) and the old configuration "
        "stays in force. Exit code 2 where no server runs or it could not read the directory.",
        example="keepwell reload",
    )


def main() -> None:
    """The console script ``keepwell``."""
    # A short command ends before garbage matters; looking for it costs a tenth of its time. What stays switches it on again.
    gc.disable()
    from keepwell.kernel.exits import Exit

    # What stays for weeks does not keep the other commands in memory (1 MB).
    stays = sys.argv[1:2] == ["up"]
    try:
        from keepwell.cli.program import run

        raise SystemExit(run((_up(),) if stays else commands(), __version__, sys.argv[1:]))
    except KeyboardInterrupt:  # while modules are imported, before anything was begun
        raise SystemExit(Exit.INTERRUPTED) from None
