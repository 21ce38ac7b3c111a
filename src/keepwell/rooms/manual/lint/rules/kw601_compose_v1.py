"""KW601: the program docker-compose, version 1."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .removed import COMPOSE


def _check(manual: Manual) -> Iterator[Finding]:
    uses = [command for command in manual.commands if command.name == "docker-compose" or "docker-compose exec" in command.wrappers]
    uses = [command for command in uses if "docker-compose" in command.text]
    if uses:
        times = "once" if len(uses) == 1 else f"{len(uses)} times, first here"
        first = min(uses, key=lambda command: (command.line, command.column))
        yield Finding(
            first.line,
            f"docker-compose is written {times}: version 1 has had no fixes since {COMPOSE.date} and new installations do not have it",
            first.line,
            first.column,
            COMPOSE.instead,
            width=len("docker-compose"),
        )


RULE = Rule(
    id="KW601",
    name="compose-v1",
    title="docker-compose (version 1) has reached its end",
    severity=Severity.NOTE,
    why="Compose version 1, the Python program docker-compose, has had no updates since July 2023; today's packages bring the "
    "plugin, which is called "
    "docker compose. On a new host the steps of the manual end with 'command not found', unless somebody has put an alias in place. "
    f"Source: {COMPOSE.source}",
    bad="# Status\n\n```bash\ndocker-compose ps\n```\n",
    good="# Status\n\n```bash\ndocker compose -f docker-compose.yml ps\n```\n",
    check=_check,
)
