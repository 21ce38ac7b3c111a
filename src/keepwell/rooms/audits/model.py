"""The words of audits: a control is asked of a host and gives findings; a finding may be waived for a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import Field, model_validator

from keepwell.config.options import CadenceText, Duration, Options, Reference, ZoneName
from keepwell.kernel.cadences import parse_cadence
from keepwell.ports.runner import Command, Result

O = TypeVar("O", bound=Options)  # noqa: E741 (the options of one control)

LOCAL = "local"


def digest_of(key: str) -> str:
    """What a finding's key is looked up by; SHA-256, hexadecimal."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a control found wrong. ``key`` tells it from others of the same audit and is the same the next time; ``sentence``
    says it for people."""

    key: str
    sentence: str


@dataclass(frozen=True)
class Control(Generic[O]):
    """A driver: what it asks of a host, and what it reads from the answers. Both are pure.

    ``ask`` gives commands, which change nothing; ``read`` gets their results in the same order, and the instant. It raises AskError where
    the control could not be made (something may not be read), AnswerError where the host gave no usable answer.
    """

    summary: str
    options: type[O]
    ask: Callable[[O], tuple[Command, ...]]
    read: Callable[[O, Sequence[Result], datetime], Sequence[Finding]]
    example: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


class AuditOptions(Options):
    """What every audit may have beside its control."""

    every: CadenceText = "weekly"
    """When it is made, such as weekly, daily 03:00, first Monday 09:00."""
    zone: ZoneName = "UTC"
    """The zone of these times, such as ``Europe/Berlin``."""
    on: Annotated[str, Reference("hosts", also=LOCAL)] = LOCAL
    """The host that is looked at."""
    severity: Annotated[str, Field(min_length=1)] = "warning"
    """The severity of the alert while there are findings that nobody waived."""
    timeout: Duration = timedelta(minutes=5)
    """How long each of its commands may take."""

    @model_validator(mode="after")
    def _recurs(self) -> Self:
        parse_cadence(self.every, self.zone)
        return self


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit of a configuration."""

    name: str
    kind: str
    control: Control[Any]
    options: Any
    host: str = LOCAL
    severity: str = "warning"
    every: str = "weekly"
    timeout: float = 300.0


@dataclass(frozen=True, slots=True)
class Standing:
    """A finding as it is kept: ``first_seen`` ever, ``since`` when it is there this time, ``last_seen``; ``gone_at`` when a look no longer
    found it. ``times`` counts how often it came."""

    audit: str
    key: str
    sentence: str
    first_seen: datetime
    since: datetime
    last_seen: datetime
    gone_at: datetime | None = None
    times: int = 1

    @property
    def id(self) -> str:
        """What people and addresses call it: 16 hexadecimal digits of its key's digest."""
        return digest_of(self.key)[:16]


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody accepts a finding until an instant, and says why."""

    audit: str
    key: str
    until: datetime
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """One audit that was made: ``occasion`` names it for ever. ``ended_at`` is None while it is made; ``outcome`` is done or failed."""

    occasion: str
    audit: str
    by: str
    began_at: datetime
    ended_at: datetime | None = None
    outcome: str = ""
    sentence: str = ""
    findings: int = 0
    new: int = 0
    waived: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with its waiver, where one holds now."""

    standing: Standing
    waiver: Waiver | None = None
