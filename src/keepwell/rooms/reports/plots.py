"""Plots as SVG, drawn here: so that a report is one file that needs no program to be looked at, in a mail or printed. Pure.

Nothing in it is styled by script or by address; colours are attributes, so that it looks the same wherever it is pasted.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import pairwise
from statistics import median

from keepwell.kernel.comparisons import Unit, describe

from .model import Bound, Line, Plot

WIDE, HIGH = 720, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 12, 12, 24
_COLOURS = ("#1f6f78", "#b3582a", "#5a5195", "#8f5b00", "#1d7a46", "#7a2e5d", "#3b5bb5", "#6b6b6b")
_BOUNDS = {"ok": "#2f8f57", "warn": "#c08000", "fail": "#c0342a"}
_TICKS = 4
_GAP = 4.0
"""So many times the usual distance of points is a gap."""
_FAR = 3.0
"""A limit so many times above everything that was measured is not drawn: the lines would lie on the floor."""
_LARGEST = 1e300
"""From here on (and for what is no number) nothing is drawn, and below its inverse everything is nothing: so that no step overflows."""
_STEPS_OF_TIME = (60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 2 * 86400, 7 * 86400, 14 * 86400, 30 * 86400, 90 * 86400)


def svg(plot: Plot) -> str:
    """The plot. Where no line has a point it says so."""
    low, high, ticks = _scale(plot)
    start, end = _stretch(plot)
    drawing = _Drawing(start, end, low, high)
    inner = "".join((*_grid(drawing, plot.unit, ticks), *_bounds(drawing, plot.bounds), *_drawn(drawing, plot.lines)))
    said = escape(plot.said or plot.title)
    return (
        f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" '
        f'font-size="11" fill="#667"><title>{said}</title>{inner}</svg>'
    )


class _Drawing:
    """Where a point of the plot lies on the picture."""

    def __init__(self, start: float, end: float, low: float, high: float) -> None:
        self.start, self.end, self.low, self.high = start, end, low, high

    def x(self, at: float) -> float:
        return round(_LEFT + (at - self.start) / max(self.end - self.start, 1e-9) * (WIDE - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        return round(HIGH - _BOTTOM - (value - self.low) / (self.high - self.low) * (HIGH - _TOP - _BOTTOM), 1)


def _stretch(plot: Plot) -> tuple[float, float]:
    """The stretch that has points, where that is much shorter than the plot's: a young installation is not a week of nothing."""
    known = [at for line in plot.lines for at, value in line.points if value is not None]
    if not known or (plot.end - min(known)) > (plot.end - plot.start) / 4:
        return plot.start, plot.end
    return min(min(known), plot.end - 60), plot.end


def _scale(plot: Plot) -> tuple[float, float, list[float]]:
    """The lowest and highest value shown, and the ticks between them."""
    values = [value for line in plot.lines for _, value in line.points if value is not None and abs(value) < _LARGEST]
    top = max(values, default=1.0)
    near = [bound.at for bound in plot.bounds if 0 <= bound.at <= max(top, 0) * _FAR or (not values and bound.at > 0)]
    low, high = min([0.0, *values]), max([top, *near])
    if low == 0 and values and min(values) > 0.7 * high and not near:
        low = min(values)
    if plot.unit is Unit.RATIO and high > 0.5:
        high = max(high, 1.0)
    length = next((one for one in (high - low, abs(high)) if one > 1 / _LARGEST), 1.0)
    step = _step(length, binary=plot.unit is Unit.BYTES)
    low, high = math.floor(low / step) * step, math.ceil(high / step + 1e-9) * step
    high = high if high > low else low + step
    if plot.unit is Unit.RATIO and max([*values, *(bound.at for bound in plot.bounds)], default=0.0) <= 1:
        high = min(high, 1.0)
    return low, high, [low + step * number for number in range(math.floor((high - low) / step + 1e-9) + 1)]


