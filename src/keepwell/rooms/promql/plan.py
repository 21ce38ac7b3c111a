"""Which series an expression needs, over which stretch of time. Pure."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from keepwell.ports.samples import Matcher
from keepwell.rooms.promql.expression import Aggregate, At, Binary, Call, Expression, Negative, Selector, Subquery
from keepwell.rooms.promql.model import LOOK_BACK


@dataclass(frozen=True, slots=True)
class Need:
    """Series that fit all matchers, with their samples from ``start`` to ``end`` (milliseconds since 1970, both included)."""

    matchers: tuple[Matcher, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Coarse:
    """A function over windows of a selector outside of subqueries, where roll-ups may do: its windows end from ``first`` to ``last``, every
    ``step`` milliseconds."""

    name: str
    selector: Selector
    reach: int
    first: int
    last: int
    step: int

    @property
    def unit(self) -> int:
        """All edges of its windows are multiples of so many milliseconds."""
        return math.gcd(self.first, self.reach, self.step if self.first < self.last else 0)


@dataclass(frozen=True, slots=True)
class _Moments:
    """The first and the last moment at which a part is evaluated, and those of the whole query."""

    first: int
    last: int
    start: int
    end: int

    def seen_through(self, at: At, offset: int) -> tuple[int, int]:
        """Where a selector with these modifiers looks at the first and at the last moment."""
        if at is None:
            return self.first - offset, self.last - offset
        fixed = {"start": self.start, "end": self.end}[at] if isinstance(at, str) else at
        return fixed - offset, fixed - offset


def coarse(expression: Expression, span: tuple[int, int, int], step: int, names: Collection[str]) -> Iterator[Coarse]:
    """The calls of these functions, over whose windows roll-ups may be asked. ``span`` as in ``needs``."""
    first, last, end = span
    moments = _Moments(first, last, first, end)
    for node, now in _parts(expression, moments, None):
        if isinstance(node, Call) and node.name in names and isinstance(node.arguments[0], Selector):
            selector = node.arguments[0]
            if selector.range:
                yield Coarse(node.name, selector, selector.range, *now.seen_through(selector.at, selector.offset), step)


def needs(
    expression: Expression,
    span: tuple[int, int, int],
    default_step: int,
    answered: Collection[Selector] = (),
    look_back: int = LOOK_BACK,
) -> tuple[Need, ...]:
    """What to fetch before the expression can be evaluated, but for the selectors that are ``answered``. ``span`` is the first and the last
    moment, and the query's end (``@ end()``), which may lie behind the last moment. Stretches of the same series that touch are one."""
    first, last, end = span
    moments = _Moments(first, last, first, end)
    merged: list[Need] = []
    found = _needs(expression, moments, default_step, answered, look_back)
    for need in sorted(found, key=lambda need: (str(need.matchers), need.start)):
        before = merged[-1] if merged else None
        if before is not None and before.matchers == need.matchers and need.start <= before.end + 1:
            merged[-1] = Need(before.matchers, before.start, max(before.end, need.end))
        else:
            merged.append(need)
    return tuple(merged)


def _needs(expression: Expression, moments: _Moments, default_step: int, answered: Collection[Selector], look_back: int) -> Iterator[Need]:
    for node, now in _parts(expression, moments, default_step):
        if isinstance(node, Selector) and node not in answered:
            first, last = now.seen_through(node.at, node.offset)
            reach = look_back if node.range is None else node.range
            yield Need(node.matchers, first - reach + 1, last)


def _parts(expression: Expression, moments: _Moments, default_step: int | None) -> Iterator[tuple[Expression, _Moments]]:
    """Every part with the moments at which it is evaluated; without a ``default_step`` not what is in subqueries."""
    waiting: list[tuple[Expression, _Moments]] = [(expression, moments)]
    while waiting:
        node, now = waiting.pop()
        yield node, now
        match node:
            case Subquery() if default_step is not None:
                first, last = now.seen_through(node.at, node.offset)
                step = node.step or default_step
                inner_first, inner_last = ((first - node.range) // step + 1) * step, last // step * step
                if inner_first <= inner_last:
                    waiting.append((node.inner, _Moments(inner_first, inner_last, now.start, now.end)))
            case Binary():
                waiting += [(node.left, now), (node.right, now)]
            case Call():
                waiting += [(argument, now) for argument in node.arguments]
            case Aggregate():
                waiting += [(node.inner, now), *([(node.parameter, now)] if node.parameter is not None else [])]
            case Negative():
                waiting.append((node.inner, now))
