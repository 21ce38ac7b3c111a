"""The control ``failed_authentications``: who failed to log in, by address, within a time, also in rotated and compressed logs.

Lines are counted by the instant that they begin with (ISO 8601, in brackets or not; or syslog's ``Mar  2 08:00:00``, RFC 3164, 4.1.2, of
the newest such year). A line without one is counted, too: rather once too often than not at all."""

import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from keepwell.config.options import Duration, Options
from keepwell.kernel.durations import format_duration
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.zones import find_zone
from keepwell.ports.runner import Command, Result
from keepwell.rooms.audits.model import Control, Finding
from keepwell.rooms.audits.reading import C_LOCALE, shown, text_of

LIMIT = 4 * 1024 * 1024
FAILED = "authentication fail|failed password|invalid user|login fail|failed login"
NOBODY = "an address that is not told"

_ISO = re.compile(r"\W{0,3}(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)?")
_SYSLOG = re.compile(r"([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)\b")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WRITTEN = r"((?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F:]{2,39})(?![\w:]|\.\d)"
_ADDRESS = re.compile(rf"(?<![\w.:]){_WRITTEN}")
_FROM = re.compile(rf"(?:\bfrom[ =:]|\brhost=|\bclient[ =:])[ \[]{{0,2}}{_WRITTEN}", re.IGNORECASE)
_SEARCHES = {"*.xz": "xzgrep", "*.lzma": "xzgrep", "*.bz2": "bzgrep", "*.zst": "zstdgrep"}
"""What searches logs that gzip(1) cannot open; zgrep(1) searches all others."""

_ELSEWHERE = ("-type", "d", "!", "(", "-name", "archive", "-o", "-name", "old", ")")
"""Folders beside a log in which its rotated ones do not lie: by habit one of these two names is where log policies, also logrotate's, put
them."""

Path = Annotated[str, Field(pattern="^/.*[^/]$")]


def _zone(text: str) -> str:
    find_zone(text)
    return text


class FailedAuthenticationsOptions(Options):
    """Where failures are written, and how many are too many."""

    paths: tuple[Path, ...] = Field(min_length=1)
    """Log files. Rotated ones (the same name with more behind it) are read as well, beside them and in folders ``archive`` and ``old``
    there, compressed ones too (gzip, xz, bzip2 and zstd, each with its own program)."""
    pattern: Annotated[str, Field(min_length=1)] = FAILED
    """An extended regular expression as grep takes it, whatever the case, that a failure's line fits."""
    over: Duration = timedelta(days=1)
    """How far back."""
    more_than: int = Field(default=0, ge=0)
    """So many from one address are no finding yet."""
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """The zone of instants that say none."""


def ask(options: FailedAuthenticationsOptions) -> tuple[Command, ...]:
    """For each path one find(1) with zgrep(1) and its kin over the file and its rotated ones that changed within the time."""
    minutes = str(int(options.over / timedelta(minutes=1)) + 2)
    search = ("-h", "-i", "-a", "-E", "-e", options.pattern, "{}", ";")
    others = [word for ending, program in _SEARCHES.items() for word in ("-name", ending, "-exec", program, *search, "-o")]
    found = []
    for path in options.paths:
        folder, _, name = path.rpartition("/")
        escaped = re.sub(r"([*?\[\]\\])", r"\\\1", name)
        where = ("find", "-H", folder or "/", "-mindepth", "1", "-maxdepth", "2", *_ELSEWHERE, "-prune", "-o")
        logs = ("-type", "f", "-name", f"{escaped}*", "-printf", "\\0%p\\n")
        argv = (*where, *logs, "-mmin", f"-{minutes}", "(", *others, "-exec", "zgrep", *search, ")")
        found.append(Command(argv, environment=C_LOCALE, output_limit=LIMIT, package="gzip"))
    return tuple(found)


def read(options: FailedAuthenticationsOptions, answers: Sequence[Result], now: datetime) -> Sequence[Finding]:
    """One finding for each address of each log."""
    zone, start = find_zone(options.zone), now - options.over
    found = []
    for path, answer in zip(options.paths, answers, strict=True):
        counted: dict[str, int] = {}
        lines = text_of(answer, "searching the log").splitlines()
        _check_searched(path, answer.stderr)
        if not any(line.startswith("\0") for line in lines):
            raise AnswerError(f"there is no log {shown(path)}")
        for line in lines:
            if line.startswith("\0"):
                continue
            at = instant_of(line, zone, now)
            if at is None or start <= at <= now + timedelta(minutes=5):
                name = address_in(line)
                counted[name] = counted.get(name, 0) + 1
        for name, count in sorted(counted.items()):
            if count > options.more_than:
                times = "once" if count == 1 else f"{count} times"
                words = f"authentication from {name} failed {times} within {format_duration(options.over)}, says {shown(path)}"
                found.append(Finding(f"{path} {name}", words))
    return found


def _check_searched(path: str, errors: str) -> None:
    """Raises AskError where a log was not searched, or not to its end: find(1) ends well whatever became of what it started."""
    for line in filter(None, map(str.strip, errors.splitlines())):
        moved = path in line and "No such file or directory" in line  # rotated meanwhile: its new name is searched the next time
        if not (moved or "warning:" in line or "trailing garbage ignored" in line):
            raise AskError(f"not all of {shown(path)} was searched: {shown(line)}")


def address_in(line: str) -> str:
    """The IP address from which it was tried: the last that stands behind ``from`` or its kin, since a name that somebody tries to log in
    with stands before it and may look like an address; else the first in the line."""
    for match in (*reversed(list(_FROM.finditer(line))), *_ADDRESS.finditer(line)):
        try:
            return str(ipaddress.ip_address(match[1]))
        except ValueError:
            continue  # a time of day, a part of a version
    return NOBODY


def instant_of(line: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The instant that a line begins with; None where it begins with none."""
    try:
        iso = _ISO.match(line)
        if iso is not None:
            year, month, day, hour, minute, second = (int(iso[group]) for group in range(1, 7))
            offset = iso[7]
            if offset:
                return datetime.fromisoformat(f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{offset}")
            return datetime(year, month, day, hour, minute, second, tzinfo=zone)
        syslog = _SYSLOG.match(line)
        if syslog is not None and syslog[1] in _MONTHS:
            month, day, hour, minute, second = _MONTHS.index(syslog[1]) + 1, *(int(syslog[group]) for group in range(2, 6))
            years = [year for year in (now.year - 1, now.year, now.year + 1) if _exists(year, month, day)]
            instants = [datetime(year, month, day, hour, minute, second, tzinfo=zone) for year in years]
            return max((at for at in instants if at <= now + timedelta(days=1)), default=None)
    except ValueError:
        return None
    return None


def _exists(year: int, month: int, day: int) -> bool:
    try:
        datetime(year, month, day)  # noqa: DTZ001 (only whether there is such a day)
    except ValueError:
        return False
    return True


DRIVER = Control(
    summary="Failed logins, by address",
    options=FailedAuthenticationsOptions,
    ask=ask,
    read=read,
    example="logins:\n  failed_authentications: {paths: [/var/log/auth.log], over: 7d, more_than: 5}\n  every: daily 06:00\n",
)
