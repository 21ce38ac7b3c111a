"""Finds the fields of an options class that carry a marker, and visits them in a tree of nodes.

A class is looked at once; the result is a function that walks only where markers are, so that a thousand entries cost little.
"""

import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .nodes import Mapping, Node, Scalar, Sequence
from .options import Expands, Reference, Secret

Marker = Reference | Expands | Secret


class Visitor(Protocol):
    """What is done at each marked text."""

    def marked(self, node: Scalar, text: str, marker: Marker) -> str:
        """Looks at a marked text and gives the text to go on with."""
        ...


Walk = Callable[[Node, Any, Visitor], Any]
"""Visits the marked texts of a node and of the plain value made from it; gives the value to go on with."""


def key_of(name: str, info: FieldInfo) -> str:
    """The key by which a field is written."""
    alias = info.validation_alias if isinstance(info.validation_alias, str) else info.alias
    return alias or name


def parts(annotation: Any) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """An annotation's outer form: its origin (or itself), its arguments, and the markers beside it."""
    beside: tuple[Any, ...] = ()
    while True:
        if hasattr(annotation, "__value__"):  # a type statement's alias
            annotation = annotation.__value__
        elif typing.get_origin(annotation) is typing.Annotated:
            beside += annotation.__metadata__
            annotation = annotation.__origin__
        else:
            origin = typing.get_origin(annotation)
            return (origin or annotation), typing.get_args(annotation), beside


def is_union(origin: Any) -> bool:
    """Whether an annotation's origin is ``X | Y``."""
    return origin is typing.Union or origin is types.UnionType


@dataclass(slots=True)
class Walks:
    """The walks of options classes, each made once."""

    made: dict[type[BaseModel], Walk | None] = field(default_factory=dict)

    def of(self, model: type[BaseModel]) -> Walk | None:
        """The walk of a class; None where nothing in it is marked."""
        if model not in self.made:
            # A class that contains itself meets this entry and walks through it; the real walk replaces it below.
            self.made[model] = lambda node, value, visitor: walk(node, value, visitor) if walk else value
            fields = {key_of(name, info): self._field(info) for name, info in model.model_fields.items()}
            walk = _mapping({key: found for key, found in fields.items() if found})
            self.made[model] = walk
        return self.made[model]

    def _field(self, info: FieldInfo) -> Walk | None:
        return self._annotation(info.annotation, tuple(info.metadata))

    def _annotation(self, annotation: Any, beside: Iterable[Any] = ()) -> Walk | None:
        origin, arguments, inner = parts(annotation)
        leaves = [_leaf(marker) for marker in (*inner, *beside) if isinstance(marker, Marker)]
        if leaves:
            return _all(leaves)
        if isinstance(origin, type) and issubclass(origin, BaseModel):
            return self.of(origin)
        if is_union(origin):
            return _all([walk for walk in map(self._annotation, arguments) if walk])
        if isinstance(origin, type) and issubclass(origin, typing.Mapping) and len(arguments) == 2:
            return _pairs(self._annotation(arguments[0]), self._annotation(arguments[1]))
        if isinstance(origin, type) and issubclass(origin, typing.Collection) and arguments:
            return _items(_all([walk for walk in map(self._annotation, arguments) if walk]))
        return None


def _leaf(marker: Marker) -> Walk:
    def walk(node: Node, value: Any, visitor: Visitor) -> Any:
        if isinstance(node, Scalar):
            return visitor.marked(node, value, marker) if isinstance(value, str) else value
        if isinstance(node, Sequence):
            return [walk(item, part, visitor) for item, part in zip(node.items, value, strict=True)]
        if isinstance(node, Mapping) and isinstance(marker, Reference):
            for key, _ in node.items.values():
                visitor.marked(key, key.text, marker)
        elif isinstance(node, Mapping):
            return {name: walk(child, value[name], visitor) for name, (_, child) in node.items.items()}
        return value

    return walk


def _all(walks: list[Walk]) -> Walk | None:
    if len(walks) < 2:
        return walks[0] if walks else None

    def walk(node: Node, value: Any, visitor: Visitor) -> Any:
        for one in walks:
            value = one(node, value, visitor)
        return value

    return walk


def _mapping(fields: dict[str, Walk]) -> Walk | None:
    if not fields:
        return None

    def walk(node: Node, value: Any, visitor: Visitor) -> Any:
        if isinstance(node, Mapping):
            for key, one in fields.items():
                child = node.child(key)
                if child is not None:
                    value[key] = one(child, value[key], visitor)
        return value

    return walk


def _items(item: Walk | None) -> Walk | None:
    if item is None:
        return None

    def walk(node: Node, value: Any, visitor: Visitor) -> Any:
        if isinstance(node, Sequence):
            return [item(child, part, visitor) for child, part in zip(node.items, value, strict=True)]
        return value

    return walk


def _pairs(key: Walk | None, item: Walk | None) -> Walk | None:
    if key is None and item is None:
        return None

    def walk(node: Node, value: Any, visitor: Visitor) -> Any:
        if isinstance(node, Mapping):
            for name, (key_node, child) in node.items.items():
                if key:
                    key(key_node, key_node.text, visitor)
                if item:
                    value[name] = item(child, value[name], visitor)
        return value

    return walk
