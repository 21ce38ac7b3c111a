"""A step that is to be done in a run, and what goes with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from keepwell.rooms.runbooks.decide import timeout_of
from keepwell.rooms.runbooks.model import Prepared, Ready, Run


@dataclass(frozen=True, slots=True)
class Execution:
    """A step that is to be done in a run."""

    run: Run
    ready: Ready
    prepared: Prepared

    @property
    def environment(self) -> Mapping[str, str]:
        """The values of its variables that are no secrets."""
        asked = {name: self.run.arguments[name] for name in self.prepared.step.asks if name in self.run.arguments}
        return {**self.ready.environment, **asked, "KEEPWELL_RUN": str(self.run.number), "KEEPWELL_STEP": self.prepared.name}

    @property
    def seconds(self) -> float:
        """How long it may take."""
        return timeout_of(self.prepared).total_seconds()
