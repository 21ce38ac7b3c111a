"""Judging copies: whether one is plausible, which are kept, how a recovery measures up. Pure."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from .model import Copy

EXPIRED = "outside of keep: "
"""How the reason begins why a copy was deleted."""

FROM_THE_FUTURE = "made at a time that has not come yet: the clock was wrong then, or it is now"
"""Why a copy is kept whatever the rules say."""

WENT = "it is not in its repository any more"
"""Why a copy is gone that Keepwell did not delete."""

LOOKED_BACK = 7
"""How many earlier copies say what is usual."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Which copies are kept (see KeepOptions); the zone says when a day begins."""

    zone: ZoneInfo
    last: int | None = None
    days: int | None = None
    daily: int | None = None
    weekly: int | None = None
    monthly: int | None = None
    yearly: int | None = None

    @property
    def says_nothing(self) -> bool:
        """Whether every copy is kept."""
        return all(one is None for one in (self.last, self.days, self.daily, self.weekly, self.monthly, self.yearly))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a copy is kept, and why."""

    copy: Copy
    kept: bool
    why: str


def doubt(size: int, files: int, earlier: Sequence[Copy], share: float) -> str:
    """Why a copy with so many bytes in so many files is implausible beside the earlier ones (oldest first); empty where it is not. From a
    copy on that a person accepted, it and what follows say what is usual."""
    if files == 0:
        return "it holds no file"
    since = max((place for place, copy in enumerate(earlier) if copy.accepted), default=0)
    usual = [copy for copy in earlier[since:] if not copy.doubt][-LOOKED_BACK:]
    if not usual:
        return ""
    for found, middle, words in (
        (size, median(copy.bytes for copy in usual), "bytes"),
        (files, median(copy.files for copy in usual), "files"),
    ):
        if found < share * middle:
            return f"it holds {found:,} {words}, where {middle:,.0f} are usual"
    return ""


def in_order(copies: Sequence[Copy], now: datetime) -> list[Copy]:
    """Copies, the newest last. One from the future was made while the clock was wrong, so nobody knows when: it comes before all others, or
    it would be the newest for years and what is made now would go."""
    return sorted(copies, key=lambda copy: (copy.started <= now, copy.started, copy.id))


def retention(copies: Sequence[Copy], keep: Keep, now: datetime) -> list[Verdict]:
    """What becomes of each copy (in_order). While the newest is implausible, or fails its proof, every copy is kept. Those from the future
    are kept and do not count: either the clock was wrong when they were made, or it is now, and then they are the good ones."""
    later = [Verdict(copy, True, FROM_THE_FUTURE) for copy in copies if copy.started > now]
    past = [copy for copy in copies if copy.started <= now]
    stays = _why_all_stay(past[-1], keep) if past else ""
    if stays or not past:
        return [*later, *(Verdict(copy, True, stays) for copy in past)]
    reasons = _reasons(past, keep, now)
    return [*later, *(Verdict(copy, copy.id in reasons, reasons.get(copy.id, _expired(keep))) for copy in past)]


def _why_all_stay(newest: Copy, keep: Keep) -> str:
    if keep.says_nothing:
        return "every copy is kept"
    if newest.doubt:
        return f"nothing is deleted while the newest copy is implausible: {newest.doubt}"
    if newest.fault:
        return f"nothing is deleted while the newest copy failed its proof: {newest.fault}"
    return ""


def _reasons(copies: Sequence[Copy], keep: Keep, now: datetime) -> Mapping[str, str]:
    """Why copies are kept, by their id; those that are missing are not."""
    reasons: dict[str, str] = {}
    sound = [copy for copy in copies if not copy.doubt and not copy.fault]
    reasons[copies[-1].id] = "the newest"
    for copy in [copy for copy in copies if copy.proven_at is not None and not copy.fault][-1:]:
        reasons.setdefault(copy.id, "the newest that was proven")
    for copy in sound[-keep.last :] if keep.last else ():
        reasons.setdefault(copy.id, f"one of the last {keep.last}")
    if keep.days:
        young = now - timedelta(days=keep.days)
        reasons |= {copy.id: f"younger than {keep.days} days" for copy in copies if copy.started > young and copy.id not in reasons}
    for count, words, period in _periods(keep):
        for copy in _last_of_each(sound, period, count):
            reasons.setdefault(copy.id, f"the last of one of {count} {words}")
    return reasons


def _periods(keep: Keep) -> list[tuple[int, str, Callable[[Copy], Hashable]]]:
    def local(copy: Copy) -> datetime:
        return copy.started.astimezone(keep.zone)

    wanted: list[tuple[int | None, str, Callable[[Copy], Hashable]]] = [
        (keep.daily, "days", lambda copy: local(copy).date()),
        (keep.weekly, "weeks", lambda copy: local(copy).isocalendar()[:2]),
        (keep.monthly, "months", lambda copy: (local(copy).year, local(copy).month)),
        (keep.yearly, "years", lambda copy: local(copy).year),
    ]
    return [(count, words, period) for count, words, period in wanted if count]


def _last_of_each(copies: Sequence[Copy], period: Callable[[Copy], Hashable], count: int) -> list[Copy]:
    newest: dict[Hashable, Copy] = {}
    for copy in copies:
        newest[period(copy)] = copy
    return list(newest.values())[-count:]


def _expired(keep: Keep) -> str:
    names = ("last", "days", "daily", "weekly", "monthly", "yearly")
    return EXPIRED + ", ".join(f"{name} {value}" for name in names if (value := getattr(keep, name)))
