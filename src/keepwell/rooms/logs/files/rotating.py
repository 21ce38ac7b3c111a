"""One file is rotated by renaming it; what was rotated before is compressed, and what is too much removed.

The order makes it safe to be killed anywhere: names tell what was done already (``decide.py``), a file is renamed only while it still is
the one that was meant, and no name is ever replaced.
"""

import errno
import os
from collections.abc import Iterator
from dataclasses import replace

from keepwell.rooms.logs.decide import PART, room_for_one, slots_of, to_drop, to_pack
from keepwell.rooms.logs.model import Identity, Owner, Rotate, Step

from .folder import Folder, give, identity_of
from .holders import holders_of, is_written, wait_until_free
from .listing import Live, archive_of
from .packing import Busy, Different, pack

_MODE = 0o640
"""The mode of a new file where nothing says one any more."""


def set_aside(live: Live, rotate: Rotate) -> Step | None:
    """Renames the file to number 1 of its rotated ones and makes a new one where ``create`` says so. None where it was renamed before.
    Raises OSError and LookupError with what is wrong."""
    with Folder(live.folder) as folder, open_archive(folder, rotate.archive) as archive:
        found = folder.regular(live.name)
        is_meant = found is not None and identity_of(found) == live.identity
        folder.remove(live.name + PART)
        if found is not None and not is_meant:
            return None
        # The new file is ready before the old one goes: what it cannot be given is known while nothing was done yet.
        fresh = _prepared(folder, live.name, rotate.create, found)
        if found is not None:
            for old, new in room_for_one(slots_of(live.name, archive.names()), live.name):
                archive.rename(old, archive, new)
            try:
                _move(folder, archive, live, f"{live.name}.1")
            except OSError:
                folder.remove(live.name + PART)
                raise
        if fresh:
            _put_in_place(folder, fresh, live.name)
        return Step("rotated", live.path, os.path.join(archive.path, f"{live.name}.1"), found.st_size) if found is not None else None


def _move(folder: Folder, archive: Folder, live: Live, first: str) -> None:
    try:
        folder.rename(live.name, archive, first)
    except OSError as error:
        if error.errno == errno.EXDEV:
            message = f"the archive {archive.path} is on another file system than {live.path}: a file cannot be renamed into it"
            raise OSError(errno.EXDEV, message) from None
        raise
    archive.settle()
    folder.settle()


def folder_like(folder: Folder) -> os.stat_result:
    """The folder's own status, whose owner a file gets where nothing else says one."""
    return os.fstat(folder.descriptor)


def _prepared(folder: Folder, name: str, owner: Owner | None, before: os.stat_result | None) -> str:
    """Makes the new file under another name, which it gives; empty where the writer makes it. ``before`` is the file of before, where it
    still has its name; a crash may have come between."""
    if owner is None:
        return ""
    if before is None:
        owner, before = replace(owner, mode=_MODE if owner.mode is None else owner.mode), folder_like(folder)
    fresh = name + PART
    descriptor = folder.create(fresh, 0o600)
    try:
        give(descriptor, owner, before)
    except (OSError, LookupError):
        folder.remove(fresh)
        raise
    finally:
        os.close(descriptor)
    return fresh


def _put_in_place(folder: Folder, fresh: str, name: str) -> None:
    """Gives the new file its name; where the writer was quicker, its file stays."""
    try:
        folder.rename(fresh, folder, name)
    except FileExistsError:
        folder.remove(fresh)


def open_archive(folder: Folder, archive: str) -> Folder:
    """The folder of rotated files; made, for the same owner, where it is missing."""
    path = archive_of(folder.path, archive)
    try:
        return Folder(path)
    except FileNotFoundError:
        like = folder_like(folder)
        os.mkdir(path, 0o700)
        made = Folder(path)
        give(made.descriptor, Owner(), like)
        return made


def wait_for_release(folder: str, name: str, archive: str, identity: Identity, seconds: float) -> str:
    """Waits until nobody writes to the file that was renamed; empty when so, else who still does."""
    try:
        with Folder(archive_of(folder, archive)) as opened:
            descriptor = _open_renamed(opened, name, identity)
    except FileNotFoundError:
        return ""
    if descriptor is None:
        return ""  # it was removed meanwhile: nobody needs to let go of it
    try:
        return "" if wait_until_free(descriptor, identity, seconds) else _who(identity)
    finally:
        os.close(descriptor)


def _open_renamed(folder: Folder, name: str, identity: Identity) -> int | None:
    for slot in slots_of(name, folder.names()):
        found = folder.regular(slot.name)
        if found is not None and identity_of(found) == identity:
            return folder.open_to_read(slot.name)
    return None


def _who(identity: Identity) -> str:
    return ", ".join(map(str, holders_of(identity))) or "a process that this user may not see"


def tidy(folder: str, name: str, rotate: Rotate, now: float) -> Iterator[Step]:
    """Compresses and removes what was rotated of one file; ``now`` is seconds since 1970. What cannot be done is a step too, and the file
    stays as it is."""
    try:
        archive = Folder(archive_of(folder, rotate.archive))
    except FileNotFoundError:
        return
    with archive:
        for slot in to_pack(slots_of(name, archive.names()), rotate.pack_after):
            yield _packed(archive, slot.name)
        slots = slots_of(name, archive.names())
        many = to_drop(slots, rotate.keep)
        oldest = now - rotate.max_age.total_seconds() if rotate.max_age is not None else None
        for slot in [*many, *(slot for slot in slots if slot not in many)]:
            found = archive.regular(slot.name)
            if found is not None and (slot in many or (oldest is not None and found.st_mtime < oldest)):
                yield _dropped(archive, slot.name, found)


def _dropped(archive: Folder, name: str, found: os.stat_result) -> Step:
    """Removes one, unless somebody writes to it: those lines would be in no file at all."""
    path = os.path.join(archive.path, name)
    try:
        descriptor = archive.open_to_read(name)
    except FileNotFoundError:
        return Step("dropped", path, "", found.st_size)
    except OSError as error:
        return Step("failed", path, why=f"{path} cannot be opened, and stays: {error.strerror}")
    try:
        if is_written(descriptor, identity_of(found)):
            return Step("kept", path, why=f"{path} would be removed, and is still written to by {_who(identity_of(found))}")
        archive.remove(name)
    except OSError as error:
        return Step("failed", path, why=f"{path} cannot be removed: {error.strerror}")
    finally:
        os.close(descriptor)
    return Step("dropped", path, "", found.st_size)


def _packed(archive: Folder, name: str) -> Step:
    path = os.path.join(archive.path, name)
    try:
        return pack(archive, name)
    except Busy as busy:
        return Step("kept", path, why=str(busy))
    except Different as trouble:
        return Step("failed", path, why=str(trouble))
    except OSError as error:
        return Step("failed", path, why=f"{path} cannot be compressed: {error.strerror}")
