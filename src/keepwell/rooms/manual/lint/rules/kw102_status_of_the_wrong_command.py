"""KW102: ``$?`` is read where it belongs to another command than the one that matters."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand, StatusUse

_NEVER_MATTERS = frozenset(
    ("echo", "printf", "gzip", "bzip2", "xz", "zstd", "rm", "sleep", "date", "cat", "chmod", "chown", "true", "ls", "cd", "tee", "log")
)
_JUST_PASSES_ON = frozenset(
    ("tee", "gzip", "cat", "jq", "head", "tail", "sort", "sed", "awk", "tr", "cut", "less", "xz", "zstd", "bzip2", "ts", "logger")
)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for use in script.status_uses:
            sentence = _wrong(use, script)
            if sentence:
                yield Finding(
                    use.line,
                    sentence,
                    column=use.column,
                    fix="test the command itself: if command; then ...; with a pipe, set -o pipefail first",
                    width=len("$?"),
                )


def _wrong(use: StatusUse, script: Script) -> str:
    if use.of is None:
        return ""
    command = script.commands[use.of]
    judges = command.name == "jq" and command.has_flag("-e", "--exit-status")
    if len(command.pipeline) > 1 and command.is_last and not command.strict.pipefail and command.name in _JUST_PASSES_ON and not judges:
        first = command.pipeline[0]
        return f"$? is the status of {command.name}, the end of the pipe; whether {first.name or 'the first command'} failed is lost"
    before = _meant(command)
    if command.name in _NEVER_MATTERS and command.depth == 0 and before is not None:
        return f"$? is the status of {command.name} in line {command.line}, not that of {before.name} in line {before.line}"
    return ""


def _meant(command: ShellCommand) -> ShellCommand | None:
    """The command before it whose status was probably meant: the nearest one that does real work and that nothing has judged yet."""
    before = command.previous
    while before is not None and (before.name in _NEVER_MATTERS or not before.name) and command.line - before.line < 12:
        before = before.previous
    if before is None or before.status.used or command.line - before.line >= 12 or before.name in ("[", "[[", "((", "set", "mkdir"):
        return None
    return before


RULE = Rule(
    id="KW102",
    name="status-of-the-wrong-command",
    title="$? belongs to another command than the one that matters",
    severity=Severity.ERROR,
    why="$? is the exit status of the last pipeline, and that of a pipeline is the status of its last command. Behind gzip, echo or a pipe it says "
    "nothing of the dump before it, so success is reported over nothing. Source: POSIX.1-2024, Shell Command Language, 2.5.2 and 2.9.2.",
    bad="""# Backup

```bash
pg_dump shop > /backup/shop.sql
gzip /backup/shop.sql
if [ $? -eq 0 ]; then
    echo "backup is good"
fi
```
""",
    good="""# Backup

```bash
set -o pipefail
if pg_dump shop | gzip > /backup/shop.sql.gz; then
    echo "backup is good"
fi
```
""",
    check=_check,
)
