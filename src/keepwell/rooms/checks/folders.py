"""What is in a folder, asked of find(1) (GNU findutils) and du(1): sizes, counts, the newest, the oldest and the largest file.

Names end with NUL, so that any name can be told; no link is followed below the folder, and no other file system is entered. What is
listed is bounded: of more than 2 MiB of names (some 20,000 to 40,000 files) nothing is concluded.
"""

import re
from dataclasses import dataclass
from operator import itemgetter

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.ports.runner import Command, Result

from .answers import text_of
from .model import Answer
from .paths import C_LOCALE, refused
from .texts import show

_LIMIT = 2 * 1024 * 1024
_DU = re.compile(r"([0-9]{1,18})\s.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Folder:
    """Where to look: below ``path``, ``depth`` levels deep (None: all), at files whose name matches ``pattern`` (None: all)."""

    path: str
    depth: int | None = None
    pattern: str | None = None

    def find(self, *tests: str) -> Command:
        """A question to find with these tests and actions."""
        levels = ("-maxdepth", str(self.depth)) if self.depth is not None else ()
        start = ("find", "-H", self.path, "-ignore_readdir_race", "-xdev", "-mindepth", "1", *levels)
        return Command((*start, *tests), environment=C_LOCALE, output_limit=_LIMIT)

    @property
    def _files(self) -> tuple[str, ...]:
        return ("-type", "f", *(("-name", self.pattern) if self.pattern is not None else ()))

    def listing(self) -> Command:
        """Every file with its age and size."""
        return self.find(*self._files, "-printf", "%T@ %s %P\\0")

    def counting(self) -> Command:
        """One character for each file."""
        return self.find(*self._files, "-printf", "x")

    def world_writable(self) -> Command:
        """Files and folders that every user may write; not folders with the sticky bit, as /tmp has it."""
        what = ("(", "-type", "f", "-o", "-type", "d", "!", "-perm", "-1000", ")", "-perm", "-0002")
        return self.find(*what, "-printf", "%P\\0")

    def usage(self) -> Command:
        """What all of it takes on the disk."""
        return Command(("du", "-s", "-x", "-B1", "--", self.path), environment=C_LOCALE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file below a folder: its name from there, its size, and when it was modified (seconds since 1970)."""

    name: str
    size: int
    modified: float


def whole_output(answer: Answer, asked: str, path: str) -> str:
    """All that find or du printed. Raises AskError where part of it may not be read or there is too much, AnswerError where it failed."""
    if isinstance(answer, Result) and answer.dropped[0]:
        raise AskError(f"{path} holds more than one look can list: narrow it down by pattern or depth")
    if refused(answer):
        raise AskError(f"not all of {path} may be read: {show(refused(answer))}")
    if isinstance(answer, Result) and answer.status == 1 and answer.stdout and _only_vanished(answer.stderr):
        return answer.stdout
    return text_of(answer, asked)


def _only_vanished(errors: str) -> bool:
    """Whether all that went wrong is that something was removed while it was looked at."""
    lines = [line for line in errors.splitlines() if line.strip()]
    return bool(lines) and all("No such file or directory" in line for line in lines)


@dataclass(frozen=True, slots=True)
class Listing:
    """All files of a folder: how many, the sum of their sizes, and the extremes among them (None where there is no file)."""

    count: int
    total: int
    newest: Entry | None = None
    oldest: Entry | None = None
    largest: Entry | None = None


def listing(answer: Answer, path: str) -> Listing:
    """The answer to ``listing``. There may be tens of thousands of lines, so nothing is done with one that is not needed."""
    lines = whole_output(answer, "find", path).split("\0")
    if lines[-1] == "":
        lines.pop()
    rows = [_row(line) for line in lines]
    if not rows:
        return Listing(0, 0)
    extremes = (max(rows, key=_MODIFIED), min(rows, key=_MODIFIED), max(rows, key=_SIZE))
    newest, oldest, largest = (Entry(name, size, modified) for modified, size, name in extremes)
    return Listing(len(rows), sum(row[1] for row in rows), newest, oldest, largest)


_MODIFIED, _SIZE = itemgetter(0), itemgetter(1)
_LATEST = 1e12


def _row(line: str) -> tuple[float, int, str]:
    parts = line.split(" ", 2)
    try:
        modified, size, name = float(parts[0]), int(parts[1]), parts[2]
    except (ValueError, IndexError):
        raise AnswerError(f"find gave no usable answer: {show(line)}") from None
    if not (-_LATEST < modified < _LATEST and 0 <= size < 2**63):  # not-a-number is in no range
        raise AnswerError(f"find gave no usable answer: {show(line)}")
    return modified, size, name


def count(answer: Answer, path: str) -> int:
    """The answer to ``counting``."""
    text = whole_output(answer, "find", path)
    if text.strip("x"):
        raise AnswerError(f"find gave no usable answer: {show(text)}")
    return len(text)


def names(answer: Answer, path: str) -> list[str]:
    """The answer to ``world_writable``."""
    return [name for name in whole_output(answer, "find", path).split("\0") if name]


def usage(answer: Answer, path: str) -> int:
    """The answer to ``usage``: bytes on the disk."""
    text = whole_output(answer, "du", path)
    match = _DU.fullmatch(text)
    if match is None:
        raise AnswerError(f"du gave no usable answer: {show(text)}")
    return int(match[1])
