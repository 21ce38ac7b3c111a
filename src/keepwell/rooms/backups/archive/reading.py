"""Reading a copy: whether its files are the ones that its manifest names, and whether the archive holds exactly what its list says."""

import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, cast

from keepwell.kernel.problems import AnswerError
from keepwell.rooms.backups.model import Manifest, Member, MemberKind, Part
from keepwell.rooms.backups.words import named

from .files import CHUNK, part_of
from .layout import read_member
from .sealing import Opened

_KINDS = {
    tarfile.REGTYPE: MemberKind.FILE,
    tarfile.AREGTYPE: MemberKind.FILE,
    tarfile.DIRTYPE: MemberKind.DIRECTORY,
    tarfile.SYMTYPE: MemberKind.LINK,
    tarfile.LNKTYPE: MemberKind.HARD_LINK,
    tarfile.FIFOTYPE: MemberKind.PIPE,
}

Stop = Callable[[], None]
Taker = Callable[[bytes], object]


def check_parts(folder: Path, manifest: Manifest, stop: Stop) -> None:
    """Reads both files from the disk and compares them with the manifest. Raises AnswerError with what is wrong."""
    for part in (manifest.archive, manifest.members):
        stop()
        _check_part(folder / part.name, part, stop)


def _check_part(path: Path, wanted: Part, stop: Stop) -> None:
    try:
        found = part_of(path, stop)
    except FileNotFoundError:
        raise AnswerError(f"{wanted.name} is missing") from None
    except OSError as error:
        raise AnswerError(f"{wanted.name} cannot be read: {error.strerror}") from error
    if found.size == 0 and wanted.size:
        raise AnswerError(f"{wanted.name} is empty")
    if found.size < wanted.size:
        raise AnswerError(f"{wanted.name} was cut off: it has {found.size:,} of {wanted.size:,} bytes")
    if found.size > wanted.size:
        raise AnswerError(f"{wanted.name} is longer than it was when it was written: {found.size - wanted.size} bytes were added")
    if found.sha256 != wanted.sha256:
        raise AnswerError(f"{wanted.name} was changed since it was written: its SHA-256 is not the one in the manifest")


def members_of(folder: Path, manifest: Manifest, identities: Sequence[Any]) -> Iterator[Member]:
    """The list of members, in order. Raises AnswerError."""
    name = manifest.members.name
    with _open(folder / name, identities) as lines:
        number = 0
        while line := lines.readline():
            number += 1
            try:
                yield read_member(line)
            except (ValueError, KeyError, TypeError) as error:
                raise AnswerError(f"line {number} of {name} is no member: {error}") from error


def check_members(folder: Path, manifest: Manifest, identities: Sequence[Any], stop: Stop) -> None:
    """Reads the archive to its end beside the list. Raises AnswerError for the first difference."""
    for _ in walk(folder, manifest, identities, stop):
        pass


@contextmanager
def _open(path: Path, identities: Sequence[Any]) -> Iterator[Opened]:
    try:
        opened = Opened(path, identities)
    except FileNotFoundError:
        raise AnswerError(f"{path.name} is missing") from None
    except OSError as error:
        raise AnswerError(f"{path.name} cannot be read: {error.strerror}") from error
    with opened:
        yield opened


class Content:
    """A member with its bytes: ``take`` hands them over as they are read (at most once, for files only)."""

    def __init__(self, member: Member, source: IO[bytes] | None, stop: Stop) -> None:
        self.member = member
        self._source, self._stop = source, stop
        self.is_taken = False

    def rename(self, member: Member) -> None:
        """It is to be restored as this one: under another path, or as a link to another."""
        self.member = member

    def take(self, taker: Taker = lambda _: None) -> None:
        """Reads the bytes. Raises AnswerError where they are not the ones that the list tells of."""
        self.is_taken = True
        if self._source is None:
            return
        digest, size = sha256(), 0
        while data := self._source.read(CHUNK):
            self._stop()
            digest.update(data)
            size += len(data)
            taker(data)
        if size != self.member.size or digest.hexdigest() != self.member.sha256:
            raise AnswerError(f"the content of {named('/' + self.member.path)} is not the one that was backed up: its SHA-256 differs")


def walk(folder: Path, manifest: Manifest, identities: Sequence[Any], stop: Stop) -> Iterator[Content]:
    """Every member in order, each compared with the list; content that nobody took is read all the same.

    Raises AnswerError for the first difference: a member that is missing, is not in the list, or is not as the list says.
    """
    listed = members_of(folder, manifest, identities)
    count = 0
    with _open(folder / manifest.archive.name, identities) as stream:
        for info, source in _tar(stream, manifest.archive.name):
            stop()
            member = next(listed, None)
            if member is None:
                raise AnswerError(f"the archive holds {named('/' + info.name)}, which its list does not name")
            _compare(info, member)
            content = Content(member, source if member.kind is MemberKind.FILE else None, stop)
            yield content
            if not content.is_taken:
                content.take()
            count += not member.superseded
    missing = next(listed, None)
    if missing is not None:
        raise AnswerError(f"{named('/' + missing.path)} is in the list and not in the archive")
    if count != manifest.totals.members:
        raise AnswerError(f"the archive holds {count} members, its manifest says {manifest.totals.members}")


def _tar(stream: Opened, name: str) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """The members of a tar stream with their content. Memory does not grow with their number."""
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|", encoding="utf-8", errors="surrogateescape", bufsize=CHUNK) as tar:
            while (info := tar.next()) is not None:
                yield info, tar.extractfile(info) if info.isreg() else None
                cast("Any", tar).members.clear()
    except tarfile.TarError as error:
        raise AnswerError(f"{name} is no whole tar archive: {error}") from error
    while data := stream.read(CHUNK):
        if data.strip(b"\0"):
            raise AnswerError(f"something follows the end of the archive in {name}")


def _compare(info: tarfile.TarInfo, member: Member) -> None:
    path = named("/" + member.path)
    if info.name.rstrip("/") != member.path:
        raise AnswerError(f"the archive holds {named('/' + info.name)} where its list has {path}")
    if _KINDS.get(info.type) is not member.kind:
        raise AnswerError(f"{path} is another kind of thing in the archive than in its list ({member.kind.value})")
    if info.mode != member.mode:
        raise AnswerError(f"{path} has the mode {info.mode:04o} in the archive, and {member.mode:04o} in its list")
    if (info.uid, info.gid) != (member.uid, member.gid):
        raise AnswerError(f"{path} belongs to {info.uid}:{info.gid} in the archive, and to {member.uid}:{member.gid} in its list")
    if _nanoseconds(info) != member.mtime:
        raise AnswerError(f"{path} has another time of change in the archive than in its list")
    if info.linkname != member.target:
        raise AnswerError(f"{path} points to {named(info.linkname)} in the archive, and to {named(member.target)} in its list")
    if member.kind is MemberKind.FILE and info.size != member.size:
        raise AnswerError(f"{path} has {info.size} bytes in the archive, and {member.size} in its list")


def _nanoseconds(info: tarfile.TarInfo) -> int:
    text = info.pax_headers.get("mtime", "")
    whole, _, rest = text.removeprefix("-").partition(".")
    try:
        nanoseconds = int(whole) * 1_000_000_000 + int(rest[:9].ljust(9, "0"))
        return -nanoseconds if text.startswith("-") else nanoseconds
    except ValueError:
        return int(info.mtime) * 1_000_000_000
