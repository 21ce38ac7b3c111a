"""The words of alerts. The field's own: Alertmanager's for routes, groups, silences and inhibition, Prometheus' for an alert's life."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Literal

Labels = Mapping[str, str]

ALERT_NAME, SEVERITY = "alertname", "severity"


class State(Enum):
    """Where one alert stands. What its source could not judge is no state of its own: see ``Alert.doubt``."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody knows of it: no repeats and no escalation, until it is resolved or, where ``until`` says so, until then."""

    by: str
    at: datetime
    note: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode of an alert: from when its condition began to hold until it was resolved. ``number`` is given once and never again;
    ``fingerprint`` is that of its labels (the same in every episode).

    ``source`` is who told of it (``rules/NAME``, ``rule_files/...``, ``checks/NAME``, ``api``, ``keepwell``). ``expires_at``: one that is
    told of from outside ends by itself then, unless it is told of again. ``reason`` says why it ended. ``muted_by`` is what keeps it from
    being notified now (``silence ID``, ``inhibited by NUMBER``, ``window NAME``), empty where nothing does. ``settled``: everybody who was
    to be told of its end was; only then it leaves memory. ``memory`` belongs to its source. ``service_added``: its source gave it no label
    ``service``; it has that of the operations directory, as Prometheus' external labels are added. ``closed``: somebody
    resolved it by hand while its source held it for active; it fires again only after its source has said that it ended.
    """

    number: int
    fingerprint: str
    labels: Labels
    annotations: Labels
    source: str
    state: State
    active_since: datetime
    updated_at: datetime
    firing_since: datetime | None = None
    resolved_at: datetime | None = None
    keep_firing_since: datetime | None = None
    expires_at: datetime | None = None
    value: float | None = None
    generator_url: str = ""
    doubt: str = ""
    flapping: bool = False
    acknowledged: Acknowledgement | None = None
    assigned_to: str = ""
    reason: str = ""
    muted_by: str = ""
    settled: bool = False
    service_added: bool = False
    closed: bool = False
    memory: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its ``alertname``."""
        return self.labels.get(ALERT_NAME, "")

    @property
    def severity(self) -> str:
        """Its ``severity``, empty where it has none."""
        return self.labels.get(SEVERITY, "")


@dataclass(frozen=True, slots=True)
class Posted:
    """An alert as a program tells of it. It ends at ``ends_at``, else when it is not told again within the time that posted alerts last;
    with ``lasts`` it stays until somebody resolves it."""

    labels: Labels
    annotations: Labels
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    generator_url: str = ""
    lasts: bool = False


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label, as Alertmanager writes it: ``severity=~"P0|P1"``. A label that is absent has the empty value."""

    label: str
    operator: Literal["=", "!=", "=~", "!~"]
    value: str

    def __str__(self) -> str:
        label = f'"{_escaped(self.label)}"' if _RESERVED.search(self.label) else self.label
        return f'{label}{self.operator}"{_escaped(self.value)}"'


_RESERVED = re.compile(r"""[\s{}!=~,\\"'`]""")
"""What a label's name may have only in quotes (alertmanager/matcher/parse)."""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that fit all matchers are not notified from ``starts_at`` (contained) to ``ends_at`` (not contained).

    ``maintenance``: work on the service, begun by hand: what is down in it does not count against availability, and escalations end.
    """

    id: str
    matchers: Sequence[Matcher]
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    created_by: str
    comment: str
    maintenance: bool = False
    annotations: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """What a group's receiver was told last: the fingerprints that fired, those that were resolved, and when (Alertmanager's notification
    log). ``hidden``: told of as firing before, and muted when the last notice went; their end is still to be told."""

    at: datetime
    firing: frozenset[str]
    resolved: frozenset[str]
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts that are notified together: those of one route with the same values of its ``group_by``. ``key`` is Alertmanager's text for it
    (the route's matchers and the group's labels) and names its receiver's route; ``digest`` is the SHA-256 of the key, hexadecimal.

    ``next_at`` is when it is looked at next; ``flushed`` whether it was looked at once (then ``group_interval`` counts, not
    ``group_wait``).
    """

    key: str
    digest: str
    route: str
    receiver: str
    labels: Labels
    next_at: datetime
    flushed: bool = False
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Escalating:
    """An escalation on its way for one group: which policy, when it began, and which step (from 0) is due when."""

    digest: str
    policy: str
    started_at: datetime
    step: int
    next_at: datetime


@dataclass(frozen=True, slots=True)
class NoticeAlert:
    """One alert as a notice tells of it."""

    number: int
    fingerprint: str
    state: Literal["firing", "resolved"]
    labels: Labels
    annotations: Labels
    starts_at: datetime
    ends_at: datetime | None = None
    value: float | None = None
    generator_url: str = ""
    acknowledged_by: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a notice says that tells of no alerts (a report): a line, a few lines for chats and telephones, the whole as text and as HTML
    for mail, and where it can be read (empty: nowhere)."""

    title: str
    summary: str
    text: str
    html: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What one receiver is to be told. ``key`` is the same in every attempt to deliver it, and no other notice has it; ``reason`` says why
    it is sent now, for people. At most ``MOST_TOLD`` alerts are in it; ``truncated`` is how many more there were.

    ``group_digest`` names the group (``Group.digest``). ``to`` is a receiver's name, or ``contact NAME`` for a person of the section
    ``contacts``. One with a ``letter`` has no alerts.
    """

    key: str
    to: str
    group_key: str
    group_labels: Labels
    alerts: Sequence[NoticeAlert]
    at: datetime
    reason: str
    truncated: int = 0
    common_labels: Labels = field(default_factory=dict)
    common_annotations: Labels = field(default_factory=dict)
    external_url: str = ""
    service: str = ""
    is_test: bool = False
    group_digest: str = ""
    letter: Letter | None = None

    @property
    def is_resolved(self) -> bool:
        """Whether nothing in it fires any more."""
        return all(alert.state == "resolved" for alert in self.alerts)


MOST_TOLD = 1000
"""Alerts that one notice tells of one by one."""

NOTICE_LIVES = timedelta(hours=24)
"""How long delivery of a notice is tried, where the receiver does not say otherwise."""
