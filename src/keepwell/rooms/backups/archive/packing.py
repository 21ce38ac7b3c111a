"""Writing an archive: each member into a tar stream (POSIX pax, IEEE 1003.1-2001) and, as a line, into the list of members.

A file is read once: what is hashed is what is archived. One that was rewritten or cut short while it was read is read again, up to three
times: the later member holds, as for tar itself. One that only grew (a log) is whole up to the length that it had when it was opened;
whether it only grew is seen by reading that much of it once more.
"""

import grp
import os
import pwd
import stat
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from typing import Protocol

from keepwell.kernel.problems import AnswerError
from keepwell.rooms.backups.model import Member, MemberKind, Totals
from keepwell.rooms.backups.source import LeftOut, Seen
from keepwell.rooms.backups.words import named

from .files import CHUNK
from .layout import member_line

ATTEMPTS = 3
_MOST_SAID = 20
_BLOCK = 512
_RECORD = 20 * _BLOCK
_TYPES = {
    MemberKind.FILE: tarfile.REGTYPE,
    MemberKind.DIRECTORY: tarfile.DIRTYPE,
    MemberKind.LINK: tarfile.SYMTYPE,
    MemberKind.HARD_LINK: tarfile.LNKTYPE,
    MemberKind.PIPE: tarfile.FIFOTYPE,
}
_KINDS = {stat.S_IFREG: MemberKind.FILE, stat.S_IFDIR: MemberKind.DIRECTORY, stat.S_IFLNK: MemberKind.LINK, stat.S_IFIFO: MemberKind.PIPE}


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object: ...


