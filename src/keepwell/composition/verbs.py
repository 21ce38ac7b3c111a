"""What the program does with an operations directory, a host and a running server: the verbs that commands and the server share.

Everything costly is imported where it is used, so that ``keepwell --help`` stays quick.
"""

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepwell.composition.declared import backup_engines as backup_engines
from keepwell.composition.declared import backup_sources as backup_sources
from keepwell.composition.declared import check_kinds as check_kinds
from keepwell.composition.declared import control_kinds as control_kinds
from keepwell.composition.declared import manager_kinds as manager_kinds
from keepwell.composition.declared import receiver_kinds as receiver_kinds
from keepwell.composition.declared import sections as sections
from keepwell.composition.declared import tables as tables
from keepwell.rooms.alerts.delivery import offer as delivery
from keepwell.rooms.alerts.escalation import offer as escalation
from keepwell.rooms.alerts.routing import offer as routing
from keepwell.rooms.backups import offer as backups
from keepwell.rooms.incidents import offer as incidents
from keepwell.rooms.logs import offer as logs
from keepwell.rooms.reports import offer as reports
from keepwell.rooms.tasks import offer as tasks

LOCAL = "local"

if TYPE_CHECKING:
    from keepwell.config.acceptance import Acceptances, Executable
    from keepwell.config.operations import Operations
    from keepwell.config.options import Options
    from keepwell.kernel.problems import Problem
    from keepwell.ports.host import Host
    from keepwell.rooms.alerts.delivery.resolve import WhyNot
    from keepwell.rooms.checks.model import Check
    from keepwell.rooms.checks.work.resolve import Verdict
    from keepwell.rooms.manual.lint.work import Shellcheck
    from keepwell.rooms.plan.model import Operated


# --- verbs over an operations directory --------------------------------------------------------------------------------------


def load(directory: str) -> "Operations":
    """Reads and validates an operations directory. Raises ConfigurationError with every problem."""
    from keepwell.config.operations import load as load_operations

    return load_operations(Path(directory), sections(), os.environ)


def load_checks(directory: str, user: str | None = None) -> "tuple[Check, ...]":
    """The checks of a directory, with what is accepted in it for the user who runs them (by default this process')."""
    return resolve_checks(load(directory), user or effective_user())


def check_problem(kind: str, settings: Mapping[str, Any]) -> str:
    """Why a check of that kind, or an entry of the section of that key, cannot have these settings, in one line; empty where it can, and
    where nobody knows: of a section whose entries have kinds, or that no room reads."""
    import json

    from pydantic import ValidationError

    from keepwell.kernel.problems import NotFound

    section = next((one for one in sections() if one.key == kind), None)
    try:
        if section is None and kind in check_kinds().names():
            check_kinds().load(kind).options.model_validate_json(json.dumps(settings))
        elif section is not None and section.kinds is None and (section.named or section.listed):
            section.options().model_validate_json(json.dumps(settings))
    except NotFound as error:
        return str(error)
    except ValidationError as error:
        return str(error.errors()[0]["msg"])
    return ""


def resolve_checks(operations: "Operations", user: str) -> "tuple[Check, ...]":
    """The checks of a configuration that was read, with its acceptances."""
    from keepwell.composition.hosts import where
    from keepwell.config.acceptance import Executable, read_acceptances
    from keepwell.rooms.checks.reach import reach_checks
    from keepwell.rooms.checks.work.resolve import resolve

    acceptances = read_acceptances(operations.directory)

    def accepted(name: str, text: str, target: str, host: str) -> "Verdict":
        place, whose = where(operations, host, user)
        return _verdict(acceptances, Executable(f"checks/{name}", text, target, place, whose))

    written = resolve(operations.entries("checks"), operations.options("targets"), check_kinds(), accepted)
    return (*written, *reach_checks(operations.values.get("hosts", {}), (check.name for check in written)))


def _verdict(acceptances: "Acceptances", executable: "Executable") -> "Verdict":
    from keepwell.rooms.checks.work.resolve import Verdict

    acceptance = acceptances.accepts(executable)
    return Verdict(acceptance.by) if acceptance else Verdict(None, acceptances.why_not(executable))


def executables(directory: str, user: str) -> "list[Executable]":
    """Every text of a directory that runs only when accepted."""
    operations = load(directory)
    return _executables(operations, resolve_checks(operations, user), user)


def _executables(operations: "Operations", checks: "tuple[Check, ...]", user: str) -> "list[Executable]":
    from keepwell.composition.hosts import where
    from keepwell.config.acceptance import Executable
    from keepwell.rooms.checks.work.resolve import target_address

    return [
        *storage_executables(operations, user),
        *receiver_executables(operations, user),
        *(Executable(name, text, "", LOCAL, user) for name, text in backups.texts(operations)),
        *runbook_executables(operations, user),
        *(Executable(name, text, "", LOCAL, user) for name, text in logs.texts_of(operations).items()),
        *incidents.executables_of(operations, lambda host: where(operations, host, user)),
        *(
            Executable(
                f"checks/{check.name}",
                check.needs_acceptance,
                target_address(check.target, check.driver.target_key),
                *where(operations, check.host, user),
            )
            for check in checks
            if check.needs_acceptance is not None
        ),
    ]


