"""Imports a manual into an operations directory: reads, merges with what the user made of the last import, and writes.

Starts no process, opens no socket, resolves no secret, and writes nothing outside the directory and the data directory. Each file is
replaced whole; ``keepwell.yaml`` comes last of those that it names, and what the import was is kept only when all of them stand. So after
a kill at any moment every file is the old or the new one, and importing again completes it.
"""

import asyncio
import json
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import unified_diff
from pathlib import Path
from typing import Any

from keepwell.kernel.problems import ConfigurationError, UsageError
from keepwell.rooms.manual.lint.redact import without_secrets
from keepwell.rooms.manual.reading.document import read_manual
from keepwell.rooms.manual.reading.text import LARGEST

from .entries import Sound
from .folder import Folder, open_folder
from .keep import Kept, keep, make_room, read_kept
from .merge import merge_other, merge_text
from .merge_yaml import Clash, Merged, merge_yaml
from .placeholders import missing_in
from .result import CONFIGURATION, Imported
from .values import VALUES, check_values, read_values, with_references
from .views import views

REPORT = "import-report.json"
PAGE = "import-report.html"
PROPOSED = ".proposed"
"""Behind the name of a file: what the import would have written where it could not be merged into the user's file."""
_OWN = frozenset((VALUES, "secrets"))
"""What may lie in a directory that nothing was imported into yet; so may hidden files (.git)."""
_CHECK = ".validate"
_PLACE = re.compile(r'(# from lines? |"line": "|^lines: "|, line )[\d, and-]*\d', re.MULTILINE)


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
class Change:
    """A file that is not as it was: its text before (None: there was none) and after (None: it goes)."""

    path: str
    before: str | None
    after: str | None

    def diff(self, *, moved: bool = True) -> Iterator[str]:
        """The lines of a unified diff, secrets left out; without ``moved``, where something stands in the manual is no difference."""
        texts = (text or "" for text in (self.before, self.after))
        before, after = ((text if moved else _PLACE.sub(r"\1…", text)).splitlines() for text in texts)
        old, new = ("/dev/null" if text is None else self.path for text in (self.before, self.after))
        return map(without_secrets, unified_diff(before, after, old, new, lineterm=""))


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


@dataclass(slots=True)
class _Merge:
    changes: list[Change] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)


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


async def import_file(manual: Path, folder: Path, every: str | None = None, sound: Sound | None = None) -> Imported:
    """Imports a manual into a new directory, without keeping anything for a later merge: for a demonstration."""
    request = Request(folder, None, every, sound)
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
    merge = _merged(request, folder, kept, imported)
    told = reports(imported, merge.clashes)
    for path, new in told.items():
        _note(merge, path, folder.read(path) if folder else None, new)
    new_kept = Kept(name, imported.service, data, every, dict(imported.files))
    return Work(request, imported, tuple(merge.changes), tuple(merge.clashes), again, new_kept)


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


def _merged(request: Request, folder: Folder | None, kept: Kept | None, imported: Imported) -> _Merge:
    merge = _Merge()
    base = kept.files if kept else {}
    for path in sorted({*base, *imported.files}):
        mine = folder.read(path) if folder else None
        if mine is None:
            _absent(merge, path, base.get(path), imported.files.get(path))
        elif path not in imported.files:
            _gone(merge, path, base[path], mine)
        else:
            _both(merge, request, path, (base.get(path), mine, imported.files[path]), folder)
    return merge


def _absent(merge: _Merge, path: str, base: str | None, theirs: str | None) -> None:
    """The user does not have it: it is new, or they removed it, and then it stays removed (but there is no directory without its
    configuration)."""
    if theirs is not None and (base is None or path == CONFIGURATION):
        merge.changes.append(Change(path, None, theirs))


def _gone(merge: _Merge, path: str, base: str, mine: str) -> None:
    """The manual does not give it any more: it goes, unless the user changed it."""
    if mine == base:
        merge.changes.append(Change(path, mine, None))
    else:
        merge.clashes.append(Clash("", "the whole file, which you changed", "", file=path))


def _both(merge: _Merge, request: Request, path: str, three: tuple[str | None, str, str], folder: Folder | None) -> None:
    base, mine, theirs = three
    # An editor of another system ends lines otherwise: that is no change, and stays so.
    with_returns = "\r\n" in mine
    plain = mine.replace("\r\n", "\n") if with_returns else mine
    merged = _merge_file(request, path, base, plain, theirs)
    if with_returns:
        merged = replace(merged, text=mine if merged.text == plain else merged.text.replace("\n", "\r\n"))
    merge.clashes += [replace(clash, file=path) for clash in merged.clashes]
    _note(merge, path, mine, merged.text)
    beside = folder.read(path + PROPOSED) if folder else None
    _note(merge, path + PROPOSED, beside, merged.proposed or None)


def _note(merge: _Merge, path: str, before: str | None, after: str | None) -> None:
    if before != after:
        merge.changes.append(Change(path, before, after))


def _merge_file(request: Request, path: str, base: str | None, mine: str, theirs: str) -> Merged:
    if path.endswith(".md"):
        return merge_text(base, mine, theirs)
    if path != CONFIGURATION:
        return merge_other(base, mine, theirs)
    merged = merge_yaml(base, mine, theirs)
    if merged.text in (mine, theirs) or request.valid is None or _is_valid(request, merged.text) or not _is_valid(request, mine):
        return merged
    # Two changes, each sound by itself, that do not go together: then entries are taken whole, and if need be the user's file.
    merged = merge_yaml(base, mine, theirs, careful=True)
    if _is_valid(request, merged.text):
        return merged
    return Merged(mine, (Clash("", "the whole file", "the new one is beside it"),), proposed=theirs)


def _is_valid(request: Request, text: str) -> bool:
    """Whether the text is a valid configuration: it is looked at inside the directory, in a folder that goes at once."""
    assert request.valid is not None
    with open_folder(request.folder, make=False, lock=False) as folder:
        folder.make_private(_CHECK)
        try:
            folder.write(f"{_CHECK}/{CONFIGURATION}", text)
            request.valid(request.folder / _CHECK)
        except ConfigurationError:
            return False
        finally:
            folder.remove(f"{_CHECK}/{CONFIGURATION}")
            folder.remove_folder(_CHECK)
    return True


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
