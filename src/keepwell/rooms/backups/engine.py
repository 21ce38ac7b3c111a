"""What a driver of ``engines/`` exports: how copies are kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keepwell.config.options import Options


@dataclass(frozen=True, slots=True)
class Place:
    """Where copies lie: a folder of this machine, whom they are encrypted for, and the reference of the identity that opens them (empty:
    none is set, so their content cannot be read here)."""

    path: str
    recipients: tuple[str, ...] = ()
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Engine:
    """A kind of repository. ``place(options)`` says where its archives lie, or why they cannot be made (a sentence)."""

    summary: str
    options: type[Options]
    place: Callable[[Any], Place | str]
    example: str = ""
