"""KW122: the failure of a step that matters is thrown away."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

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
_SCRIPT = re.compile(r"(backup|restore|migrat|deploy|verif)[\w-]*(\.sh|\.py)?$", re.IGNORECASE)
_MATTERING = {"kubectl": ("apply", "rollout"), "helm": ("upgrade", "install"), "aws": ("s3",), "tar": (), "prisma": ("migrate",)}


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            if not _matters(command):
                continue
            alternative = command.or_else
            if command.status.how == "or-true" or (
                alternative is not None and alternative.name in ("true", ":", "echo") and _ends_well(alternative)
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


def _ends_well(alternative: ShellCommand) -> bool:
    """Whether nothing after the alternative's echo ends the script."""
    after = alternative.and_then or alternative.next
    return after is None or after.line != alternative.line or after.name not in ("exit", "return", "false", "kill")


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
