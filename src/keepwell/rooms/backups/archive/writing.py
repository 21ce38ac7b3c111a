"""One copy written: archive, list of members, and, when both were read back from the disk, the signed manifest; then one rename."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from keepwell.rooms.backups.model import Found, Manifest, Part, Totals
from keepwell.rooms.backups.source import LeftOut, Seen

from .files import sync_folder, write_durably
from .layout import MANIFEST, PUBLIC_KEY, README, SIGNATURE, UNFINISHED, archive_name, manifest_bytes, members_name, new_id
from .packing import Packer
from .reading import check_members, check_parts
from .readme import readme
from .repository import Repository, found_in
from .sealing import Sealed, recipients_of
from .signing import Signer


@dataclass(frozen=True, slots=True)
class Wanted:
    """The copy that is wanted: whose, of what, for which occasion; ``everything`` is what is archived (read while it is written)."""

    backup: str
    service: str
    host: str
    user: str
    occasion: str
    source: Mapping[str, Any]
    everything: Iterable[Seen | LeftOut]


@dataclass(frozen=True, slots=True)
class Means:
    """By what a copy is written: the clock, the key that signs, whom it is encrypted for, the identities that can open it again (none:
    then its bytes are read back and not its members), and ``stop``, which raises where the writing shall end."""

    now: Callable[[], datetime]
    signer: Signer
    recipients: Sequence[str] = ()
    identities: Sequence[Any] = ()
    stop: Callable[[], None] = lambda: None


def write_copy(repository: Repository, wanted: Wanted, means: Means) -> Found:
    """Makes a copy: it exists when this returns, and not before; whatever interrupts it leaves a folder that is no copy.

    Raises AnswerError where what is to be copied cannot be read or was not written as it was read, OSError where the repository cannot
    be written.
    """
    started = means.now()
    id = new_id(started, wanted.occasion)
    folder = repository.folder(wanted.backup)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with repository.locked(wanted.backup):
        repository.tidy(wanted.backup)
        building = folder / f"{UNFINISHED}{id}"
        building.mkdir(mode=0o700)
        try:
            manifest = _parts(building, wanted, means, _draft(id, started, wanted, means))
            _finish(building, manifest, means)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
        sync_folder(building)
        os.rename(building, folder / id)
        sync_folder(folder)
    return found_in(folder / id, means.signer.public)


def _draft(id: str, started: datetime, wanted: Wanted, means: Means) -> Manifest:
    nothing = Part("", 0, "")
    return Manifest(
        id=id,
        backup=wanted.backup,
        service=wanted.service,
        host=wanted.host,
        user=wanted.user,
        occasion=wanted.occasion,
        started=started,
        finished=started,
        source=wanted.source,
        archive=nothing,
        members=nothing,
        totals=Totals(),
        recipients=tuple(means.recipients),
        key=means.signer.fingerprint,
    )


def _parts(building: Path, wanted: Wanted, means: Means, draft: Manifest) -> Manifest:
    """Writes archive and list, and reads both back."""
    recipients = recipients_of(means.recipients)
    archive = Sealed(building / archive_name(bool(recipients)), recipients)
    try:
        members = Sealed(building / members_name(bool(recipients)), recipients)
        try:
            totals = Packer(archive, members, means.stop).pack(wanted.everything)
            parts = archive.finish(), members.finish()
        finally:
            members.close()
    finally:
        archive.close()
    manifest = replace(draft, archive=parts[0], members=parts[1], totals=totals)
    check_parts(building, manifest, means.stop)
    if not recipients or means.identities:
        check_members(building, manifest, means.identities, means.stop)
    return manifest


def _finish(building: Path, manifest: Manifest, means: Means) -> None:
    """What makes it a copy, the manifest last."""
    manifest = replace(manifest, finished=means.now())
    data = manifest_bytes(manifest)
    write_durably(building / README, readme(manifest).encode("utf-8", "replace"))
    write_durably(building / PUBLIC_KEY, means.signer.public)
    write_durably(building / SIGNATURE, means.signer.sign(data))
    sync_folder(building)
    write_durably(building / MANIFEST, data)
