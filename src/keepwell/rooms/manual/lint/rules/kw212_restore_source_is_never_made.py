"""KW212: a restore reads a file that no backup of the manual writes."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.file_uses import FileUse
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .saving import as_pattern, base, folder, is_dated
from .saying import short

_STORE = re.compile(r"(?:^|/)(?:[\w.-]*[_.-])?(?:backups?|bak|dumps?|snapshots?)(?:[_.-][\w.-]*)?(?=/)", re.IGNORECASE)
_FIXED_DATE = re.compile(r"\d{4}-?\d{2}-?\d{2}")
_MADE = frozenset(("written", "defined", "appended", "made"))
_READERS = frozenset(
    ("cp", "mv", "tar", "psql", "mysql", "pg_restore", "mongorestore", "gunzip", "zcat", "unzip", "rsync", "gzip", "cat", "install")
)


def _check(manual: Manual) -> Iterator[Finding]:
    uses = manual.names.files
    made = [use for use in uses if use.how in _MADE]
    by_folder: dict[str, list[FileUse]] = {}
    for use in made:
        for place in {folder(use.path), use.path.rstrip("/")} if "$" not in folder(use.path) else {"$"}:
            by_folder.setdefault(place, []).append(use)
    for use in uses:
        if use.how == "read" and use.command is not None and _is_a_backup(use, use.command):
            near = [*by_folder.get(folder(use.path), ()), *by_folder.get("$", ())]
            if not any(_makes(one, use.path) for one in near):
                yield _finding(use, use.command, near)


def _is_a_backup(use: FileUse, command: ShellCommand) -> bool:
    """Whether it is one certain file in a store of backups, and is really restored from."""
    certain = not re.search(r"[$\*?<>`{]", use.path) and not _FIXED_DATE.search(use.path)
    if command.name not in _READERS or not certain or use.path.endswith("/") or not _STORE.search(use.path):
        return False
    given = command.operands[-1].filled if command.operands else ""
    return command.name not in ("cp", "mv", "rsync") or not _STORE.search(f"{given}/")


def _makes(use: FileUse, path: str) -> bool:
    """Whether something writes this file, or copies something of that name into its folder, or makes or fills the folder as a whole."""
    written = use.path.rstrip("/")
    if use.script is not None and as_pattern(written, use.script).fullmatch(path):
        return True
    if use.command is not None and use.command.name in ("cp", "mv", "rsync", "scp", "aws") and written in (folder(path), path):
        names = [base(word.filled) for word in use.command.operands[:-1]]
        return use.command.has_flag("-r", "-a", "-R") or any(as_pattern(name, use.script).fullmatch(base(path)) for name in names if name)
    return written == path


def _finding(use: FileUse, command: ShellCommand, made: list[FileUse]) -> Finding:
    near = next((one for one in made if folder(one.path) == folder(use.path) and one.script and is_dated(one.path, one.script)), None)
    instead = f"; those that are made are named {short(base(near.path), 60)}" if near is not None else ""
    return Finding(
        use.line,
        f"{short(use.path, 90)} is restored from, and nothing in this manual ever makes it{instead}",
        column=command.column,
        width=len(command.name),
        fix="name the file that the backup writes, or let the backup write this one too",
    )


RULE = Rule(
    id="KW212",
    name="restore-source-is-never-made",
    title="A restore reads a backup that nothing makes",
    severity=Severity.ERROR,
    why="Backups carry a date, restores ask for latest: unless something makes a link or a copy of that name, the first step of the "
    "recovery "
    "fails, and what follows it runs on nothing. Source: cp(1); NIST SP 800-34 Rev. 1, 3.4.2 (procedures are to be tested with the real "
    "backups).",
    bad="""# Backup

```bash
tar -czf "/backup/shop-$(date +%F).tar.gz" /etc/shop
```

# Restore

```bash
tar -xzf /backup/shop-latest.tar.gz -C /
```
""",
    good="""# Backup

```bash
tar -czf "/backup/shop-$(date +%F).tar.gz" /etc/shop
ln -sfn "shop-$(date +%F).tar.gz" /backup/shop-latest.tar.gz
```

# Restore

```bash
tar -xzf /backup/shop-latest.tar.gz -C /
```
""",
    check=_check,
)
