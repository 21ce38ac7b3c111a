"""KW101: a status is judged (or lost) where it belongs to another command than the one that matters."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.intent import in_expanding_heredoc
from keepwell.rooms.manual.reading.file_uses import tar_mode
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand, StatusUse

_NEVER_MATTERS = frozenset(
    ("echo", "printf", "gzip", "bzip2", "xz", "zstd", "pigz", "sleep", "date", "cat", "true", "tee", "log", "logger")
)
_JUST_PASSES_ON = frozenset(
    (
        "tee",
        "gzip",
        "cat",
        "jq",
        "head",
        "tail",
        "sort",
        "sed",
        "awk",
        "tr",
        "cut",
        "less",
        "xz",
        "zstd",
        "bzip2",
        "ts",
        "logger",
        "wc",
        "pigz",
    )
)
_DUMPS = frozenset(("pg_dump", "pg_dumpall", "pg_basebackup", "mysqldump", "mariadb-dump", "mongodump", "tar", "zfs", "xtrabackup"))
_SCANS = {"trivy": " with --exit-code 1", "grype": " with --fail-on high", "clamscan": "", "pip-audit": "", "lynis": ""}
"""Scanners, and the option without which a finding does not change their exit status."""

_ASKS_A_SERVER = frozenset(("redis-cli", "psql", "mysql", "mongosh", "curl", "kubectl", "oc", "aws", "ssh", "docker", "etcdctl"))
_WORKS = (
    _DUMPS
    | _ASKS_A_SERVER
    | frozenset(
        (
            "pg_restore",
            "mongorestore",
            "cp",
            "mv",
            "rsync",
            "scp",
            "wget",
            "git",
            "make",
            "cargo",
            "npm",
            "mvn",
            "gradle",
            "gsutil",
            "restic",
            "borg",
        )
    )
    | frozenset(("docker-compose", "helm", "terraform", "ansible-playbook", "systemctl", "gunzip", "unzip", "cpio", "dd", "sqlite3", "gpg"))
)
_PIPEFAIL = "set -o pipefail first"


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for use in script.status_uses:
            sentence = "" if in_expanding_heredoc(manual, use.line) else _wrong(use, script)
            if sentence:
                fix = f"test the command itself: if command; then ...; with a pipe, {_PIPEFAIL}"
                yield Finding(use.line, sentence, column=use.column, fix=fix, width=len("$?"))
        for command in script.commands:
            if len(command.pipeline) > 1 and command.is_first and not command.strict.pipefail:
                yield from _hidden(command, script)


def _wrong(use: StatusUse, script: Script) -> str:
    if use.of is None:
        return ""
    command = script.commands[use.of]
    judges = command.name == "jq" and command.has_flag("-e", "--exit-status")
    if len(command.pipeline) > 1 and command.is_last and not command.strict.pipefail and command.name in _JUST_PASSES_ON and not judges:
        if script.commands[use.by].name in ("echo", "printf") if use.by is not None else False:
            return ""  # only said, not judged
        first = command.pipeline[0]
        return f"$? is the status of {command.name}, the end of the pipe; whether {first.name or 'the first command'} failed is lost"
    before = _meant(command)
    tests = command.has_flag("-t", "--test")
    if command.name in _NEVER_MATTERS and command.depth == 0 and before is not None and not tests:
        return f"$? is the status of {command.name} in line {command.line}, not that of {before.name} in line {before.line}"
    return ""


def _meant(command: ShellCommand) -> ShellCommand | None:
    """The command before it whose status was probably meant: the nearest one that does real work and that nothing has judged yet."""
    before = command.previous
    while before is not None and (before.name in _NEVER_MATTERS or not before.name) and command.line - before.line < 12:
        before = before.previous
    if before is None or before.status.used or command.line - before.line >= 12:
        return None
    return before if before.name in _WORKS or before.name.endswith((".sh", ".py")) else None


def _hidden(first: ShellCommand, script: Script) -> Iterator[Finding]:
    """A pipeline that hides what its first command came to."""
    last = first.pipeline[-1]
    archives = first.name != "tar" or tar_mode(first) == "c"
    fix, severity = _PIPEFAIL, Severity.ERROR
    if first.name in _DUMPS and archives and last.name in _JUST_PASSES_ON and last.status.how in ("condition", "and", "or"):
        message = f"what follows is decided by the status of {last.name}; whether {first.name} failed is lost in the pipe"
    elif first.name in _DUMPS and archives and script.complete and last.name in _JUST_PASSES_ON and last.output.how == "file":
        message = f"when {first.name} fails, {last.name} still succeeds and leaves a file that looks like a backup"
    elif first.name in _SCANS and script.complete and last.name in ("head", "tail"):
        message, severity = (
            f"{last.name} ends the pipe: whether {first.name} ran or found anything is lost, and what it found is cut",
            Severity.WARNING,
        )
        option = _SCANS[first.name]
        fix = f"{first.name}{option} without the pipe: its exit status decides; write its report to a file"
    elif first.name in _ASKS_A_SERVER and last.name == "read" and "while" in last.loops and _reports_only(last, script):
        message, severity = (
            f"when {first.name} cannot reach the server the loop runs over nothing and ends with 0, as if all were clean",
            Severity.WARNING,
        )
        fix = f"{_PIPEFAIL}, or keep the list in a file and look at the status of {first.name} before the loop"
    else:
        return
    yield Finding(first.line, message, column=first.column, width=len(first.name), fix=fix, severity=severity)


def _reports_only(read: ShellCommand, script: Script) -> bool:
    """Whether the loop that this ``read`` feeds tests something and speaks of what it found."""
    inside = [command for command in script.commands if read.index in command.guards]
    return any(command.tests for command in inside) and any(command.name in ("echo", "printf") for command in inside)


RULE = Rule(
    id="KW101",
    name="status-of-the-wrong-command",
    title="The status belongs to another command than the one that matters",
    severity=Severity.ERROR,
    why="$? is the exit status of the last pipeline, and that of a pipeline is the status of its last command. Behind gzip, echo or a "
    "pipe it says nothing of the dump before it, so success is reported over nothing. Source: POSIX.1-2024, Shell Command Language, "
    "2.5.2 and 2.9.2.",
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
