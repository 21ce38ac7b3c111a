"""Time, as it is handed to everything that needs it."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Two clocks: the calendar's for records and schedules, the monotonic one for intervals."""

    def now(self) -> datetime:
        """The instant, timezone-aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards and do not follow calendar corrections."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Returns after so many seconds (at once where not positive)."""
        ...
