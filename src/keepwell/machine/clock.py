"""The clocks of this machine."""

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clocks: the calendar's in UTC, and CLOCK_MONOTONIC."""

    def now(self) -> datetime:
        """The instant, timezone-aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences between two of them mean something."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Returns after so many seconds; other tasks get a turn even where they are not positive."""
        await asyncio.sleep(max(0.0, seconds))
