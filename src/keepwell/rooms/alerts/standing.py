"""How alerts stand at one moment: where each goes and what keeps it from being notified, as Alertmanager's API shows it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .model import Alert, Group


@dataclass(frozen=True, slots=True)
class Standing:
    """One alert that fires. ``receivers`` are the names of those it goes to, in the order of their routes; ``silenced_by`` the ids of the
    silences that fit it now; ``inhibited_by`` the fingerprints of the alerts that inhibit it."""

    alert: Alert
    receivers: Sequence[str]
    silenced_by: Sequence[str] = ()
    inhibited_by: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class GroupStanding:
    """One group: the numbers of its alerts, and the names of the time intervals that mute its route now."""

    group: Group
    numbers: Collection[int]
    muted_by: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Standings:
    """All alerts that fire, and the groups that they are in."""

    alerts: Sequence[Standing]
    groups: Sequence[GroupStanding]
