"""An expression whose selectors all have ``@`` is worth the same whenever it is asked: what it is worth then without it."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from keepwell.rooms.promql.answers import of_instant, of_range
from keepwell.rooms.promql.evaluate.context import Context, Remarks, Stretch
from keepwell.rooms.promql.expression import Aggregate, Binary, Call, Expression, Negative, Selector, Subquery
from keepwell.rooms.promql.model import Matrix
from keepwell.rooms.promql.parse import MOMENTARY, parse
from keepwell.rooms.promql.plan import needs
from tests.unit.test_promql_ranges import EXPRESSIONS, flat, row_at, same, select

AT = 3_000_000


def pinned(node: Expression) -> Expression:
    """The expression with ``@`` at every selector and subquery that has none."""
    match node:
        case Selector() | Subquery():
            return node if node.at is not None else replace(node, at=AT)
        case Negative():
            inner = pinned(node.inner)
            return replace(node, inner=inner, fixed=inner.fixed)
        case Call():
            arguments = tuple(pinned(argument) for argument in node.arguments)
            return replace(node, arguments=arguments, fixed=node.name not in MOMENTARY and all(one.fixed for one in arguments))
        case Aggregate():
            inner, parameter = pinned(node.inner), None if node.parameter is None else pinned(node.parameter)
            return replace(node, inner=inner, parameter=parameter, fixed=inner.fixed and (parameter is None or parameter.fixed))
        case Binary():
            left, right = pinned(node.left), pinned(node.right)
            return replace(node, left=left, right=right, fixed=left.fixed and right.fixed)
    return node


def momentary(node: Expression) -> bool:
    """Whether the expression's value depends on the moment besides what its selectors see. A subquery has moments of its own."""
    match node:
        case Call():
            return node.name in MOMENTARY or any(map(momentary, node.arguments))
        case Negative():
            return momentary(node.inner)
        case Aggregate():
            return momentary(node.inner) or (node.parameter is not None and momentary(node.parameter))
        case Binary():
            return momentary(node.left) or momentary(node.right)
    return False


async def context(node: Expression, moments: list[int]) -> Context:
    """What the evaluation of that expression at these moments needs."""
    span = (moments[0], moments[-1], moments[-1])
    found = [
        Stretch(need.matchers, need.start, need.end, await select(need.matchers, need.start, need.end))
        for need in needs(node, span, 60_000)
    ]
    return Context("", np.array(moments), moments[0], moments[-1], 60_000, found, lambda numbers: None, Remarks())


PINNABLE = [text for text in EXPRESSIONS if not momentary(parse(text)) and "end()" not in text]


@pytest.mark.parametrize("text", PINNABLE)
async def test_at_makes_the_moment_of_the_question_not_matter(text: str) -> None:
    node = parse(text)
    fixed = pinned(node)
    moments = [-10 * AT, 0, AT // 5, AT, 10 * AT]
    then, whenever = await context(node, [AT]), await context(fixed, moments)
    with np.errstate(all="ignore"):
        worth, whole = flat(of_instant(node, then)), cast(Matrix, of_range(fixed, whenever))
    for at in moments:
        assert same(row_at(whole, at), worth), at


def test_enough_is_pinned() -> None:
    assert len(PINNABLE) > 60
