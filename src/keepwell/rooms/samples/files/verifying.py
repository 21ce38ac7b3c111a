"""Once a day every column of every file is checked, so that one that was altered is known while what it was made of is still there."""

import os
from collections.abc import Mapping

from keepwell.rooms.samples.files.damage import Damaged
from keepwell.rooms.samples.files.layout import VERIFIED, Layout
from keepwell.rooms.samples.files.parquet import verify
from keepwell.rooms.samples.files.raw import open_hour
from keepwell.rooms.samples.files.rolled import open_rolled
from keepwell.rooms.samples.model import Tier


def verify_all(layout: Layout) -> list[Mapping[str, str]]:
    """The files that are damaged: ``tier``, ``name`` and ``reason``. Raises OSError where it cannot be noted that they were checked."""
    found: list[Mapping[str, str]] = []
    for tier in Tier:
        for file in layout.files(tier):
            try:
                verify(open_hour(file) if tier is Tier.RAW else open_rolled(file))
            except Damaged as damaged:
                found.append({"tier": tier.value, "name": file.path.name, "reason": damaged.reason})
            except FileNotFoundError:
                continue
    (layout.folder / VERIFIED).touch()
    os.utime(layout.folder / VERIFIED)
    return found
