"""The words of incidents: ITIL's for what people do about them, the manual's own for how severe they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum


class Stage(Enum):
    """How far people are with an incident. It only goes on, never back."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


class Kind(Enum):
    """What a clock is for: the first answer, word to those who wait, the end."""

    RESPOND = "respond"
    UPDATE = "update"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Severity:
    """One severity of the manual. ``respond`` is how soon somebody answers, ``update`` how often those who wait hear something,
    ``resolve`` how soon it is over; None: nothing is promised. ``rank`` is 0 for the most severe. ``runbook`` is a path."""

    name: str
    rank: int
    respond: timedelta | None = None
    update: timedelta | None = None
    resolve: timedelta | None = None
    means: str = ""
    examples: str = ""
    note: str = ""
    runbook: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """The severities of a configuration, most severe first, and which severity an alert's label ``severity`` means."""

    severities: Mapping[str, Severity] = field(default_factory=dict)
    opens: Mapping[str, str] = field(default_factory=dict)

    def of_alert(self, label: str) -> Severity | None:
        """The severity of the incident that an alert with this ``severity`` opens; None where it opens none."""
        name = self.opens.get(label.lower())
        return self.severities.get(name) if name is not None else None

    def rank(self, name: str) -> int:
        """Where a severity stands; one that the configuration has no more stands last."""
        known = self.severities.get(name)
        return known.rank if known is not None else len(self.severities)


@dataclass(frozen=True, slots=True)
class Seen:
    """A firing alert as an incident sees it. ``group`` names what it is notified together with; ``ended_at``: it has ended meanwhile."""

    number: int
    name: str
    severity: str
    sentence: str
    group: str
    since: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    """An alert that belongs to an incident."""

    number: int
    name: str
    severity: str
    sentence: str
    since: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did, when, and what they said."""

    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """Something that is due. ``missed_at``: its time came and it was not done; ``ended_at``: it was done, or is wanted no more. A clock for
    updates begins anew with each of them; ``misses`` counts how often it was missed."""

    kind: Kind
    due_at: datetime
    missed_at: datetime | None = None
    ended_at: datetime | None = None
    misses: int = 0

    @property
    def is_running(self) -> bool:
        """Whether it is still wanted."""
        return self.ended_at is None

    @property
    def is_overdue(self) -> bool:
        """Whether it is still wanted and its time has come."""
        return self.ended_at is None and self.missed_at is not None


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. ``number`` is given once; ``group`` names the group of alerts that opened it, empty where a person did.

    ``acknowledged`` is the first answer, ``mitigated`` when it hurt nobody any more, ``resolved`` the end, with what was found.
    ``part_of``: it is over as an incident of its own, since it turned out to be part of that one.
    """

    number: int
    severity: str
    title: str
    opened_at: datetime
    opened_by: str
    group: str = ""
    acknowledged: Deed | None = None
    mitigated: Deed | None = None
    resolved: Deed | None = None
    alerts: Sequence[Linked] = ()
    clocks: Sequence[Clock] = ()
    part_of: int | None = None

    @property
    def stage(self) -> Stage:
        """How far people are with it."""
        if self.resolved is not None:
            return Stage.RESOLVED
        if self.mitigated is not None:
            return Stage.MITIGATED
        return Stage.ACKNOWLEDGED if self.acknowledged is not None else Stage.OPEN

    def clock(self, kind: Kind) -> Clock | None:
        """Its clock of that kind."""
        return next((clock for clock in self.clocks if clock.kind is kind), None)

    @property
    def due_at(self) -> datetime | None:
        """When the next thing is due that is not overdue already."""
        return min((clock.due_at for clock in self.clocks if clock.is_running and clock.missed_at is None), default=None)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a diagnostic found: where it ran, how it ended in a sentence, and the digest of what it printed (in the journal, redacted);
    empty where it printed nothing. ``occasion`` tells collections apart: one of an opening is made once."""

    incident: int
    occasion: str
    name: str
    host: str
    at: datetime
    sentence: str
    digest: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of a timeline: an entry of the journal."""

    number: int
    at: datetime
    actor: str
    event: str
    subject: str
    facts: Mapping[str, object]
    digest: str = ""
