"""How a silence is made, changed and ended, so that what it muted stays known (Alertmanager, silence/silence.go: Set, canUpdate, expire).

A change that would rewrite what has been muted already ends the silence and makes a new one in its place.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from .matchers import meaning_of
from .model import Matcher, Silence

SilenceState = Literal["pending", "active", "expired"]


@dataclass(frozen=True, slots=True)
class Changed:
    """What is to be stored: the silence as it is from now on, and the one that it takes the place of, ended, where there is one."""

    stored: Silence
    ended: Silence | None = None


def state_of(silence: Silence, now: datetime) -> SilenceState:
    """Where a silence stands: its start belongs to it, its end does not."""
    if now < silence.starts_at:
        return "pending"
    return "active" if now < silence.ends_at else "expired"


def problem_of(silence: Silence, now: datetime) -> str:
    """Why a silence cannot be had, as one sentence; empty where it can."""
    if not silence.matchers:
        return "a silence needs at least one matcher"
    for number, matcher in enumerate(silence.matchers):
        if sentence := _wrong(matcher):
            return f"matcher {number}: {sentence}"
    if all(_fits_nothing(matcher) for matcher in silence.matchers):
        return "at least one matcher must not fit the empty value: this silence would fit alerts that have none of its labels"
    if silence.starts_at >= silence.ends_at:
        return "the start of a silence must be before its end"
    if silence.ends_at <= now:
        return "the end of a silence cannot be in the past"
    return ""


def changed(existing: Silence | None, wanted: Silence, now: datetime, new_id: Callable[[], str]) -> Changed:
    """A silence that is new, or takes the place of an existing one; ``problem_of`` found nothing wrong with it."""
    if existing is not None and _may_change(existing, wanted, now):
        start = existing.starts_at if state_of(existing, now) == "active" else wanted.starts_at
        return Changed(replace(wanted, id=existing.id, starts_at=start, updated_at=now))
    fresh = replace(wanted, id=new_id(), starts_at=max(wanted.starts_at, now), updated_at=now)
    if existing is None or state_of(existing, now) == "expired":
        return Changed(fresh)
    return Changed(fresh, ended(existing, now))


def ended(silence: Silence, now: datetime) -> Silence:
    """The silence, ended now; one that had ended stays as it was."""
    match state_of(silence, now):
        case "expired":
            return silence
        case "active":
            return replace(silence, ends_at=now, updated_at=now)
        case "pending":
            return replace(silence, starts_at=now, ends_at=now, updated_at=now)


def _may_change(existing: Silence, wanted: Silence, now: datetime) -> bool:
    """Whether the change leaves alone what has been muted: the same matchers, and a past that stays."""
    if list(existing.matchers) != list(wanted.matchers) or existing.maintenance != wanted.maintenance:
        return False
    match state_of(existing, now):
        case "active":
            # Clients send the start back with fewer digits than it has.
            return int(existing.starts_at.timestamp()) == int(wanted.starts_at.timestamp())
        case "pending":
            return wanted.starts_at >= now
        case "expired":
            return False


def _wrong(matcher: Matcher) -> str:
    if not matcher.label:
        return "a label has a name"
    try:
        meaning_of(matcher)
    except ValueError as error:
        return str(error)
    return ""


def _fits_nothing(matcher: Matcher) -> bool:
    """Whether a matcher asks for a value and takes the empty one (``a=""``, ``a=~".*"``)."""
    return matcher.operator in ("=", "=~") and bool(meaning_of(matcher)(""))
