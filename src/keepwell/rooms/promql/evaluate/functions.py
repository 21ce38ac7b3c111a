"""Functions of each number alone: mathematics, rounding, clamping."""

from collections.abc import Callable

import numpy as np

from keepwell.rooms.promql.evaluate.vectors import Vector
from keepwell.rooms.promql.model import Values


def _sign(values: Values) -> Values:
    # Of zero and of NaN it is the value itself.
    return np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))


SIMPLE: dict[str, Callable[[Values], Values]] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "deg": lambda values: values * 180 / np.pi,
    "exp": np.exp,
    "floor": np.floor,
    "ln": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "rad": lambda values: values * np.pi / 180,
    "sgn": _sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}
"""Functions of an instant vector alone."""


def rounded(values: Values, nearest: Values) -> Values:
    """To the nearest multiple, ties upwards. The inverse is used because 1 divided by it is what small steps like 0.1 mean."""
    inverse = 1.0 / nearest
    return np.floor(values * inverse + 0.5) / inverse


def clamped(vector: Vector, low: Values | None, high: Values | None) -> Vector:
    """The values moved into the bounds, one of which may be missing. Where the lower bound is above the upper one there is nothing."""
    values, present = vector.values, vector.present
    if high is not None:
        values = np.minimum(values, high)
    if low is not None:
        values = np.maximum(values, low)
    if low is not None and high is not None:
        present = present & ~(low > high)
    return vector.dropping_names(values, present)
