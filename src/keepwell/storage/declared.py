"""Storage's own tables as it declares them. Imports nothing costly."""

from pathlib import Path
from typing import Any

from keepwell.ports.offer import Tables


def _metadata() -> Any:
    from .tables import METADATA

    return METADATA


STORAGE_TABLES = Tables("storage", _metadata, str(Path(__file__).parent / "migrations"), "storage_0001")
"""The journal, its outputs, and leases."""
