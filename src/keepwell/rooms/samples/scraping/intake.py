"""From a page to rows of the store: labels of the target, relabelling, limits; each series is looked at once and known from then on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keepwell.kernel.quoting import quoted
from keepwell.ports.samples import NAME
from keepwell.rooms.samples.admission import LIMITED
from keepwell.rooms.samples.model import Ids, Instants, Labels, Values

from .lines import NO_TIME, Page, PageError
from .model import Bounds, Target
from .parse import Reader
from .relabel import relabelled

REMEMBERED = 600.0
"""Seconds without it after which a series is forgotten here (the store keeps it)."""

SPARE = 10_000
"""So many series more than twice those of the newest page are remembered at most."""

AGAIN, SELDOM = 5.0, 300.0
"""Seconds after which series that a limit refused are brought to the store again: at first, doubled each time, and at most. The labels
of refused series are not kept, as there may be very many: the whole page is read anew then."""

DROPPED = -100
"""Stands for the number of a series that relabelling dropped."""

_UNASKED = -101
EXPORTED = "exported_"


@dataclass(frozen=True, slots=True)
class Taken:
    """A page's rows as the store takes them: series (negative where the store refused one), ``at`` (the series' own instants, or None), and
    value. ``scraped`` counts the rows of the page before relabelling, ``page`` is what was read."""

    ids: Ids
    at: Instants | None
    value: Values
    scraped: int
    page: Page


class Intake:
    """What is known of one target's series. ``digest`` may run in a thread of its own, one page at a time."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._reader = Reader()
        self._ids: NDArray[np.int32] = np.empty(0, np.int32)
        self._seen: NDArray[np.float64] = np.empty(0, np.float64)
        self._waiting: dict[int, Labels] = {}
        self._life = 0
        self._is_limited = False
        self._asked = self._limited_at = 0.0
        self._pause = AGAIN
        self._pruned = 0.0

    @property
    def remembered(self) -> int:
        """How many series are known."""
        return len(self._ids)

    def digest(self, body: bytes, content_type: str, monotonic: float) -> Page:
        """Reads a page. Raises PageError where it cannot be read, or has more than it may."""
        self._prune(monotonic)
        self._begin_again(monotonic)
        page = self._reader.read(body, content_type)
        if self._reader.life != self._life:
            self._forget()  # another format than before: slots count from 0 again
            self._life = self._reader.life
        self._grow(self._reader.slots)
        try:
            self._look_at(page.fresh)
        except PageError:
            self._reader.forget()
            self._forget()
            raise
        self._seen[page.slot] = monotonic
        kept = int(np.count_nonzero(self._ids[page.slot] != DROPPED))
        if self.target.bounds.samples and kept > self.target.bounds.samples:
            raise PageError(0, f"the page has {kept} samples, and sample_limit allows {self.target.bounds.samples}")
        return page

    def unknown(self, monotonic: float) -> dict[int, Labels]:
        """The series that the store must be asked for: slots with labels. ``know`` brings its answer."""
        if self._waiting:
            self._asked = monotonic
        return self._waiting

    def know(self, slots: Sequence[int], ids: Ids) -> None:
        """What the store calls these series."""
        self._ids[np.array(slots, dtype=np.int64)] = ids
        if not self._is_limited and (ids == LIMITED).any():
            self._is_limited, self._limited_at = True, self._asked
        for slot in slots:
            self._waiting.pop(slot, None)

    def rows(self, page: Page) -> Taken:
        """The rows of a page whose series are all known."""
        ids = self._ids[page.slot]
        at = page.at if self.target.honor_timestamps else None
        kept = ids != DROPPED
        if kept.all():
            return Taken(ids, at, page.value, len(page), page)
        return Taken(ids[kept], at[kept] if at is not None else None, page.value[kept], len(page), page)

    def _look_at(self, fresh: Mapping[int, Labels]) -> None:
        for slot, exposed in fresh.items():
            labels = series_labels(exposed, self.target)
            if labels is None:
                self._ids[slot] = DROPPED
            else:
                _check(labels, self.target.bounds)
                self._waiting[slot] = labels

    def _begin_again(self, monotonic: float) -> None:
        """Forgets everything where series were refused a while ago, so that they are brought again."""
        if not self._is_limited:
            self._pause = AGAIN
        elif monotonic - self._limited_at >= self._pause:
            self._pause = min(SELDOM, 2 * self._pause)
            self._reader.forget()
            self._forget()

    def _grow(self, slots: int) -> None:
        missing = slots - len(self._ids)
        if missing > 0:
            self._ids = np.concatenate((self._ids, np.full(missing, _UNASKED, np.int32)))
            self._seen = np.concatenate((self._seen, np.zeros(missing)))

    def _prune(self, monotonic: float) -> None:
        """Forgets the series that were on no page for a while; or those that were not on the newest, where that changes all the time."""
        newest = float(self._seen.max(initial=0.0))
        if len(self._ids) > 2 * np.count_nonzero(self._seen == newest) + SPARE:
            kept = np.flatnonzero(self._seen == newest)
        elif monotonic - self._pruned >= REMEMBERED:
            kept = np.flatnonzero(self._seen > monotonic - REMEMBERED)
        else:
            return
        self._pruned = monotonic
        if len(kept) == len(self._ids):
            return
        numbers = {slot: number for number, slot in enumerate(kept.tolist())}
        self._reader.keep(kept)
        self._ids, self._seen = self._ids[kept], self._seen[kept]
        self._waiting = {numbers[slot]: labels for slot, labels in self._waiting.items() if slot in numbers}

    def _forget(self) -> None:
        self._ids, self._seen, self._waiting = self._ids[:0], self._seen[:0], {}
        self._is_limited = False


