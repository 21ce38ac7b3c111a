"""Copies as the manual makes them: where they go, what they are called, how often they are made and how long they are kept. Pure."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.names import last_part
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand, Word

from .client_words import written
from .model import EntryDraft, View
from .names import slug
from .purposes import purposes

_PLACE = re.compile(r"(?<![a-z])(?:back-?ups?|dumps?|snapshots?|dr)(?![a-z])")
_UNCERTAIN = re.compile(r"\$\([^()]*\)|\$\{[^{}]*\}|\$\w+|`[^`]*`|\*|\?")
_ENDINGS = re.compile(r"\.(?:tar|tgz|tbz2?|txz|gz|bz2|xz|zst|zip|sql|dump|pgdump|bak|rdb|db|sqlite3?|enc|gpg|age|7z)$", re.IGNORECASE)
_DATE = re.compile(r"[-_.]?(?:\d{4}-?\d{2}-?\d{2}(?:[-_T]?\d{4,6})?|latest|current)$")
_INCREMENTAL = re.compile(r"\bincremental|\bdifferential|\bsince (?:the )?last\b")
_RESTORES = re.compile(r"\brestor|\brecover|\brollback|\broll back|\bdisaster")
_VERIFIES = re.compile(r"\bverif|\bintegrity|\bvalidat|\btest(?:s|ed|ing)? (?:the |of )?(?:backup|restore)")
_DATABASE = re.compile(r"\.sql\b|\.dump\b|\bpg_dump|\bdatabase|\bpostgres|\bmysql|\bmetrics\.sql")
_EVERY_DAYS = {"-mtime": 1.0, "-mmin": 1 / 1440}


def in_backup_place(text: str) -> bool:
    """Whether a path or an address of a bucket is one for copies, by its own words."""
    return bool(_PLACE.search(text.lower()))


def is_backup_place(view: View, word: Word) -> bool:
    """Whether a word names a place for copies: by its text, or by the name of the variable that holds it."""
    return in_backup_place(written(view, word)) or any(name.upper().startswith(("BACKUP", "DUMP")) for name in word.variables)


def is_incremental(view: View) -> bool:
    """Whether only what changed is copied."""
    return bool(_INCREMENTAL.search(view.words))


def is_restore(view: View) -> bool:
    """Whether the procedure around it brings something back."""
    return bool(_RESTORES.search(view.words))


def is_verification(view: View) -> bool:
    """Whether the procedure around it tells whether a copy is good: its comment or its own title says so."""
    return bool(_VERIFIES.search(f"{view.comment} {view.title}".lower()))


def is_of_database(text: str) -> bool:
    """Whether a copy is one of a database, by its name and the words around it."""
    return bool(_DATABASE.search(text.lower()))


def restores(view: View, text: str = "") -> tuple[str, ...]:
    """The capability of bringing back: what the paths themselves say first, then the comment, then the titles."""
    small = text.lower()
    own = ("restore.config",) if re.search(r"\bconf|/etc/", small) else ("restore.database",) if is_of_database(small) else ()
    said = tuple(word for word in purposes(view) if word.startswith("restore.") or word == "rollback")
    comment = re.search(r"\bconfig|\bdatabase|\bapplication|\bfiles\b", view.comment.lower())
    ordered = (*said, *own) if comment or not own else (*own, *said)
    return tuple(dict.fromkeys((*ordered, "restore.files")))[:2]


def place_of(target: str) -> str:
    """The folder (or bucket) that copies go to: what is certain of a target, without the file's own name."""
    match = _UNCERTAIN.search(target)
    sure = target[: match.start()] if match else target
    if match or (not sure.endswith("/") and _ENDINGS.search(last_part(sure))):
        sure = sure.rpartition("/")[0] + "/"
    return sure.rstrip("/") if sure.strip("/") and not sure.endswith(":/") else ""


def name_of(target: str) -> str:
    """What a copy is called, without its date and its endings: ``shop-config-$(date +%F).tar.gz`` is ``shop-config``."""
    name = last_part(_UNCERTAIN.sub("", target))
    while (shorter := _ENDINGS.sub("", name)) != name:
        name = shorter
    return slug(_DATE.sub("", name.strip("-_.")).strip("-_."))


def repository(place: str) -> tuple[str, tuple[EntryDraft, ...]]:
    """The name of the repository for a place, and its entry; empty where the place is not known."""
    name = slug(re.sub(r"^\w+://", "", place))
    return (name, (EntryDraft("repositories", name, {"archive": {"path": place}}),)) if name else ("", ())


def backup(view: View, name: str, source: Mapping[str, Any], place: str, file: str = "") -> tuple[EntryDraft, ...]:
    """The entries of a copy that is made: the backup, and the repository that it goes to. ``file`` is the copy's own path."""
    to, entries = repository(place)
    days = kept_days(view, place, file)
    value: dict[str, Any] = {
        **source,
        **({"to": to} if to else {}),
        **({"every": every} if (every := cadence_of(view)) else {}),
        **({"keep": {"days": days}} if days else {}),
    }
    return (*entries, EntryDraft("backups", name or "backup", value))


def cadence_of(view: View) -> str:
    """How often it is made: as the crontab says that starts its script, else as its sections say."""
    file = last_part(view.script.file) if view.script else ""
    entry = next((part for part in view.manual.cron if file and file in part.command and not part.commented), None)
    return entry.schedule if entry else view.cadence


def kept_days(view: View, place: str, file: str) -> int:
    """For how many days such files are kept there: as a ``find ... -mtime +N -delete`` says; 0 where none does."""
    name = _UNCERTAIN.sub("0", last_part(file))
    packs = view.script is not None and any(command.operands for command in view.script.named("gzip", "zstd", "xz", "bzip2", "pigz"))
    # What is packed afterwards gets one more ending.
    names = [name, *(f"{name}{ending}" for ending in (".gz", ".zst", ".xz", ".bz2") if packs)]
    prunings = _prunings(view.manual)
    for _, folder, pattern, days in (*(one for one in prunings if one[0] is view.script), *prunings):
        inside = place and (place == folder or place.startswith(f"{folder}/"))
        if inside and any(fnmatchcase(one, pattern) for one in names):
            return days
    return 0


@lru_cache(maxsize=2)
def _prunings(manual: Manual) -> tuple[tuple[Script, str, str, int], ...]:
    """Each place where old files are deleted, with the script, the pattern of their names and the days."""
    found: list[tuple[Script, str, str, int]] = []
    for script in manual.scripts:
        for command in script.named("find"):
            days = age_in_days(command)
            if days and deletes(command) and command.operands:
                names = command.option("-name", "-iname")
                found.append((script, command.operands[0].filled.rstrip("/"), names.filled if names else "*", days))
    return tuple(found)


def age_in_days(command: ShellCommand) -> int:
    """Of a find: from which age on, in whole days; 0 where it does not ask for the age."""
    for flag, days in _EVERY_DAYS.items():
        value = command.option(flag)
        match = re.fullmatch(r"\+(\d{1,7})", value.filled) if value else None
        if match:
            return max(1, round(int(match[1]) * days))
    return 0


def deletes(command: ShellCommand) -> bool:
    """Whether a find deletes what it finds: itself, by -exec rm, or by xargs rm."""
    run = command.option("-exec", "-execdir")
    behind = command.piped_to
    return (
        command.has_flag("-delete")
        or bool(run and run.filled.rpartition("/")[2] in ("rm", "unlink", "shred"))
        or bool(behind and behind.name == "xargs" and any(word.filled == "rm" for word in behind.operands))
    )
