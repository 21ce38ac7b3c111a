"""What a manual defines and what it uses: files, scripts, variables, addresses, units, thresholds, retention. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from .model import Fence, Item
from .parts import CronEntry, Setting
from .shell_model import Script, ShellCommand


@dataclass(frozen=True, slots=True)
class FileUse:
    """A file where it is named. ``how`` is defined (a fence is it, or a here-document writes it), written, appended, read, executed, removed,
    listed (a directory) or mentioned (in prose). ``path`` is as it is written, known variables filled in; ``name`` its last part."""

    path: str
    how: str
    line: int
    script: Script | None = None
    command: ShellCommand | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Address:
    """A URL where it is used: ``method`` as curl would send it (empty in prose)."""

    url: str
    host: str
    port: int | None
    path: str
    line: int
    command: ShellCommand | None = None


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit and what it is about: ``200 MB`` near ``memory``. ``value`` is in the base unit (bytes, seconds, ratio of 1 for %)."""

    value: float
    unit: str
    text: str
    comparison: str
    about: str
    line: int


@dataclass(frozen=True, slots=True)
class Names:
    """The index; its lists are in the order of the document."""

    files: tuple[FileUse, ...] = ()
    addresses: tuple[Address, ...] = ()
    units: tuple[tuple[str, str, int], ...] = ()
    """systemd units: (name, what is done with it, line)."""
    containers: tuple[tuple[str, str, int], ...] = ()
    """Containers and compose services: (name, what is done with it, line)."""
    thresholds: tuple[Quantity, ...] = ()
    retention: tuple[Quantity, ...] = ()

    def defines(self, name: str) -> bool:
        """Whether the manual gives the content of a file of that name (its last part)."""
        wanted = name.rstrip("/").rpartition("/")[2]
        return any(use.how == "defined" and use.name == wanted for use in self.files)


def collect_names(
    items: Sequence[Item], fences: Sequence[Fence], scripts: Sequence[Script], settings: Sequence[Setting], cron: Sequence[CronEntry]
) -> Names:
    """The index of a manual."""
    return Names()
