"""Kinds of repositories that are read and kept, and that this version does not run."""

from pydantic import ConfigDict

from keepwell.config.options import Options
from keepwell.rooms.backups.engine import Engine


class KeptOptions(Options):
    """Kept as it is written; this version does not run it, and says so where it would be used."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", allow_inf_nan=False)


def later(name: str) -> Engine:
    """An engine that is not built yet."""
    sentence = f"repositories of {name} are kept as they are written: this version keeps archives only"
    summary = f"A repository of {name}. Kept as it is written: not run by this version."
    return Engine(summary=summary, options=KeptOptions, place=lambda _: sentence)
