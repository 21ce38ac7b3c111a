"""Imports a manual into an operations directory: reads, merges with what the user made of the last import, and writes.

Starts no process, opens no socket, resolves no secret, and writes nothing outside the directory and the data directory. Each file is
replaced whole; ``keepwell.yaml`` comes last of those that it names, and what the import was is kept only when all of them stand. So after
a kill at any moment every file is the old or the new one, and importing again completes it.
"""

import asyncio
import json
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from keepwell.kernel.problems import UsageError
from keepwell.rooms.manual.lint.redact import without_secrets
from keepwell.rooms.manual.reading.document import read_manual
from keepwell.rooms.manual.reading.text import LARGEST

from .entries import Sound
from .folder import Folder, open_folder
from .keep import Kept, keep, make_room, read_kept
from .merge_files import Change, Merging
from .merge_yaml import Clash
from .placeholders import missing_in
from .result import CONFIGURATION, Imported
from .values import VALUES, check_values, read_values, with_references
from .views import views

REPORT = "import-report.json"
PAGE = "import-report.html"
_OWN = frozenset((VALUES, "secrets"))
"""What may lie in a directory that nothing was imported into yet; so may hidden files (.git)."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be imported into: the operations directory, and the data directory, where the last import is kept (None: it is not).

    ``every`` is how often each check is to be made (None: as at the last import, or by kind). ``sound`` says why a check's settings are no
    valid ones, ``valid`` raises ConfigurationError where an operations directory is not valid.
    """

    folder: Path
    data: Path | None = None
    every: str | None = None
    sound: Sound | None = None
    valid: Callable[[Path], object] | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """An import that is ready to be written: what it gave, what changes, and where it and the user disagree."""

    request: Request
    imported: Imported
    changes: tuple[Change, ...]
    clashes: tuple[Clash, ...]
    again: bool
    """Whether the directory holds an earlier import."""
    kept: Kept

    @property
    def shown(self) -> tuple[Change, ...]:
        """The changes that people look at: the report is not one of them."""
        return tuple(change for change in self.changes if change.path not in (REPORT, PAGE))


def read_file(manual: Path) -> bytes:
    """The bytes of a manual. Raises UsageError where it is no file, is too large, or cannot be read."""
    try:
        if not stat.S_ISREG(manual.stat().st_mode):
            raise UsageError(f"{manual} is {'a directory' if manual.is_dir() else 'not a file'}", hint="name the Markdown file itself")
        with manual.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{manual} cannot be read: {error.strerror}") from None


def prepare(request: Request, data: bytes, name: str) -> Work:
    """Imports and merges; writes nothing. Raises UsageError where the manual or the directory cannot be used."""
    if not _exists(request.folder):
        return _work(request, data, name, None, None)
    with open_folder(request.folder, make=False) as folder:
        return _work(request, data, name, folder, read_kept(request.data, request.folder) if request.data else None)


def _exists(folder: Path) -> bool:
    try:
        return folder.exists()
    except OSError as error:
        raise UsageError(f"{folder} cannot be used as a directory: {error.strerror}", hint="choose another one") from None


def prepare_again(request: Request) -> Work:
    """The same with the manual as it was at the last import. Raises UsageError where nothing is kept of one."""
    kept = read_kept(request.data, request.folder) if request.data else None
    if kept is None:
        hint = f"keepwell import MANUAL -o {request.folder} does; the values that are filled in already stay"
        raise UsageError(f"on this machine nothing was imported into {request.folder}", hint=hint)
    return prepare(request, kept.manual, kept.name)


def write(work: Work) -> None:
    """Writes what ``prepare`` gave. Raises UsageError or StorageError."""
    if work.request.data is not None:
        make_room(work.request.data)
    with open_folder(work.request.folder, make=True) as folder:
        _check_unchanged(folder, work.changes)
        going = [change for change in work.changes if change.after is None]
        for change in sorted(work.changes, key=lambda change: (change.path == CONFIGURATION, change.path)):
            if change.after is not None:
                folder.write(change.path, change.after)
        for change in going:
            folder.remove(change.path)
    if work.request.data is not None:
        keep(work.request.data, work.request.folder, work.kept)