def runbook_executables(operations: "Operations", user: str) -> "list[Executable]":
    """The steps of runbooks, and the commands that verify them."""
    from keepwell.composition.runbook_texts import runbook_executables as found

    return found(operations, user)


def storage_executables(operations: "Operations", user: str) -> "list[Executable]":
    """The command by which the database's address is fetched, where it is one."""
    from keepwell.config.acceptance import Executable
    from keepwell.rooms.checks.work.resolve import secret_commands

    text = secret_commands(operations.options("storage"))
    return [Executable(name="storage/url", text=text, target="", host=LOCAL, user=user)] if text else []


def receiver_executables(operations: "Operations", user: str) -> "list[Executable]":
    """The commands by which the secrets of receivers, contacts and the mail server are fetched."""
    from keepwell.config.acceptance import Executable
    from keepwell.rooms.checks.work.resolve import secret_commands

    texts = [(name, secret_commands(options)) for name, options in delivery.with_secrets(operations)]
    return [Executable(name, text, "", LOCAL, user) for name, text in texts if text]


def validate(directory: str) -> "Sequence[Problem]":
    """Reads everything that ``up`` would read, and gives what is doubtful in it. Raises ConfigurationError with every problem."""
    from keepwell.config.acceptance import read_acceptances

    operations = load(directory)
    resolve_checks(operations, user="nobody in particular")  # who runs it decides what is accepted, not what is valid
    check_more(operations)
    waits = (*waiting_rules(operations), *backups.waiting(operations), *doubtful_calls(operations), *doubtful_runbooks(operations))
    return (*read_acceptances(Path(directory)).warnings, *waits, *never_due(operations))


def never_due(operations: "Operations") -> "Sequence[Problem]":
    """What recurs and is never due."""
    if not any(operations.entries(section) for section in ("tasks", "backups", "logs", "audits", "reports")):
        return ()
    from keepwell.composition import planned
    from keepwell.machine.clock import SystemClock

    return planned.never_due(operations, SystemClock().now())


def doubtful_runbooks(operations: "Operations") -> "Sequence[Problem]":
    """Runbooks that cannot be run as they are written, and those that are named and not there."""
    named = {
        **{severity.runbook: None for severity in operations.values["incidents"].severities.values() if severity.runbook},
        **{entry.common.run: entry.place for entry in operations.entries("tasks").values() if entry.common.run},  # type: ignore[attr-defined]
    }
    if not named and not (operations.directory / "runbooks").is_dir():
        return ()
    from keepwell.composition.runbook_texts import doubts

    return doubts(operations, named)


def doubtful_calls(operations: "Operations") -> "Sequence[Problem]":
    """Rotas with gaps ahead, and people who are to be told and cannot be."""
    if not (operations.entries("rotas") or operations.entries("escalations")):
        return ()
    from keepwell.machine.clock import SystemClock

    told = delivery.receivers_in(operations, receiver_kinds(), lambda name, options: "")
    return escalation.doubts(operations, lambda name: bool(told.contacts.get(name)), SystemClock().now())


def check_more(operations: "Operations") -> None:
    """Raises ConfigurationError for what only shows when everything is read: rule files, and how sections of alerts fit together."""
    check_rule_files(operations)
    check_rules(operations)
    delivery.check(operations)
    routing.check(operations, operations.options("windows"))
    escalation.check(operations)
    reports.check(operations)
    check_figures(operations)
    tasks.check(operations, operations.values["logs"], {*operations.values["reports"], *reports.TITLES})


def check_figures(operations: "Operations") -> None:
    """Raises ConfigurationError with every key figure whose metric selects no series, whatever is measured."""
    from keepwell.kernel.problems import ConfigurationError, Problem, UsageError

    problems = []
    for name, entry in operations.entries("kpis").items():
        metric = entry.common.metric  # type: ignore[attr-defined]
        if metric is None:
            continue
        from keepwell.rooms.samples.selectors import read_selector

        try:
            read_selector(metric)
        except UsageError as error:
            found = error.problems[0]
            problems.append(Problem("kpis.metric", f"the metric of {name}: {found.message}", found.hint, entry.place))
    if problems:
        raise ConfigurationError(*problems)


def waiting_rules(operations: "Operations") -> "Sequence[Problem]":
    """Rules that wait for a figure that nothing defines: they are shown, and not judged."""
    if not operations.listed("rules"):
        return ()
    from keepwell.composition.ruling import waiting

    return waiting(operations)


def check_rules(operations: "Operations") -> None:
    """Raises ConfigurationError with every problem of the sections ``rules`` and ``figures``."""
    if operations.listed("rules") or operations.values["figures"].figures:
        from keepwell.composition.ruling import rules_of

        rules_of(operations)


