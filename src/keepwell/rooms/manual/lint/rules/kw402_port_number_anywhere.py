"""KW402: a port is searched for as bare digits among sockets."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .pattern_words import GREPS, decides, pattern_of


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named(*GREPS):
            pattern, source = pattern_of(command), command.pipeline[0]
            if pattern is None or command.is_first or source.name not in ("netstat", "ss", "lsof"):
                continue
            if command.has_flag("-w", "--word-regexp") or not re.fullmatch(r":?\d{2,5}", pattern.filled):
                continue
            if len(pattern.filled.strip(":")) > 3 and not decides(command, script):
                continue  # a person who reads the lines sees the other port
            counted = ", and all of them are counted" if any(part.name == "wc" for part in command.pipeline) else ""
            yield Finding(
                command.line,
                f"'{pattern.filled}' also matches {_also(pattern.filled)} and connections to that port elsewhere{counted}",
                column=command.column,
                fix=f"ss {_state(command)} 'sport = :{pattern.filled.strip(':')}'",
                width=len(command.name),
            )


def _state(command: ShellCommand) -> str:
    """The flags of ss, with the state that the pipeline sorts out."""
    sorts = next((part for part in command.pipeline if part.name in GREPS and "ESTAB" in part.text), None)
    if sorts is None:
        return "-Htan"
    return "-Htn exclude established" if sorts.has_flag("-v", "--invert-match") else "-Htn state established"


def _also(pattern: str) -> str:
    """What else a pattern such as ``:80`` or ``8080`` finds."""
    port = pattern.strip(":")
    longer = next((other for other in (port * 2, f"{port}0") if int(other) < 65536), "")
    if not pattern.startswith(":"):
        return f"process ids with these digits, ports such as {longer or f'1{port}'}"
    return f"port {longer}" if longer else "the same port of other machines"


RULE = Rule(
    id="KW402",
    name="port-number-anywhere",
    title="A port is looked for as digits anywhere in the line",
    severity=Severity.WARNING,
    why="grep finds the digits wherever they stand: in a longer port number (:80 in :8080), in a process id, and in the address "
    "of the other end, where the "
    "number is a port of another machine. A count of them is not the number of connections to the service. ss filters by the port itself. "
    "Source: ss(8), State-filter and expression; https://www.man7.org/linux/man-pages/man8/ss.8.html",
    bad="# Connections\n\n```bash\nnetstat -an | grep :80 | grep ESTABLISHED | wc -l\n```\n",
    good="# Connections\n\n```bash\nss -Htn state established 'sport = :80' | wc -l\nnetstat -an | grep -w ':80'\n```\n",
    check=_check,
)
