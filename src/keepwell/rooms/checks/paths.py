"""A path on a host as a check's options name it, and what stat(1) says of it."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.ports.runner import Command, Result

from .answers import text_of
from .model import Answer
from .texts import show

C_LOCALE = {"LC_ALL": "C", "TZ": "UTC"}
_LONGEST = 4096
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def plain_path(path: str) -> str:
    """The path itself. Raises ValueError where it is not absolute, climbs (``..``), or holds a control character."""
    if not path.startswith("/"):
        raise ValueError(f"{show(path)} is no absolute path: it must start with /")
    if ".." in path.split("/"):
        raise ValueError(f"{show(path)} climbs: write the path without ..")
    if _CONTROL.search(path) or len(path) > _LONGEST:
        raise ValueError("a path holds no control characters and at most 4096 characters")
    return path


PlainPath = Annotated[str, AfterValidator(plain_path)]
"""An absolute path without ``..``."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What stat(1) says, links followed: ``directory``, ``regular file``, ...; seconds since 1970; mode bits as a number."""

    kind: str
    size: int
    modified: float
    owner: str
    owner_number: str
    group: str
    group_number: str
    mode: int


_FORMAT = "%F\n%s\n%Y\n%U\n%u\n%G\n%g\n%a"  # real line ends: busybox knows no --printf
_MODE = re.compile(r"[0-7]{1,5}")
_NUMBER = re.compile(r"-?[0-9]{1,18}")


def stat(path: str) -> Command:
    """The question for the facts of a path."""
    return Command(("stat", "-L", "-c", _FORMAT, "--", path), environment=C_LOCALE)


def absent(answer: Answer) -> bool:
    """Whether stat, find or du said that there is no such path."""
    return isinstance(answer, Result) and not answer.succeeded and "No such file or directory" in answer.stderr


def refused(answer: Answer) -> str:
    """The line in which a program said that this user may not look; empty where none did."""
    if not isinstance(answer, Result):
        return ""
    return next((line.strip() for line in answer.stderr.splitlines() if "Permission denied" in line), "")


def facts(answer: Answer) -> Facts:
    """The facts. Raises AskError where this user may not look, AnswerError where the answer is none."""
    if refused(answer):
        raise AskError(show(refused(answer)))
    text = text_of(answer, "stat")
    lines = text.removesuffix("\n").split("\n")
    if len(lines) != 8 or not all(_NUMBER.fullmatch(line) for line in lines[1:3]) or not _MODE.fullmatch(lines[7]):
        raise AnswerError(f"stat gave no usable answer: {show(text.strip())}")
    kind, size, modified, owner, owner_number, group, group_number, mode = lines
    return Facts(kind, max(0, int(size)), float(modified), owner, owner_number, group, group_number, int(mode, 8))
