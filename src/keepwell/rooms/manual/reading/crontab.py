"""Entries of a crontab (crontab(5)): five fields or ``@daily``, in system files a user, and a command. Pure."""

import re
from collections.abc import Iterator, Sequence

from .parts import CronEntry
from .shell import Piece, read_shell

_FIELD = r"(?:\*|[0-9A-Za-z]+(?:-[0-9A-Za-z]+)?)(?:/\d+)?(?:,(?:\*|[0-9A-Za-z]+(?:-[0-9A-Za-z]+)?)(?:/\d+)?)*"
_NUMERIC = r"(?:\*|\d+(?:-\d+)?)(?:/\d+)?(?:,(?:\*|\d+(?:-\d+)?)(?:/\d+)?)*"
_NAMED = rf"(?:{_NUMERIC}|(?:[A-Za-z]{{3}}(?:[-,][A-Za-z]{{3}})*))"
_ENTRY = re.compile(
    rf"\s*(?P<off>#\s*)?(?P<when>{_NUMERIC}[ \t]+{_NUMERIC}[ \t]+{_NUMERIC}[ \t]+{_NAMED}[ \t]+{_NAMED}|"
    r"@(?:reboot|yearly|annually|monthly|weekly|daily|midnight|hourly))[ \t]+(?P<command>\S.*)"
)
_USER = re.compile(r"(?P<user>root|[a-z_][a-z0-9_-]{0,31})[ \t]+(?P<rest>\S.*)")
_LONGEST = 4000


def is_cron_line(line: str) -> bool:
    """Whether a line is an entry of a crontab (not one behind ``#``)."""
    match = _ENTRY.fullmatch(line) if len(line) < _LONGEST else None
    return bool(match) and not (match and match["off"])


def cron_entries(lines: Sequence[str], first: int, section: tuple[str, ...] = (), file: str = "") -> Iterator[CronEntry]:
    """The entries among the lines. Files in /etc/cron.d and /etc/crontab have a column for the user."""
    with_user = "cron.d/" in file or file.endswith("/crontab")
    for number, line in enumerate(lines, first):
        match = _ENTRY.fullmatch(line) if len(line) < _LONGEST else None
        if not match:
            continue
        command, user = match["command"].rstrip(), ""
        owner = _USER.fullmatch(command)
        if owner and (with_user or owner["user"] == "root"):
            command, user = owner["rest"], owner["user"]
        # crontab(5): an unescaped % ends the command; what follows is its standard input.
        code = re.split(r"(?<!\\)%", command)[0].replace("\\%", "%")
        script = read_shell(Piece(code, number, "cron", "sh", section, offsets=[line.find(command)]))
        yield CronEntry(re.sub(r"\s+", " ", match["when"]), user, command, number, script, bool(match["off"]))