async def import_file(
    manual: Path, folder: Path, every: str | None = None, sound: Sound | None = None, data: Path | None = None
) -> Imported:
    """Imports a manual into a new directory, for a demonstration. Without ``data`` nothing is kept of it for a later merge, nor for the
    living manual."""
    request = Request(folder, data, every, sound)
    work = await asyncio.to_thread(lambda: prepare(request, read_file(manual), manual.name))
    await asyncio.to_thread(write, work)
    return work.imported


def _work(request: Request, data: bytes, name: str, folder: Folder | None, kept: Kept | None) -> Work:
    from .decide import import_manual  # costs a quarter of a second: all rules and recognisers

    again = folder is not None and _holds_import(folder, kept, name)
    if kept is None or not again:
        kept = None
    every = request.every if request.every is not None else (kept.every if kept else "")
    text = folder.read(VALUES) if folder else None
    values = _values(text, str(request.folder / VALUES), data, name) if text else {}
    imported = import_manual(data, name, values, every=every or None, sound=request.sound)
    imported = replace(imported, files={path: _placed(path, text, values) for path, text in imported.files.items()})
    if kept is not None:
        _check_same_manual(kept, imported, request.folder)
    merging = Merging(folder, request.valid)
    merging.merge(kept.files if kept else {}, imported.files)
    for path, new in reports(imported, merging.clashes).items():
        merging.note(path, folder.read(path) if folder else None, new)
    new_kept = Kept(name, imported.service, data, every, dict(imported.files))
    return Work(request, imported, tuple(merging.changes), tuple(merging.clashes), again, new_kept)


def _placed(path: str, text: str, values: Mapping[str, str]) -> str:
    return with_references(text, values) if path == CONFIGURATION else text


def _values(text: str, file: str, data: bytes, name: str) -> dict[str, str]:
    """What was filled in, each value being of the form that the manual needs there."""
    values = read_values(text, file)
    known = {missing.name: missing for view in views(read_manual(data, name)) for missing in missing_in(view)} if values else {}
    check_values(text, file, known)
    return values


def reports(imported: Imported, clashes: Sequence[Clash] = ()) -> dict[str, str]:
    """The report as JSON (in ASCII: whatever the manual held, it cannot steer a terminal) and as a page."""
    from .report import report
    from .report_page import page

    whole = report(imported)
    open_ones = clash_report(clashes)
    return {REPORT: json.dumps({**whole, "merge": open_ones}, indent=1) + "\n", PAGE: page(whole, open_ones)}


def clash_report(clashes: Sequence[Clash]) -> list[dict[str, Any]]:
    """Conflicts as plain values, without secrets that somebody wrote into a file."""
    return [
        {
            "file": clash.file,
            "place": without_secrets(clash.place),
            "yours": without_secrets(clash.yours),
            "proposed": without_secrets(clash.proposed),
            "from": clash.origin,
        }
        for clash in clashes
    ]


def _holds_import(folder: Folder, kept: Kept | None, name: str) -> bool:
    """Whether the directory holds an earlier import of this manual. Raises UsageError where it holds something else."""
    names = [found for found in folder.names() if not found.startswith(".") and found not in _OWN]
    if not names:
        return False
    if kept is not None:
        return True
    if CONFIGURATION in names and REPORT in names and _reported(folder) == name:
        return True
    hint = "choose a new directory with -o"
    raise UsageError(f"{folder.path} is not empty, and no import of {name} made it; import never overwrites", hint=hint)


def _reported(folder: Folder) -> str:
    """The manual that the report in the directory names."""
    try:
        held = json.loads(folder.read(REPORT) or "")
        return str(held["manual"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _check_same_manual(kept: Kept, imported: Imported, folder: Path) -> None:
    """A manual may be renamed, or its title be changed; where neither is as it was, it is another one."""
    if kept.name != imported.name and kept.service != imported.service:
        message = f"{folder} was imported from {kept.name} (service {kept.service}), not from {imported.name} (service {imported.service})"
        raise UsageError(
            message, hint="a second manual needs a directory of its own: everything of the first would be removed from this one"
        )


def _check_unchanged(folder: Folder, changes: Sequence[Change]) -> None:
    """Raises UsageError where a file is not as it was when the merge was made."""
    for change in changes:
        if folder.read(change.path) != change.before:
            raise UsageError(f"{folder.path / change.path} was changed meanwhile", hint="import again")


def check_every(text: str | None) -> None:
    """Raises UsageError where ``--every`` is no duration."""
    from keepwell.kernel.durations import parse_duration

    try:
        if text is not None:
            parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--every: {error}") from None
