"""Operators between two vectors: which series meet, and what becomes of them ("Operators", "Vector matching")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keepwell.rooms.promql.evaluate.context import Guard
from keepwell.rooms.promql.evaluate.operators import ARITHMETIC, COMPARISON
from keepwell.rooms.promql.evaluate.vectors import (
    Rows,
    Vector,
    any_moment,
    any_row,
    empty,
    grouped,
    merged,
)
from keepwell.rooms.promql.expression import Binary, Matching
from keepwell.rooms.promql.labels import Key, Labels
from keepwell.rooms.promql.model import ExecutionError, Flags, Values


def signature(labels: Labels, matching: Matching) -> Labels:
    """The labels by which a series meets others. The name counts only where ``on`` lists it."""
    return labels.only(matching.labels) if matching.on else labels.unnamed.without(matching.labels)


def _keys(vector: Vector, matching: Matching) -> list[Key]:
    if not matching.on and not matching.labels:
        return [labels.unnamed.key for labels in vector.labels]
    return [signature(labels, matching).key for labels in vector.labels]


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both vectors with the signatures of their rows: of ``many``, several may meet one of ``one``."""

    many: Vector
    one: Vector
    many_keys: Sequence[Key]
    one_keys: Sequence[Key]

    def one_rows(self) -> dict[Key, list[int]]:
        """The rows of each signature on the side of the one."""
        found: dict[Key, list[int]] = {}
        for row, key in enumerate(self.one_keys):
            found.setdefault(key, []).append(row)
        return found


def joined(node: Binary, left: Vector, right: Vector, guard: Guard) -> Vector:
    """The operator's value for each pair of series that meet. Raises ExecutionError where more meet than the matching allows."""
    if not len(left) or not len(right):
        return empty(left.moments)
    many, one = (right, left) if node.matching.many == "right" else (left, right)
    sides = _Sides(many, one, _keys(many, node.matching), _keys(one, node.matching))
    many_rows, one_rows = _pairs(node, sides, guard)
    both = many.present[many_rows] & one.present[one_rows]
    if node.matching.many is None:
        _refuse_second_match(sides, many_rows, both)
    return _applied(node, sides, (many_rows, one_rows), both, guard)


def _pairs(node: Binary, sides: _Sides, guard: Guard) -> tuple[Rows, Rows]:
    # Mostly each signature is there once on the side of the one. It may be there more often, but never twice at a moment.
    single = dict(zip(sides.one_keys, range(len(sides.one)), strict=True))
    if len(single) == len(sides.one):
        pairs = [(row, single[key]) for row, key in enumerate(sides.many_keys) if key in single]
    else:
        rows_of = sides.one_rows()
        _refuse_duplicates(node, sides, rows_of)
        guard(3 * sides.many.moments * sum(len(rows_of.get(key, ())) for key in sides.many_keys))
        pairs = [(row, other) for row, key in enumerate(sides.many_keys) for other in rows_of.get(key, ())]
    guard(3 * sides.many.moments * len(pairs))
    array = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def _refuse_duplicates(node: Binary, sides: _Sides, rows_of: Mapping[Key, Sequence[int]]) -> None:
    # Where one of the sides has nothing at all, nothing meets and nothing is wrong.
    active = any_row(sides.many.present) & any_row(sides.one.present)
    for rows in rows_of.values():
        if len(rows) < 2:
            continue
        crowded = (sides.one.present[rows].sum(axis=0) > 1) & active
        if crowded.any():
            column = int(np.argmax(crowded))
            there = [sides.one.labels[row] for row in rows if sides.one.present[row, column]]
            first, second = sorted(str(labels) for labels in there)[:2]
            side = "left" if node.matching.many == "right" else "right"
            matched = str(signature(there[0], node.matching))
            raise ExecutionError(
                f"found duplicate series for the match group {matched} on the {side} hand-side of the operation: [{first}, {second}]"
                ";many-to-many matching not allowed: matching labels must be unique on one side"
            )


