"""When a target is due, and the instant that its samples get. Pure."""

from hashlib import blake2b
from math import floor

SPREAD = 10.0
"""Seconds after a start within which every target is asked for the first time."""

TOLERANCE = 10
"""Milliseconds by which a sample's instant may be moved so that a series' instants are evenly apart, and pack well; at most a hundredth
of the interval. Prometheus does the same with 2 ms (scrape/scrape.go, ScrapeTimestampTolerance)."""


def deadline(timeout: float, every: float) -> float:
    """How long a page may take, so that the next time it is due, the one before has ended."""
    return min(timeout, every - min(0.5, every / 20))


def first_due(key: object, every: float, started: float) -> float:
    """When (monotonic seconds) a target is asked first: always at the same place of its interval, so that targets are spread."""
    place = int.from_bytes(blake2b(repr(key).encode(), digest_size=4).digest()) / 2**32
    return started + place * min(every, SPREAD)


def following(due: float, every: float, monotonic: float) -> float:
    """When it is due after ``due``; what lies in the past by ``monotonic`` is left out."""
    return due + every * (1 + max(0, floor((monotonic - due) / every)))


def aligned(at: int, last: int, every: float) -> int:
    """The instant of a scrape (milliseconds since 1970) that began at ``at``, where the one before had ``last`` (0: there was none)."""
    step = every * 1000
    steps = round((at - last) / step)
    even = round(last + steps * step)
    if last and steps >= 1 and abs(at - even) <= min(TOLERANCE, step / 100):
        return even
    return at
