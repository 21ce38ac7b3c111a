"""Which silences and windows mute an alert. Silences have an index by the value of one label: a thousand cost an alert a few looks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from keepwell.kernel.windows import contains
from keepwell.rooms.alerts.matchers import Fits, fits, fits_all
from keepwell.rooms.alerts.model import Labels, Silence

from .model import WindowMute


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


def muting_window(mutes: Iterable[WindowMute], labels: Labels, now: datetime) -> str:
    """The window that mutes the alert now, as ``window NAME``; empty where none does."""
    found = (one.name for one in mutes if fits(one.matchers, labels) and contains(one.window, now))
    name = next(found, None)
    return f"window {name}" if name is not None else ""
