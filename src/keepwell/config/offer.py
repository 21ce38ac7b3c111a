"""The commands about the operations directory: init, validate, schema, reference, accept."""

import json
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from keepwell.kernel.exits import Exit
from keepwell.kernel.problems import ConfigurationError, NotFound, Problem, UsageError
from keepwell.ports.offer import Argument, Call, Section, Subcommand

if TYPE_CHECKING:
    from .acceptance import Executable

DIRECTORY = Argument(("directory",), "the operations directory", {"metavar": "DIR"})


Validate = Callable[[str], Sequence[Problem]]
"""Loads a directory and gives what is doubtful in it. Raises ConfigurationError with every problem."""


class LoadExecutables(Protocol):
    """Reads an operations directory and gives every text in it that runs only when accepted, as ``user`` would run it. Starts nothing.

    Raises ConfigurationError."""

    def __call__(self, directory: str, user: str, /) -> "Sequence[Executable]": ...


def commands(
    sections: Callable[[], Sequence[Section]], validate: Validate, executables: LoadExecutables, now: Callable[[], datetime]
) -> tuple[Subcommand, ...]:
    """The commands about a directory."""

    async def run_validate(call: Call) -> int:
        return _validate(call, validate)

    async def run_init(call: Call) -> int:
        return _init(call, sections())

    async def run_schema(call: Call) -> int:
        from .describe import json_schema

        call.output.raw(json.dumps(json_schema(sections()), indent=2) + "\n")
        return Exit.OK

    async def run_reference(call: Call) -> int:
        from .describe import reference

        call.output.raw(reference(sections()))
        return Exit.OK

    async def run_accept(call: Call) -> int:
        user = call.arguments["user"] or user_name(os.geteuid())
        return _accept(call, executables(call.arguments["directory"], user), now())

    return (
        Subcommand(
            "init",
            "write a commented keepwell.yaml to begin with",
            run_init,
            (Argument(("directory",), "the directory to write it in; made where it does not exist", {"metavar": "DIR"}),),
            example="keepwell init ops",
            waits=False,
        ),
        Subcommand(
            "validate",
            "read an operations directory and report every problem in it",
            run_validate,
            (DIRECTORY,),
            description="Reads keepwell.yaml and accepted.yaml and reports every problem with file:line:column. Starts no process, opens "
            "no socket, reads no secret. Exit code 0 without problems, 1 with.",
            example="keepwell validate ops",
            on_error=Exit.NEGATIVE,
            waits=False,
        ),
        _accept_command(run_accept),
        Subcommand(
            "schema", "print the JSON Schema of keepwell.yaml", run_schema, example="keepwell schema > keepwell.schema.json", waits=False
        ),
        Subcommand(
            "reference", "print the reference of keepwell.yaml as Markdown", run_reference, example="keepwell reference | less", waits=False
        ),
    )


def _accept_command(run: Callable[[Call], Awaitable[int]]) -> Subcommand:
    return Subcommand(
        "accept",
        "read what would run, and accept it",
        run,
        (
            DIRECTORY,
            Argument(("names",), "only these", {"metavar": "NAME", "nargs": "*", "default": ()}),
            Argument(("--yes",), "accept without being asked for each", {"action": "store_true"}),
            Argument(("--user",), "the user they will run as (you, if not given)", {"metavar": "USER"}),
        ),
        description="Lists every command, script and SQL text of the directory with its target, host and user, and asks about each "
        "that is not accepted yet. Accepting writes its digest, your name and the time to accepted.yaml; any later change of the text "
        "revokes it. Exit code 0 when everything is accepted, 1 when something still waits.",
        example="keepwell accept ops queue --yes",
    )


def _validate(call: Call, validate: Validate) -> int:
    from keepwell.kernel.rendering import as_json, render_text

    try:
        warnings = validate(call.arguments["directory"])
    except ConfigurationError as error:
        call.output.data({"valid": False, "problems": as_json(error.problems)})
        if not call.output.wants_json:
            call.output.raw(render_text(error.problems, colour=call.output.colours))
            count = len(error.problems)
            call.output.say(f"{count} problem{'s' if count != 1 else ''}", style="fail")
        return Exit.NEGATIVE
    call.output.data({"valid": True, "problems": [], "warnings": as_json(warnings)})
    for line in render_text(warnings).splitlines():
        call.output.note(f"warning: {line}" if not line.startswith(" ") else line)
    call.output.say(f"{call.arguments['directory']} is valid", style="ok")
    return Exit.OK


