"""The section ``tasks``."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from keepwell.config.options import CadenceText, Duration, Options, Reference, ZoneName
from keepwell.kernel.cadences import parse_cadence
from keepwell.kernel.durations import format_duration, parse_duration

from .model import GRACE, LATE

_LATE = re.compile(r"once within (\S.*)")
_EXAMPLE = "skip, or once within 6h"


def _late(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if value == "skip":
        return GRACE
    match = _LATE.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= 64 else None
    if match is None:
        raise PydanticCustomError("expected", "expected {expected}", {"expected": _EXAMPLE})
    try:
        return max(GRACE, parse_duration(match[1]))
    except ValueError as error:
        raise PydanticCustomError("quantity", "{reason}", {"reason": str(error)}) from None


_LATE_SCHEMA = {"type": "string", "description": "what becomes of an occasion that is late", "examples": ["skip", "once within 6h"]}
Late = Annotated[timedelta, PlainValidator(_late, json_schema_input_type=str), WithJsonSchema(_LATE_SCHEMA)]
LEAST = timedelta(seconds=1)
"""The shortest interval at which a task recurs: each of its occasions is a row."""
LockName = Annotated[str, Field(min_length=1, max_length=100)]

KINDS = {
    "run": "runbook",
    "backup": "backup",
    "prove": "proof",
    "rotate": "rotation",
    "clean": "cleanup",
    "analyse": "analysis",
    "audit": "audit",
    "report": "report",
}
"""The keys that say what a task does, and the kind of work that each of them is."""


class TaskOptions(Options):
    """One task: what is done, and when. With none of the keys that say what is done, a person does it and says so."""

    run: str | None = Field(default=None, min_length=1)
    """The runbook that is run: its path in this directory, such as runbooks/restart.md. On which host, it says itself (``on``)."""
    backup: Annotated[str, Reference("backups")] | None = None
    """The backup that is made."""
    prove: Annotated[str, Reference("backups")] | None = None
    """The backup that is proven by restoring it."""
    rotate: Annotated[str, Reference("logs")] | None = None
    """The logs that are rotated."""
    clean: str | None = None
    """The logs in which old files are deleted; one of several rules of theirs as LOGS/RULE."""
    analyse: str | None = None
    """The logs that are asked all questions of theirs; one of these as LOGS/QUESTION."""
    audit: Annotated[str, Reference("audits")] | None = None
    """The audit that is made."""
    report: str | None = None
    """The report that is made: one of the section ``reports``, or weekly or capacity."""
    waits_for: str | None = Field(default=None, min_length=1)
    """A script that nobody supplied; until one of the keys above takes its place, the task has no occasions."""
    with_: dict[str, str] = Field(default={}, alias="with")
    """Values that the work takes, by name."""
    every: CadenceText
    """When it recurs: daily 01:00, weekdays 08:00, first Monday 09:00, 5m, or cron's five fields."""
    zone: ZoneName = "UTC"
    """The zone in which these times are read, such as UTC or Europe/Berlin."""
    window: Annotated[str, Reference("windows")] | None = None
    """It begins only while this window is open; until then it waits."""
    expected_duration: Duration | None = None
    """How long it takes. Where it takes longer, somebody is told."""
    late: Late = LATE
    """What becomes of an occasion whose time went by, because Keepwell was not running or something else had to end first: ``skip``, or
    ``once within 6h`` after its time (of several only the newest)."""
    locks: tuple[LockName, ...] = ()
    """Names of what only one task at a time may use."""
    user: str | None = None
    """Whose crontab it came from. Nothing is run as another user because of it."""
    shell: str | None = None
    """The command of a crontab that it came from. It does not run from here: write it into a runbook and name that with ``run``."""
    priority: Literal["low", "medium", "high", "critical"] | None = None
    """How much it matters that it is done: the severity of its alerts is info, warning, critical or critical."""

    @model_validator(mode="after")
    def _can_be_planned(self) -> Self:
        cadence = parse_cadence(self.every, self.zone)
        if cadence.interval is not None and cadence.interval < LEAST:
            raise ValueError(f"every {self.every} is more often than a task can be kept: write {format_duration(LEAST)} or longer")
        if self.expected_duration == timedelta(0):
            raise ValueError(
                "expected_duration is no time at all, and every occasion would take longer: leave it out, or write such as 20m"
            )
        said = [key for key in (*KINDS, "waits_for") if getattr(self, key) is not None]
        if len(said) > 1:
            raise ValueError(f"a task does one thing, and this one says {' and '.join(said)}: make a task of each")
        return self
