"""One change of incidents in one transaction: what is decided first is what the next decision finds, and all of it is stored at the end."""

from datetime import datetime

from sqlalchemy import Connection

from keepwell.kernel.problems import NotFound
from keepwell.storage import journal

from . import store
from .decide import Change
from .evidence import Collecting
from .model import Incident


class Turn:
    """The incidents as they stand while a change is decided."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self.changes: list[Change] = []
        self._incidents = {one.number: one for one in store.unresolved(connection)}
        parts = store.parts(connection, self._incidents)
        self._by_group = {one.group: one.part_of or one.number for one in (*parts, *self._incidents.values()) if one.group}
        self._changed: set[int] = set()
        self._last = 0

    def find(self, number: int) -> Incident:
        """An incident as it stands. Raises NotFound."""
        if number not in self._incidents:
            self._incidents[number] = known(store.find(self.connection, number), number)
        return self._incidents[number]

    def of_group(self, group: str) -> Incident | None:
        """The incident of a group of alerts that is not resolved."""
        number = self._by_group.get(group)
        found = self._incidents[number] if number is not None else None
        return found if found is not None and found.resolved is None else None

    def parts(self, number: int) -> list[Incident]:
        """Those that turned out to be part of an incident, as they are stored."""
        return store.parts(self.connection, (number,))

    def next_number(self) -> int:
        """The number of the next incident."""
        self._last = self._last + 1 if self._last else store.next_number(self.connection)
        return self._last

    def unresolved(self) -> list[Incident]:
        """Those that are not resolved, oldest first."""
        return [one for _, one in sorted(self._incidents.items()) if one.resolved is None]

    def running(self) -> dict[int, int]:
        """The alerts that have not ended as far as incidents know, each with its incident."""
        found = {alert: number for alert, number in store.running(self.connection).items() if number not in self._incidents}
        here = [(one.number, alert) for one in self._incidents.values() for alert in one.alerts if alert.ended_at is None]
        return found | {alert.number: number for number, alert in here}

    def do(self, change: Change) -> None:
        """The incident stands so from now on."""
        incident = change.incident
        self.changes.append(change)
        self._incidents[incident.number] = incident
        if incident.group:
            self._by_group[incident.group] = incident.part_of or incident.number
        if change.entries:
            self._changed.add(incident.number)

    def store(self, collecting: Collecting) -> None:
        """Writes what changed, notes what is to be collected, and the journal last."""
        store.put(self.connection, [self._incidents[number] for number in sorted(self._changed)])
        for change in self.changes:
            collecting.want(self.connection, change, self.now)
        journal.append_many(self.connection, [entry for change in self.changes for entry in change.entries], self.now)


def known(incident: Incident | None, number: int) -> Incident:
    """The incident. Raises NotFound where there is none."""
    if incident is None:
        raise NotFound(f"there is no incident {number}", hint="keepwell incidents list shows them")
    return incident
