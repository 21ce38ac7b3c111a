"""All that is not settled, in memory, exactly as it is stored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain

from .model import Alert, Escalating, Group, Silence, State
from .routing.inhibition import Inhibitor
from .routing.model import Route
from .silenced import Silenced
from .store import Changes, Stored
from .timers import Timers

Timer = tuple[str, int | str]
"""What a timer is for: ``group``, ``escalation``, ``alert`` (it expires), ``acknowledgement``, ``silence begins`` or ``silence ends``, and
which."""

Places = Mapping[str, Route]
"""The groups that an alert is in, by digest, each with its route."""


class Book:
    """What is stored and not settled. Only ``follow`` changes it, once a change is stored."""

    def __init__(self) -> None:
        self.alerts: dict[int, Alert] = {}
        self.groups: dict[str, Group] = {}
        self.silences: dict[str, Silence] = {}
        self.escalating: dict[str, Escalating] = {}
        self.counters: dict[str, int] = {}
        self.active: dict[str, dict[str, int]] = {}
        """Of each source the alerts that it holds for active: fingerprint to number."""
        self.members: dict[str, set[int]] = {}
        self.places: dict[int, Places] = {}
        self.routes: dict[str, Route] = {}
        self.timers: Timers[Timer] = Timers()
        self.inhibitor = Inhibitor(())
        self.silenced = Silenced()

    def begin(self, stored: Stored) -> None:
        """Takes what was stored before a start."""
        self.counters = dict(stored.counters)
        numbers = (alert.number for alert in stored.alerts)
        self.counters["alert"] = max(self.counters.get("alert", 0), *numbers, 0)
        self._take_groups({group.digest: group for group in stored.groups})
        self._take_silences({silence.id: silence for silence in stored.silences})
        for one in stored.escalating:
            self._take_escalating(one.digest, one)
        for alert in stored.alerts:
            self._take_alert(alert.number, alert)

    def inhibit(self, inhibitor: Inhibitor) -> None:
        """From now on these rules inhibit."""
        self.inhibitor = inhibitor
        for alert in self.alerts.values():
            if alert.state is State.FIRING:
                inhibitor.add(alert)

    def follow(self, stored: Changes, quiet: Changes, places: Mapping[int, Places], passed: Iterable[Timer]) -> None:
        """Becomes what a change that is stored makes of it; ``quiet`` is what only memory follows, ``passed`` are timers that are over."""
        self.counters.update(stored.counters)
        self._take_groups({**stored.groups, **quiet.groups})
        if stored.silences:
            self._take_silences(stored.silences)
        for digest, one in stored.escalating.items():
            self._take_escalating(digest, one)
        for number, alert in chain(stored.alerts.items(), quiet.alerts.items()):
            self._take_alert(number, alert)
        for number, its in places.items():
            self._take_places(number, its)
        for timer in passed:
            self.timers.set(timer, None)

    def _take_alert(self, number: int, alert: Alert | None) -> None:
        before = self.alerts.get(number)
        if alert is None or alert.settled:
            if before is not None:
                self._let_go(before)
            return
        self.alerts[number] = alert
        held = is_held(alert)
        self.timers.set(("alert", number), alert.expires_at if held else None)
        if before is None or before.acknowledged != alert.acknowledged:
            self.timers.set(("acknowledgement", number), alert.acknowledged.until if alert.acknowledged else None)
        if before is None or is_held(before) is not held:
            self._hold(alert, held)
        if before is None or before.state is not alert.state:
            self._fires(alert, alert.state is State.FIRING)

    def _let_go(self, alert: Alert) -> None:
        """The alert is history, or never was."""
        del self.alerts[alert.number]
        self.timers.set(("alert", alert.number), None)
        self.timers.set(("acknowledgement", alert.number), None)
        self.silenced.forget(alert)
        self._hold(alert, False)
        self._fires(alert, False)
        self._take_places(alert.number, {})

    def _fires(self, alert: Alert, does: bool) -> None:
        if does:
            self.inhibitor.add(alert)
        else:
            self.inhibitor.remove(alert)

    def _hold(self, alert: Alert, does: bool) -> None:
        known = self.active.setdefault(alert.source, {})
        if does:
            known[alert.fingerprint] = alert.number
        elif known.get(alert.fingerprint) == alert.number:
            del known[alert.fingerprint]
        if not known:
            del self.active[alert.source]

    def _take_places(self, number: int, places: Places) -> None:
        for digest in self.places.pop(number, {}):
            left = self.members.get(digest, set())
            left.discard(number)
            if not left:
                self.members.pop(digest, None)
                self.routes.pop(digest, None)
        for digest, route in places.items():
            self.members.setdefault(digest, set()).add(number)
            self.routes[digest] = route
        if places:
            self.places[number] = places

    def _take_groups(self, groups: Mapping[str, Group | None]) -> None:
        for digest, group in groups.items():
            self.timers.set(("group", digest), group.next_at if group else None)
            if group is None:
                self.groups.pop(digest, None)
            else:
                self.groups[digest] = group

    def _take_escalating(self, digest: str, one: Escalating | None) -> None:
        self.timers.set(("escalation", digest), one.next_at if one else None)
        if one is None:
            self.escalating.pop(digest, None)
        else:
            self.escalating[digest] = one

    def _take_silences(self, silences: Mapping[str, Silence]) -> None:
        self.silences.update(silences)
        self.silenced = Silenced(self.silences.values())
        for silence in silences.values():
            self.timers.set(("silence begins", silence.id), silence.starts_at)
            self.timers.set(("silence ends", silence.id), silence.ends_at)

    def muted(self, alert: Alert, now: datetime) -> str:
        """What keeps an alert from being notified, by silences and by other alerts; empty where nothing does."""
        return muted_by(self.silenced.by(alert, now), self.inhibitor.inhibited_by(alert))

    def extend(self, alert: Alert, expires_at: datetime) -> None:
        """Lets a posted alert stay until then, unless it is told of again."""
        self._take_alert(alert.number, replace(alert, expires_at=expires_at))

    def shift(self, by: timedelta) -> None:
        """The clock was set forward (or back) by so much: what waits for a time to pass goes on waiting for what was left of it. What is
        meant for an instant of the calendar (a silence, an acknowledgement) stays where it is."""
        for group in list(self.groups.values()):
            told = replace(group.told, at=group.told.at + by) if group.told else None
            self._take_groups({group.digest: replace(group, next_at=group.next_at + by, told=told)})
        for one in list(self.escalating.values()):
            self._take_escalating(one.digest, replace(one, next_at=one.next_at + by, started_at=one.started_at + by))
        for alert in [alert for alert in self.alerts.values() if alert.expires_at is not None]:
            self.extend(alert, (alert.expires_at or alert.updated_at) + by)

    def forget_silences(self, before: datetime) -> None:
        """Lets go of silences that ended before that instant."""
        self.silences = {name: silence for name, silence in self.silences.items() if silence.ends_at >= before}
        self.silenced = Silenced(self.silences.values())


def is_held(alert: Alert) -> bool:
    """Whether its source holds it for active: it is pending or fires, or somebody closed it by hand."""
    return not alert.settled and (alert.state is not State.RESOLVED or alert.closed)


def muted_by(silenced: Sequence[Silence], inhibiting: Alert | None) -> str:
    """In the words of ``Alert.muted_by``."""
    if silenced:
        return f"silence {silenced[0].id}"
    return f"inhibited by {inhibiting.number}" if inhibiting is not None else ""