class Packer:
    """Writes one archive and its list."""

    def __init__(self, archive: Sink, members: Sink, stop: Callable[[], None] = lambda: None) -> None:
        self._archive, self._members, self._stop = archive, members, stop
        self._written = 0
        self._linked: dict[tuple[int, int], str] = {}
        self._totals = Totals()

    def pack(self, everything: Iterable[Seen | LeftOut]) -> Totals:
        """Writes all of it, and the end of the archive. ``stop`` (asked again and again) raises where it shall end early. Raises
        AnswerError where something cannot be read, OSError where it cannot be written."""
        for one in everything:
            self._stop()
            if isinstance(one, LeftOut):
                self._leave_out(one.sentence)
            else:
                self._put(one)
        self._write(bytes(2 * _BLOCK))
        self._write(bytes(-self._written % _RECORD))
        return self._totals

    def _leave_out(self, sentence: str) -> None:
        totals = self._totals
        if len(totals.left_out) < _MOST_SAID:
            self._totals = replace(totals, left_out=(*totals.left_out, sentence))
        else:
            self._totals = replace(totals, unsaid=totals.unsaid + 1)

    def _put(self, seen: Seen) -> None:
        identity = (seen.facts.st_dev, seen.facts.st_ino)
        kind = _KINDS[stat.S_IFMT(seen.facts.st_mode)]
        if kind is MemberKind.FILE and identity in self._linked:
            return self._add(replace(_member(seen, MemberKind.HARD_LINK), target=self._linked[identity]))
        if kind is not MemberKind.FILE:
            return self._special(seen, kind)
        member = self._file(seen.path, seen.content or seen.path, attempt=1)
        if member is None:
            self._leave_out(f"{named(seen.path)} went away while the backup was made")
        elif seen.facts.st_nlink > 1:
            self._linked[identity] = member.path
        return None

    def _special(self, seen: Seen, kind: MemberKind) -> None:
        target = ""
        if kind is MemberKind.LINK:
            try:
                target = os.readlink(seen.path)
            except FileNotFoundError:
                return self._leave_out(f"{named(seen.path)} went away while the backup was made")
        return self._add(replace(_member(seen, kind), target=target))

    def _file(self, path: str, content: str, attempt: int) -> Member | None:
        """Archives a regular file, again where it changed meanwhile; None where it is not there any more."""
        try:
            handle = os.open(content, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise AnswerError(f"{named(path)} cannot be read: {error.strerror}") from error
        try:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode):
                raise AnswerError(f"{named(path)} was a file, and became something else while the backup was made")
            member = self._content(Seen(path, facts), handle, last=attempt == ATTEMPTS)
        except _ReadError as error:
            raise AnswerError(f"{named(path)} cannot be read: {error.strerror}") from error
        finally:
            os.close(handle)
        return self._file(path, content, attempt + 1) if member.superseded else member

    def _content(self, seen: Seen, handle: int, last: bool) -> Member:
        member = replace(_member(seen, MemberKind.FILE), size=seen.facts.st_size)
        self._write(_header(member))
        digest, left, is_short = sha256(), member.size, False
        while left:
            self._stop()
            data = _read(handle, min(left, CHUNK))
            is_short = not data
            data = data or bytes(min(left, CHUNK))
            digest.update(data)
            self._write(data)
            left -= len(data)
        self._write(bytes(-member.size % _BLOCK))
        after = os.fstat(handle)
        grew = after.st_size > member.size
        changed = is_short or after.st_size < member.size or (after.st_mtime_ns != member.mtime and not grew)
        changed = changed or (grew and not self._begins_so(handle, member.size, digest.digest()))
        member = replace(member, sha256=digest.hexdigest(), changed=changed and last, superseded=changed and not last)
        self._list(member)
        return member

    def _begins_so(self, handle: int, size: int, wanted: bytes) -> bool:
        """Whether the first bytes of a file are still the ones that were archived."""
        digest = sha256()
        os.lseek(handle, 0, os.SEEK_SET)
        while size:
            self._stop()
            data = _read(handle, min(size, CHUNK))
            if not data:
                return False
            digest.update(data)
            size -= len(data)
        return digest.digest() == wanted

    def _add(self, member: Member) -> None:
        self._write(_header(member))
        self._list(member)

    def _list(self, member: Member) -> None:
        self._members.write(member_line(member))
        if not member.superseded:
            is_file = member.kind is MemberKind.FILE
            totals = self._totals
            self._totals = replace(
                totals,
                members=totals.members + 1,
                files=totals.files + is_file,
                bytes=totals.bytes + member.size,
                changed=totals.changed + member.changed,
            )

    def _write(self, data: bytes) -> None:
        if data:
            self._archive.write(data)
            self._written += len(data)


class _ReadError(OSError):
    """A file could not be read (in contrast to: the archive could not be written)."""


def _read(handle: int, size: int) -> bytes:
    try:
        return os.read(handle, size)
    except OSError as error:
        raise _ReadError(error.errno, error.strerror) from error


def _member(seen: Seen, kind: MemberKind) -> Member:
    facts = seen.facts
    return Member(
        path=seen.path.lstrip("/"),
        kind=kind,
        mode=stat.S_IMODE(facts.st_mode),
        uid=facts.st_uid,
        gid=facts.st_gid,
        user=_user(facts.st_uid),
        group=_group(facts.st_gid),
        mtime=facts.st_mtime_ns,
    )


def _header(member: Member) -> bytes:
    info = tarfile.TarInfo(member.path + ("/" if member.kind is MemberKind.DIRECTORY else ""))
    info.type = _TYPES[member.kind]
    info.mode, info.uid, info.gid, info.uname, info.gname = member.mode, member.uid, member.gid, member.user, member.group
    info.size, info.linkname = member.size, member.target
    info.mtime = max(0, member.mtime // 1_000_000_000)
    # With all its digits: a float has too few. Before 1970 the sign is that of the whole number, as tar reads it.
    seconds, rest = divmod(abs(member.mtime), 1_000_000_000)
    info.pax_headers = {"mtime": f"{'-' if member.mtime < 0 else ''}{seconds}.{rest:09d}"}
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


@lru_cache(maxsize=1000)
def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return ""


@lru_cache(maxsize=1000)
def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return ""
