"""KW214: a restore takes the running system away before it knows that the backup can be read."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.file_uses import tar_mode
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saving import is_restoring, names_in
from .saying import short

_FILE_TESTS = frozenset(("-f", "-e", "-s", "-r"))
_READS = frozenset(
    [
        "gunzip",
        "zcat",
        "gzip",
        "unzip",
        "sha256sum",
        "sha512sum",
        "md5sum",
        "pg_restore",
        "zstd",
        "xz",
        "realpath",
        "readlink",
        "stat",
        "file",
        "ls",
    ]
)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        archive = _given_archive(script) if script.complete and is_restoring(manual, script) else set()
        if archive:
            command = _taken_away_first(script, archive)
            if command is not None:
                yield Finding(
                    command.line,
                    f"{short(command.text, 60)} comes before anything has looked whether the backup given as an argument exists and can "
                    f"be read",
                    column=command.column,
                    width=len(command.name),
                    fix='first: [ -r "$1" ] and tar -tzf or gzip -t on it, then stop and move',
                )


def _given_archive(script: Script) -> set[str]:
    """The variables that hold a positional parameter, if the script reads them at all; ``1`` itself."""
    names = {one.name for one in script.assignments if one.value is not None and {"1", "@"} & set(names_in(one.value.raw))} | {"1"}
    return names if any(_uses(command, names) for command in script.commands if command.name not in ("echo", "[")) else set()


def _uses(command: ShellCommand, names: set[str]) -> bool:
    words = [*command.words, *(part.target for part in command.redirections if not part.writes)]
    return any(set(word.variables) & names for word in words)


def _taken_away_first(script: Script, archive: set[str]) -> ShellCommand | None:
    for command in script.commands:
        if _looks_at_it(command, archive):
            return None
        if _takes_away(command):
            return command
    return None


def _looks_at_it(command: ShellCommand, archive: set[str]) -> bool:
    if any(test.operator in _FILE_TESTS and set(test.right.variables) & archive for test in command.tests):
        return True
    return (command.name in _READS or (command.name == "tar" and tar_mode(command) in ("t", "x"))) and _uses(command, archive)


def _takes_away(command: ShellCommand) -> bool:
    words = [word.filled for word in command.operands]
    if command.name in ("systemctl", "docker-compose", "docker", "supervisorctl"):
        return any(word in ("stop", "down", "kill") for word in words[:2])
    if command.name == "service":
        return words[1:2] == ["stop"]
    return command.name in ("dropdb", "mv") or (command.name == "rm" and command.has_flag("-r", "-R"))


RULE = Rule(
    id="KW214",
    name="restore-destroys-before-it-knows",
    title="A restore takes the system away before it knows the backup",
    severity=Severity.ERROR,
    why="A mistyped name, a backup that was moved or one that is truncated should be found out while the service still runs. Once it is "
    "stopped and its "
    "files are moved away, the same mistake is an outage. Source: gzip(1), -t; tar(1), --list; NIST SP 800-34 Rev. 1, 4.3 (sequence of "
    "recovery).",
    bad="""# Restore

```bash
#!/bin/bash
# /opt/shop/restore.sh
ARCHIVE="$1"
systemctl stop shop
mv /opt/shop /opt/shop.old
tar -xzf "$ARCHIVE" -C /
systemctl start shop
```
""",
    good="""# Restore

```bash
#!/bin/bash
# /opt/shop/restore.sh
set -euo pipefail
ARCHIVE=$(realpath "$1")
tar -tzf "$ARCHIVE" > /dev/null
systemctl stop shop
mv /opt/shop "/opt/shop.before-$(date +%s)"
tar -xzf "$ARCHIVE" -C /
systemctl start shop
```
""",
    check=_check,
)