def _step(length: float, *, binary: bool) -> float:
    """A round step that divides a length into about four."""
    rough = length / _TICKS
    if binary and rough > 1:
        return float(2 ** math.ceil(math.log2(rough)))
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def _grid(drawing: _Drawing, unit: Unit, ticks: Sequence[float]) -> Iterator[str]:
    for tick in ticks:
        y = drawing.y(tick)
        yield f'<line x1="{_LEFT}" x2="{WIDE - _RIGHT}" y1="{y}" y2="{y}" stroke="#8886" stroke-width="0.6"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{escape(describe(float(f"{tick:.6g}"), unit))}</text>'
    for at, words in _instants(drawing.start, drawing.end):
        x = drawing.x(at)
        yield f'<line x1="{x}" x2="{x}" y1="{HIGH - _BOTTOM}" y2="{HIGH - _BOTTOM + 4}" stroke="#8888"/>'
        yield f'<text x="{x}" y="{HIGH - 6}" text-anchor="middle">{words}</text>'


def _instants(start: float, end: float) -> Iterator[tuple[float, str]]:
    """Round instants (UTC) with their words."""
    step = next((one for one in _STEPS_OF_TIME if (end - start) / one <= 8), _STEPS_OF_TIME[-1])
    form = "%H:%M" if step < 43200 and end - start <= 86400 else "%d %b %H:%M" if step < 86400 else "%d %b"
    at = math.ceil(start / step) * step
    margin = (end - start) * 0.02
    while at <= end:
        if start + margin <= at <= end - margin:
            yield at, f"{datetime.fromtimestamp(at, UTC):{form}}"
        at += step


def _bounds(drawing: _Drawing, bounds: Iterable[Bound]) -> Iterator[str]:
    x = WIDE - _RIGHT - 2  # lines near each other have their words side by side
    for bound in sorted(bounds, key=lambda one: -one.at):
        if drawing.low <= bound.at <= drawing.high:
            y, colour = drawing.y(bound.at), _BOUNDS.get(bound.state, "#667")
            yield f'<line x1="{_LEFT}" x2="{WIDE - _RIGHT}" y1="{y}" y2="{y}" stroke="{colour}" stroke-dasharray="5 4"/>'
            yield f'<text x="{x}" y="{y - 4}" text-anchor="end" fill="{colour}">{escape(bound.words)}</text>'
            x -= 8 * len(bound.words)


def _drawn(drawing: _Drawing, lines: Sequence[Line]) -> Iterator[str]:
    shown = 0
    for number, line in enumerate(lines[: len(_COLOURS)]):
        colour = _COLOURS[number]
        for piece in _pieces(line.points):
            shown += 1
            if len(piece) == 1:
                yield f'<circle cx="{drawing.x(piece[0][0])}" cy="{drawing.y(piece[0][1])}" r="2.5" fill="{colour}"/>'
                continue
            points = " ".join(f"{drawing.x(at)},{drawing.y(value)}" for at, value in piece)
            yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6" stroke-linejoin="round"/>'
    if not shown:
        yield f'<text x="{WIDE / 2}" y="{HIGH / 2}" text-anchor="middle">no samples in this time</text>'


def _pieces(points: Iterable[tuple[float, float | None]]) -> Iterator[list[tuple[float, float]]]:
    """Stretches without a gap: one is where neighbours are much further apart than they usually are. (A step finer than the samples has
    empty places between them, which are none.)"""
    known = [(at, value) for at, value in points if value is not None and abs(value) < _LARGEST]
    apart = [later - at for (at, _), (later, _) in pairwise(known)]
    longest = median(apart) * _GAP if apart else 0.0
    piece: list[tuple[float, float]] = []
    for at, value in known:
        if piece and at - piece[-1][0] > longest:
            yield piece
            piece = []
        piece.append((at, value))
    if piece:
        yield piece


def legend(plot: Plot) -> list[tuple[str, str]]:
    """The name and colour of each line, where there are several."""
    return [(line.name, colour) for line, colour in zip(plot.lines, _COLOURS, strict=False)] if len(plot.lines) > 1 else []
