"""The verbs: a text and a store of samples give a result."""

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from keepwell.ports.samples import Select
from keepwell.rooms.promql.answers import of_instant, of_range
from keepwell.rooms.promql.evaluate.context import Context, Remarks, Stretch
from keepwell.rooms.promql.evaluate.rolled import ANSWERED, RolledWindows
from keepwell.rooms.promql.expression import Expression, Selector
from keepwell.rooms.promql.model import BadQuery, Cancelled, ExecutionError, Instants, Limits, Result, TimedOut, Value
from keepwell.rooms.promql.parse import parse
from keepwell.rooms.promql.plan import Coarse, Need, coarse, needs
from keepwell.rooms.promql.sources import rolled_beside

_FARTHEST = 1 << 53
"""Milliseconds either side of 1970; beyond, instants are not told apart any more."""


@dataclass(slots=True)
class _Watch:
    """Stops an evaluation that became too large or too long, or that nobody waits for."""

    limits: Limits
    deadline: float
    left: threading.Event = field(default_factory=threading.Event)

    def __call__(self, numbers: int) -> None:
        if self.left.is_set():
            raise Cancelled("query was canceled in expression evaluation")
        if time.monotonic() > self.deadline:
            raise _too_slow(self.limits)
        if numbers > self.limits.samples:
            raise ExecutionError(
                "query processing would load too many samples into memory in query execution: "
                f"{numbers} at once, at most {self.limits.samples}",
                hint="ask for a shorter range, a larger step or fewer series",
            )


def _too_slow(limits: Limits) -> TimedOut:
    return TimedOut(
        f"query timed out: it took longer than {limits.seconds:g} s", hint="ask for a shorter range, a larger step or fewer series"
    )


async def query_instant(text: str, at: int, select: Select, limits: Limits) -> Result:
    """The expression's value at one instant (milliseconds since 1970 in UTC).

    Raises BadQuery for a text that is no expression, ExecutionError where it has no value, TimedOut, Cancelled; Refused from the store.
    """
    return await _query(text, np.array([_instant(at)], dtype=np.int64), select, limits, _Shape(is_range=False))


async def query_range(text: str, start: int, end: int, step: int, select: Select, limits: Limits) -> Result:
    """The expression's values from ``start`` to ``end``, both included, every ``step`` milliseconds. Raises as ``query_instant``."""
    if step <= 0:
        raise BadQuery("zero or negative query resolution step widths are not accepted. Try a positive integer")
    if _instant(end) < _instant(start):
        raise BadQuery("end timestamp must not be before start time")
    count = (end - start) // step + 1
    if count > limits.points:
        raise BadQuery(
            f"exceeded maximum resolution of {limits.points:,} points per timeseries. Try decreasing the query resolution (?step=XX)",
            hint=f"{count} points were asked for",
        )
    return await _query(text, start + step * np.arange(count, dtype=np.int64), select, limits, _Shape(is_range=True, end=end))


@dataclass(frozen=True, slots=True)
class _Shape:
    """Whether a range is asked for, and its end (the last moment may lie before it)."""

    is_range: bool
    end: int | None = None


def _instant(at: int) -> int:
    if not -_FARTHEST <= at <= _FARTHEST:
        raise BadQuery(f"the time {at} ms is further from 1970 than instants are told apart")
    return at


async def _query(text: str, moments: Instants, select: Select, limits: Limits, shape: _Shape) -> Result:
    expression = parse(text)
    if shape.is_range and expression.kind in ("matrix", "string"):
        kind = "range vector" if expression.kind == "matrix" else "string"
        raise BadQuery(f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector')
    watch, remarks = _Watch(limits, time.monotonic() + limits.seconds), Remarks()
    start, end = int(moments[0]), int(moments[-1]) if shape.end is None else shape.end
    try:
        async with asyncio.timeout(limits.seconds):
            span = (start, int(moments[-1]), end)
            step = int(moments[1] - moments[0]) if len(moments) > 1 else 0
            rolled = await _rolled(list(coarse(expression, span, step, ANSWERED)), select, watch, remarks)
            stretches = await _fetched(needs(expression, span, limits.default_step, rolled, limits.look_back), select, watch)
    except TimeoutError:
        raise _too_slow(limits) from None
    context = Context(text, moments, start, end, limits.default_step, stretches, watch, remarks, look_back=limits.look_back, rolled=rolled)
    value = await _evaluated(expression, context, watch, is_range=shape.is_range)
    return Result(value, tuple(remarks.warnings), tuple(remarks.infos))


async def _rolled(calls: Sequence[Coarse], select: Select, watch: _Watch, remarks: Remarks) -> dict[Selector, RolledWindows]:
    """What roll-ups answer: all that they answer exactly, and that of which samples are not kept any more."""
    ask = rolled_beside(select)
    answered: dict[Selector, RolledWindows] = {}
    for call in calls if ask is not None else ():
        assert ask is not None
        selector, reach = call.selector, call.reach
        found = await ask(selector.matchers, call.first - reach, call.last, call.unit)
        if found is None or found.step > reach:
            continue
        watch(sum(len(fields(column)) * len(column.start) for column in found.columns))
        rolled = RolledWindows(found, reach)
        closes = np.arange(call.first, call.last + 1, max(1, call.step), dtype=np.int64)
        is_exact = await asyncio.to_thread(rolled.is_exact, call.name, closes)
        if is_exact or (found.gone and rolled.is_known(call.name)):
            answered[selector] = rolled
            if not is_exact:
                remarks.warn(f"from roll-ups, with edges of windows that are approximate and without NaN ({found.gone})")
    return answered


async def _fetched(wanted: Sequence[Need], select: Select, watch: _Watch) -> Sequence[Stretch]:
    stretches = []
    held = 0
    for need in wanted:
        columns = await select(need.matchers, need.start, need.end)
        held += sum(len(column.timestamps) for column in columns)
        watch(held)
        stretches.append(Stretch(need.matchers, need.start, need.end, columns))
    return stretches


async def _evaluated(expression: Expression, context: Context, watch: _Watch, *, is_range: bool) -> Value:
    # In a thread, so that the server goes on; whoever asked and leaves stops it at its next step.
    job = asyncio.create_task(asyncio.to_thread(_value, expression, context, is_range))
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        watch.left.set()
        await asyncio.wait([job])
        if not job.cancelled():
            job.exception()
        raise


def _value(expression: Expression, context: Context, is_range: bool) -> Value:
    try:
        with np.errstate(all="ignore"):
            return of_range(expression, context) if is_range else of_instant(expression, context)
    except MemoryError:
        raise ExecutionError("the query needs more memory than there is", hint="ask for a shorter range or fewer series") from None
