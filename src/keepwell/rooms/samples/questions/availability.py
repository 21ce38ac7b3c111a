"""How much of the time a check was up, weighted by time.

Each look's outcome holds until the next look, at most ``HOLDS`` of the check's intervals; what is beyond is no data. Up is a look that was
ok or warn, down one that failed; what was unknown (our own fault, our own network) is neither. Time inside maintenance windows is kept
apart. Availability is up / (up + down) (Beyer and others, "Site Reliability Engineering", chapter 4: time-based availability).

From roll-ups: a stretch in which all looks were alike is as good as its looks, as long as no look in it can have been missing for so long
that its neighbour would not hold. Other stretches are divided in proportion to their looks, unless the looks themselves are handed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keepwell.rooms.samples.model import Instants, Rolled, Values

HOLDS = 5
"""So many intervals of its check a look's outcome holds at most."""

UP, DOWN, UNKNOWN = 0, 1, 2
"""The columns of shares."""

_STATE_FAIL, _STATE_UNKNOWN = 2.0, 3.0
_FOLLOWS = 1
"""Milliseconds between two pieces that belong together."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What looks saw, by time: ``at`` ascends (milliseconds since 1970); each of them begins a piece of time that ends at ``until``, where
    the next may begin. ``share`` has a row each: which part of the piece was up, down and unknown, together 1. ``sure`` says that the whole
    piece was known to be so; where not, its parts are an estimate."""

    at: Instants
    until: Instants
    share: NDArray[np.float64]
    sure: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Outage:
    """A stretch in which the check was down, from ``start`` to ``end`` (milliseconds since 1970); ``seconds`` of it lie outside of
    maintenance. ``ongoing`` where it was still down at the end of the question."""

    start: int
    end: int
    seconds: float
    ongoing: bool


@dataclass(frozen=True, slots=True)
class Availability:
    """Seconds of each sort; together the length of the stretch that was asked about. ``down_in_maintenance`` is the part of
    ``maintenance`` in which it was down. ``estimated`` are seconds that were divided in proportion."""

    up: float
    down: float
    unknown: float
    no_data: float
    maintenance: float
    down_in_maintenance: float
    estimated: float
    outages: tuple[Outage, ...]

    @property
    def ratio(self) -> float | None:
        """up / (up + down); None where it was neither."""
        known = self.up + self.down
        return self.up / known if known > 0 else None

    @property
    def longest(self) -> float:
        """Seconds that the longest outage took."""
        return max((outage.seconds for outage in self.outages), default=0.0)


def looks_of(at: Instants, states: Values) -> Looks:
    """Looks by their states (``check_state``: 0 ok, 1 warn, 2 fail, 3 unknown); ``at`` ascends."""
    known = ~np.isnan(states)
    at, states = at[known], states[known]
    return Looks(at, at, _shares(states), np.ones(len(at), np.bool_))


def _shares(states: Values) -> NDArray[np.float64]:
    share = np.zeros((len(states), 3))
    share[:, UP] = states < _STATE_FAIL
    share[:, DOWN] = states == _STATE_FAIL
    share[:, UNKNOWN] = states >= _STATE_UNKNOWN
    return share


def looks_of_rows(states: Rolled, ups: Rolled, hold: int, every: int) -> tuple[Looks, NDArray[np.bool_]]:
    """Looks from the rolled-up rows of ``check_state`` and ``check_up`` of one check, and which rows of ``states`` say less than their
    looks.

    ``hold`` is how long a look holds and ``every`` the check's interval, both in milliseconds. A row whose looks were all alike
    becomes one piece from its first to its last look.
    """
    share = _shares(states.minimum)
    alike = _shares(states.maximum)
    uniform = (share == alike).all(axis=1)
    missing = (states.last_at - states.first_at) - (states.count - 1) * every
    sure = uniform & (missing <= max(hold - every, 0))
    mixed = ~uniform
    if mixed.any():
        share[mixed] = _proportions(states, ups)[mixed]
    return Looks(states.first_at, states.last_at, share, sure), ~sure


def _proportions(states: Rolled, ups: Rolled) -> NDArray[np.float64]:
    """Which part of the looks of each row was up, down and unknown: ``check_up`` has none for an unknown look."""
    place = np.searchsorted(ups.start, states.start)
    found = place < len(ups.start)
    place = np.minimum(place, max(len(ups.start) - 1, 0))
    found &= ups.start[place] == states.start if len(ups.start) else False
    seen = np.where(found, ups.count[place] if len(ups.start) else 0, 0).astype(np.float64)
    up = np.where(found, ups.sum[place] if len(ups.start) else 0.0, 0.0)
    total = np.maximum(states.count.astype(np.float64), seen)
    return np.stack([up / total, (seen - up) / total, (total - seen) / total], axis=1)


