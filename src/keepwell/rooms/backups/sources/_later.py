"""Kinds of sources that are read and kept, and that this version does not run."""

from pydantic import ConfigDict

from keepwell.config.options import Options
from keepwell.rooms.backups.source import Source


class KeptOptions(Options):
    """Kept as it is written; this version does not run it, and says so where it would be made."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", allow_inf_nan=False)


def later(what: str) -> Source:
    """A source that is not built yet."""
    return Source(summary=f"{what}. Kept as it is written: this version makes no such backup, and says so.", options=KeptOptions)
