"""Options classes in words: their fields, and the classes below them."""

import json
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, WithJsonSchema
from pydantic.fields import FieldInfo

from keepwell.kernel.durations import format_duration
from keepwell.kernel.percentages import format_percentage
from keepwell.kernel.sizes import format_size

from .markers import is_union, key_of, parts
from .meanings import meanings
from .options import Expands, Reference

_UNITS = {
    "_bytes_per_second": "bytes/s",
    "_bytes_per_day": "bytes/d",
    "_per_second": "1/s",
    "_seconds": "s",
    "_bytes": "bytes",
    "_ratio": "0 to 1",
}
_PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "nothing", Any: "anything"}
_FORMATS: dict[str, Callable[[Any], str]] = {"a size with its unit": format_size, "a percentage": format_percentage}


@dataclass(frozen=True, slots=True)
class FieldWords:
    """A field: its key, its type in words (``form``), its default (``required`` where it has none) and its meaning; and the options
    classes below it."""

    key: str
    form: str
    default: str
    meaning: str
    inner: tuple[type[BaseModel], ...]


def field_words(name: str, info: FieldInfo, texts: Mapping[str, str]) -> FieldWords:
    """A field of an options class in words. Code in them stands between backquotes."""
    key = key_of(name, info)
    meaning = " ".join(texts.get(key, "").split())
    return FieldWords(key, type_in_words(info.annotation, tuple(info.metadata)), _default(info), meaning, tuple(_models(info.annotation)))


@dataclass(frozen=True, slots=True)
class ModelWords:
    """An options class: the paths of keys at which it stands (none for the outermost), and its fields."""

    places: tuple[str, ...]
    fields: tuple[FieldWords, ...]


def model_words(model: type[BaseModel]) -> tuple[ModelWords, ...]:
    """An options class in words, and after it the classes that its fields hold, each once."""
    places: dict[type[BaseModel], list[str]] = {model: []}
    found: list[tuple[type[BaseModel], tuple[FieldWords, ...]]] = []
    waiting = [("", model)]
    while waiting:
        prefix, current = waiting.pop(0)
        texts = meanings(current)
        fields = tuple(field_words(name, info, texts) for name, info in current.model_fields.items())
        for one in fields:
            path = f"{prefix}.{one.key}".lstrip(".")
            waiting += [(path, inner) for inner in one.inner if inner not in places]
            for inner in one.inner:
                places.setdefault(inner, []).append(path)
        found.append((current, fields))
    return tuple(ModelWords(tuple(places[current]), fields) for current, fields in found)


def quantity_defaults(model: type[BaseModel]) -> dict[str, str]:
    """The defaults of durations, sizes and percentages as they are written in YAML, by key."""
    texts = {key_of(name, info): _quantity(info.default, info) for name, info in model.model_fields.items()}
    return {key: text for key, text in texts.items() if text is not None}


def type_in_words(annotation: Any, beside: tuple[Any, ...] = ()) -> str:
    """An annotation as a person says it: ``list of text``, ``a duration with units (30s, 5m, 1h30m)``, ``name of one of the targets``."""
    origin, arguments, inner = parts(annotation)
    notes = (*inner, *beside)
    return _base(origin, arguments, notes) + "".join(_constraint(note) for note in notes)


def _base(origin: Any, arguments: tuple[Any, ...], notes: tuple[Any, ...]) -> str:
    for note in notes:
        if isinstance(note, Reference):
            return f"name of one of the {note.section}" + (f" or {note.or_in}" if note.or_in else "")
        if isinstance(note, WithJsonSchema) and note.json_schema and "description" in note.json_schema:
            examples = ", ".join(f"`{example}`" for example in note.json_schema.get("examples", ()))
            return f"{note.json_schema['description']} ({examples})" if examples else str(note.json_schema["description"])
        if isinstance(note, Expands):
            return "text; `${VAR}` is replaced"
    if is_union(origin):
        return " or ".join(dict.fromkeys(type_in_words(each) for each in arguments if each is not type(None)))
    if origin is typing.Literal:
        return "one of " + ", ".join(f"`{value}`" for value in arguments)
    if not isinstance(origin, type):
        return _PLAIN.get(origin, "anything")
    if issubclass(origin, Enum):
        return "one of " + ", ".join(f"`{member.value}`" for member in origin)
    if issubclass(origin, BaseModel):
        return "keys with values, see below"
    if issubclass(origin, typing.Mapping):
        return f"names, each with {type_in_words(arguments[1])}" if len(arguments) == 2 else "names with values"
    if origin not in _PLAIN and issubclass(origin, typing.Collection):
        items = [type_in_words(each) for each in arguments if each is not Ellipsis]
        return f"list of {' or '.join(dict.fromkeys(items))}" if items else "list"
    return _PLAIN.get(origin, origin.__name__)


def _constraint(note: Any) -> str:
    match note:
        case Ge(ge=bound):
            return f", at least {bound}"
        case Gt(gt=bound):
            return f", more than {bound}"
        case Le(le=bound):
            return f", at most {bound}"
        case Lt(lt=bound):
            return f", less than {bound}"
        case MinLen(min_length=length):
            return f", at least {length} long"
        case MaxLen(max_length=length):
            return f", at most {length} long"
    return ""


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True, validated_data={})
    if value is None or value == () or value == {} or isinstance(value, BaseModel):
        return ""
    return f"`{_written(value, info)}`"


def _written(value: Any, info: FieldInfo) -> str:
    """A default as it would be written in YAML."""
    quantity = _quantity(value, info)
    if quantity is not None:
        return quantity
    if isinstance(value, Enum):
        return str(value.value)
    return value if isinstance(value, str) and value else json.dumps(value, default=str, ensure_ascii=False)


def _quantity(value: Any, info: FieldInfo) -> str | None:
    """A duration, size or percentage with its unit; None where the value is none of these."""
    if isinstance(value, timedelta):
        return format_duration(value)
    origin, arguments, inner = parts(info.annotation)
    branches = [parts(each)[2] for each in arguments] if is_union(origin) else []
    notes = (*inner, *info.metadata, *(note for branch in branches for note in branch))
    words = [str(note.json_schema.get("description")) for note in notes if isinstance(note, WithJsonSchema) and note.json_schema]
    write = next((_FORMATS[word] for word in words if word in _FORMATS), None)
    return write(value) if write and isinstance(value, int | float) else None


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    origin, arguments, _ = parts(annotation)
    if isinstance(origin, type) and issubclass(origin, BaseModel):
        yield origin
    for argument in arguments:
        if argument is not Ellipsis:
            yield from _models(argument)


def unit_of(value: str) -> str:
    """The unit of a measured value, as its name ends with it; empty where it is a plain number."""
    return next((unit for ending, unit in _UNITS.items() if f"_{value}".endswith(ending)), "")
