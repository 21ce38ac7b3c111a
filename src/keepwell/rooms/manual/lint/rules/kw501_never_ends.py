"""KW501: a command that never ends stands before others, or in a script."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.endless import endless, followed
from keepwell.rooms.manual.lint.rules.intent import unattended
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        said = ("", 0)
        for command in script.commands:
            reason, fix = endless(command)
            if reason and said == (reason, command.line - 1):
                continue  # two in a row are one defect
            said = (reason, command.line) if reason else said
            consequence = _consequence(script, command) if reason and not _is_meant(script, command) else ""
            if consequence:
                yield Finding(command.line, f"{reason}: {consequence}", command.end_line, command.column, fix, width=len(command.name))


def _is_meant(script: Script, command: ShellCommand) -> bool:
    """Whether a person asked for it: ``watch`` has no other purpose, where ``tail -f`` and ``docker stats`` are often oversights."""
    return command.name == "watch" and not unattended(script) and not command.depth


def _consequence(script: Script, command: ShellCommand) -> str:
    after = followed(script, command)
    if after is not None:
        return f"{after.name} in line {after.line} and what follows are not reached"
    if command.depth:
        return "the command that waits for its output never runs"
    return "the script never ends" if unattended(script) and not command.guards else ""


RULE = Rule(
    id="KW501",
    name="never-ends",
    title="A command that never ends stands before others",
    severity=Severity.WARNING,
    why="ping, tail -f, docker stats and their like run until somebody interrupts them. In a script nobody does; pasted as a "
    "block, the commands behind them wait, and the interrupt that ends them is easily taken for the end of the procedure. Source: "
    "ping(8), -c; tail(1), -f; docker container stats reference, --no-stream.",
    bad="# Net\n\n```bash\nping localhost\nss -tln\n```\n",
    good="# Net\n\n```bash\nping -c 3 localhost\nss -tln\ntimeout 60 tail -f /var/log/shop.log\ntail -f /var/log/shop.log\n```\n"
    "\n```bash\nwatch -n 5 free -h\nss -tln\n```\n",
    check=_check,
)
