"""Pings: what jobs say of themselves by calling an address of ours, and what was heard from one of them so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Signal(StrEnum):
    """What a ping says: the job began, ended well, failed, or only has something to tell."""

    START = "start"
    SUCCESS = "success"
    FAIL = "fail"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a job's pings arrive: below ``/ping/``, the value of ``key`` (a reference to a secret), the ``slug``, or both in this order."""

    key: str | None = None
    slug: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of one job. ``since`` is when its pings were first waited for.

    ``ended_at`` and ``ended_well`` are the newest end of a run (success or failure), with its exit status where it gave one, the seconds
    since the start of the same run where that was heard, and its text. ``running`` are runs that began and have not ended: when each did,
    by the name that it gave itself (empty where none).
    """

    since: datetime
    count: int = 0
    newest_at: datetime | None = None
    ended_at: datetime | None = None
    ended_well: bool = True
    status: int | None = None
    seconds: float | None = None
    text: str = ""
    running: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Silence:
    """When no ping could arrive, because Keepwell did not run: ``since`` the last sign of its life, ``until`` its start."""

    since: datetime
    until: datetime


class Pings(Protocol):
    """Knows what was heard."""

    async def heard(self, address: Address) -> tuple[Heard, Silence]:
        """What was heard at this address, and when nobody listened last. Raises AskError where its secret cannot be resolved."""
        ...
