"""KW223: what is deleted in production is deleted in the backup."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .saying import BACKUP, headings_over, said_over, short

_KEEPS = re.compile(r"versioning|versioned|object[- ]lock|--backup-dir|--suffix|snapshot|noncurrent", re.IGNORECASE)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            how = _mirrors(command)
            target = command.operands[-1].filled if how and command.operands else ""
            about = f"{target.lower()} {said_over(script, command.line)} {headings_over(manual, command.line).splitlines()[-1:]}"
            if target and BACKUP.search(about) and not _KEEPS.search(f"{command.text}\n{manual.words_near(command.line, 6, 6)}"):
                yield Finding(
                    command.line,
                    f"{how} deletes in {short(target, 70)} whatever was deleted at the source: the next run carries a mistake or an "
                    f"attack into the backup",
                    column=command.column,
                    width=len(command.name),
                    fix="leave the deleting out, or keep old versions: bucket versioning, rsync --backup-dir, restic",
                )


def _mirrors(command: ShellCommand) -> str:
    """The option that makes a copy delete, else empty."""
    words = [word.filled for word in command.words]
    deleting = [word for word in words if word.startswith("--delete")]
    if command.name == "rsync" and deleting and not command.has_flag("--backup-dir", "--link-dest", "-b", "--backup"):
        return f"rsync {deleting[0]}"
    if command.name == "aws" and words[1:3] == ["s3", "sync"] and deleting:
        return "aws s3 sync --delete"
    if command.name == "rclone" and "sync" in words[1:3]:
        return "rclone sync"
    if command.name == "gsutil" and "rsync" in words and "-d" in words:
        return "gsutil rsync -d"
    if command.name == "mc" and "mirror" in words and "--remove" in words:
        return "mc mirror --remove"
    return ""


RULE = Rule(
    id="KW223",
    name="deletions-reach-the-backup",
    title="Deletions in production are carried into the backup",
    severity=Severity.ERROR,
    why="A mirror is no backup: what somebody, a bug or an attacker deletes at the source is deleted in the copy at the next run, and an "
    "empty source "
    "(a wrong path, an unmounted disk) empties the copy. Sources: AWS CLI reference, s3 sync --delete; rsync(1), --delete and "
    "--backup-dir.",
    bad="""# Backup

```bash
rsync -a --delete /srv/shop/ backup@vault:/backup/shop/
```
""",
    good="""# Backup

```bash
rsync -a --delete --backup-dir="/backup/gone/$(date +%F)" /srv/shop/ backup@vault:/backup/shop/
```
""",
    check=_check,
)
