"""What a manual's backups hold: the paths inside their archives and folders. Shared by the rules about restores."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from keepwell.rooms.manual.reading.file_uses import tar_archive, tar_mode
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saving import COPIES, DUMPS, base, sources_of, tar_members, target_of


@dataclass(frozen=True, slots=True)
class Member:
    """A path inside a backup, where on the disk it came from (empty for a dump), and the line that puts it there."""

    path: str
    source: str
    line: int
    section: tuple[str, ...]


def members(manual: Manual) -> list[Member]:
    """Every path that the manual's archives hold."""
    return [member for script in manual.scripts for command in script.commands for member in _of_archive(script, command)]


def _of_archive(script: Script, command: ShellCommand) -> Iterator[Member]:
    if command.name != "tar" or tar_mode(command) != "c" or tar_archive(command) is None:
        return
    inside = command.option("-C", "--directory")
    root = inside.filled.rstrip("/") if inside is not None else ""
    for path in tar_members(command):
        relative = path.removeprefix(f"{root}/") if root else path.lstrip("/")
        staged = list(_staged(script, command, path, relative))
        yield from staged or [Member(relative.rstrip("/"), path.rstrip("/"), command.line, script.section)]


def _staged(script: Script, archive: ShellCommand, path: str, relative: str) -> Iterator[Member]:
    """What was copied or dumped into a folder before it was packed."""
    for command in script.commands[: archive.index]:
        target = target_of(command)
        place = target.filled if target is not None else ""
        if not place.startswith(f"{path.rstrip('/')}/"):
            continue
        below = place.removeprefix(f"{path.rstrip('/')}/").rstrip("/")
        if command.name in DUMPS:
            yield Member(f"{relative}/{below}", "", command.line, script.section)
        elif command.name in COPIES:
            for source in sources_of(command):
                name = below if below else base(source)
                yield Member(f"{relative}/{name}", source.rstrip("/"), command.line, script.section)


def matches(member: str, wanted: str) -> bool:
    """Whether a wanted path (with globs) can be a member or stand below or above it; what the backup made of variables matches anything."""
    ours, theirs = member.split("/"), wanted.rstrip("/").split("/")
    return all(_part(one, other) for one, other in zip(ours, theirs, strict=False))


def _part(one: str, other: str) -> bool:
    return one == other or bool(_loose(one).fullmatch(_bare(other))) or bool(_loose(other).fullmatch(_bare(one)))


def _loose(text: str) -> re.Pattern[str]:
    pieces = re.split(r"(\$\([^)]*\)|\$\{[^}]*\}|\$\w+|\*)", text)
    return re.compile("".join(".*" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces)))


def _bare(text: str) -> str:
    return re.sub(r"\$\([^)]*\)|\$\{[^}]*\}|\$\w+|\*", "0", text)
