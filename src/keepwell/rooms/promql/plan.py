"""Which series an expression needs, over which stretch of time. Pure."""

from collections.abc import Iterator
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


def needs(expression: Expression, span: tuple[int, int, int], default_step: int) -> tuple[Need, ...]:
    """What to fetch before the expression can be evaluated. ``span`` is the first and the last moment, and the query's end (``@ end()``),
    which may lie behind the last moment. Stretches of the same series that touch are one."""
    first, last, end = span
    moments = _Moments(first, last, first, end)
    merged: list[Need] = []
    for need in sorted(_needs(expression, moments, default_step), key=lambda need: (str(need.matchers), need.start)):
        before = merged[-1] if merged else None
        if before is not None and before.matchers == need.matchers and need.start <= before.end + 1:
            merged[-1] = Need(before.matchers, before.start, max(before.end, need.end))
        else:
            merged.append(need)
    return tuple(merged)


def _needs(expression: Expression, moments: _Moments, default_step: int) -> Iterator[Need]:
    waiting: list[tuple[Expression, _Moments]] = [(expression, moments)]
    while waiting:
        node, now = waiting.pop()
        match node:
            case Selector():
                first, last = now.seen_through(node.at, node.offset)
                reach = LOOK_BACK if node.range is None else node.range
                yield Need(node.matchers, first - reach + 1, last)
            case Subquery():
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
