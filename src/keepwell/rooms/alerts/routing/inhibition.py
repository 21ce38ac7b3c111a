"""Alerts that mute others while they fire (alertmanager/inhibit/inhibit.go), with an index by the values of the equal labels.

Ten thousand alerts that are compared with ten thousand others took Alertmanager seconds (its issue 3932); here each is one look into a
dictionary for each rule.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from keepwell.rooms.alerts.matchers import Fits, fits_all
from keepwell.rooms.alerts.model import Alert, Labels

from .model import InhibitRule

Values = tuple[object, ...]


@dataclass(slots=True)
class _Indexed:
    """One rule: its sources by the values of the equal labels. Of those that are no targets of the same rule the first is kept apart,
    since an alert that is both source and target is muted by these only."""

    rule: InhibitRule
    is_source: Fits
    is_target: Fits
    sources: dict[Values, dict[int, Alert]] = field(default_factory=dict)
    pure: dict[Values, dict[int, Alert]] = field(default_factory=dict)

    def values(self, labels: Labels) -> Values:
        if self.rule.but:
            return tuple(sorted(pair for pair in labels.items() if pair[0] not in self.rule.but))
        return tuple([labels.get(name, "") for name in self.rule.equal])


class Inhibitor:
    """The firing alerts that can mute others."""

    def __init__(self, rules: Iterable[InhibitRule], alerts: Iterable[Alert] = ()) -> None:
        self._rules = [_Indexed(rule, fits_all(rule.source), fits_all(rule.target)) for rule in rules]
        for alert in alerts:
            self.add(alert)

    def add(self, alert: Alert) -> None:
        """Takes a firing alert, or its newer value."""
        for rule in self._rules:
            if rule.is_source(alert.labels):
                values = rule.values(alert.labels)
                rule.sources.setdefault(values, {})[alert.number] = alert
                if not rule.is_target(alert.labels):
                    rule.pure.setdefault(values, {})[alert.number] = alert

    def remove(self, alert: Alert) -> None:
        """Forgets an alert that fires no more; one that it does not know is no error."""
        for rule in self._rules:
            values = rule.values(alert.labels)
            for index in (rule.sources, rule.pure):
                known = index.get(values)
                if known is not None and known.pop(alert.number, None) is not None and not known:
                    del index[values]

    def inhibited_by(self, alert: Alert, skip: Container[int] = ()) -> Alert | None:
        """A firing alert that mutes this one; ``skip`` are numbers that are looked over. Rules count in their order."""
        for rule in self._rules:
            if not rule.is_target(alert.labels):
                continue
            index = rule.pure if rule.is_source(alert.labels) else rule.sources
            for number, source in index.get(rule.values(alert.labels), {}).items():
                if number not in skip:
                    return source
        return None
