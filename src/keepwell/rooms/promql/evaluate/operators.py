"""What an operator makes of two numbers, for whole columns: IEEE 754, and Go's math where Prometheus uses it."""

from collections.abc import Callable

import numpy as np

from keepwell.rooms.promql.model import Flags, Values

ARITHMETIC: dict[str, Callable[[Values, Values], Values]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}

COMPARISON: dict[str, Callable[[Values, Values], Flags]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}

SETS = frozenset({"and", "or", "unless"})
