"""Which silences fit an alert: an index by the value of one label, so that a thousand silences cost an alert a few looks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from keepwell.rooms.alerts.matchers import Fits, fits_all
from keepwell.rooms.alerts.model import Labels, Silence


@dataclass(frozen=True, slots=True)
class _Prepared:
    silence: Silence
    fits: Fits


class Silencer:
    """Silences, prepared for many alerts. Made anew when a silence comes or changes."""

    def __init__(self, silences: Iterable[Silence]) -> None:
        self._by_value: dict[tuple[str, str], list[_Prepared]] = {}
        self._others: list[_Prepared] = []
        for silence in silences:
            prepared = _Prepared(silence, fits_all(silence.matchers))
            exact = next(((one.label, one.value) for one in silence.matchers if one.operator == "=" and one.value), None)
            where = self._others if exact is None else self._by_value.setdefault(exact, [])
            where.append(prepared)
        self._labels = tuple({label for label, _ in self._by_value})

    def silenced_by(self, labels: Labels, now: datetime) -> Sequence[Silence]:
        """The silences that hold now and fit, those that end last first."""
        candidates = list(self._others)
        for label in self._labels:
            candidates += self._by_value.get((label, labels.get(label, "")), ())
        found = [one.silence for one in candidates if one.silence.starts_at <= now < one.silence.ends_at and one.fits(labels)]
        return sorted(found, key=lambda silence: (silence.ends_at, silence.id), reverse=True)
