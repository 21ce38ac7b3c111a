"""KW511: a script stops a service and leaves on a failure without starting it again."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if not script.complete or script.traps:
            continue
        starts = [(part, started) for part in script.commands if (started := _services(part, "start") | _services(part, "restart"))]
        failures = [part for part in script.commands if part.name == "exit" and part.subcommand not in ("", "0")] if starts else []
        stopped: set[str] = set()
        for stop in script.commands if failures else ():
            services = set() if stop.function else _services(stop, "stop") - stopped
            stopped |= services
            exit_ = _leaves(script, stop, failures, [part for part, started in starts if started & services]) if services else None
            if exit_ is not None:
                yield Finding(
                    exit_.line,
                    f"the script leaves here with {', '.join(sorted(services))[:100]} stopped since line {stop.line}: "
                    "nothing starts it again",
                    exit_.end_line,
                    exit_.column,
                    f"start it again before leaving, or before the stop: trap '{_again(starts, services)}' EXIT",
                    width=len(exit_.name),
                )


def _again(starts: list[tuple[ShellCommand, set[str]]], services: set[str]) -> str:
    """The script's own command that starts them."""
    return next((part.text[:100] for part, started in starts if started & services), "systemctl start ...")


def _leaves(script: Script, stop: ShellCommand, failures: list[ShellCommand], starts: list[ShellCommand]) -> ShellCommand | None:
    """The first exit with a failure after the stop, in a branch that has not started the service; only if something else does."""
    if not any(start.index > stop.index for start in starts):
        return None
    for exit_ in failures:
        if exit_.index < stop.index:
            continue
        around = [block for block in script.blocks_of("if", "elif", "case") if exit_.index in (*block.body, *block.otherwise)]
        if not around:
            continue
        branch = min(around, key=lambda block: len(block.body) + len(block.otherwise))
        part = branch.otherwise if exit_.index in branch.otherwise else branch.body
        elsewhere = {*branch.body, *branch.otherwise} - {*part}
        if not any(stop.index < start.index < exit_.index and start.index not in elsewhere for start in starts):
            return exit_
    return None


def _services(command: ShellCommand, verb: str) -> set[str]:
    words = [word.filled for word in command.operands]
    if command.name == "systemctl" and words[:1] == [verb]:
        return set(words[1:])
    if command.name == "service" and words[1:2] == [verb]:
        return set(words[:1])
    if command.name == "docker-compose" and words[:1] == [verb]:
        return set(words[1:]) or {"all services"}
    if command.name == "docker" and words[:1] == ["compose"] and words[1:2] == [verb]:
        return set(words[2:]) or {"all services"}
    return set(words[1:]) if command.name == "docker" and words[:1] == [verb] else set()


RULE = Rule(
    id="KW511",
    name="left-stopped",
    title="The service stays stopped where a later step fails",
    severity=Severity.ERROR,
    why="A script that stops a service for a backup or a restore must start it on every way out. Where only the good branch starts it, "
    "the failure of a step becomes an outage. A trap on EXIT covers all ways. Source: POSIX.1-2024, trap.",
    bad="""# Restore

```bash
#!/bin/bash
systemctl stop shop
if psql -v ON_ERROR_STOP=1 -f "$1" shop; then
    systemctl start shop
else
    echo "restore failed"
    exit 1
fi
```
""",
    good="""# Restore

```bash
#!/bin/bash
trap 'systemctl start shop' EXIT
systemctl stop shop
if ! psql -v ON_ERROR_STOP=1 -f "$1" shop; then
    exit 1
fi
```
""",
    check=_check,
)
