"""KW504: an exec that asks for a terminal, in work that a scheduler does or will do."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.intent import recurs, unattended
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            how = _asks_for_a_terminal(command)
            if how and not _is_a_session(command) and (unattended(script) or recurs(manual, command.line)):
                fix = "docker-compose exec -T" if how.startswith("docker-compose") else f"{how.rsplit(' ', 1)[0]} -i"
                yield Finding(
                    command.line,
                    f"{how} asks for a terminal: run by a scheduler it ends with an error before {command.name or 'the command'} starts",
                    command.end_line,
                    command.column,
                    fix,
                    width=len(how.split(" ", 1)[0]),
                )


def _is_a_session(command: ShellCommand) -> bool:
    """Whether a person is to type inside: a shell or a client without anything to do."""
    return command.name in ("bash", "sh", "zsh", "ash", "psql", "mysql", "redis-cli", "mongosh") and not (
        command.has_flag("-c", "-e", "-f", "--command", "--eval", "--file", "--execute") or command.operands or command.redirections
    )


def _asks_for_a_terminal(command: ShellCommand) -> str:
    """The call as written that wants one: docker-compose (v1) does unless -T is given, docker and kubectl where -t is."""
    flags = [word.filled for word in command.wrapper_words if word.filled.startswith("-")]
    lettered = [flag for flag in flags if not flag.startswith("--")]
    wants = any("t" in flag for flag in lettered) or "--tty" in flags
    if "docker-compose exec" in command.wrappers:
        return "" if any(flag in ("-T", "--no-TTY") or (flag in lettered and "T" in flag) for flag in flags) else "docker-compose exec"
    for wrapper in ("docker exec", "kubectl exec", "oc exec", "podman exec"):
        if wrapper in command.wrappers and wants:
            return f"{wrapper} {next(flag for flag in flags if 't' in flag)}"
    return ""


RULE = Rule(
    id="KW504",
    name="exec-without-a-terminal",
    title="An exec asks for a terminal that a scheduler has not",
    severity=Severity.NOTE,
    grouped=True,
    why="docker-compose exec allocates a terminal unless -T is given, docker exec and kubectl exec do with -t. From cron, a timer or a "
    "pipeline there is none, and the call ends with 'the input device is not a TTY'. A recurring task is the first to be scheduled. "
    "Source: docker-compose exec reference, -T; docker exec reference, --tty.",
    bad="# Operations\n\n## Daily\n\n```bash\ndocker-compose exec db psql -U shop -c 'select 1'\n```\n",
    good="""# Operations

## Daily

```bash
docker-compose exec -T db psql -U shop -c 'select 1'
docker exec db psql -U shop -c 'select 1'
```
""",
    check=_check,
)
