"""Files of a host, read through the host's own means so that the same check works on a remote one."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What ``stat`` says of a path: size in bytes, mode bits, owner and group by number, modification time in seconds since 1970."""

    path: str
    size: int
    mode: int
    owner: int
    group: int
    modified: float
    is_directory: bool


class Files(Protocol):
    """Reads files of one host. Each raises AnswerError where the path does not exist, AskError where it may not or cannot be read."""

    async def read(self, path: str, limit: int = 1024 * 1024) -> bytes:
        """The first ``limit`` bytes."""
        ...

    async def facts(self, path: str) -> FileFacts:
        """What the file system says of it (links followed)."""
        ...

    async def names(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted."""
        ...
