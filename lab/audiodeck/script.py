"""What happens to AudioDeck while weeks are played: which fault begins and ends when, and what else is done to it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Spell:
    """A fault, from so long after the beginning on, for so long. ``repaired`` False: it is left to who operates."""

    fault: str
    after: timedelta
    lasts: timedelta
    repaired: bool = True


def _at(day: int, hour: float) -> timedelta:
    return timedelta(days=day - 1, hours=hour)


SPELLS = (
    Spell("processor-busy", _at(1, 5), timedelta(minutes=30)),
    Spell("api-slow", _at(2, 19), timedelta(hours=4)),
    Spell("settings-lost", _at(3, 9), timedelta(0), repaired=False),
    Spell("service-down", _at(3, 13), timedelta(hours=5)),
    Spell("program-lost", _at(3, 22), timedelta(0), repaired=False),
    Spell("audio-broken", _at(4, 11), timedelta(hours=5)),
    Spell("api-errors", _at(5, 13), timedelta(hours=7)),
    Spell("memory-leak", _at(6, 9), timedelta(hours=6)),
    Spell("world-writable", _at(6, 20), timedelta(days=8)),
    Spell("port-opened", _at(6, 20), timedelta(days=9)),  # the audit of ports is made on Sundays
    Spell("log-flood", _at(4, 23.98), timedelta(minutes=2)),
    Spell("certificate-expired", _at(4, 6), timedelta(days=2)),
    Spell("backup-corrupted", _at(7, 4), timedelta(hours=1)),
    Spell("backup-corrupted", _at(10, 4), timedelta(hours=1)),
    Spell("service-down", _at(8, 13), timedelta(hours=5)),
    Spell("api-slow", _at(20, 19), timedelta(hours=4)),  # old logs are cleaned up
    Spell("service-down", _at(26, 3), timedelta(hours=5)),
)
"""Five weeks, which begin on a Monday; most of it in the first two."""

LOOKED_AT: Mapping[str, Sequence[str]] = {
    "service-down": ("service-audiodeck", "process-audiodeck-server", "port-127-0-0-1-*"),
    "api-errors": ("audio-test",),
    "processor-busy": ("process-audiodeck-server",),
}
"""Checks (patterns of their names) that somebody looks at as soon as a fault is there. By themselves they look so seldom in a play that a
fault may be over before they do."""

MEASURED = frozenset({"processor-busy"})
"""Faults that are measured over time: while they are looked at, played time passes no faster than real time."""

Deed = tuple[datetime, str, str]
"""When; ``break``, ``repair`` or ``visit``; and which fault."""


def deeds(begin: datetime) -> list[Deed]:
    """All of them in order."""
    made: list[Deed] = []
    for spell in SPELLS:
        made.append((begin + spell.after, "break", spell.fault))
        if spell.repaired:
            made.append((begin + spell.after + spell.lasts, "repair", spell.fault))
    return sorted(made)


def visits(begin: datetime, until: datetime) -> Iterator[Deed]:
    """Somebody uses the service, every half hour."""
    at = begin + timedelta(minutes=7)
    while at < until:
        yield at, "visit", ""
        at += timedelta(minutes=30)


def deeds_between(begin: datetime, now: datetime, until: datetime) -> list[Deed]:
    """Those that are still to come."""
    return sorted(deed for deed in (*deeds(begin), *visits(begin, until)) if now < deed[0] < until)
