"""Columns of Arrow, as far as questions need them."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Column = Any
"""A pyarrow.Array; its package has no types."""


def column_of(text: str) -> Column:
    """The lines of a text."""
    return pc.split_pattern(pa.array([text], pa.large_string()), "\n").values


def joined(*columns: Column) -> Column:
    """Texts side by side with a space between them; null where one is."""
    return pc.binary_join_element_wise(*(pc.cast(one, pa.large_string()) for one in columns), pa.scalar(" ", pa.large_string()))
