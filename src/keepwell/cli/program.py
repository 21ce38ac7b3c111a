"""Turns declared commands into a program: arguments, help, errors and exit codes."""

import argparse
import contextlib
import os
import re
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from keepwell.kernel.exits import Exit
from keepwell.kernel.problems import KeepwellError, UsageError
from keepwell.ports.offer import Argument, Call, Group, Subcommand

from .output import OutputLost, TerminalOutput, mend_streams

if TYPE_CHECKING:
    import asyncio

JSON = Argument(("--json",), "print the answer as JSON", {"action": "store_true"})


class _Parser(argparse.ArgumentParser):
    """argparse with one sentence and the exit code of the table instead of its own."""

    def error(self, message: str) -> NoReturn:
        raise _cannot_be_read(self.prog, message)


def _cannot_be_read(words: str, message: str) -> UsageError:
    """What is wrong with a command line, in argparse's words but for its own: nobody writes an int."""
    from keepwell.config.nearest import nearest

    choice = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
    near = nearest(choice[1], re.findall(r"'([^']*)'", choice[2])) if choice else None
    hint = f"{words} --help shows what can be written"
    told = re.sub(r"invalid int value: (.*)", r"\1 is no whole number", message)
    return UsageError(f"{words}: {told}", hint=f"did you mean {near}? {hint}" if near else hint)


def build_parser(commands: Sequence[Subcommand | Group], version: str) -> argparse.ArgumentParser:
    """The parser of the whole program; every command has ``--json`` and a help page of its own. What it parses has the command that was
    chosen under ``chosen``, and its words under ``words``."""
    parser = _Parser(
        prog="keepwell",
        description="Runs a service's operations manual, and keeps it true.",
        epilog="keepwell COMMAND --help explains a command. Exit codes: 0 done, 1 the answer is no, 2 could not, 3 internal fault; "
        "keepwell check exits like a Nagios plugin: 0 ok, 1 warn, 2 fail, 3 unknown.",
    )
    parser.add_argument("--version", action="version", version=f"keepwell {version}")
    listing = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for command in commands:
        if isinstance(command, Subcommand):
            _add_page(listing, command, command.name)
            continue
        page = listing.add_parser(
            command.name,
            help=command.summary,
            description=command.description or _sentence(command.summary),
            epilog=f"keepwell {command.name} COMMAND --help explains a command.",
        )
        below = page.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
        for one in command.commands:
            _add_page(below, one, f"{command.name} {one.name}")
    return parser


def _add_page(listing: Any, command: Subcommand, words: str) -> None:
    page = listing.add_parser(
        command.name,
        help=command.summary,
        description=command.description or _sentence(command.summary),
        epilog=f"Example: {command.example}" if command.example else None,
    )
    for argument in (*command.arguments, JSON):
        page.add_argument(*argument.names, help=argument.help, **argument.settings)
    page.set_defaults(chosen=command, words=words)


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


def _meant(commands: Sequence[Subcommand | Group], argv: Sequence[str]) -> Subcommand | None:
    """The command that a line means which cannot be parsed, as far as its first words say."""
    named = {command.name: command for command in commands}.get(argv[0]) if argv else None
    return _meant(named.commands, argv[1:]) if isinstance(named, Group) else named


def run(commands: Sequence[Subcommand | Group], version: str, argv: Sequence[str]) -> int:
    """Runs one command line and gives the exit code. Every KeepwellError becomes its sentences, any other fault one line and code 3."""
    mend_streams()
    try:
        arguments = _parsed(build_parser(commands, version), argv)
    except SystemExit as ended:  # --help and --version
        return int(ended.code or 0)
    except UsageError as error:
        meant = _meant(commands, argv)
        return _tell(error, TerminalOutput(wants_json="--json" in argv), meant.on_error if meant is not None else Exit.COULD_NOT)
    command: Subcommand = arguments.pop("chosen")
    words: str = arguments.pop("words")
    output = TerminalOutput(wants_json=bool(arguments.pop("json")))
    try:
        return _run(command, Call(arguments, output))
    except KeepwellError as error:
        return _tell(error, output, command.on_error)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output left (``keepwell ... | head``): nothing more can be said.
        _lead_nowhere()
        return Exit.OK
    except Exception as error:
        if os.environ.get("KEEPWELL_DEBUG"):
            traceback.print_exc()
        output.note(f"keepwell {words}: an internal fault ({type(error).__name__}: {error})")
        output.note("  hint: this is a defect in Keepwell; KEEPWELL_DEBUG=1 shows where")
        return Exit.INTERNAL


def _run(command: Subcommand, call: Call) -> int:
    if not command.waits:
        return _straight_through(command.run(call))
    import asyncio  # costs a quarter of what --help takes, and --help needs none of it

    try:
        with asyncio.Runner(loop_factory=_loop(command)) as runner:
            return runner.run(_interruptible(command, call))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _loop(command: Subcommand) -> "Callable[[], asyncio.AbstractEventLoop] | None":
    if not command.stays:
        return None
    from keepwell.machine.loops import quick_loop

    return quick_loop()


def _straight_through(running: Awaitable[int]) -> int:
    """Runs a coroutine that never waits, without an event loop."""
    try:
        next(iter(running.__await__()))
    except StopIteration as ended:
        return int(ended.value)
    raise RuntimeError("a command that never waits has waited")


async def _interruptible(command: Subcommand, call: Call) -> int:
    import asyncio

    task = asyncio.current_task()
    assert task is not None
    with contextlib.suppress(NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await command.run(call)


def _parsed(parser: argparse.ArgumentParser, argv: Sequence[str]) -> dict[str, Any]:
    """The arguments by name. Raises UsageError, in the name of the command that was meant; SystemExit once help was printed."""
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        raise _cannot_be_read(f"keepwell {arguments.words}", f"unrecognized arguments: {' '.join(unknown)}")
    return vars(arguments)


def _tell(error: KeepwellError, output: TerminalOutput, on_error: int) -> int:
    """Says what is wrong, and gives the exit code. What standard output does not take is an error of its own; where nobody reads it any
    more, the exit code alone says that something is wrong."""
    lost = error if isinstance(error, OutputLost) else None
    try:
        if lost is None:
            _say(error, output)
            return on_error
    except BrokenPipeError:
        _lead_nowhere()
        return on_error
    except OutputLost as full:
        lost = full
    output.note(str(lost))
    _lead_nowhere()
    return max(on_error, Exit.COULD_NOT)


def _say(error: KeepwellError, output: TerminalOutput) -> None:
    from keepwell.kernel.rendering import as_json, render_text

    if output.wants_json:
        output.data({"problems": as_json(error.problems)})
    else:
        output.note(render_text(error.problems).rstrip("\n"))


def _lead_nowhere() -> None:
    """What stands in the buffer of standard output would be tried again at the interpreter's end, fail again and change the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