def replace(looks: Looks, unsure: NDArray[np.bool_], finer: Looks) -> Looks:
    """The looks with those pieces that are ``unsure`` taken out and the looks themselves in their place, where there are any."""
    rows = np.flatnonzero(unsure)
    begins, ends = looks.at[rows], looks.until[rows]
    within = _inside(finer.at, begins, ends)
    answered = np.searchsorted(finer.at, ends, side="right") > np.searchsorted(finer.at, begins, side="left")
    keep = np.ones(len(looks.at), np.bool_)
    keep[rows[answered]] = False
    at = np.concatenate([looks.at[keep], finer.at[within]])
    order = np.argsort(at, kind="stable")
    return Looks(
        at[order],
        np.concatenate([looks.until[keep], finer.until[within]])[order],
        np.concatenate([looks.share[keep], finer.share[within]])[order],
        np.concatenate([looks.sure[keep], finer.sure[within]])[order],
    )


def _inside(at: Instants, begins: Instants, ends: Instants) -> NDArray[np.bool_]:
    """Which instants lie in one of the stretches (both ends contained), which do not overlap and ascend."""
    if not len(begins):
        return np.zeros(len(at), np.bool_)
    place = np.searchsorted(begins, at, side="right") - 1
    inside: NDArray[np.bool_] = (place >= 0) & (at <= ends[np.maximum(place, 0)])
    return inside


def measure(looks: Looks, start: int, end: int, hold: int, windows: Sequence[tuple[int, int]] = ()) -> Availability:
    """The availability from ``start`` to ``end`` (milliseconds since 1970).

    ``looks`` may begin before ``start``: the last one before it holds into the stretch. ``hold`` is how long a look holds, in milliseconds.
    ``windows`` are the maintenance windows, as (start, end); those that overlap count once.
    """
    begins, ends, share, sure = _pieces(looks, hold)
    begins, ends = np.clip(begins, start, end), np.clip(ends, start, end)
    some = ends > begins
    begins, ends, share, sure = begins[some], ends[some], share[some], sure[some]
    closed = _union(windows, start, end)
    length = (ends - begins) / 1000
    apart = _overlap(begins, ends, closed) / 1000
    outside = length - apart
    maintenance = sum(last - first for first, last in closed) / 1000
    up, down, unknown = (float((outside * share[:, column]).sum()) for column in (UP, DOWN, UNKNOWN))
    return Availability(
        up=up,
        down=down,
        unknown=unknown,
        no_data=max(0.0, (end - start) / 1000 - maintenance - float(outside.sum())),
        maintenance=maintenance,
        down_in_maintenance=float((apart * share[:, DOWN]).sum()),
        estimated=float(outside[~sure].sum()),
        outages=_outages(begins, ends, share[:, DOWN], apart, end),
    )


def _pieces(looks: Looks, hold: int) -> tuple[Instants, Instants, NDArray[np.float64], NDArray[np.bool_]]:
    """Each piece, and after it the time that its last look holds: (begins, ends, share, sure), in order.

    After an estimated piece its proportions hold too: which of its looks was the last is not known here.
    """
    following = np.append(looks.at[1:], np.iinfo(np.int64).max // 2)
    held = np.minimum(following, looks.until + hold)
    begins = np.stack([looks.at, looks.until], axis=1).reshape(-1)
    ends = np.stack([np.minimum(looks.until, following), np.maximum(held, looks.until)], axis=1).reshape(-1)
    return begins, ends, np.repeat(looks.share, 2, axis=0), np.repeat(looks.sure, 2)


def _union(windows: Sequence[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """The windows inside the stretch, in order, those that touch joined."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted((max(first, start), min(last, end)) for first, last in windows):
        if first >= last:
            continue
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def _overlap(begins: Instants, ends: Instants, closed: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """Milliseconds of each piece that lie in windows."""
    edges = np.array([edge for window in closed for edge in window], np.int64)
    covered = np.concatenate(([0], np.cumsum(np.where(np.arange(1, len(edges)) % 2, np.diff(edges), 0)))) if len(edges) else edges

    def before(at: Instants) -> NDArray[np.float64]:
        place = np.searchsorted(edges, at, side="right")
        inside = place % 2 == 1
        last = np.maximum(place - 1, 0)
        return np.where(place > 0, covered[last] + np.where(inside, at - edges[last], 0), 0).astype(np.float64)

    return before(ends) - before(begins) if len(edges) else np.zeros(len(begins))


def _outages(begins: Instants, ends: Instants, down: NDArray[np.float64], apart: NDArray[np.float64], end: int) -> tuple[Outage, ...]:
    """Stretches in which it was down (wholly, or for a part that is estimated), joined where nothing else lies between. One that lies in
    a maintenance window as a whole is none."""
    seconds = down * (ends - begins) / 1000 - apart * down
    found: list[Outage] = []
    before = False
    for first, last, share, took in zip(begins.tolist(), ends.tolist(), down.tolist(), seconds.tolist(), strict=True):
        if share > 0 and before and first - found[-1].end <= _FOLLOWS:
            found[-1] = Outage(found[-1].start, last, found[-1].seconds + took, last == end)
        elif share > 0:
            found.append(Outage(first, last, took, last == end))
        before = share > 0
    return tuple(outage for outage in found if outage.seconds > 0)
