"""Truth and comparison as Go's templates have them (text/template/funcs.go)."""

from collections.abc import Mapping, Sequence
from typing import Any

from .model import Found, TemplateError


def is_true(value: Any) -> bool:
    """Whether a value counts as true: not nil, false, 0, or empty. A series counts always."""
    if isinstance(value, Found):
        return True
    if isinstance(value, float):
        return value != 0
    return bool(value)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        return "string"
    raise TemplateError("invalid type for comparison")


def equal(first: Any, *others: Any) -> bool:
    """``eq``: whether the first is equal to any of the others. A whole number and a decimal one are not compared, as in Go."""
    if not others:
        raise TemplateError("missing argument for comparison")
    kind = _kind(first)
    for other in others:
        if other is None:
            continue
        if _kind(other) != kind:
            raise TemplateError("incompatible types for comparison: write 1.0 beside a decimal number")
        if first == other:
            return True
    return False


def less(first: Any, second: Any) -> bool:
    """``lt``."""
    kind = _kind(first)
    if kind != _kind(second):
        raise TemplateError("incompatible types for comparison: write 1.0 beside a decimal number")
    if kind == "bool":
        raise TemplateError("invalid type for comparison")
    return bool(first < second)


def length(value: Any) -> int:
    """``len``: of a text in bytes."""
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, Mapping | Sequence):
        return len(value)
    raise TemplateError("len of a value that has none")


def indexed(value: Any, *keys: Any) -> Any:
    """``index``: one key after the other. A map answers "" for a key that it lacks."""
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(_of_type(key, str), "")
        elif isinstance(value, str):
            value = value.encode()[_place(key, length(value))]
        elif isinstance(value, Sequence):
            value = value[_place(key, len(value))]
        else:
            raise TemplateError("can't index a value that is no list or map")
    return value


def sliced(value: Any, *bounds: Any) -> Any:
    """``slice``: from one place, up to another."""
    if len(bounds) > 2 or not isinstance(value, str | Sequence):
        raise TemplateError("can't slice this value so")
    whole = value.encode() if isinstance(value, str) else value
    start = _of_type(bounds[0], int) if bounds else 0
    end = _of_type(bounds[1], int) if len(bounds) > 1 else len(whole)
    if not 0 <= start <= end <= len(whole):
        raise TemplateError(f"invalid slice index: {start} to {end} of {len(whole)}")
    part = whole[start:end]
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else part


def _place(key: Any, size: int) -> int:
    place: int = _of_type(key, int)
    if not 0 <= place < size:
        raise TemplateError(f"index out of range: {place}")
    return place


def _of_type(value: Any, wanted: type[Any]) -> Any:
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise TemplateError("index is of the wrong type")
    return value
