"""An expression taken apart at its top-level comparison: what is measured, and what it is compared with. Pure."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keepwell.ports.samples import NAME
from keepwell.rooms.promql.expression import Aggregate, Binary, Call, Expression, Negative, Number, Selector, Subquery
from keepwell.rooms.promql.parse import parse
from keepwell.rooms.promql.tokens import Token, scan

_COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")
_TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}
_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")


@dataclass(frozen=True, slots=True)
class Apart:
    """``measured`` is the text of the side that is measured, ``operator`` and ``bound`` say what it is compared with, as if it stood on the
    left (``bound`` is None where that is no literal number). Without a comparison that filters, at the top, ``measured`` is empty.
    ``metrics`` are the names of all series in the expression; None where a selector names no metric."""

    measured: str
    operator: str
    bound: float | None
    metrics: frozenset[str] | None


def take_apart(text: str) -> Apart:
    """The expression's parts. Raises BadQuery where it is none."""
    tree = parse(text)
    metrics = _metrics(tree)
    if not isinstance(tree, Binary) or tree.operator not in _COMPARISONS or tree.as_bool:
        return Apart("", "", None, metrics)
    tokens = _unwrapped(scan(text))
    sign = _top_comparison(tokens)
    left, right = _number(tree.left), _number(tree.right)
    if left is not None and right is None:
        return Apart(text[tokens[sign + 1].start : tokens[-1].end], _TURNED[tree.operator], left, metrics)
    return Apart(text[tokens[0].start : tokens[sign - 1].end], tree.operator, right, metrics)


def _unwrapped(tokens: Sequence[Token]) -> Sequence[Token]:
    """The tokens without brackets around all of them."""
    while tokens[0].text == "(" and _closing(tokens) == len(tokens) - 1:
        tokens = tokens[1:-1]
    return tokens


def _closing(tokens: Sequence[Token]) -> int:
    """Where the bracket closes with which they begin."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += (token.sort == "operator" and token.text in _OPENING) - (token.sort == "operator" and token.text in _CLOSING)
        if depth == 0:
            return index
    return len(tokens)


def _top_comparison(tokens: Sequence[Token]) -> int:
    """Where the last comparison outside of all brackets stands: of several the parser takes the left ones together first."""
    depth = found = 0
    for index, token in enumerate(tokens):
        if token.sort == "operator":
            depth += (token.text in _OPENING) - (token.text in _CLOSING)
            found = index if depth == 0 and token.text in _COMPARISONS else found
    return found


def _number(tree: Expression) -> float | None:
    if isinstance(tree, Negative):
        inner = _number(tree.inner)
        return None if inner is None else -inner
    return tree.value if isinstance(tree, Number) and math.isfinite(tree.value) else None


def _metrics(tree: Expression) -> frozenset[str] | None:
    names = [
        next((one.value for one in selector.matchers if one.label == NAME and one.operator == "="), None) for selector in _selectors(tree)
    ]
    return None if None in names else frozenset(name for name in names if name is not None)


def _selectors(tree: Expression) -> Iterator[Selector]:
    waiting = [tree]
    while waiting:
        match waiting.pop():
            case Selector() as selector:
                yield selector
            case Binary(left=left, right=right):
                waiting += [left, right]
            case Call(arguments=arguments):
                waiting += arguments
            case Aggregate(inner=inner, parameter=parameter):
                waiting += [inner, *([parameter] if parameter is not None else [])]
            case Negative(inner=inner) | Subquery(inner=inner):
                waiting.append(inner)
