"""cp, mv, rm, ls and scp where they are about copies: made, listed, moved aside, put back, cleared away (their manual pages)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from keepwell.rooms.manual.importing.backup_words import (
    backup,
    is_backup_place,
    is_incremental,
    is_restore,
    is_verification,
    name_of,
    place_of,
    restores,
)
from keepwell.rooms.manual.importing.client_words import first_named, only, options, plain_words, run_of, spine, wanting, written
from keepwell.rooms.manual.importing.log_words import is_log, log_entry
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.names import slug
from keepwell.rooms.manual.importing.purposes import purposes
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_FLAGS = {
    "cp": options("-r -R -a -p -f -v -u -n -i -d -L -P --archive --recursive --preserve --force --verbose --no-clobber --backup -t"),
    "mv": options("-f -v -n -i -u -t --force --verbose --no-clobber"),
    "rm": options("-r -R -f -v -i --recursive --force --verbose -d"),
    "ls": options("-l -a -h -t -r -S -1 -d -A -R -s --human-readable --full-time --time-style --sort"),
    "scp": options("-r -p -q -C -i -P -o -3 -B"),
}
_OPERATIONS = {"cp": "files.copy", "mv": "files.move", "rm": "files.delete", "ls": "files.list", "scp": "files.copy"}
_FILTERS = frozenset((*_FLAGS, "head", "tail", "wc", "grep", "sort", "awk", "tee", "xargs", "cut"))
_ASIDE = re.compile(
    r"\.(?:bak|old|orig|backup|broken|corrupt\w*|before[\w.-]*|prev(?:ious)?)(?![\w])|[.-](?:backup|old|bak)(?:[.-]|$)", re.IGNORECASE
)
_OLDEST: Mapping[str, Mapping[str, str]] = {"daily": {}, "weekly": {"fail": "> 8d"}, "monthly": {"fail": "> 32d"}}
_SETTINGS = re.compile(r"/etc/|\bconf|\.(?:env|ya?ml|toml|ini|conf|service)\b", re.IGNORECASE)


def _read(view: View) -> Found | None:
    command = first_named(view, *_FLAGS)
    if command is None or not command.operands:
        return None
    understood = only(command, _FLAGS[command.name]) and plain_words(view) and all(part.name in _FILTERS for part in spine(view))
    operation = _OPERATIONS[command.name] if understood else ""
    match command.name:
        case "ls":
            return _listed(view, command, operation)
        case "rm":
            return _cleared(view, command, operation)
        case _:
            return _copied(view, command, operation)


def _listed(view: View, command: ShellCommand, operation: str) -> Found | None:
    target = command.operands[-1]
    if is_backup_place(view, target):
        words = f"{view.comment} {view.title}".lower()
        kind = "check.backup_freshness" if re.search(r"\bage\b|fresh|latest|recent|newest|last backup", words) else "backup.verify"
        other = "restore.system" if is_restore(view) and not is_verification(view) else "check.backup_freshness"
        newest = () if kind != "check.backup_freshness" or len(spine(view)) > 1 else _newest(view, command)
        return Found(Fate.BACKUP, tuple(dict.fromkeys((kind, other, "backup.verify")))[:2], operation, newest)
    path = written(view, target)
    if not is_log(path) or len(spine(view)) > 1:
        return None
    missing = wanting(view)
    settings = run_of(view, command)
    found = Found(Fate.CHECK, ("check.log", "logs.layout"), operation, missing=missing)
    if missing or settings is None or not path.startswith("/"):
        return (
            replace(found, disposition=Disposition.MISSING)
            if missing
            else replace(found, fate=Fate.LOGS, drafts=(log_entry(path),) if "$" not in path else ())
        )
    kind, own = ("file", _sizes(path)) if _is_one_path(command, path) and _sizes(path) else ("command", settings)
    return replace(found, drafts=(CheckDraft(kind, own, name=f"logs-{slug(path)}", every="5m"),))


def _sizes(path: str) -> Mapping[str, Any]:
    """What a look at sizes is as a check of kind ``file``. A folder's path ends with a slash, a file's name has an ending; nothing where
    nobody knows which of them it is."""
    if path.endswith("/"):
        return {"path": path.rstrip("/"), "type": "directory", "depth": 1, "largest": {}}
    return {"path": path, "size": {}} if "." in path.rpartition("/")[2] else {}


def _is_one_path(command: ShellCommand, path: str) -> bool:
    """Whether it names one path of this host, whatever runs."""
    plain = path.startswith("/") and len(path) > 1 and ".." not in path and not re.search(r"[*?\[\]{}$`~]", path)
    return plain and len(command.operands) == 1 and not command.wrapper_words


def _newest(view: View, command: ShellCommand) -> tuple[CheckDraft, ...]:
    """The age of the newest copy in a folder, which is what a person looks for there. Who looks daily wants one of today (the kind's own
    limits say so); who looks once a week sees whether there was one in that week."""
    path = written(view, command.operands[-1])
    if view.cadence not in _OLDEST or not _is_one_path(command, path) or wanting(view):
        return ()
    settings = {"path": path.rstrip("/"), "newest": _OLDEST[view.cadence]}
    return (CheckDraft("file", settings, name=f"newest-{slug(path)}", every="1h"),)


def _cleared(view: View, command: ShellCommand, operation: str) -> Found | None:
    """Copies, or the working copy of one, are removed; what else is removed is no matter of copies."""
    if any(is_backup_place(view, word) for word in command.operands):
        made = any(part.name in ("tar", "zip", "gzip", "cp", "pg_dump", "rsync") for part in view.script.commands) if view.script else False
        return Found(Fate.BACKUP, ("backup.files", "cleanup") if made else ("backup.retention", "cleanup"), operation)
    if is_verification(view) and "backup" in view.words:
        return Found(Fate.BACKUP, ("backup.verify", "cleanup"), operation)
    paths = [written(view, word) for word in command.operands]
    if all(is_log(path) for path in paths):
        return Found(Fate.LOGS, ("logs.cleanup", "cleanup"), operation)
    return None


def _copied(view: View, command: ShellCommand, operation: str) -> Found | None:
    if len(command.operands) < 2:
        return None
    sources, target = command.operands[:-1], command.operands[-1]
    start, end = " ".join(written(view, word) for word in sources), written(view, target)
    from_copy, to_copy = any(is_backup_place(view, word) for word in sources), is_backup_place(view, target)
    if is_restore(view) and command.name != "mv" and not (to_copy and not from_copy):
        said = restores(view, f"{start} {end}")
        return Found(Fate.STEP, said if from_copy or said[0] != "restore.files" else (purposes(view)[0], *said)[:2], operation)
    if to_copy and not from_copy:
        return _kept(view, command, start, end, operation)
    if _ASIDE.search(end):
        kind = "restore.system" if is_restore(view) else "restore.config" if _SETTINGS.search(start) and from_copy else purposes(view)[0]
        return Found(Fate.STEP, tuple(dict.fromkeys((kind, "backup.files"))), operation)
    return None


def _kept(view: View, command: ShellCommand, start: str, end: str, operation: str) -> Found:
    """It goes to a place for copies: named by the folder there that it goes into, where that is made anew each time."""
    kinds = (
        ("backup.incremental", "backup.files")
        if is_incremental(view)
        else ("backup.offsite", "backup.files")
        if command.name == "scp"
        else ("backup.files",)
    )
    place = place_of(end) or place_of(f"{end}/")
    folder = next((part for part in reversed(end.rstrip("/").split("/")) if "$(" in part), "")
    name = name_of(folder or start.split(" ")[0])
    paths = [path for path in start.split(" ") if path.startswith("/") and "$" not in path]
    return Found(Fate.BACKUP, kinds, operation, backup(view, name, {"files": {"paths": paths}}, place) if paths else ())


RECOGNISER = Recogniser(
    name="copies",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=tuple(_FLAGS),
    order=45,
    read=_read,
    example="""# Shop

## Backup

```bash
cp -r /etc/shop /backup/shop-$(date +%F)/
ls -la /backup
```
""",
)
