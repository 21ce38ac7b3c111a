"""KW220: old backups are deleted although the new one may have failed."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .deleting import find_deletes, find_roots, has_age
from .saving import Saving, folder, savings_in
from .saying import short


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        made = [saving for saving in savings_in(manual, script) if saving.unchecked and saving.target]
        for command in filter(_deletes_old, script.commands if made else ()):
            saving = next((one for one in made if one.command.index < command.index and _same_place(one, command)), None)
            if saving is not None and not _guarded_by_it(command, saving):
                yield _finding(command, saving)


def _deletes_old(command: ShellCommand) -> bool:
    if command.name == "find":
        return find_deletes(command) and has_age(command)
    before = command.piped_from
    return (
        command.name == "xargs"
        and any(word.filled == "rm" for word in command.words)
        and before is not None
        and before.name in ("tail", "head", "ls")
    )


def _same_place(saving: Saving, command: ShellCommand) -> bool:
    words = (
        find_roots(command)
        if command.name == "find"
        else tuple(w.filled for one in command.pipeline if one.name == "ls" for w in one.operands)
    )
    home = folder(saving.target)
    return any(home == word.rstrip("/") or home.startswith(f"{word.rstrip('/')}/") or folder(word) == home for word in words if word)


def _guarded_by_it(command: ShellCommand, saving: Saving) -> bool:
    return any(guard.index == saving.command.index for guard in command.guarded_by) or command.strict.errexit


def _finding(command: ShellCommand, saving: Saving) -> Finding:
    return Finding(
        command.line,
        f"old copies are deleted whether or not {saving.program} in line {saving.command.line} succeeded: when backups stop, the last "
        f"good one goes "
        f"{short(_age(command), 40)}",
        column=command.column,
        width=len(command.name),
        fix="delete only behind a backup that was read back, and keep a number of copies whatever their age",
    )


def _age(command: ShellCommand) -> str:
    given = command.option("-mtime", "-ctime")
    number = given.filled.lstrip("+") if given is not None else ""
    return f"after {number} days" if number.isdigit() else "too, in time"


RULE = Rule(
    id="KW220",
    name="old-copies-deleted-anyway",
    title="Old backups are deleted although the new one may have failed",
    severity=Severity.ERROR,
    why="Retention by age goes on counting when backups fail. If nothing ties the deletion to a good new copy, a dump that is empty "
    "every night "
    "pushes out the last one that can be restored. Source: find(1), -mtime and -delete; restic documentation, forget --keep-last.",
    bad="""# Backup

```bash
pg_dump shop > "/backup/shop-$(date +%F).sql"
find /backup -name "*.sql" -mtime +30 -delete
```
""",
    good="""# Backup

```bash
set -e
pg_dump -Fc shop -f "/backup/shop-$(date +%F).dump"
pg_restore --list "/backup/shop-$(date +%F).dump" > /dev/null
find /backup -name "*.dump" -mtime +30 -delete
```
""",
    check=_check,
)
