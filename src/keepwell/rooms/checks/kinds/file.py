"""The ``file`` kind: a file's age, size, owner, mode, content and hash; a folder's size, its newest file's age, and who may write in it.

It asks stat, find, du, sha256sum (GNU coreutils and findutils) and date of the host, with arguments and without a shell. The age of a
file is counted by the clock of its own host.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Self

from pydantic import Field, model_validator

from keepwell.config.options import Options, Size
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Comparison, Unit, describe, parse_comparison
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.states import State
from keepwell.ports.runner import Command
from keepwell.rooms.checks import folders
from keepwell.rooms.checks.answers import text_of
from keepwell.rooms.checks.folders import Folder
from keepwell.rooms.checks.limits import BytesLimits, NumberLimits, SecondsLimits, Verdict, judge, together
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question, ReadFile
from keepwell.rooms.checks.paths import C_LOCALE, Facts, PlainPath, absent, facts, stat
from keepwell.rooms.checks.patterns import RegularExpression
from keepwell.rooms.checks.texts import Wanted, missed, show
from keepwell.rooms.checks.units import epoch

_Pair = tuple[Comparison | None, Comparison | None]
_DAILY: _Pair = (parse_comparison("> 26h"), parse_comparison("> 50h"))
_NOT_EMPTY: _Pair = (parse_comparison("< 1B"), None)
_NONE: _Pair = (None, parse_comparison("> 0"))
_AHEAD = 60.0
_SHOWN = 5
_LISTED = ("newest", "newest_size", "oldest", "largest")
_OF_FOLDER = (*_LISTED, "entries", "world_writable", "pattern", "depth")
_CONTENT = ("contains", "not_contains", "matches")
_OF_FILE = (*_CONTENT, "sha256")


class FileOptions(Options):
    """Which file or folder, and how it should be. With nothing else: that it is there."""

    path: PlainPath
    """Its absolute path, without ``..``. A link is followed."""
    type: Literal["file", "directory"] | None = None
    """What it must be. Without it a folder where an option of folders is given, else a file."""
    absent: bool = False
    """It must not be there."""
    age: SecondsLimits | None = None
    """Limits on the time since it was modified; ``{}`` stands for ``{warn: "> 26h", fail: "> 50h"}``, as for what is made daily."""
    size: BytesLimits | None = None
    """Limits on a file's size; of a folder, on what everything in it takes on the disk (with pattern: on the sum of those files' sizes)."""
    owner: str | None = Field(default=None, min_length=1)
    """The user that must own it, by name or number."""
    group: str | None = Field(default=None, min_length=1)
    """The group that must own it, by name or number."""
    mode: str | None = Field(default=None, pattern=r"^[0-7]{3,4}$")
    """The permissions that it must have, exactly, for example ``"0640"``."""
    mode_within: str | None = Field(default=None, pattern=r"^[0-7]{3,4}$")
    """Permissions beyond which it may have none: ``"0640"`` allows 0600, and neither 0660 nor 0644."""
    contains: str | None = Field(default=None, min_length=1)
    """A text that the file must contain. Its first ``read_limit`` bytes are read, as UTF-8."""
    not_contains: str | None = Field(default=None, min_length=1)
    """A text that it must not contain."""
    matches: RegularExpression | None = None
    """A regular expression that must be found in it."""
    read_limit: Size = Field(default=1024 * 1024, ge=1, le=64 * 1024 * 1024)
    """How much of it is read for contains, not_contains and matches: 1MiB; at most 64MiB."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """The SHA-256 hash that it must have, as ``sha256sum`` prints it."""
    pattern: str | None = Field(default=None, min_length=1, max_length=255, pattern=r"^[^/\x00-\x1f]+$")
    """Only files with such names count, for example ``*.dump``; ``*``, ``?`` and ``[a-z]`` as in find(1). Of a folder."""
    depth: int | None = Field(default=None, ge=1, le=100)
    """How many levels deep to look; 1 is the folder itself. Without it: all. Of a folder."""
    newest: SecondsLimits | None = None
    """Limits on the age of the newest file, for example of backups; ``{}`` stands for ``{warn: "> 26h", fail: "> 50h"}``. None at all is a
    failure."""
    newest_size: BytesLimits | None = None
    """Limits on the newest file's size. Without it, and where newest is given, an empty one is ``warn``."""
    oldest: SecondsLimits | None = None
    """Limits on the age of the oldest file, for what should have been removed. No limit is usual."""
    largest: BytesLimits | None = None
    """Limits on the largest file's size, for example of logs that should have been rotated. No limit is usual."""
    entries: NumberLimits | None = None
    """Limits on how many files there are. No limit is usual."""
    world_writable: NumberLimits | None = None
    """Limits on how many files and folders every user may write (folders with the sticky bit aside); ``{}`` stands for
    ``{fail: "> 0"}``."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        of_folder = sorted(name for name in _OF_FOLDER if getattr(self, name) is not None)
        of_file = sorted(name for name in _OF_FILE if getattr(self, name) is not None)
        if of_folder and (of_file or self.type == "file"):
            raise ValueError(
                f"{of_folder[0]} is of a folder, and {of_file[0] if of_file else 'type: file'} of a file: give one kind of them"
            )
        if of_file and self.type == "directory":
            raise ValueError(f"{of_file[0]} is of a file: leave out type, or write type: file")
        if self.absent and self.model_fields_set - {"path", "absent"}:
            raise ValueError("what must be absent has no other properties: leave out everything but path")
        if self.mode is not None and self.mode_within is not None:
            raise ValueError("give one of mode (exactly) and mode_within (at most), not both")
        counted = (*_LISTED, "entries", "size")
        if (self.pattern is not None) and not any(getattr(self, name) is not None for name in counted):
            raise ValueError(f"pattern chooses files for {', '.join(counted)}: give at least one of these")
        return self

    @property
    def of_folder(self) -> bool:
        """Whether it must be a folder."""
        return self.type == "directory" or any(getattr(self, name) is not None for name in _OF_FOLDER)


@dataclass(slots=True)
class _Gathered:
    """Verdicts and values as they come."""

    verdicts: list[Verdict] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)


def _questions(options: FileOptions) -> Iterator[tuple[str, Question]]:
    """Each question with a name for its answer."""
    yield "facts", stat(options.path)
    if options.absent:
        return
    listed = any(getattr(options, name) is not None for name in _LISTED)
    if options.age is not None or listed:
        yield "now", Command(("date", "+%s"), environment=C_LOCALE)
    if any(getattr(options, name) is not None for name in _CONTENT):
        yield "content", ReadFile(options.path, options.read_limit)
    if options.sha256 is not None:
        yield "hash", Command(("sha256sum", "--", options.path), environment=C_LOCALE)
    folder = Folder(options.path, options.depth, options.pattern)
    if listed or (options.size is not None and options.pattern is not None):
        yield "listing", folder.listing()
    elif options.entries is not None:
        yield "count", folder.counting()
    if options.of_folder and options.size is not None and options.pattern is None:
        yield "usage", folder.usage()
    if options.world_writable is not None:
        yield "writable", folder.world_writable()


def ask(options: FileOptions, target: Target | None) -> tuple[Question, ...]:
    """What stat says, then whatever the options need."""
    return tuple(question for _, question in _questions(options))


def read(options: FileOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """Whether it is there and what it should be, then its limits."""
    given = dict(zip((name for name, _ in _questions(options)), answers, strict=False))
    if absent(given["facts"]):
        state = State.OK if options.absent else State.FAIL
        expected = "expected" if options.absent else f"expected a {'folder' if options.of_folder else 'file'}"
        return Observation(state, f"{options.path} does not exist, {'as ' if options.absent else ''}{expected}", {"exists": 0.0})
    try:
        return _observed(options, facts(given["facts"]), given)
    except AskError as error:
        return Observation(State.UNKNOWN, f"could not look: {error}")
    except AnswerError as error:
        return Observation(State.FAIL, str(error))


def _observed(options: FileOptions, found: Facts, given: dict[str, Answer]) -> Observation:
    if options.absent:
        return Observation(State.FAIL, f"{options.path} exists, expected it to be absent", {"exists": 1.0})
    wanted = "directory" if options.of_folder else "file"
    fits = found.kind == "directory" if options.of_folder else found.kind.startswith("regular")
    if not fits:
        return Observation(State.FAIL, f"{options.path} is a {found.kind[:40]}, expected a {wanted}", {"exists": 1.0})
    gathered = _Gathered(values={"exists": 1.0})
    now = epoch(text_of(given["now"], "date")) if "now" in given else 0.0
    _owned(options, found, gathered)
    if options.age is not None:
        _aged(options.path, now - found.modified, options.age, "age_seconds", gathered)
    _content(options, given, gathered)
    if not options.of_folder and options.size is not None:
        _sized(f"{options.path} has", found.size, options.size, "size_bytes", gathered)
    if options.of_folder:
        _folder(options, given, now, gathered)
    verdict = together(gathered.verdicts or [Verdict(State.OK, f"{options.path} exists")])
    return Observation(verdict.state, verdict.sentence, gathered.values)


def _owned(options: FileOptions, found: Facts, gathered: _Gathered) -> None:
    for what, wanted, seen in (
        ("owner", options.owner, (found.owner, found.owner_number)),
        ("group", options.group, (found.group, found.group_number)),
    ):
        if wanted is not None:
            state = State.OK if wanted in seen else State.FAIL
            gathered.verdicts.append(Verdict(state, f"the {what} of {options.path} is {show(seen[0])}, expected {show(wanted)}"))
    for text, exact in ((options.mode, True), (options.mode_within, False)):
        if text is not None:
            good = found.mode == int(text, 8) if exact else not found.mode & ~int(text, 8)
            expected = f"{int(text, 8):04o}" if exact else f"nothing beyond {int(text, 8):04o}"
            sentence = f"the permissions of {options.path} are {found.mode:04o}, expected {expected}"
            gathered.verdicts.append(Verdict(State.OK if good else State.FAIL, sentence))


def _aged(name: str, age: float, limits: SecondsLimits, value: str, gathered: _Gathered) -> None:
    gathered.values[value] = max(0.0, age)
    if age < -_AHEAD:
        ahead = f"{name} was modified {describe(-age, Unit.SECONDS)} in the future by the host's clock, so its age is not known"
        gathered.verdicts.append(Verdict(State.WARN, ahead))
        return
    gathered.verdicts.append(judge(f"{name} is {describe(max(0.0, age), Unit.SECONDS)} old", max(0.0, age), *_pair(limits, _DAILY)))


def _pair(limits: SecondsLimits | NumberLimits, usual: _Pair) -> _Pair:
    return (limits.warn, limits.fail) if limits.warn is not None or limits.fail is not None else usual


def _sized(name: str, size: float, limits: BytesLimits, value: str, gathered: _Gathered) -> None:
    gathered.values[value] = float(size)
    gathered.verdicts.append(judge(f"{name} {limits.describe(size)}", size, limits.warn, limits.fail))


def _content(options: FileOptions, given: dict[str, Answer], gathered: _Gathered) -> None:
    if "content" in given:
        wanted = Wanted(options.contains, options.not_contains, options.matches)
        text = text_of(given["content"], options.path)
        answer = given["content"]
        complete = isinstance(answer, bytes) and len(answer) < options.read_limit
        problems = missed(options.path, text, wanted, complete=complete)
        gathered.verdicts += [Verdict(State.FAIL, problem) for problem in problems]
        gathered.verdicts += [] if problems else [Verdict(State.OK, f"{options.path} holds what it should")]
    if "hash" in given:
        printed = text_of(given["hash"], "sha256sum").strip().lstrip("\\")[:64]
        good = printed == options.sha256
        seen = f"the SHA-256 hash of {options.path} is {show(printed[:16])[1:-1]}…, expected {(options.sha256 or '')[:16]}…"
        gathered.verdicts.append(Verdict(State.OK if good else State.FAIL, seen))


def _folder(options: FileOptions, given: dict[str, Answer], now: float, gathered: _Gathered) -> None:
    path = options.path
    if "usage" in given and options.size is not None:
        _sized(f"{path} takes", folders.usage(given["usage"], path), options.size, "size_bytes", gathered)
    if "listing" in given:
        _listed(options, folders.listing(given["listing"], path), now, gathered)
    if "count" in given:
        _counted(options, folders.count(given["count"], path), gathered)
    if "writable" in given and options.world_writable is not None:
        names = folders.names(given["writable"], path)
        which = f": {', '.join(show(name) for name in names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''}" if names else ""
        seen = f"{_how_many(len(names))} below {path} can be written by every user"
        verdict = judge(seen, len(names), *_pair(options.world_writable, _NONE))
        gathered.values["world_writable"] = float(len(names))
        gathered.verdicts.append(Verdict(verdict.state, verdict.sentence + which))


def _how_many(number: int) -> str:
    return f"{number} entr{'y' if number == 1 else 'ies'}" if number else "nothing"


def _counted(options: FileOptions, number: int, gathered: _Gathered) -> None:
    gathered.values["entries"] = float(number)
    if options.entries is not None:
        seen = f"{number or 'no'} file{'s' if number != 1 else ''}{_like(options)} {'are' if number > 1 else 'is'} in {options.path}"
        gathered.verdicts.append(judge(seen, number, options.entries.warn, options.entries.fail))


def _like(options: FileOptions) -> str:
    return f" like {show(options.pattern)}" if options.pattern is not None else ""


def _listed(options: FileOptions, found: folders.Listing, now: float, gathered: _Gathered) -> None:
    _counted(options, found.count, gathered)
    if options.size is not None and options.pattern is not None:
        _sized(f"the files{_like(options)} in {options.path} have", found.total, options.size, "size_bytes", gathered)
    newest, oldest, largest = found.newest, found.oldest, found.largest
    if newest is None or oldest is None or largest is None:
        needed = options.newest is not None or options.newest_size is not None
        sentence = f"there is no file{_like(options)} in {options.path}"
        gathered.verdicts.append(Verdict(State.FAIL if needed else State.OK, f"{sentence}{', expected one' if needed else ''}"))
        return
    if options.newest is not None:
        _aged(
            f"the newest file{_like(options)}, {show(newest.name)},", now - newest.modified, options.newest, "newest_age_seconds", gathered
        )
    if options.newest is not None or options.newest_size is not None:
        limits = options.newest_size or BytesLimits()
        pair = (limits.warn, limits.fail) if options.newest_size is not None else _NOT_EMPTY
        gathered.values["newest_bytes"] = float(newest.size)
        seen = f"the newest file, {show(newest.name)}, has {limits.describe(newest.size)}"
        gathered.verdicts.append(judge(seen, newest.size, *pair))
    if options.oldest is not None:
        gathered.values["oldest_age_seconds"] = age = max(0.0, now - oldest.modified)
        seen = f"the oldest file, {show(oldest.name)}, is {describe(age, Unit.SECONDS)} old"
        gathered.verdicts.append(judge(seen, age, options.oldest.warn, options.oldest.fail))
    if options.largest is not None:
        _sized(f"the largest file, {show(largest.name)}, has", largest.size, options.largest, "largest_bytes", gathered)


DRIVER = Kind(
    summary="A file's age, size, owner, permissions, content and hash; a folder's size, its newest file and who may write in it",
    options=FileOptions,
    ask=ask,
    read=read,
    values={
        "exists": "1 where it exists, else 0",
        "age_seconds": "how long ago the file was modified",
        "size_bytes": "the size of the file; of a folder what all in it takes, or, with pattern, the sizes of those files together",
        "entries": "how many files there are in the folder",
        "newest_age_seconds": "how long ago the newest file was modified",
        "newest_bytes": "the size of the newest file",
        "oldest_age_seconds": "how long ago the oldest file was modified",
        "largest_bytes": "the size of the largest file",
        "world_writable": "how many files and folders every user may write",
    },
    example="""\
checks:
  backup-files:
    file: {path: /var/backups/shop, pattern: "*.dump", newest: {}, newest_size: {fail: "< 1MB"}}
    every: 1h
  settings:
    file: {path: /etc/shop/settings.yaml, owner: root, mode_within: "0640"}
    every: 10m
""",
)