def check_rule_files(operations: "Operations") -> None:
    """Raises ConfigurationError with every problem of the rule files that the configuration names."""
    paths = operations.values["rule_files"].paths
    if paths:
        from keepwell.rooms.promql.rules.loading import load_groups

        load_groups(operations.directory, paths)


def why_not(operations: "Operations") -> "WhyNot":
    """Says of options with secrets why the commands that fetch them may not run; nothing where they may."""
    from keepwell.config.acceptance import Executable, read_acceptances
    from keepwell.rooms.checks.work.resolve import secret_commands

    acceptances, user = read_acceptances(operations.directory), effective_user()

    def why(name: str, options: "Options") -> str:
        text = secret_commands(options)
        return acceptances.why_not(Executable(name, text, "", LOCAL, user)) if text else ""

    return why


def operated(directory: str, user: str | None) -> "Operated":
    """A directory as a plan is told it: its checks, what recurs, and what waits for acceptance."""
    from dataclasses import replace

    from keepwell.composition.planned import operated as told
    from keepwell.config.acceptance import read_acceptances
    from keepwell.rooms.plan.model import Waiting

    operations, whose = load(directory), user or effective_user()
    checks = resolve_checks(operations, whose)
    texts = _executables(operations, checks, whose)
    acceptances = read_acceptances(operations.directory) if texts else None
    why = {text.name: acceptances.why_not(text) for text in texts} if acceptances else {}
    waiting = tuple(Waiting(one.name, one.text, one.target, one.host, one.user, why[one.name]) for one in texts if why[one.name])
    return replace(told(operations, checks, LOCAL, whose), waiting=waiting)


def effective_user() -> str:
    """The name of the user this process runs as."""
    from keepwell.config.offer import user_name

    return user_name(os.geteuid())


@asynccontextmanager
async def local_host() -> "AsyncIterator[Host]":
    """The ports of the machine this runs on; closed at the end."""
    from keepwell.machine.clock import SystemClock
    from keepwell.machine.databases import PostgresqlDatabases
    from keepwell.machine.http_client import HttpClient
    from keepwell.machine.local_files import LocalFiles
    from keepwell.machine.local_runner import LocalRunner
    from keepwell.machine.mail import SmtpMailer
    from keepwell.machine.names import SystemNames
    from keepwell.machine.redis import RedisServers
    from keepwell.machine.secrets import MachineSecrets
    from keepwell.ports.host import Host

    secrets = MachineSecrets(os.environ)
    http = HttpClient(secrets)
    databases = PostgresqlDatabases(secrets)
    redis, names, mail = RedisServers(secrets), SystemNames(), SmtpMailer(secrets)
    try:
        runner, files, clock = LocalRunner(secrets), LocalFiles(), SystemClock()
        yield Host(LOCAL, runner, files, http, clock, secrets, databases=databases, redis=redis, names=names, mail=mail)
    finally:
        await mail.close()
        await names.close()
        await redis.close()
        await databases.close()
        await http.close()


@asynccontextmanager
async def open_hosts(directory: str) -> "AsyncIterator[Callable[[str], Host]]":
    """The hosts of a directory by name, closed at the end. Raises ConfigurationError."""
    from keepwell.composition.hosts import hosts_of

    entries = load(directory).options("hosts")
    async with local_host() as local, hosts_of(local, entries) as hosts:
        yield hosts.of


def shellcheck() -> "Shellcheck":
    """ShellCheck: the one installed beside this program, else the one on PATH."""
    import sys

    from keepwell.machine.local_runner import LocalRunner
    from keepwell.rooms.manual.lint.work import Shellcheck

    beside = Path(sys.executable).with_name("shellcheck")
    return Shellcheck(LocalRunner(), str(beside) if beside.is_file() else "shellcheck")


# --- verbs over a running server ---------------------------------------------------------------------------------------------


def data_directory(data: str | None) -> Path:
    """The data directory that was named, or the default one of this user."""
    from keepwell.storage.directory import default_data_directory

    return Path(data) if data else default_data_directory(os.environ, is_root=os.geteuid() == 0)


async def ask_server(data: str | None, path: str) -> Any:
    """Reads from the running server over its Unix socket. Raises KeepwellError where none runs."""
    from keepwell.api.client import ServerClient

    return await ServerClient(data_directory(data)).get(path)


async def tell_server(data: str | None, path: str, body: Any = None, method: str = "POST") -> Any:
    """Writes to the running server over its Unix socket."""
    from keepwell.api.client import ServerClient

    return await ServerClient(data_directory(data)).post(path, body, method)


def download(data: str | None, path: str) -> "AsyncIterator[bytes]":
    """What the running server sends for a path, piece by piece."""
    from keepwell.api.client import ServerClient

    return ServerClient(data_directory(data)).download(path)


def server_runs(data: str | None) -> bool:
    """Whether a server runs with that data directory."""
    from keepwell.storage.directory import DataDirectory

    return DataDirectory(data_directory(data)).running_pid() is not None
