"""Who performs which kind of work: the rooms' performers, joined by kind."""

from keepwell.kernel.problems import NotFound
from keepwell.kernel.quoting import quoted
from keepwell.ports.work import Occasion, Perform, Performed, Work


class Performers:
    """Takes one performer for each kind; ``perform`` is a Perform for all of them."""

    def __init__(self) -> None:
        self._by_kind: dict[str, Perform] = {}

    def take(self, kind: str, perform: Perform) -> None:
        """From now on, this performs work of that kind."""
        self._by_kind[kind] = perform

    async def perform(self, work: Work, occasion: Occasion) -> Performed:
        """See ports.work.Perform. Raises NotFound also where nobody performs such work."""
        if work.kind not in self._by_kind:
            raise NotFound(f"nothing here does work of the kind {quoted(work.kind)}, so {quoted(work.name)} is not done")
        return await self._by_kind[work.kind](work, occasion)
