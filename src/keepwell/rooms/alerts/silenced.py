"""Which silences fit which alerts, found once and known until a silence comes, changes, begins or ends."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from .model import Alert, Labels, Silence
from .routing.silencing import Silencer

_NEVER = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)


class Silenced:
    """Asked again and again for the same alerts: ten thousand of them against a hundred patterns take a second."""

    def __init__(self, silences: Collection[Silence] = ()) -> None:
        self._silencer = Silencer(silences)
        self._edges = sorted({edge for silence in silences for edge in (silence.starts_at, silence.ends_at)})
        self._known: dict[int, Sequence[Silence]] = {}
        self._holds = _NEVER

    def by(self, alert: Alert, now: datetime) -> Sequence[Silence]:
        """The silences that hold now and fit an alert that is stored, those that end last first."""
        if not self._edges:
            return ()
        if not self._holds[0] <= now < self._holds[1]:
            self._turn(now)
        found = self._known.get(alert.number)
        if found is None:
            found = self._known[alert.number] = self._silencer.silenced_by(alert.labels, now)
        return found

    def by_labels(self, labels: Labels, now: datetime) -> Sequence[Silence]:
        """The same for labels, found anew: an alert that is not stored yet may get another number."""
        return self._silencer.silenced_by(labels, now) if self._edges else ()

    def forget(self, alert: Alert) -> None:
        """The alert is over."""
        self._known.pop(alert.number, None)

    def _turn(self, now: datetime) -> None:
        """Begins anew, until the next silence begins or ends."""
        place = bisect_right(self._edges, now)
        before = self._edges[place - 1] if place else _NEVER[1]
        after = self._edges[place] if place < len(self._edges) else _NEVER[0]
        self._known.clear()
        self._holds = before, after
