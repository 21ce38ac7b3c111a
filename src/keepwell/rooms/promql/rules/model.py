"""Rule files as frozen values. All spans are milliseconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from keepwell.kernel.problems import Place

Names = Literal["utf8", "legacy"]
"""Which names labels and annotations may have: any UTF-8 (Prometheus 3), or letters, digits and ``_`` only (before)."""

ALERT_NAME = "alertname"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording rule: the series ``name``, with these labels, has the values of the expression."""

    name: str
    expression: str
    labels: Mapping[str, str] = field(default_factory=dict)
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Alerting:
    """An alerting rule: every series of the expression is an alert, pending for ``hold`` (``for``), then firing, and still firing for
    ``keep_firing`` after the expression ended. Labels and annotations are templates."""

    name: str
    expression: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    hold: int = 0
    keep_firing: int = 0
    place: Place | None = None


Rule = Recording | Alerting


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated in turn, every ``interval`` (None: as often as all groups without one), ``offset`` (``query_offset``) in the
    past. ``limit`` is how many series or alerts a rule may give; 0 is any number. ``labels`` of the group are in its rules' already."""

    name: str
    file: str
    rules: Sequence[Rule]
    interval: int | None = None
    limit: int = 0
    offset: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """By what it is known: its file, and its name there."""
        return (self.file, self.name)


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file that was read. ``doubtful`` are sentences on what is allowed and probably not meant."""

    file: str
    groups: Sequence[Group]
    doubtful: Sequence[str] = ()

    @property
    def count(self) -> int:
        """How many rules it has."""
        return sum(len(group.rules) for group in self.groups)
