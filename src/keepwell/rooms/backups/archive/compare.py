"""What was restored, read again from the disk, beside the list of members: nothing missing, nothing more, nothing changed."""

import os
import stat
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from keepwell.kernel.problems import AnswerError
from keepwell.rooms.backups.model import Member, MemberKind
from keepwell.rooms.backups.words import named

from .files import CHUNK
from .reading import Stop

_KINDS = {
    MemberKind.FILE: stat.S_IFREG,
    MemberKind.HARD_LINK: stat.S_IFREG,
    MemberKind.DIRECTORY: stat.S_IFDIR,
    MemberKind.LINK: stat.S_IFLNK,
    MemberKind.PIPE: stat.S_IFIFO,
}


def compare(root: Path, members: Iterable[Member], stop: Stop, with_owners: bool) -> int:
    """Compares what is below ``root`` with the members; gives how many were compared. Raises AnswerError for the first difference."""
    expected: set[str] = set()
    for member in members:
        stop()
        if member.superseded:
            continue
        expected.add(member.path)
        _compare(root / member.path, member, root, with_owners)
        if member.kind is MemberKind.FILE and _digest(root / member.path, stop) != member.sha256:
            raise _other_content(member)
    for path in _below(root):
        if path not in expected and not _leads_to(path, expected):
            raise AnswerError(f"{named('/' + path)} was restored, and no member of the backup is called so")
    return len(expected)


def _compare(path: Path, member: Member, root: Path, with_owners: bool) -> None:
    name = named("/" + member.path)
    try:
        facts = path.lstat()
    except FileNotFoundError:
        raise AnswerError(f"{name} was not restored") from None
    if stat.S_IFMT(facts.st_mode) != _KINDS[member.kind]:
        raise AnswerError(f"{name} was restored as another kind of thing than it was ({member.kind.value})")
    if member.kind is MemberKind.HARD_LINK:
        if not path.samefile(root / member.target):
            raise AnswerError(f"{name} was restored as a file apart from {named('/' + member.target)}, with which it was one")
        return
    if member.kind is not MemberKind.LINK and stat.S_IMODE(facts.st_mode) != member.mode:
        raise AnswerError(f"{name} was restored with the mode {stat.S_IMODE(facts.st_mode):04o}, it had {member.mode:04o}")
    if with_owners and (facts.st_uid, facts.st_gid) != (member.uid, member.gid):
        raise AnswerError(f"{name} was restored as {facts.st_uid}:{facts.st_gid}, it belonged to {member.uid}:{member.gid}")
    if facts.st_mtime_ns != member.mtime:
        raise AnswerError(f"{name} was restored with another time of change than it had")
    if member.kind is MemberKind.LINK and os.readlink(path) != member.target:
        raise AnswerError(f"{name} was restored as a link to {named(os.readlink(path))}, it pointed to {named(member.target)}")
    if member.kind is MemberKind.FILE and facts.st_size != member.size:
        raise _other_content(member)


def _other_content(member: Member) -> AnswerError:
    return AnswerError(f"{named('/' + member.path)} was restored with another content than it had: its SHA-256 differs")


def _digest(path: Path, stop: Stop) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            stop()
            digest.update(data)
    return digest.hexdigest()


def _below(root: Path) -> Iterable[str]:
    """Every path below a folder, relative to it; links are not followed."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(root / folder) as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                yield path
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)


def _leads_to(path: str, expected: set[str]) -> bool:
    """Whether a folder was only made because a member lies below it."""
    return any(one.startswith(f"{path}/") for one in expected)
