"""What a query may be answered from: samples, and roll-ups where a store has any."""

from collections.abc import Sequence
from dataclasses import dataclass

from keepwell.ports.samples import Column, Matcher, Select, SelectRolled


@dataclass(frozen=True, slots=True)
class Both:
    """Select, with roll-ups beside it."""

    select: Select
    rolled: SelectRolled

    async def __call__(self, matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
        """See Select."""
        return await self.select(matchers, start, end)


def rolled_beside(select: Select) -> SelectRolled | None:
    """The verb for roll-ups, where there is one."""
    return select.rolled if isinstance(select, Both) else None
