"""A calendar that is set while it is looked at."""

from datetime import timedelta

from keepwell.ports.clock import Clock

JUMP = 5.0
"""Seconds by which the calendar and the monotonic clock may part before we take the calendar to have been set."""


class Calendar:
    """Notices that the calendar was set forward or back, by the monotonic clock beside it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.now(), clock.monotonic()
        self._known = 0.0

    def set_by(self) -> timedelta | None:
        """By how much it was set since this was asked last, None where it was not."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        apart = (now - self._began[0]).total_seconds() - (monotonic - self._began[1])
        if abs(apart - self._known) <= JUMP:
            return None
        moved, self._known = apart - self._known, apart
        return timedelta(seconds=moved)
