"""Series over time drawn with characters: braille dots on a terminal, marks elsewhere. Pure: series and a frame give lines of text."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from keepwell.kernel.comparisons import Unit, describe

from . import axes
from .canvas import COLOURS, MARKS, Canvas, beside, painted

MOST = len(COLOURS)
"""So many series are told apart by colour or mark."""

_NARROWEST, _WIDEST = 20, 400
_ROWS_A_TICK = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One series: instants ascending (seconds since 1970), as many values."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the lines are drawn: from ``start`` to ``end`` (seconds since 1970), with values ``step`` seconds apart, on so many columns
    and rows. ``is_fine`` draws with braille dots and boxes, and ``colours`` tells lines apart by colours; otherwise all is ASCII."""

    start: float
    end: float
    step: float
    unit: Unit
    width: int = 80
    height: int = 16
    is_fine: bool = False
    colours: bool = False


def plot(lines: Sequence[Line], frame: Frame) -> list[str]:
    """The drawing, its axes and its legend. At most ``MOST`` lines are drawn; how many more there are is said."""
    drawn = lines[:MOST]
    finite = [value for line in drawn for _, value in line.points if math.isfinite(value)]
    told = list(_left_out(lines, drawn))
    if not finite:
        return [*_legend(drawn, frame), *told, "there is no finite value to draw"]
    scale = axes.scale(min(finite), max(finite), max(3, frame.height // _ROWS_A_TICK), frame.unit)
    labels = list(axes.value_labels(scale, frame.unit))
    margin = max(map(len, labels)) + 2
    canvas = Canvas(max(_NARROWEST, min(frame.width, _WIDEST) - margin), frame.height, frame.is_fine and _tells_apart(drawn, frame))
    for number, line in enumerate(drawn):
        _draw(canvas, scale, frame, number, line)
    return [*_body(canvas, scale, labels, frame), *_foot(canvas.width, margin, frame), *_legend(drawn, frame), *told]


def _tells_apart(drawn: Sequence[Line], frame: Frame) -> bool:
    # Dots of several series without colours are one cloud: marks are better then.
    return frame.colours or len(drawn) == 1


def _draw(canvas: Canvas, scale: axes.Scale, frame: Frame, number: int, line: Line) -> None:
    across, down = canvas.dots
    length = max(frame.end - frame.start, 1e-3)

    def dot(at: float, value: float) -> tuple[int, int]:
        return round((at - frame.start) / length * (across - 1)), round((1 - scale.share(value)) * (down - 1))

    for at, value in line.points:
        if math.isfinite(value):
            canvas.dot(*dot(at, value), number)
    for (at, value), (next_at, next_value) in pairwise(line.points):
        # Where a step is missing there was nothing: no line leads across.
        if math.isfinite(value) and math.isfinite(next_value) and next_at - at <= 1.5 * frame.step:
            canvas.stroke(dot(at, value), dot(next_at, next_value), number)


def _body(canvas: Canvas, scale: axes.Scale, labels: Sequence[str], frame: Frame) -> list[str]:
    texts, edges = [""] * frame.height, ["│" if frame.is_fine else "|"] * frame.height
    for tick, label in zip(scale.ticks, labels, strict=True):
        row = round((1 - scale.share(tick)) * (frame.height - 1))
        texts[row], edges[row] = label, "┤" if frame.is_fine else "+"
    rows = [edge + canvas.row(number, colours=frame.colours) for number, edge in enumerate(edges)]
    return beside(texts, rows, "")


def _foot(width: int, margin: int, frame: Frame) -> list[str]:
    """The axis of times: a tick where each label begins, as far as they fit."""
    longest = len("00-00 00:00")
    ticks, form = axes.time_ticks(frame.start, frame.end, max(2, width // (longest + 3)))
    rule, marks = ["─" if frame.is_fine else "-"] * width, [" "] * (width + longest)
    free = 0
    for tick in ticks:
        column = round((tick - frame.start) / max(frame.end - frame.start, 1e-3) * (width - 1))
        label = axes.time_label(tick, form)
        if column >= free and column + len(label) <= width + 2:
            rule[column] = "┬" if frame.is_fine else "+"
            marks[column : column + len(label)] = label
            free = column + len(label) + 2
    corner = "└" if frame.is_fine else "+"
    return [" " * (margin - 1) + corner + "".join(rule), (" " * margin + "".join(marks)).rstrip() + "  UTC"]


def _legend(drawn: Sequence[Line], frame: Frame) -> Iterator[str]:
    for number, line in enumerate(drawn):
        finite = [value for _, value in line.points if math.isfinite(value)]
        words = [f"{what} {describe(value, frame.unit)}" for what, value in _figures(finite)]
        others = len(line.points) - len(finite)
        if others:
            words.append(f"{others} NaN or infinite, not drawn")
        yield f"{painted(_mark(number, len(drawn), frame), number, frame.colours)} {line.name}  {', '.join(words)}"


def _figures(finite: Sequence[float]) -> Sequence[tuple[str, float]]:
    if not finite:
        return ()
    return ("last", finite[-1]), ("least", min(finite)), ("greatest", max(finite))


def _mark(number: int, count: int, frame: Frame) -> str:
    return "━" if frame.is_fine and (frame.colours or count == 1) else MARKS[number % len(MARKS)]


def _left_out(lines: Sequence[Line], drawn: Sequence[Line]) -> Iterator[str]:
    if len(lines) > len(drawn):
        yield f"{len(lines) - len(drawn)} more series are not drawn: ask for fewer, such as topk({MOST}, ...), or add them up"
