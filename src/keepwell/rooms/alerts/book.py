"""All that is not settled, in memory, exactly as it is stored; and what one change makes of it before it is stored."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain

from keepwell.storage.journal import NewEntry

from .model import Alert, Escalating, Group, Notice, Silence, State
from .routing.inhibition import Inhibitor
from .routing.model import InhibitRule, Route
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

    def follow(self, draft: "Draft") -> None:
        """Becomes what the draft makes of it."""
        stored, quiet = draft.changes, draft.quiet
        self.counters.update(stored.counters)
        self._take_groups({**stored.groups, **quiet.groups})
        if stored.silences:
            self._take_silences(stored.silences)
        for digest, one in stored.escalating.items():
            self._take_escalating(digest, one)
        for number, alert in chain(stored.alerts.items(), quiet.alerts.items()):
            self._take_alert(number, alert)
        for number, places in draft.places.items():
            self._take_places(number, places)
        for timer in draft.passed:
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


class Draft:
    """What one change makes of the book: looked at as if it were so already, and stored as a whole or not at all.

    ``changes`` are stored; ``quiet`` is what only memory follows, because a start can do without it: a new value, the next look at a group
    of which nobody had to be told.
    """

    def __init__(self, book: Book, rules: Iterable[InhibitRule]) -> None:
        self._book = book
        self._rules = rules
        self._inhibitor: Inhibitor | None = None
        self.changes = Changes()
        self.quiet = Changes()
        self.entries: list[NewEntry] = []
        self.places: dict[int, Places] = {}
        self._active: dict[str, dict[str, int | None]] = {}
        self._joined: dict[str, set[int]] = {}
        self._left: dict[str, set[int]] = {}
        self._silenced: Silenced | None = None
        self._due: Sequence[Timer] | None = None
        self.passed: list[Timer] = []
        """Timers that have done what they were for."""
        self.unplaced: list[int] = []
        """Alerts that have begun to fire and are in no group yet."""
        self.left: list[int] = []
        """Alerts that have left a group."""
        self.reopened: list[int] = []
        """Alerts whose acknowledgement has ended, while they go on."""
        self.touched: set[str] = set()
        """Groups whose escalation may have to end."""

    def __bool__(self) -> bool:
        changes = self.changes
        return bool(changes.alerts or changes.groups or changes.escalating or changes.silences or changes.notices)

    # --- alerts ---

    def alert(self, number: int) -> Alert | None:
        """An alert that is not settled."""
        for changed in (self.changes.alerts, self.quiet.alerts):
            if number in changed:
                found = changed[number]
                return None if found is None or found.settled else found
        return self._book.alerts.get(number)

    def numbers(self, source: str) -> dict[str, int]:
        """The numbers of what a source holds for active, by fingerprint."""
        known = {**self._book.active.get(source, {}), **self._active.get(source, {})}
        return {fingerprint: number for fingerprint, number in known.items() if number is not None}

    def new_number(self, name: str) -> int:
        """The next number of an alert or a notice."""
        last = self.changes.counters.get(name, self._book.counters.get(name, 0)) + 1
        self.changes.counters[name] = last
        return last

    def put(self, alert: Alert) -> None:
        """An alert is new, or other than before; it will be stored."""
        self.quiet.alerts.pop(alert.number, None)
        self.changes.alerts[alert.number] = alert
        self._hold(alert, is_held(alert))
        if alert.state is State.FIRING:
            # Made when it is needed: nearly no change makes an alert fire, and matchers take their time to prepare.
            self._inhibitor = self._inhibitor or Inhibitor(self._rules)
            self._inhibitor.add(alert)
        elif self._inhibitor is not None:
            self._inhibitor.remove(alert)

    def put_quietly(self, alert: Alert) -> None:
        """An alert has a newer value that is not worth a write by itself."""
        if alert.number in self.changes.alerts:
            self.changes.alerts[alert.number] = alert
        else:
            self.quiet.alerts[alert.number] = alert

    def drop(self, alert: Alert) -> None:
        """A pending alert ends without having fired: nothing of it is kept."""
        self.changes.alerts[alert.number] = None
        self._hold(alert, False)

    def _hold(self, alert: Alert, does: bool) -> None:
        known = self._active.setdefault(alert.source, {})
        before = known.get(alert.fingerprint, self._book.active.get(alert.source, {}).get(alert.fingerprint))
        if does:
            known[alert.fingerprint] = alert.number
        elif before == alert.number:
            known[alert.fingerprint] = None

    # --- groups ---

    def groups_of(self, number: int) -> Places:
        """The groups that an alert is in."""
        return self.places.get(number, self._book.places.get(number, {}))

    def place(self, number: int, places: Places) -> None:
        """The alert is in these groups from now on, and in no others."""
        for digest in self.groups_of(number):
            self._joined.get(digest, set()).discard(number)
            self._left.setdefault(digest, set()).add(number)
        for digest in places:
            self._left.get(digest, set()).discard(number)
            self._joined.setdefault(digest, set()).add(number)
        self.places[number] = places

    def leave(self, number: int, digest: str) -> None:
        """The alert is in that group no more."""
        self.place(number, {name: route for name, route in self.groups_of(number).items() if name != digest})
        self.left.append(number)

    def members(self, digest: str) -> list[Alert]:
        """The alerts of a group."""
        numbers = (self._book.members.get(digest, set()) | self._joined.get(digest, set())) - self._left.get(digest, set())
        return [alert for alert in map(self.alert, sorted(numbers)) if alert is not None]

    def route(self, digest: str) -> Route | None:
        """The route of a group that has alerts."""
        joined = next(iter(self._joined.get(digest, ())), None)
        return self.places[joined][digest] if joined is not None else self._book.routes.get(digest)

    def group(self, digest: str) -> Group | None:
        """A group."""
        for changed in (self.quiet.groups, self.changes.groups):
            if digest in changed:
                return changed[digest]
        return self._book.groups.get(digest)

    def groups(self) -> Iterable[Group]:
        """All of them."""
        digests = {**self._book.groups, **self.changes.groups, **self.quiet.groups}
        return [group for group in map(self.group, digests) if group is not None]

    def put_group(self, group: Group) -> None:
        """A group is new, or other than before. Where only its next look moved, nothing needs to be stored."""
        stored = self._book.groups.get(group.digest)
        if group.digest not in self.changes.groups and stored is not None and replace(stored, next_at=group.next_at) == group:
            self.quiet.groups[group.digest] = group
        else:
            self.quiet.groups.pop(group.digest, None)
            self.changes.groups[group.digest] = group

    def drop_group(self, digest: str) -> None:
        """A group has no alerts any more."""
        self.quiet.groups.pop(digest, None)
        self.changes.groups[digest] = None

    def due_groups(self, now: datetime) -> list[str]:
        """The groups that are to be looked at by now."""
        candidates = {str(key): None for kind, key in self.due(now) if kind == "group"}
        candidates |= dict.fromkeys(chain(self.changes.groups, self.quiet.groups))
        return [digest for digest in candidates if (group := self.group(digest)) is not None and group.next_at <= now]

    # --- the rest ---

    def due(self, now: datetime) -> Sequence[Timer]:
        """The timers that have gone off by now."""
        if self._due is None:
            self._due = self._book.timers.due(now)
        return self._due

    def escalation(self, digest: str) -> Escalating | None:
        """The escalation of a group."""
        return self.changes.escalating.get(digest, self._book.escalating.get(digest))

    def escalations(self) -> Sequence[Escalating]:
        """All that are on their way."""
        all_of_them = {**self._book.escalating, **self.changes.escalating}
        return [one for one in all_of_them.values() if one is not None]

    def due_escalations(self, now: datetime) -> Sequence[Escalating]:
        """Those that are to be looked at by now: their time has come, or something about their group has changed."""
        if self.changes.silences:
            return self.escalations()
        due = (str(key) for kind, key in self.due(now) if kind == "escalation")
        candidates = map(self.escalation, {**dict.fromkeys(due), **dict.fromkeys(self.touched), **self.changes.escalating})
        return [one for one in candidates if one is not None]

    def put_escalation(self, one: Escalating | None, digest: str = "") -> None:
        """An escalation began or went on; that of the group ``digest`` ended, where there is none."""
        self.changes.escalating[one.digest if one is not None else digest] = one

    def silences(self) -> Collection[Silence]:
        """All that are known."""
        return {**self._book.silences, **self.changes.silences}.values()

    def put_silence(self, silence: Silence) -> None:
        """A silence is new, or other than before."""
        self.changes.silences[silence.id] = silence
        self._silenced = None

    def notify(self, notice: Notice) -> None:
        """Somebody is to be told."""
        self.changes.notices.append(notice)

    def muted(self, alert: Alert, now: datetime) -> str:
        """What keeps an alert from being notified, by silences and by other alerts; empty where nothing does."""
        if self.changes.silences:
            self._silenced = self._silenced or Silenced(self.silences())
            silences = self._silenced.by_labels(alert.labels, now)
        elif alert.number in self._book.alerts:
            silences = self._book.silenced.by(alert, now)
        else:
            silences = self._book.silenced.by_labels(alert.labels, now)
        inhibiting = self._book.inhibitor.inhibited_by(alert, self.changes.alerts)
        if inhibiting is None and self._inhibitor is not None:
            inhibiting = self._inhibitor.inhibited_by(alert)
        return muted_by(silences, inhibiting)


def is_held(alert: Alert) -> bool:
    """Whether its source holds it for active: it is pending or fires, or somebody closed it by hand."""
    return not alert.settled and (alert.state is not State.RESOLVED or alert.closed)


def muted_by(silenced: Sequence[Silence], inhibiting: Alert | None) -> str:
    """In the words of ``Alert.muted_by``."""
    if silenced:
        return f"silence {silenced[0].id}"
    return f"inhibited by {inhibiting.number}" if inhibiting is not None else ""
