"""KW122: the failure of a step that matters is thrown away."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

_MATTERS = frozenset(
    (
        "pg_dump",
        "pg_dumpall",
        "pg_restore",
        "pg_basebackup",
        "mysqldump",
        "mariadb-dump",
        "mongodump",
        "mongorestore",
        "restic",
        "borg",
        "rsync",
        "alembic",
        "flyway",
    )
)
_STOPS = frozenset(("exit", "return", "false", "kill", "die", "fail", "mail", "curl"))
_SCRIPT = re.compile(r"(backup|restore|migrat|deploy|verif)[\w-]*(\.sh|\.py)?$", re.IGNORECASE)
_MATTERING = {"kubectl": ("apply", "rollout"), "helm": ("upgrade", "install"), "aws": ("s3",), "tar": (), "prisma": ("migrate",)}


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            if not _matters(command):
                continue
            alternative = command.or_else
            if command.status.how == "or-true" or (
                alternative is not None and alternative.name in ("true", ":", "echo") and _goes_on(script, alternative)
            ):
                yield Finding(
                    command.line,
                    f"the failure of {command.name} is thrown away by || {alternative.name if alternative else 'true'}: "
                    "what follows runs as if it had worked",
                    column=command.column,
                    width=len(command.name),
                    fix=f"{command.name} ... || {{ tell somebody; exit 1; }}",
                )


def _matters(command: ShellCommand) -> bool:
    if command.name in _MATTERS or _SCRIPT.search(command.name):
        return True
    if command.name == "tar":
        return any(word.filled.lstrip("-").startswith(("c", "x")) for word in command.arguments[:1])
    if command.name == "aws":
        return [word.filled for word in command.operands[:2]] in (["s3", "cp"], ["s3", "sync"])
    return command.subcommand in _MATTERING.get(command.name, ())


def _goes_on(script: Script, alternative: ShellCommand) -> bool:
    """Whether nothing beside the alternative ends the script or tells anybody: ``|| { echo failed; exit 1; }`` does."""
    if alternative.piped_to is not None or alternative.output.how == "file":
        return False
    group = next((block for block in script.blocks_of("group", "subshell") if alternative.index in block.body), None)
    after = alternative.and_then or alternative.next
    beside = script.members(group.body) if group else (after,) if after is not None and after.line == alternative.line else ()
    return not any(part.name in _STOPS for part in beside)


RULE = Rule(
    id="KW122",
    name="failure-thrown-away",
    title="The failure of a step that matters is thrown away",
    severity=Severity.WARNING,
    why="|| true and || echo turn every failure into success: the list ends with the status of the right side. Behind a backup, a "
    "restore, a migration or a deployment that hides the very thing to know. Source: POSIX.1-2024, Shell Command Language, 2.9.3.",
    bad="# Backup\n\n```bash\nset -e\npg_dump -f /backup/shop.sql shop || true\nrm /backup/old.sql\n```\n",
    good="# Backup\n\n```bash\nset -e\npg_dump -f /backup/shop.sql shop\nrm /backup/old.sql || true\n```\n",
    check=_check,
)
