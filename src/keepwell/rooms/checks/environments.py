"""The environment of a service, read from an env file, a running process or a unit of systemd. No value of it is ever shown.

Values leave this module only to be matched or compared. Names are shown only where they look like names: half a line of a key that was
pasted into an env file must not be taken for one.
"""

import hashlib
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from keepwell.kernel.problems import AnswerError

LIMIT = 256 * 1024
"""Bytes of an environment that are read."""

_LONGEST_OF_UNIT = 128 * 1024
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_SHOWN = re.compile(r"[A-Z_][A-Z0-9_]{0,63}|[a-z_][a-z0-9_]{0,63}")
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]{0,127})=(.*)", re.DOTALL)
_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{1,60}-----")
_END = re.compile(r"-----END [A-Z0-9 ]{1,60}-----")
_FILE = re.compile(r"(/.{0,4095}) \(ignore_errors=(yes|no)\)")


@dataclass(frozen=True, slots=True)
class Environment:
    """Variables by name; lines (of a file) that are no assignments, by number; names that are set more than once."""

    variables: Mapping[str, str] = field(repr=False)
    malformed: tuple[int, ...] = ()
    repeated: tuple[str, ...] = ()

    def digest(self, name: str) -> bytes:
        """The SHA-256 hash of a value, by which two are compared."""
        return hashlib.sha256(self.variables[name].encode(errors="surrogateescape")).digest()

    def text(self, name: str) -> str:
        """A value for matching: what is not UTF-8 is replaced."""
        return self.variables[name].encode(errors="surrogateescape").decode(errors="replace")


def shown(name: str) -> str:
    """A name of foreign data for a sentence: itself where it looks like one, else only that there is one."""
    return name if _SHOWN.fullmatch(name) else "a name that is not shown"


def of_process(data: bytes) -> Environment:
    """What /proc/PID/environ holds (proc_pid_environ(5)): the environment with which the process was started."""
    pairs = (entry.partition("=") for entry in data.decode(errors="surrogateescape").split("\0"))
    return Environment({name: value for name, equals, value in pairs if equals and _NAME.fullmatch(name)})


def of_file(data: bytes) -> Environment:
    """An env file: ``NAME=value`` a line, also after ``export``; values may stand in quotes, then over several lines, too.

    ``#`` and ``;`` begin a comment only where they begin a line, as systemd and docker read such files.
    """
    lines = re.split(r"\r?\n", data.decode("utf-8-sig", errors="surrogateescape"))
    variables: dict[str, str] = {}
    malformed: list[int] = []
    repeated: dict[str, None] = {}
    for number, text in _logical(lines):
        match = _ASSIGNMENT.fullmatch(text)
        if match is None:
            malformed.append(number)
            continue
        if match[1] in variables:
            repeated[match[1]] = None
        variables[match[1]] = _unquoted(match[2].strip())
    return Environment(variables, tuple(malformed), tuple(repeated))


def _logical(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Lines that say something, by number; what stands in quotes, and a key from its BEGIN to its END, is one line."""
    number = 0
    while number < len(lines):
        first, text = number, lines[number]
        number += 1
        if not text.strip() or text.lstrip().startswith(("#", ";")):
            continue
        end = _end(text)
        while end is not None and number < len(lines):
            text += "\n" + lines[number]
            number += 1
            if end.search(lines[number - 1]):
                break
        yield first + 1, text


def _end(line: str) -> re.Pattern[str] | None:
    """What ends a value that this line opens and does not close; None where the line stands alone."""
    value = line.partition("=")[2].strip()
    for quote, closing in (('"', _CLOSING_DOUBLE), ("'", _CLOSING_SINGLE)):
        if value.startswith(quote):
            return None if closing.search(value[1:]) else closing
    return _END if _BEGIN.search(line) and not _END.search(line) else None


_CLOSING_DOUBLE = re.compile(r'(?<!\\)(?:\\\\)*"\s*$')
_CLOSING_SINGLE = re.compile(r"'\s*$")
_ESCAPED = re.compile(r'\\(["\\$`])')


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == "'":
        return value[1:-1]
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return _ESCAPED.sub(r"\1", value[1:-1])
    return value


# --- units of systemd --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfUnit:
    """What ``systemctl show`` says: whether the unit is there, the variables of ``Environment=``, and each ``EnvironmentFile=`` with
    whether it may be absent."""

    load: str
    environment: Environment
    files: tuple[tuple[str, bool], ...]


def of_unit(text: str) -> OfUnit:
    """The answer to ``systemctl show --property=LoadState,Environment,EnvironmentFiles``. Raises AnswerError, which repeats none of it."""
    load, variables, files = "", "", []
    for line in text.splitlines():
        key, _, value = line.partition("=")
        load = value if key == "LoadState" else load
        variables = value if key == "Environment" else variables
        match = _FILE.fullmatch(value) if key == "EnvironmentFiles" else None
        files += [(match[1], match[2] == "yes")] if match else []
    if not load:
        raise AnswerError("systemctl gave no usable answer: it does not say LoadState")
    if len(variables) > _LONGEST_OF_UNIT:
        raise AnswerError("the environment of the unit is longer than 128 KiB, which is none")
    try:
        words = shlex.split(re.sub(r"(^|(?<= ))\$'", "'", variables))
    except ValueError:
        raise AnswerError("systemctl gave no usable answer: a quotation in Environment has no end") from None
    pairs = (word.partition("=") for word in words)
    return OfUnit(load, Environment({name: value for name, equals, value in pairs if equals and _NAME.fullmatch(name)}), tuple(files))


def together(parts: list[Environment]) -> Environment:
    """Several, of which the later ones hold where both set a variable."""
    merged: dict[str, str] = {}
    for part in parts:
        merged |= part.variables
    malformed = tuple(number for part in parts for number in part.malformed)
    return Environment(merged, malformed, tuple(name for part in parts for name in part.repeated))