def _init(call: Call, sections: Sequence[Section]) -> int:
    from .describe import sample

    path = Path(call.arguments["directory"]) / "keepwell.yaml"
    if path.parent.exists() and not path.parent.is_dir():
        raise UsageError(f"{path.parent} is not a directory", hint="an operations directory is a directory that holds keepwell.yaml")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(sample(sections))
    except FileExistsError:
        raise UsageError(f"{path} exists already", hint="choose another directory, or edit that file") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    call.output.data({"written": str(path)})
    call.output.say(f"wrote {path}")
    call.output.say(f"next: keepwell check {path.parent}   (or edit the file first; keepwell validate {path.parent} tells what is wrong)")
    return Exit.OK


# --- accepting ---------------------------------------------------------------------------------------------------------------


def _accept(call: Call, executables: "Sequence[Executable]", at: datetime) -> int:
    from .acceptance import accept_in, read_acceptances

    directory = Path(call.arguments["directory"])
    wanted = _chosen(executables, call.arguments["names"])
    known = read_acceptances(directory)
    accepted: list[Executable] = []
    rows: list[dict[str, Any]] = []
    for executable in wanted:
        earlier = known.accepts(executable)
        if earlier is None:
            _show(call, executable, known.why_not(executable))
            if call.arguments["yes"] or call.output.ask("Accept this text?"):
                accepted.append(executable)
        by = earlier.by if earlier else (_person() if executable in accepted else None)
        rows.append({"name": executable.name, "digest": executable.digest, "accepted": by is not None, "by": by})
    if accepted:
        accept_in(directory, accepted, by=_person(), at=at)
    return _summary(call, rows, len(accepted))


def _summary(call: Call, rows: Sequence[dict[str, Any]], fresh: int) -> int:
    waiting = [row["name"] for row in rows if not row["accepted"]]
    call.output.data({"texts": rows, "waiting": waiting})
    if not rows:
        call.output.say("nothing here needs acceptance: typed, reading checks run without it")
    else:
        call.output.say(f"{fresh} accepted now, {len(rows) - fresh - len(waiting)} before, {len(waiting)} waiting")
    if waiting:
        hint = "at a terminal keepwell accept asks about each text; with --yes it accepts every text that it shows"
        call.output.say(hint, style="dim")
    if fresh:
        call.output.say("a running server takes this up at: keepwell reload", style="dim")
    return Exit.NEGATIVE if waiting else Exit.OK


def _show(call: Call, executable: "Executable", why: str) -> None:
    call.output.say(f"{executable.name}", style="strong")
    place = f"  on {executable.host} as {executable.user}" + (f", target {executable.target}" if executable.target else "")
    call.output.say(f"{place} ({why})", style="dim")
    for line in executable.text.splitlines():
        call.output.say(f"    {line}")


def _chosen(executables: "Sequence[Executable]", names: Sequence[str]) -> "Sequence[Executable]":
    """Those named, with or without their section: ``queue`` or ``checks/queue``."""
    known = {executable.name for executable in executables}
    for name in names:
        if not any(_is_called(each, name) for each in known):
            hint = f"what needs acceptance: {', '.join(sorted(known)) or 'nothing'}"
            raise NotFound(f"nothing called {name} needs acceptance here", hint=hint)
    return [each for each in executables if not names or any(_is_called(each.name, name) for name in names)]


def _is_called(full: str, name: str) -> bool:
    return name in (full, full.partition("/")[2])


def _person() -> str:
    """Who accepts: the person behind sudo, otherwise the user's own name (their number where it has no name)."""
    return os.environ.get("SUDO_USER") or user_name(os.getuid())


def user_name(number: int) -> str:
    """The name of a user by number, or the number as text where the system knows none.

    /etc/passwd is read first (as in nsswitch.conf's usual ``passwd: files ...``): asking the system would open a socket to look for a name
    service cache, and what only reads an operations directory opens none.
    """
    import pwd

    try:
        for line in Path("/etc/passwd").read_text("utf-8", "surrogateescape").splitlines():
            name, _, uid, *_ = (*line.split(":"), "", "", "")
            if uid == str(number):
                return name
    except OSError:
        pass  # the system is asked instead
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
