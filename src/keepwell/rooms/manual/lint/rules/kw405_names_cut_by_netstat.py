"""KW405: a program's name is searched for in a column too narrow for it."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .pattern_words import GREPS, pattern_of, said_above

_NETSTAT = 19
"""What netstat -p prints of ``PID/program``: 20 bytes with the final NUL."""
_COMM = 15
"""What the kernel keeps of a program's name: TASK_COMM_LEN is 16 with the final NUL."""


def _check(manual: Manual) -> Iterator[Finding]:
    for command in manual.commands:
        sentence, fix = _netstat(command, manual) or _kernel(command) or ("", "")
        if sentence:
            yield Finding(command.line, sentence, command.end_line, command.column, fix, width=len(command.name))


def _name(command: ShellCommand) -> str:
    pattern = pattern_of(command) if command.name in GREPS else next(iter(command.operands), None)
    return pattern.filled if pattern and re.fullmatch(r"[A-Za-z][\w-]*", pattern.filled) else ""


def _netstat(command: ShellCommand, manual: Manual) -> tuple[str, str] | None:
    source = command.pipeline[0]
    if command.name not in GREPS or source.name != "netstat" or not source.has_flag("-p", "--programs", "--program"):
        return None
    name = _name(command)
    digits = _NETSTAT - len("/") - len(name)
    if not name or digits > 4:
        return None
    when = f"beside a process id of more than {digits} digits" if digits > 0 else "at all"
    sentence = f"netstat cuts PID/program at {_NETSTAT} characters: '{name}' ({len(name)}) does not fit {when}, so the line is not found"
    connections = re.search(r"\bconnections?\b", said_above(manual, command.line)) and source.has_flag("-l", "--listening")
    return sentence + ("; and -l leaves out every connection" if connections else ""), f"ss -tunap | grep {name[:_COMM]}"


def _kernel(command: ShellCommand) -> tuple[str, str] | None:
    name = _name(command)
    if len(name) <= _COMM:
        return None
    if command.name in ("pgrep", "pkill") and not command.has_flag("-f", "--full"):
        return (
            f"{command.name} compares with the {_COMM} characters that the kernel keeps, so '{name}' ({len(name)}) never matches",
            f"{command.name} -f",
        )
    columns = command.pipeline[0].option("-o", "--format") if command.pipeline[0].name == "ps" else None
    if command.name in GREPS and columns and re.search(r"\bu?comm\b", columns.filled) and "args" not in columns.filled:
        return f"ps -o comm shows {_COMM} characters of a name, so '{name}' ({len(name)}) is never found", "ps -o args"
    return None


RULE = Rule(
    id="KW405",
    name="names-cut-by-netstat",
    title="A program's name is looked for where only a part of it is shown",
    severity=Severity.ERROR,
    why="netstat prints process id and program in a column of 19 characters and cuts what is longer; the kernel itself keeps 15 "
    "characters of a "
    "program's name, which is what pgrep and ps -o comm see. A search for the whole name finds nothing, or only while process "
    "ids are still small, and a "
    "check built on it takes a running service for a stopped one. Source: net-tools netstat.c (PROGNAME_WIDTH); "
    "proc_pid_comm(5); pgrep(1), NOTES.",
    bad="# Ports\n\n```bash\nnetstat -tlnp | grep inventory-server\n```\n",
    good="# Ports\n\n```bash\nss -tlnp | grep inventory-serve\nnetstat -tlnp | grep nginx\n```\n",
    check=_check,
)
