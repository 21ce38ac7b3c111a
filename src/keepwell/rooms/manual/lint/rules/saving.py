"""Commands that save and commands that bring back: what they take, where they put it. Shared by the rules about backups."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from keepwell.rooms.manual.reading.file_uses import tar_archive, tar_mode
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand, Word

from .saying import BACKUP, RESTORE, purpose, said_over

DUMPS = {
    "pg_dump": ("-f", "--file"),
    "pg_dumpall": ("-f", "--file"),
    "mysqldump": ("-r", "--result-file"),
    "mariadb-dump": ("-r", "--result-file"),
    "mongodump": ("-o", "--out", "--archive"),
    "pg_basebackup": ("-D", "--pgdata"),
}
COPIES = frozenset(("cp", "rsync", "scp"))
_REMOTE = frozenset(("aws", "gsutil", "rclone", "mc", "az", "s3cmd", "azcopy"))
_TRANSFERS = frozenset(("cp", "sync", "copy", "mirror", "put", "mv", "rsync"))
_IN_DATE = re.compile(r"\$\([^)]*\bdate\b[^)]*\)|`[^`]*\bdate\b[^`]*`")
_VARIABLE = re.compile(r"\$\{?(\w+)[^}/\s]*\}?|\$\w+")


@dataclass(frozen=True, slots=True)
class Saving:
    """A command that makes a copy for later: ``target`` and ``sources`` are paths as far as they are known, ``program`` what makes it."""

    command: ShellCommand
    script: Script
    target: str
    sources: tuple[str, ...]

    @property
    def program(self) -> str:
        """Its name."""
        return self.command.name

    @property
    def unchecked(self) -> bool:
        """Whether nothing looks at its exit status."""
        return not self.command.status.used


def is_archiver(command: ShellCommand) -> bool:
    """Whether it packs files into an archive."""
    return (command.name == "tar" and tar_mode(command) == "c") or (command.name == "zip" and len(command.operands) > 1)


def target_of(command: ShellCommand) -> Word | None:
    """Where a copy goes: the file or folder that a dump, tar, cp, rsync or upload writes; None where it is standard output."""
    if command.name in DUMPS:
        return command.option(*DUMPS[command.name]) or _redirected(command)
    if command.name == "tar":
        return tar_archive(command) or _redirected(command)
    if command.name == "zip":
        return command.operands[0] if command.operands else None
    if command.name in COPIES:
        return command.operands[-1] if len(command.operands) > 1 else None
    return command.operands[-1] if is_upload(command) else None


def is_upload(command: ShellCommand) -> bool:
    """Whether it copies files to or inside an object store (aws s3 cp, gsutil rsync, rclone copy ...)."""
    words = [word.filled for word in command.operands]
    return command.name in _REMOTE and any(word in _TRANSFERS for word in words[:3]) and len(words) > 2


def sources_of(command: ShellCommand) -> tuple[str, ...]:
    """What is copied; for tar the paths as they are on the disk (``-C`` put before them)."""
    if command.name in COPIES or is_upload(command):
        words = [word.filled for word in command.operands[:-1]]
        return tuple(word for word in words if word not in _TRANSFERS and word != "s3" and word != "storage")
    if command.name == "zip":
        return tuple(word.filled for word in command.operands[1:])
    if command.name == "tar":
        return tar_members(command)
    return ()


def tar_members(command: ShellCommand) -> tuple[str, ...]:
    """The paths that tar packs, with the folder of ``-C`` before them."""
    archive = tar_archive(command)
    base = command.option("-C", "--directory")
    found = []
    for word in command.operands:
        if (archive is not None and word.filled == archive.filled) or (
            word is command.arguments[0] and not word.filled.startswith(("/", "."))
        ):
            continue
        path = word.filled
        found.append(f"{base.filled.rstrip('/')}/{path}" if base is not None and not path.startswith("/") else path)
    return tuple(found)


def _redirected(command: ShellCommand) -> Word | None:
    """The file that the output of its pipeline ends in."""
    for member in command.pipeline[command.position :]:
        for part in member.redirections:
            if part.of_output and part.writes and not part.discards:
                return part.target
    return None


def savings(manual: Manual) -> Iterator[Saving]:
    """Every command that makes a backup: dumps; tar, cp, rsync and uploads where their target or what is said of them says so."""
    for script in manual.scripts:
        yield from savings_in(manual, script)


def savings_in(manual: Manual, script: Script) -> Iterator[Saving]:
    """Those of one script."""
    restoring = RESTORE.search(purpose(manual, script).splitlines()[0])
    for command in script.commands:
        if command.name in DUMPS or ((is_archiver(command) or command.name in COPIES or is_upload(command)) and not restoring):
            target = target_of(command)
            place = target.filled if target is not None else ""
            if command.name in DUMPS or (place not in ("", "-") and _is_backup(command, script, place)):
                yield Saving(command, script, place, sources_of(command))


def _is_backup(command: ShellCommand, script: Script, target: str) -> bool:
    said = said_over(script, command.line)
    if any(BACKUP.search(source.lower()) for source in sources_of(command)) and command.name in COPIES:
        return bool(re.search(r"off-?site|upload|copy", said)) and not RESTORE.search(said)
    if BACKUP.search(target.lower()):
        return True
    return is_archiver(command) and bool(re.search(r"back(?:ing)?[ _-]?up", said))


def is_dated(text: str, script: Script) -> bool:
    """Whether a path has the date in it: ``$(date ...)``, or a variable of the script that is made of it."""
    return bool(_IN_DATE.search(text)) or any(_holds_date(name, script, 0) for name in names_in(text))


def _holds_date(name: str, script: Script, depth: int) -> bool:
    values = [one.value.raw for one in script.assigned(name) if one.value is not None]
    if any(_IN_DATE.search(value) for value in values):
        return True
    return depth < 3 and any(_holds_date(inner, script, depth + 1) for value in values for inner in names_in(value) if inner != name)


def names_in(text: str) -> tuple[str, ...]:
    """The variables that stand in a text."""
    return tuple(match[1] for match in _VARIABLE.finditer(text) if match[1])


def as_pattern(path: str, script: Script | None = None) -> re.Pattern[str]:
    """A path with ``$(date ...)``, variables and globs as a regular expression. A date matches digits and their separators only."""
    pieces: list[str] = []
    at = 0
    for match in re.finditer(r"\$\([^)]*\)|`[^`]*`|\$\{[^}]*\}|\$\w+|\*|\?", path):
        pieces.append(re.escape(path[at : match.start()]))
        dated = _IN_DATE.fullmatch(match[0]) or (script is not None and is_dated(match[0], script))
        pieces.append(r"[\d_:.TZ-]+" if dated else "[^/]" if match[0] == "?" else r"[^/]*")
        at = match.end()
    pieces.append(re.escape(path[at:]))
    return re.compile("".join(pieces))


def folder(path: str) -> str:
    """The folder that a path is in, without the last slash."""
    return path.rstrip("/").rpartition("/")[0]


def base(path: str) -> str:
    """The last part of a path."""
    return path.rstrip("/").rpartition("/")[2]


def is_restoring(manual: Manual, script: Script) -> bool:
    """Whether a script says of itself, or its innermost heading of it, that it brings something back."""
    return bool(RESTORE.search(f"{script.file.lower()} {manual.section_of(script.line).title.lower()}"))
