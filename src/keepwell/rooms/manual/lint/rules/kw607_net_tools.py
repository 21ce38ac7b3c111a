"""KW607: programs of net-tools, which are not installed any more."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .removed import NET_TOOLS


def _check(manual: Manual) -> Iterator[Finding]:
    if any("net-tools" in line for line in manual.lines):
        return  # the manual itself says that it has to be there
    instead = {entry.name: entry.instead for entry in NET_TOOLS}
    uses = [command for command in manual.commands if command.name in instead]
    if uses:
        first = min(uses, key=lambda command: (command.line, command.column))
        names = sorted({command.name for command in uses})
        times = "once" if len(uses) == 1 else f"{len(uses)} times, first here"
        yield Finding(
            first.line,
            f"{' and '.join(names)} of net-tools {'is' if len(names) == 1 else 'are'} used {times}: a system installed today "
            "does not have it",
            column=first.column,
            fix="; ".join(f"{name}: {instead[name]}" for name in names),
            width=len(first.name),
        )


RULE = Rule(
    id="KW607",
    name="net-tools",
    title="netstat, ifconfig and route are not installed any more",
    severity=Severity.NOTE,
    why="net-tools calls itself mostly obsolete and is no longer part of a new installation of Debian, Ubuntu or Red Hat "
    "Enterprise Linux. The command is "
    "then not found, and behind a pipe the empty output looks like 'no connections'. ss and ip are there. Source: netstat(8), "
    "NOTES; ss(8).",
    bad="# Ports\n\n```bash\nnetstat -tln\n```\n",
    good="# Ports\n\n```bash\nss -tln\nip address\n```\n",
    check=_check,
)