def series_labels(exposed: Labels, target: Target) -> dict[str, str] | None:
    """The labels of a series of this target's page, relabelled; None where relabelling drops it.

    Where both have a label, ``honor_labels`` keeps the page's; else the target's counts and the page's becomes ``exported_NAME``, with one
    more ``exported_`` as long as that is taken (Prometheus, "Configuration", "scrape_config"). Raises PageError where no name is left.
    """
    if target.honor_labels:
        labels = {**target.labels, **exposed}
    else:
        labels = {**exposed, **target.labels}
        for name in sorted((name for name in target.labels if name in exposed), key=len):
            moved = EXPORTED + name
            while moved in labels:
                moved = EXPORTED + moved
            labels[moved] = exposed[name]
    changed = relabelled(labels, target.rules)
    if changed and not changed.get(NAME):
        raise PageError(0, f"relabelling takes the name away from {quoted(exposed[NAME])}")
    return changed or None


def _check(labels: Labels, bounds: Bounds) -> None:
    """Raises PageError where a series has more than the job allows."""
    series = quoted(labels[NAME])
    if bounds.labels and len(labels) > bounds.labels:
        raise PageError(0, f"{series} has {len(labels)} labels, and label_limit allows {bounds.labels}")
    for name, value in labels.items() if bounds.name_bytes or bounds.value_bytes else ():
        if bounds.name_bytes and len(name.encode()) > bounds.name_bytes:
            raise PageError(
                0, f"a label of {series} has a name of {len(name.encode())} bytes: label_name_length_limit is {bounds.name_bytes}"
            )
        if bounds.value_bytes and len(value.encode()) > bounds.value_bytes:
            raise PageError(
                0, f"the label {name} of {series} has {len(value.encode())} bytes: label_value_length_limit is {bounds.value_bytes}"
            )


def own_instants(at: Instants | None, count: int, scraped_at: int) -> Instants:
    """The instants of a page's rows: their own, or that of the scrape (milliseconds since 1970)."""
    if at is None:
        return np.full(count, scraped_at, np.int64)
    return np.where(at == NO_TIME, scraped_at, at)


def notes_of(page: Page, refused: Mapping[str, int]) -> tuple[str, ...]:
    """What of a page is not kept, in sentences."""
    found = [f"{count} samples are refused: {reason}" for reason, count in refused.items()]
    if page.monstrous:
        found.append(f"{page.monstrous} lines are passed over: they are too long to be meant")
    if page.histograms:
        found.append(f"{page.histograms} native histograms are passed over: only numbers are kept")
    return tuple(found)
