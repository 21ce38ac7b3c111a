"""KW227: all backups stay on the machine that they are backups of."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .saving import DUMPS, Saving, is_archiver, savings
from .saying import short

_LEAVES = frozenset(
    (
        "scp",
        "sftp",
        "aws",
        "gsutil",
        "az",
        "rclone",
        "restic",
        "borg",
        "borgmatic",
        "s3cmd",
        "mc",
        "duplicity",
        "kopia",
        "azcopy",
        "b2",
        "lftp",
        "wal-g",
        "pgbackrest",
        "barman",
    )
)
_OTHER_DISK = re.compile(r"^(?:/mnt|/media|/nfs|/net|/Volumes)\b|://|@|^[\w.-]+:", re.IGNORECASE)
_SAYS_SO = re.compile(
    r"off-?site|off the machine|\bnfs\b|\bnas\b|remote (?:copy|storage|backup)|replicat|object storage|tape|\bs3\b|cloud storage"
    r"|backup server|mounted",
    re.IGNORECASE,
)


def _check(manual: Manual) -> Iterator[Finding]:
    made = [saving for saving in savings(manual) if saving.target and not saving.target.startswith("/tmp/")]
    if not made or any(_OTHER_DISK.search(saving.target) for saving in made) or _leaves(manual):
        return
    first = max(made, key=_weight)
    yield Finding(
        first.command.line,
        f"every backup of this manual stays on the machine that it is a backup of ({short(first.target, 60)}): a dead disk or an intruder "
        f"takes both",
        column=first.command.column,
        width=len(first.program),
        fix="copy it to another machine or a bucket, and say where and how long it is kept there",
    )


def _weight(saving: Saving) -> tuple[bool, bool, int]:
    """The one to point at: a script that is called backup, what writes a file, the first."""
    return "backup" in saving.script.file.lower(), saving.program in DUMPS or is_archiver(saving.command), -saving.command.line


def _leaves(manual: Manual) -> bool:
    for command in manual.commands:
        to_a_host = command.name == "rsync" and any(":" in word.filled for word in command.operands)
        if command.name in _LEAVES or to_a_host or (command.name == "ssh" and command.piped_from is not None):
            return True
    return any(_SAYS_SO.search(text) for text in manual.lines)


RULE = Rule(
    id="KW227",
    name="copy-on-the-same-machine",
    title="All backups stay on the machine that they are backups of",
    severity=Severity.NOTE,
    why="The usual reasons to need a backup - a broken disk, fire, theft, ransomware, a mistaken rm - take everything on that machine. "
    "At least one copy "
    "has to be elsewhere. Source: NIST SP 800-34 Rev. 1, 3.4.2 (offsite storage); US-CERT, Data Backup Options (3-2-1).",
    bad="""# Backup

```bash
tar -czf "/backup/shop-$(date +%F).tar.gz" /srv/shop
```
""",
    good="""# Backup

```bash
tar -czf "/backup/shop-$(date +%F).tar.gz" /srv/shop
rclone copy /backup vault:shop
```
""",
    check=_check,
)
