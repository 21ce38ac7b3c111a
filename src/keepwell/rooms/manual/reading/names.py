"""What a manual defines and what it uses: files, addresses, units, thresholds, retention. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from .file_uses import FileUse, file_uses
from .model import Fence, Item, Kind
from .parts import Setting
from .quantities import Quantity, retention, thresholds
from .shell_model import Script, ShellCommand

_URL = re.compile(r"\b(?:https?|wss?|redis|postgres(?:ql)?|mysql|amqp|mongodb)://[^\s\"'`<>|\\),;]+", re.IGNORECASE)
_PORTS = {
    "http": 80,
    "https": 443,
    "ws": 80,
    "wss": 443,
    "redis": 6379,
    "postgres": 5432,
    "postgresql": 5432,
    "mysql": 3306,
    "amqp": 5672,
    "mongodb": 27017,
}
_UNIT_VERBS = frozenset(
    [
        "start",
        "stop",
        "restart",
        "reload",
        "try-restart",
        "enable",
        "disable",
        "status",
        "is-active",
        "is-enabled",
        "is-failed",
        "show",
        "cat",
        "kill",
        "mask",
        "unmask",
        "edit",
        "reload-or-restart",
    ]
)
_PROSE = frozenset((Kind.PARAGRAPH, Kind.LIST_ITEM, Kind.CHECKBOX, Kind.TABLE_ROW, Kind.HEADING))


@dataclass(frozen=True, slots=True)
class Address:
    """A URL where it is used. ``port`` is the scheme's where none is written, None where it cannot be told; ``command`` is None in
    prose."""

    url: str
    host: str
    port: int | None
    path: str
    line: int
    command: ShellCommand | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """A systemd unit (without ``.service``), and what is done with it: ``restart``, ``logs``, ``defined`` ..."""

    name: str
    what: str
    line: int
    command: ShellCommand | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """The index; its lists are in the order of the document."""

    files: tuple[FileUse, ...] = ()
    addresses: tuple[Address, ...] = ()
    units: tuple[Used, ...] = ()
    thresholds: tuple[Quantity, ...] = ()
    """What is compared with a limit, in prose, tables, comments and shell tests."""
    retention: tuple[Quantity, ...] = ()
    """How long something is kept."""

    def defines(self, name: str) -> bool:
        """Whether the manual gives the content of a file of that name (its last part), or something in it makes that file."""
        wanted = last_part(name)
        return any(use.name == wanted for use in self.files if use.how in ("defined", "written", "appended"))


def last_part(path: str) -> str:
    """The name of a file without its folder."""
    return path.rstrip("/").rpartition("/")[2]


def collect_names(items: Sequence[Item], fences: Sequence[Fence], scripts: Sequence[Script], settings: Sequence[Setting]) -> Names:
    """The index of a manual."""
    by_line = lambda entry: entry.line  # noqa: E731
    return Names(
        tuple(sorted(file_uses(items, fences, scripts, settings), key=by_line)),
        tuple(sorted(_addresses(items, scripts), key=by_line)),
        tuple(sorted(_units(fences, scripts), key=by_line)),
        tuple(sorted(thresholds(items, scripts), key=by_line)),
        tuple(sorted(retention(items, scripts, settings), key=by_line)),
    )


def _addresses(items: Sequence[Item], scripts: Sequence[Script]) -> Iterator[Address]:
    for script in scripts:
        for command in script.commands:
            # Where a word has commands in it, these are read themselves.
            words = [word for word in command.arguments if not word.has_substitution or command.name in ("curl", "wget")]
            yield from (address for word in words for address in _in_text(word.filled, word.line, command))
    for item in items:
        if item.kind in _PROSE:
            yield from _in_text(item.text, item.line, None)


def _in_text(text: str, line: int, command: ShellCommand | None) -> Iterator[Address]:
    for match in _URL.finditer(text) if "://" in text else ():
        url = match[0].rstrip(".:*_")
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme.lower())
        except ValueError:  # a placeholder where a number should be
            continue
        yield Address(url, parts.hostname or "", port, parts.path, line, command)


def _units(fences: Sequence[Fence], scripts: Sequence[Script]) -> Iterator[Used]:
    for fence in fences:
        if fence.language == "systemd" and fence.file:
            yield Used(_unit(last_part(fence.file)), "defined", fence.first)
    for script in scripts:
        for command in script.commands:
            if command.name == "systemctl" and command.subcommand in _UNIT_VERBS:
                yield from (Used(_unit(word.filled), command.subcommand, word.line, command) for word in command.operands[1:])
            elif command.name == "service" and len(command.operands) > 1:
                yield Used(_unit(command.operands[0].filled), command.operands[1].filled, command.line, command)
            elif command.name == "journalctl":
                yield from (Used(_unit(word.filled), "logs", word.line, command) for word in command.options("-u", "--unit"))


def _unit(name: str) -> str:
    return name.removesuffix(".service")
