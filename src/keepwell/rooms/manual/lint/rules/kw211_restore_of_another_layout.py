"""KW211: a restore takes a path out of a backup that no backup puts there."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.file_uses import tar_archive, tar_mode
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .layout import Member, matches, members
from .saving import base, folder
from .saying import short


def _check(manual: Manual) -> Iterator[Finding]:
    held = members(manual)
    if not held:
        return
    for script in manual.scripts:
        taken = list(_taken(script))
        near = [member for member in held if member.section[:2] == script.section[:2]] or held if taken else []
        for command, wanted in taken:
            same = [member for member in near if matches(member.path.split("/")[0], wanted.split("/")[0])]
            if not any(matches(member.path, wanted) for member in near):
                yield _missing(command, wanted, same or near)
            elif command.name in ("cp", "rsync", "mv"):
                yield from _elsewhere(manual, command, wanted, same)


def _taken(script: Script) -> Iterator[tuple[ShellCommand, str]]:
    """The paths that a script takes out of an archive that it unpacks itself, as they stand in the archive."""
    places: list[str] = []
    for command in script.commands:
        if command.name == "tar" and tar_mode(command) == "x":
            inside = command.option("-C", "--directory")
            places += [inside.filled.rstrip("/")] if inside is not None else []
            archive = tar_archive(command)
            names = [word.filled for word in command.operands if archive is None or word.filled != archive.filled]
            yield from ((command, name) for name in names if "/" in name and not name.startswith(("-", "$", "/")))
            continue
        words = [word.filled for word in command.operands] + [part.target.filled for part in command.redirections if part.operator == "<"]
        if command.name in ("cp", "rsync", "mv"):
            words = words[:-1]
        for word in words:
            place = next((place for place in places if word.startswith(f"{place}/")), None)
            if place is not None and word.removeprefix(f"{place}/").strip("/*."):
                yield command, word.removeprefix(f"{place}/")


def _missing(command: ShellCommand, wanted: str, near: list[Member]) -> Finding:
    holds = ", ".join(dict.fromkeys(short(member.path, 60) for member in near[:4]))
    return Finding(
        command.line,
        f"no backup of this manual holds {short(wanted, 70)}; it holds {short(holds, 150)}",
        column=command.column,
        width=len(command.name),
        fix="take it from the place where the backup puts it, and try the restore once",
    )


def _elsewhere(manual: Manual, command: ShellCommand, wanted: str, same: list[Member]) -> Iterator[Finding]:
    """Restored to where nothing of the manual looks for it."""
    target = command.operands[-1].filled.rstrip("/")
    sources = [member.source for member in same if matches(member.path, wanted) and base(member.path) == base(wanted)]
    source = next((one for one in sources if folder(one) == folder(target)), sources[0] if sources else "")
    if not source.startswith("/") or not target.startswith("/") or target in (*sources, *map(folder, sources), "", "/"):
        return
    used = [
        use
        for use in manual.names.files
        if use.command is not None and use.line != command.line and use.path.rstrip("/").startswith(target)
    ]
    if not used and not source.startswith(target):
        yield Finding(
            command.line,
            f"{short(base(wanted), 40)} was saved from {short(source)} and is put into {short(target)}, which nothing else in this manual "
            f"uses: "
            "the service goes on with its old files",
            column=command.column,
            width=len(command.name),
            fix=f"restore to {source}, or say how the service is pointed to {target}",
        )


RULE = Rule(
    id="KW211",
    name="restore-of-another-layout",
    title="The restore takes a path that the backup does not hold",
    severity=Severity.ERROR,
    why="tar stores an absolute path without its first slash, cp -r puts a folder under its last name, tar -C changes where names begin. "
    "A restore "
    "that was written from memory looks for /etc/app where the backup has app, and fails, or restores beside the service, on the day it "
    "is needed. "
    "Sources: tar(1), -C and --absolute-names; cp(1), -r; NIST SP 800-34 Rev. 1, 3.4.2.",
    bad="""# Backup

```bash
mkdir -p /backup/now
cp -r /etc/shop /backup/now/
tar -czf /backup/now.tar.gz -C /backup now
```

# Restore

```bash
tar -xzf /backup/now.tar.gz -C /tmp/restore
cp -r /tmp/restore/now/etc/shop /etc/
```
""",
    good="""# Backup

```bash
mkdir -p /backup/now
cp -r /etc/shop /backup/now/
tar -czf /backup/now.tar.gz -C /backup now
```

# Restore

```bash
tar -xzf /backup/now.tar.gz -C /tmp/restore
cp -r /tmp/restore/now/shop /etc/
```
""",
    check=_check,
)
