"""Alerts as their sources tell of them: rules, checks and programs say what is active, and whoever keeps alerts does the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Active:
    """One alert that its source holds for active: ``pending`` while it waits for its ``for``, then ``firing``.

    ``labels`` are all of it (``alertname`` among them) and tell it from every other. ``active_since`` is when its condition began to hold,
    ``firing_since`` when it fired, ``keep_firing_since`` since when it fires only because of its ``keep_firing_for``. ``doubt`` is a
    sentence where the condition cannot be judged now (no data, an error), empty where it can. ``flapping``: it comes and goes so often that
    it is held firing. ``memory`` is what the source itself wants back after
    a restart.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: Literal["pending", "firing"]
    active_since: datetime
    firing_since: datetime | None = None
    keep_firing_since: datetime | None = None
    value: float | None = None
    generator_url: str = ""
    doubt: str = ""
    flapping: bool = False
    memory: Mapping[str, object] = field(default_factory=dict)


class Tell(Protocol):
    """Takes what one source holds for active, all of it: what the source had before and does not name now has ended.

    Stored, with whatever follows from it, before it returns. Raises StorageError where it cannot be stored: then nothing changed, and the
    source tells again.
    """

    async def __call__(self, source: str, active: Sequence[Active], at: datetime, /) -> None: ...


class Known(Protocol):
    """What a source held for active when it was last heard: to go on from after a restart. Newest instants are those of the last telling
    that changed something."""

    def __call__(self, source: str, /) -> Sequence[Active]: ...