def _refuse_second_match(sides: _Sides, many_rows: Rows, both: Flags) -> None:
    # One to one: of the rows with a signature on this side, only one may meet the other at a moment.
    groups, count = grouped(sides.many_keys[row] for row in many_rows)
    if count == len(groups):
        return
    crowd = np.zeros((count, both.shape[1]), dtype=np.intp)
    np.add.at(crowd, groups, both)
    if (crowd > 1).any():
        raise ExecutionError("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)")


def _applied(node: Binary, sides: _Sides, pairs: tuple[Rows, Rows], both: Flags, guard: Guard) -> Vector:
    many_rows, one_rows = pairs
    many_values, one_values = sides.many.values[many_rows], sides.one.values[one_rows]
    left, right = (one_values, many_values) if node.matching.many == "right" else (many_values, one_values)
    guard(2 * both.size)
    values, kept = applied(node, left, right)
    labels = [_result(node, sides.many.labels[row], sides.one.labels[other]) for row, other in zip(*pairs, strict=True)]
    nameless = [node.as_bool or sides.many.nameless[row] for row in many_rows]
    if node.matching.many is not None:
        _refuse_same_results(sides, many_rows, labels, both)
    return merged(Vector(labels, nameless, values, both & kept))


def applied(node: Binary, left: Values, right: Values) -> tuple[Values, Flags]:
    """The operator's values, and which of them are kept: all, or with a comparison those that hold."""
    if node.operator in ARITHMETIC:
        values = ARITHMETIC[node.operator](left, right)
        return values, np.ones(values.shape, dtype=np.bool_)
    holds = COMPARISON[node.operator](left, right)
    if node.as_bool:
        return holds.astype(np.float64), np.ones(holds.shape, dtype=np.bool_)
    return np.broadcast_to(left, holds.shape), holds


def _refuse_same_results(sides: _Sides, many_rows: Rows, labels: Sequence[Labels], both: Flags) -> None:
    same, count = grouped((sides.many_keys[row], found.key) for row, found in zip(many_rows, labels, strict=True))
    if count == len(labels):
        return
    crowd = np.zeros((count, both.shape[1]), dtype=np.intp)
    np.add.at(crowd, same, both)
    if (crowd > 1).any():
        raise ExecutionError("multiple matches for labels: grouping labels must ensure unique matches")


def _result(node: Binary, many: Labels, one: Labels) -> Labels:
    labels = many.nameless if node.operator in ARITHMETIC else many
    if node.matching.many is None:
        labels = labels.only(node.matching.labels) if node.matching.on else labels.without(node.matching.labels)
    for name in node.matching.include:
        labels = labels.having(name, one.get(name, ""))
    return labels


def set_operation(node: Binary, left: Vector, right: Vector) -> Vector:
    """``and``, ``or``, ``unless``: which series of the left stay, and with ``or`` which of the right come in."""
    groups, count = grouped([*_keys(left, node.matching), *_keys(right, node.matching)])
    left_groups, right_groups = groups[: len(left)], groups[len(left) :]
    if node.operator == "or":
        taken = _met(left, left_groups, count)
        rest = right.present & ~taken[right_groups] if len(right) else right.present
        both = Vector(
            [*left.labels, *right.labels],
            [*left.nameless, *right.nameless],
            np.concatenate((left.values, right.values)),
            np.concatenate((left.present, rest)),
        )
        return merged(both.rows(np.flatnonzero(any_moment(both.present))))
    met = _met(right, right_groups, count)[left_groups] if len(left) else left.present
    return Vector(left.labels, left.nameless, left.values, left.present & (met if node.operator == "and" else ~met))


def _met(vector: Vector, groups: Sequence[int], count: int) -> Flags:
    met = np.zeros((count, vector.moments), dtype=np.bool_)
    np.logical_or.at(met, groups, vector.present)
    return met
