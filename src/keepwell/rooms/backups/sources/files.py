"""The source ``files``: files and folders of this machine, as they are."""

import fnmatch
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from keepwell.config.options import ExpandedText, Options
from keepwell.kernel.problems import AnswerError
from keepwell.rooms.backups.source import LeftOut, Seen, Source
from keepwell.rooms.backups.words import named


def _absolute(value: str) -> str:
    if not value.startswith("/") or "\x00" in value or ".." in value.split("/"):
        raise PydanticCustomError("path", "expected a path from the root such as /etc/shop, without ..")
    return value


class FilesOptions(Options):
    """Files and folders of this machine."""

    paths: tuple[Annotated[ExpandedText, AfterValidator(_absolute)], ...] = Field(min_length=1)
    """The files and folders, from the root. Each must exist: a backup without one of them is none. Links are kept as links."""
    exclude: tuple[str, ...] = ()
    """Patterns of what is left out, as ``tar --exclude`` reads them: ``*`` stands for slashes too. One with a slash in front fits the whole
    path, any other one what follows a slash. What is below a folder that is left out is left out."""

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        lost = next((path for path in self.paths if _excluded(os.path.normpath(path), self.exclude)), None)
        if lost is not None:
            raise ValueError(f"nothing of {lost} would be copied, because a pattern of exclude fits it: write a narrower one")
        return self


def seen(options: FilesOptions, never: Sequence[str]) -> Iterator[Seen | LeftOut]:
    """Every file, folder and link in the order in which it is archived: a folder before what is in it, names sorted. ``never`` are paths
    that are left out whatever the options say. Raises AnswerError where a path does not exist or a folder may not be read."""
    never_folders = set(filter(None, map(_identity, never)))
    for root in _roots(options.paths):
        waiting = [root]
        while waiting:
            path = waiting.pop()
            if path in never or _excluded(path, options.exclude):
                continue
            found = _facts(path, is_root=path == root)
            if found is None or (isinstance(found, Seen) and (found.facts.st_dev, found.facts.st_ino) in never_folders):
                continue
            if path != "/":  # what every copy is restored below has no name in an archive
                yield found
            if isinstance(found, Seen) and stat.S_ISDIR(found.facts.st_mode):
                waiting += reversed(_names(path))


def _identity(path: str) -> tuple[int, int] | None:
    """Which folder a path leads to, by whatever links and mounts; None where there is none yet."""
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _roots(paths: Sequence[str]) -> list[str]:
    """The paths, each once, and none that lies below another."""
    # Two slashes in front, which POSIX leaves open and normpath keeps, would be a second name of the same file.
    clean = sorted({f"/{os.path.normpath(path).lstrip('/')}" for path in paths})
    return [path for path in clean if not any(path != other and path.startswith(other.rstrip("/") + "/") for other in clean)]


def _excluded(path: str, patterns: Sequence[str]) -> bool:
    return any(
        fnmatch.fnmatchcase(path, pattern if pattern.startswith("/") else f"*/{pattern}")
        for pattern in (one.rstrip("/") if one != "/" else one for one in patterns)
    )


def _facts(path: str, is_root: bool) -> Seen | LeftOut | None:
    """What stands at a path; None where it went away since its folder was read."""
    try:
        facts = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        if is_root:
            raise AnswerError(f"{named(path)} does not exist, so the backup would be without it") from None
        return None
    except OSError as error:
        raise AnswerError(f"{named(path)} cannot be looked at: {error.strerror}") from error
    kind = stat.S_IFMT(facts.st_mode)
    if kind in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO):
        return Seen(path, facts)
    return LeftOut(f"{named(path)} is a {'socket' if kind == stat.S_IFSOCK else 'device'}")


def _names(path: str) -> list[str]:
    try:
        return sorted(os.path.join(path, name) for name in os.listdir(path))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise AnswerError(f"the folder {named(path)} cannot be read: {error.strerror}") from error


DRIVER = Source(
    summary="Files and folders of this machine, with modes, owners, times and links.",
    options=FilesOptions,
    seen=seen,
    example="""\
backups:
  settings:
    files: {paths: [/etc/shop, /var/lib/shop], exclude: ["*.tmp"]}
    to: here
    every: daily 01:00
repositories:
  here: {archive: {path: /var/backups/shop}}
""",
)
