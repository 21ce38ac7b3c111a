"""The words of backups: members of an archive, the manifest of a copy, and what is known of copies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class MemberKind(Enum):
    """What a member of an archive is."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    HARD_LINK = "hard link"
    PIPE = "pipe"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive, in the archive's order. ``path`` is as in the archive, without the first slash; ``mtime`` nanoseconds
    since 1970; ``target`` what a link points to (of a hard link: the path of the earlier member). ``changed``: it was written to while it
    was read. ``superseded``: a later member with the same path holds, because this one changed while it was read."""

    path: str
    kind: MemberKind
    mode: int
    uid: int
    gid: int
    user: str
    group: str
    mtime: int
    size: int = 0
    sha256: str = ""
    target: str = ""
    changed: bool = False
    superseded: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a copy: its name, its bytes, and their SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Totals:
    """What an archive holds: members, files among them, the files' bytes; how many ``changed`` while they were read, and what was
    ``left_out`` (a sentence each; at most a few), and how much more was that no sentence names."""

    members: int = 0
    files: int = 0
    bytes: int = 0
    changed: int = 0
    left_out: tuple[str, ...] = ()
    unsaid: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a copy says of itself; signed, and written last. ``id`` is the name of its folder, ``occasion`` the key of the occasion it was
    made for, ``source`` what was asked for, ``key`` the fingerprint of the key that signed it, ``recipients`` whom it is encrypted for."""

    id: str
    backup: str
    service: str
    host: str
    user: str
    occasion: str
    started: datetime
    finished: datetime
    source: Mapping[str, object]
    archive: Part
    members: Part
    totals: Totals
    recipients: tuple[str, ...]
    key: str


@dataclass(frozen=True, slots=True)
class Found:
    """A copy as it lies in a repository: its manifest, and the SHA-256 of the manifest's bytes. ``fault``: why it is no copy that can be
    relied on (empty where nothing is known against it); then the manifest may be missing."""

    id: str
    manifest: Manifest | None
    digest: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy as the records know it. ``doubt``: why it is held for implausible (empty where it is not, or a person
    ``accepted`` it: from then on it says what is usual).
    ``proven_at``: when it was last restored with success, in ``recovery_seconds``; ``fault`` why its last proof failed."""

    id: str
    backup: str
    repository: str
    started: datetime
    finished: datetime
    archive_bytes: int
    files: int
    bytes: int
    digest: str
    doubt: str = ""
    proven_at: datetime | None = None
    recovery_seconds: float | None = None
    fault: str = ""
    gone_at: datetime | None = None
    gone_why: str = ""
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One making or proving: ``kind`` is ``backup``, ``proof`` or ``recovery``; ``state`` running, waiting (for a
    permission), done, failed, refused or cut off; ``arguments`` are those of its Work."""

    id: int
    kind: str
    backup: str
    key: str
    by: str
    at: datetime
    state: str
    started: datetime
    ended: datetime | None = None
    copy: str = ""
    sentence: str = ""
    facts: Mapping[str, float] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)
