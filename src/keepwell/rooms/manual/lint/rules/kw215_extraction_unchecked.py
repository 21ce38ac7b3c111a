"""KW215: a restore goes on although its archive may not have been unpacked."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.file_uses import tar_mode
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saving import is_restoring

_GOES_ON = frozenset(("cp", "mv", "rsync", "systemctl", "service", "docker", "docker-compose", "psql", "pg_restore", "mysql", "kubectl"))


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if script.complete and is_restoring(manual, script):
            command = next((one for one in script.commands if _unpacks(one) and not one.status.used), None)
            follower = _follower(script, command) if command is not None else None
            if command is not None and follower is not None:
                yield Finding(
                    command.line,
                    f"if {command.name} cannot unpack the archive the script goes on with {follower.name} in line {follower.line}, on "
                    f"nothing or on half of it",
                    column=command.column,
                    width=len(command.name),
                    fix=f"{command.name} ... || exit 1, or set -e at the top",
                )


def _unpacks(command: ShellCommand) -> bool:
    if command.name == "tar":
        return tar_mode(command) == "x" and not command.has_flag("-O", "--to-stdout")
    return command.name == "unzip" or (command.name == "gunzip" and not command.has_flag("-c", "--stdout"))


def _follower(script: Script, command: ShellCommand) -> ShellCommand | None:
    return next((one for one in script.commands[command.index + 1 :] if one.name in _GOES_ON and one.depth == 0), None)


RULE = Rule(
    id="KW215",
    name="extraction-unchecked",
    title="A restore goes on although nothing may have been unpacked",
    severity=Severity.ERROR,
    why="tar ends with 2 when the archive is missing or damaged, and a script without set -e goes to the next line: the service is "
    "started on an "
    "empty or half-filled folder, and the restore looks done. Source: tar(1), return value; POSIX.1-2024, Shell Command Language, 2.15 "
    "(set -e).",
    bad="""# Restore

```bash
#!/bin/bash
# restore.sh
tar -xzf "$1" -C /
systemctl start shop
```
""",
    good="""# Restore

```bash
#!/bin/bash
# restore.sh
tar -xzf "$1" -C / || exit 1
systemctl start shop
```
""",
    check=_check,
)
