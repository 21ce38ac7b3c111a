"""find by age: old logs, old copies and old temporary files are deleted, packed or copied (find(1))."""

import re
from typing import Any

from keepwell.rooms.manual.importing.backup_words import (
    age_in_days,
    deletes,
    in_backup_place,
    is_backup_place,
    is_incremental,
    name_of,
    place_of,
    repository,
)
from keepwell.rooms.manual.importing.client_words import first_named, plain_words, spine, written
from keepwell.rooms.manual.importing.log_words import current, is_log, log_entry
from keepwell.rooms.manual.importing.model import Draft, EntryDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import purposes
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_FLAGS = frozenset(
    (
        *(
            "-name",
            "-iname",
            "-not",
            "-type",
            "-mtime",
            "-mmin",
            "-ctime",
            "-cmin",
            "-atime",
            "-amin",
            "-newer",
            "-delete",
            "-maxdepth",
            "-mindepth",
            "-print",
        ),
        *("-exec", "-empty", "-size", "-path", "-print0", "-o", "-a", "-user", "-ls", "-prune", "-regex", "-execdir"),
    )
)
_AGES = ("-mtime", "-mmin", "-ctime", "-cmin", "-atime", "-amin", "-newer")
_PACKS = ("gzip", "zstd", "xz", "bzip2", "pigz")
_COPIES = ("cp", "rsync", "mv")
_TEMPORARY = re.compile(r"^(?:/var)?/tmp\b|/te?mp\b|/cache\b|\.cache\b|\.tmp\b")


def _read(view: View) -> Found | None:
    command = first_named(view, "find")
    if command is None or not command.operands:
        return None
    run = command.option("-exec", "-execdir")
    program = (
        run.filled.rpartition("/")[2]
        if run
        else next((word.filled for part in spine(view) if part.name == "xargs" for word in part.operands[:1]), "")
    )
    path, names = written(view, command.operands[0]), _names(view, command)
    if deletes(command):
        return _deletion(view, command, path, names)
    if program in _PACKS and (is_log(path) or is_log(names)):
        return _packing(view, command, path, names)
    if program in _COPIES and (
        in_backup_place(command.text) or is_backup_place(view, command.arguments[-1]) or in_backup_place(view.words)
    ):
        return _copying(view, command, path, names)
    if command.has_flag(*_AGES) and (in_backup_place(path) or is_backup_place(view, command.operands[0])):
        return Found(Fate.BACKUP, ("check.backup_freshness", "backup.verify"), _typed(view, command, "files.find_newer"))
    return None


def _names(view: View, command: ShellCommand) -> str:
    value = command.option("-name", "-iname")
    return written(view, value) if value else ""


def _typed(view: View, command: ShellCommand, operation: str) -> str:
    """The operation where every word of the search is known; -exec has one program that gets the file's name."""
    others = [part.name for part in spine(view) if part is not command]
    known = all(flag in _FLAGS for flag in command.flags) and all(name in ("xargs", "head", "sort", "wc", "tee") for name in others)
    behind = _behind_exec(command)
    single = all(
        word in ("{}", ";", "+", "\\;") or word.startswith(("-", "$", "/", '"', "~")) or is_log(word) or in_backup_place(word)
        for word in behind[1:]
    )
    return operation if known and plain_words(view) and single else ""


def _behind_exec(command: ShellCommand) -> list[str]:
    words = [word.filled for word in command.arguments]
    at = next((at for at, word in enumerate(words) if word in ("-exec", "-execdir")), None)
    return words[at + 1 :] if at is not None else []


def _deletion(view: View, command: ShellCommand, path: str, names: str) -> Found:
    days = age_in_days(command)
    operation = _typed(view, command, "files.delete_older" if days else "files.delete")
    if is_backup_place(view, command.operands[0]) or in_backup_place(names):
        place = path.rstrip("/")
        to, repositories = repository(place_of(f"{place}/"))
        name = name_of(names)
        drafts: tuple[Draft, ...] = repositories
        if name and days and to:
            drafts = (*repositories, EntryDraft("backups", name, {"to": to, "keep": {"days": days}}))
        return Found(Fate.BACKUP, ("backup.retention",), operation, drafts)
    if is_log(path) or is_log(names):
        cleaned = {"clean": [{"under": path.rstrip("/"), "names": names or "*", "older_than": f"{days}d"}]}
        entry = log_entry(_glob(path, names), **(cleaned if days and path.startswith("/") else {}))
        return Found(Fate.LOGS, ("logs.cleanup", "logs.rotate"), operation, (entry,) if "$" not in path else ())
    said = purposes(view)[0] if not _TEMPORARY.search(path) else ""
    return Found(Fate.STEP, tuple(dict.fromkeys(word for word in ("cleanup", said) if word)), operation)


def _glob(path: str, names: str) -> str:
    return f"{path.rstrip('/')}/{current(names)}" if names else path


def _packing(view: View, command: ShellCommand, path: str, names: str) -> Found:
    days = age_in_days(command)
    value: dict[str, Any] = {"rotate": {"compress": f"after {days}" if days else "at once"}}
    entry = log_entry(_glob(path, names), **value)
    return Found(Fate.LOGS, ("logs.rotate", "logs.cleanup"), _typed(view, command, "logs.compress"), (entry,) if "$" not in path else ())


def _copying(view: View, command: ShellCommand, path: str, names: str) -> Found:
    kind = "backup.incremental" if is_incremental(view) or command.has_flag(*_AGES) else "backup.files"
    return Found(Fate.BACKUP, (kind, "backup.files") if kind != "backup.files" else (kind,), _typed(view, command, "files.copy_newer"))


RECOGNISER = Recogniser(
    name="find_age",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=("find",),
    read=_read,
    example="""# Shop

```bash
find /var/log/shop -name "*.log.*" -mtime +30 -delete
find /backup/shop -name "*.sql.gz" -mtime +14 -delete
```
""",
)
