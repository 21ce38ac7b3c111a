"""What Keepwell itself did: the records that other rooms keep, as a check asks for them."""

from datetime import datetime
from typing import Protocol


class Records(Protocol):
    """Tells what was done last. Each raises AskError where nobody keeps such records, or there is no such backup or task."""

    async def newest_proof(self, backup: str | None) -> datetime | None:
        """When a backup was last proven by restoring it: that of this name, or, of all, the one proven longest ago. None: never."""
        ...

    async def last_success(self, task: str) -> datetime | None:
        """When a task last ended well. None: never."""
        ...
