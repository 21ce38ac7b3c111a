"""KW606: programs, subcommands and options that are gone, no longer work, or never were."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .removed import COMMANDS, NEVER_WERE, WITHOUT_EFFECT, Removed


def _check(manual: Manual) -> Iterator[Finding]:
    for command in manual.commands:
        for entries, sentence in (
            (COMMANDS, "{0.name} is gone {0.when}"),
            (WITHOUT_EFFECT, "{0.name} is deprecated {0.when} and finds no token: service accounts have no token secret any more"),
            (NEVER_WERE, "{0.name} does not exist: the program answers 'unknown command'"),
        ):
            entry = next((entry for entry in entries if _is(command, entry)), None)
            if entry:
                yield Finding(
                    command.line, sentence.format(entry), command.end_line, command.column, entry.instead, width=len(command.name)
                )


def _is(command: ShellCommand, entry: Removed) -> bool:
    """Whether the command's words begin with those of the entry; options may stand anywhere."""
    program, *rest = entry.name.split()
    if command.name != program:
        return False
    options = [word for word in rest if word.startswith("-")]
    words = [word for word in rest if not word.startswith("-")]
    given = [word.text for word in command.operands[: len(words)]]
    return given == words and all(command.has_flag(option) for option in options)


RULE = Rule(
    id="KW606",
    name="command-removed",
    title="A command that is gone or never was",
    severity=Severity.WARNING,
    why="A step with a command that was removed ends with 'command not found' or 'unknown flag', in an emergency at the worst "
    "moment. The rule's table has "
    "each command with the version that dropped it, the date, the replacement and the page that says so. "
    f"Source: the entries of the table, among them {COMMANDS[0].source}",
    bad="# Key\n\n```bash\nwget -qO key.asc https://example.org/key.asc\nsudo apt-key add key.asc\n```\n",
    good="# Key\n\n```bash\nsudo gpg --dearmor -o /etc/apt/keyrings/example.gpg key.asc\noc create token prometheus-k8s\n```\n",
    check=_check,
)
