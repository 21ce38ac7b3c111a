"""What the room of alerts declares of its own: its tables. Its sections, commands and pages are declared by its topics."""

from pathlib import Path
from typing import Any

from keepwell.ports.offer import Tables


def tables() -> Tables:
    """The room's tables."""

    def metadata() -> Any:
        from .tables import METADATA

        return METADATA

    return Tables("alerts", metadata, str(Path(__file__).parent / "migrations"), "alerts_0001")
