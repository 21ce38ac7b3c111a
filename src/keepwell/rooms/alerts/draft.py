"""What one change makes of the book, before it is stored: looked at as if it were so already, and stored as a whole or not at all."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from keepwell.kernel.problems import NotFound
from keepwell.storage.journal import NewEntry

from .book import Book, Places, Timer, is_held, muted_by
from .model import Alert, Escalating, Group, Notice, Silence, State
from .routing.inhibition import Inhibitor
from .routing.model import InhibitRule, Route
from .silenced import Silenced
from .store import Changes


class Draft:
    """One change. ``changes`` are stored; ``quiet`` is what only memory follows, because a start can do without it: a new value, the next
    look at a group of which nobody had to be told.
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

    def silence(self, id: str) -> Silence:
        """One of them. Raises NotFound."""
        known = self.changes.silences.get(id) or self._book.silences.get(id)
        if known is None:
            raise NotFound(f"no silence has the id {id}" if id else "a silence is meant by its id, and none is given")
        return known

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
