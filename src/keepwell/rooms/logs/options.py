"""The section ``logs``."""

import re
from datetime import timedelta
from enum import Enum
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from keepwell.config.options import Duration, Options
from keepwell.kernel.cadences import parse_cadence
from keepwell.kernel.sizes import parse_size
from keepwell.kernel.zones import find_zone

from .lines import Pattern, pattern
from .model import Clean, Owner, Policy, Question, Rotate, Watch

_CREATE = re.compile(r"(?P<mode>0?[0-7]{3})?(?:(?:^|\s+)(?P<user>[\w.$-]+)(?:\s+(?P<group>[\w.$-]+))?)?")
_PLAIN_SIZE = re.compile(r"([0-9]{1,15})\s*([kKMG]?)")
_UNITS = {"": 1, "k": 1 << 10, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_COMPRESS = re.compile(r"after ([0-9]{1,4})|(at once)|(never)")
_BY = re.compile(r"line|message|fields? \S{1,40}|[^\W\d][\w.-]{0,63}")
_WORDS = {"hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly", "year": "0 0 1 1 *"}
"""How often, as logrotate(8) says it, in the words of a cadence."""


def _text_of(read: Any, expected: str) -> PlainValidator:
    def convert(value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)  # YAML takes 644 and 1048576 for numbers
        try:
            if isinstance(value, str) and len(value) <= 4096:
                return read(value)
        except ValueError as error:
            raise PydanticCustomError("quantity", "{reason}", {"reason": str(error)}) from None
        raise PydanticCustomError("expected", "expected {expected}", {"expected": expected})

    return PlainValidator(convert, json_schema_input_type=str)


def _schema(words: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": words, "examples": list(examples)})


def _bytes(text: str) -> int:
    match = _PLAIN_SIZE.fullmatch(text.strip())
    return int(match[1]) * _UNITS[match[2]] if match else parse_size(text)


def _owner(text: str) -> Owner:
    match = _CREATE.fullmatch(text.strip())
    if match is None or not text.strip():
        raise ValueError("expected mode, user and group such as 640 shop adm")
    return Owner(int(match["mode"], 8) if match["mode"] else None, match["user"] or "", match["group"] or "")


def _compress(text: str) -> int | None:
    match = _COMPRESS.fullmatch(text.strip())
    if match is None:
        raise ValueError('expected "after 1" (the newest stays as it is), "at once" or never')
    return int(match[1]) if match[1] else 0 if match[2] else None


def _every(text: str) -> str:
    words = _WORDS.get(text, text)
    parse_cadence(words, "UTC")
    return words


def _zone(text: str) -> str:
    try:
        find_zone(text)
    except ValueError as error:
        raise PydanticCustomError("zone", "{reason}", {"reason": str(error)}) from None
    return text


def _by(text: str) -> str:
    if not _BY.fullmatch(text):
        raise PydanticCustomError("by", "expected line, message, a field such as field 4 or fields 1-3, or a label such as status")
    return text


_Size = Annotated[int, _text_of(_bytes, "a size such as 100MB"), _schema("a size with its unit; without one, bytes", "100MB", "100M")]
_Create = Annotated[Owner, _text_of(_owner, "mode, user and group such as 640 shop adm"), _schema("mode, user and group", "640 shop adm")]
_Compress = Annotated[int | None, _text_of(_compress, "after 1, at once or never"), _schema("when", "after 1", "at once", "never")]
_Every = Annotated[str, _text_of(_every, "how often, such as day"), _schema("how often: hour, day, week, month, year, or a cadence", "day")]
_Zone = Annotated[str, AfterValidator(_zone)]
_By = Annotated[str, AfterValidator(_by)]
_Pattern = Annotated[
    Pattern, _text_of(pattern, "a regular expression"), _schema("a regular expression, found anywhere in a line", "(?i)critical|fatal")
]


class Signal(Enum):
    """Signals by which programs are told to open their files anew."""

    HUP = "HUP"
    USR1 = "USR1"
    USR2 = "USR2"


class RotateOptions(Options):
    """How files are rotated: renamed, the writer told, and compressed only when nobody writes to them any more."""

    every: _Every | None = None
    """How often: hour, day, week, month, year, or any cadence. Without it: when a task or a person says so, or by size."""
    size: _Size | None = None
    """Rotated as soon as it has so many bytes, whatever the time."""
    at_least: _Size = 0
    """A smaller file is not rotated. One without content never is."""
    keep: int | None = Field(default=None, ge=0, le=1_000_000)
    """How many rotated files stay; older ones are removed. Without it: all."""
    max_age: Duration | None = None
    """Rotated files that nobody wrote to for so long are removed."""
    compress: _Compress | None = None
    """When rotated files are compressed (gzip): ``after 1`` leaves the newest as it is, ``at once`` none. Without it: never."""
    create: _Create | None = None
    """Mode, user and group of the new file, for example ``640 shop adm``. Without it the writer makes it."""
    archive: str | None = Field(default=None, min_length=1)
    """The folder for rotated files, on the same file system; a relative one is below that of the file. Without it: beside the file."""
    reopen: Signal | None = None
    """The signal that makes who writes to the renamed file open its files anew. A process without a handler for it gets none."""
    pid_file: str | None = Field(default=None, min_length=1)
    """The file with the number of the process that gets the signal, instead of all who write."""
    then: str | None = Field(default=None, min_length=1)
    """A shell's text that does it instead, once for all files, such as ``systemctl reload shop``. It runs only when accepted."""
    first: str | None = Field(default=None, min_length=1)
    """A shell's text that runs before. Where it fails, nothing is rotated. It runs only when accepted."""
    release: Duration = timedelta(seconds=30)
    """How long to wait until the writer let go of the renamed file. Where it does not, the file stays uncompressed, and that is said."""
    copy_and_truncate: bool | str = False
    """Copies the file and cuts it, which loses lines that are written in between. Done only where this says why the writer can do no
    other; ``true`` is refused when it comes to it."""
    run_as: str | None = Field(default=None, alias="as")
    """logrotate's ``su``. Not needed here: no link is followed, so it changes nothing."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.pid_file is not None and self.reopen is None:
            raise ValueError("pid_file says who gets a signal: give reopen too")
        if self.copy_and_truncate and (self.reopen or self.then):
            raise ValueError("a file that is copied and cut needs no reopen or then: give one of them")
        return self

    def rotate(self, zone: str) -> Rotate:
        """As a value."""
        copies = self.copy_and_truncate
        return Rotate(
            every=self.every or "",
            zone=zone,
            size=self.size,
            at_least=self.at_least,
            keep=self.keep,
            max_age=self.max_age,
            pack_after=self.compress,
            create=self.create,
            archive=self.archive or "",
            signal=self.reopen.value if self.reopen else "",
            pid_file=self.pid_file or "",
            then=self.then or "",
            first=self.first or "",
            copies=copies if isinstance(copies, str) else "true" if copies else "",
            release=self.release,
        )


class CleanOptions(Options):
    """Files that are deleted when nobody changed them for long. Links are not followed, and other file systems not entered."""

    under: str = Field(pattern=r"^/[^\x00]*$")
    """The folder, an absolute path of at least two parts; folders in it are looked through too."""
    names: str = Field(min_length=1, max_length=255)
    """Which names, such as ``*.log.*``."""
    older_than: Duration
    """How long nobody changed them."""

    @model_validator(mode="after")
    def _is_below(self) -> Self:
        parts = [part for part in self.under.split("/") if part]
        if ".." in parts or (len(parts) < 2 and parts != ["tmp"]):
            raise ValueError(f"{self.under} is no folder to clean up in: give one further down, such as /var/log/shop")
        if "/" in self.names:
            raise ValueError("names are those of files, without folders")
        if self.older_than == timedelta(0):
            raise ValueError("older_than is no time at all: files would be deleted while they are written; write such as 90d")
        return self


class _Choosing(Options):
    """Which lines."""

    pattern: _Pattern | None = None
    """What a line has somewhere in it."""
    patterns: tuple[_Pattern, ...] = ()
    """Several that a line has, all of them."""

    @property
    def all_patterns(self) -> tuple[str, ...]:
        """The texts of all."""
        return tuple(one.text for one in (*((self.pattern,) if self.pattern else ()), *self.patterns))


class QuestionOptions(_Choosing):
    """A question to a log file, its rotated files included. It reads each file once, whatever stands in it."""

    name: str = Field(min_length=1, max_length=100)
    """What it is called."""
    path: str = Field(alias="in", min_length=1)
    """The log file."""
    ask: Literal["search", "count", "top", "statistics", "show"]
    """search: the last lines that fit; count: how many fit; top: the most frequent; statistics: mean, least, greatest and percentiles of a
    number; show: the last lines."""
    without: tuple[_Pattern, ...] = ()
    """What a line does not have."""
    by: _By | None = None
    """What top counts by: line, message (the text without time, numbers and ids), field 4 or fields 1-3 (as awk counts them), or a label
    such as status (``status=500``, ``"status": 500``)."""
    figure: str | None = Field(default=None, min_length=1, max_length=100)
    """The label of the number, such as Memory for ``Memory: 120MB``."""
    last: int = Field(default=0, ge=0, le=100_000)
    """How many lines or groups are given. Without it: 10 groups, 1000 lines."""
    over: Duration | None = None
    """Only lines of the last so long, by the time that stands in them."""


class WatchOptions(_Choosing):
    """Lines that are counted as they come: ``log_matches_total{log=..., watch=...}``."""

    name: str | None = Field(default=None, min_length=1, max_length=100)
    """What it is called; without it, its pattern."""
    path: str | None = Field(default=None, alias="in", min_length=1)
    """Only in this file of the policy."""

    @property
    def called(self) -> str:
        """Its name; without one, its pattern."""
        return self.name or " and ".join(self.all_patterns) or "lines"


class LogOptions(Options):
    """A group of log files: how they are rotated, cleaned up, asked and watched."""

    paths: tuple[Annotated[str, Field(min_length=1)], ...] = Field(default=(), max_length=1000)
    """The files, such as ``/var/log/shop/*.log``. A relative path is below the operations directory."""
    zone: _Zone = "UTC"
    """The zone of times in lines that name none, and of the days by which files are rotated."""
    rotate: RotateOptions | None = None
    """How they are rotated."""
    clean: tuple[CleanOptions, ...] = ()
    """What is deleted when it is old: by a task (``clean: NAME``) or ``keepwell logs clean``, as the section ``policy`` allows."""
    analyse: tuple[QuestionOptions, ...] = ()
    """Questions that can be asked of them."""
    watch: tuple[WatchOptions, ...] = ()
    """What is counted while they grow."""

    @model_validator(mode="after")
    def _watches_its_own(self) -> Self:
        never = next((one.path for one in self.watch if self.paths and one.path is not None and not _may_fit(one.path, self.paths)), None)
        if never is not None:
            raise ValueError(f"nothing is counted in {never}, which none of the paths means: write it among them")
        return self

    def policy(self, name: str, directory: str) -> Policy:
        """As a value; relative paths are those below ``directory``."""
        return Policy(
            name,
            tuple(_below(directory, path) for path in self.paths),
            self.zone,
            self.rotate.rotate(self.zone) if self.rotate else None,
            tuple(Clean(one.under, one.names, one.older_than) for one in self.clean),
            _questions(self.analyse, directory),
            tuple(Watch(one.called, one.all_patterns, _below(directory, one.path) if one.path else "") for one in self.watch),
        )


def _may_fit(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a pattern may mean that path. Where one of both is relative and the other is not, the directory decides."""
    parts = path.removeprefix("./").split("/")
    for one in patterns:
        wanted = one.removeprefix("./").split("/")
        if (parts[0] == "") != (wanted[0] == "") or "~" in (parts[0][:1], wanted[0][:1]):
            return True
        if len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted)):
            return True
    return False


def _below(directory: str, path: str) -> str:
    return path if path.startswith(("/", "~")) else f"{directory}/{path.removeprefix('./')}"


def _questions(options: tuple[QuestionOptions, ...], directory: str) -> tuple[Question, ...]:
    """Each with a name of its own: a second one of a name gets a number."""
    made: dict[str, Question] = {}
    for one in options:
        name, number = one.name, 2
        while name in made:
            name, number = f"{one.name}-{number}", number + 1
        made[name] = Question(
            name,
            _below(directory, one.path),
            one.ask,
            one.all_patterns,
            tuple(each.text for each in one.without),
            one.by or "",
            one.figure or "",
            one.last,
            one.over,
        )
    return tuple(made.values())
