"""Whether a condition comes and goes too often: Nagios' measure (nagios/base/flapping.c). Pure.

Of the last 21 looks there are 20 places for a change; newer changes weigh more (from 0.75 to 1.25). Where their share reaches ``HIGH`` the
condition flaps, until it is down to ``LOW``. Looks are kept as the bits of a number, the newest lowest.
"""

LOOKS = 21
LOW, HIGH = 0.05, 0.20
"""Nagios' usual thresholds of a service (main.h: DEFAULT_LOW_SERVICE_FLAP_THRESHOLD, DEFAULT_HIGH_SERVICE_FLAP_THRESHOLD)."""

_LIGHTEST, _HEAVIEST = 0.75, 1.25
ALWAYS = (1 << LOOKS) - 1
"""A condition that held at every look."""


def looked(bits: int, holds: bool) -> int:
    """The looks with one more."""
    return (bits << 1 | holds) & ALWAYS


def share(bits: int) -> float:
    """The weighted share of changes, from 0 to 1.25."""
    changes = (bits ^ bits >> 1) & (ALWAYS >> 1)
    places = LOOKS - 1
    step = (_HEAVIEST - _LIGHTEST) / (places - 1)
    return sum(_HEAVIEST - step * age for age in range(places) if changes >> age & 1) / places


def flaps(bits: int, did: bool) -> bool:
    """Whether it flaps now, where it did so before or not."""
    now = share(bits)
    return now > LOW if did else now >= HIGH
