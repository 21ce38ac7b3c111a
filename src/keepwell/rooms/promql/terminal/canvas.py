"""A grid of character cells on which lines are drawn, each in its own colour or with its own mark. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

MARKS = "*+ox#%@&"
"""The marks of lines where cells have one dot."""

COLOURS = ("36", "33", "35", "32", "34", "31", "96", "93")
"""Colours of lines (ECMA-48, "Select Graphic Rendition")."""

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of the dots of a braille character by row and column (Unicode, block "Braille Patterns")."""

_BRAILLE = 0x2800


@dataclass(slots=True)
class _Cell:
    bits: int
    line: int


@dataclass(slots=True)
class Canvas:
    """``width`` and ``height`` count characters. A fine canvas has two dots by four in each, a coarse one has one."""

    width: int
    height: int
    is_fine: bool
    _cells: dict[tuple[int, int], _Cell] = field(default_factory=dict)

    @property
    def dots(self) -> tuple[int, int]:
        """How many dots there are across and down."""
        return (2 * self.width, 4 * self.height) if self.is_fine else (self.width, self.height)

    def dot(self, x: int, y: int, line: int) -> None:
        """Sets a dot, counted from the upper left corner. Where lines share a cell, the later one has its colour."""
        across, down = self.dots
        if not (0 <= x < across and 0 <= y < down):
            return
        place, bit = ((x // 2, y // 4), _DOTS[y % 4][x % 2]) if self.is_fine else ((x, y), 1)
        cell = self._cells.setdefault(place, _Cell(0, line))
        cell.bits, cell.line = cell.bits | bit, line

    def stroke(self, start: tuple[int, int], end: tuple[int, int], line: int) -> None:
        """Sets the dots of a straight line, both ends included."""
        steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
        for step in range(steps + 1):
            x = start[0] + (end[0] - start[0]) * step / steps
            y = start[1] + (end[1] - start[1]) * step / steps
            self.dot(round(x), round(y), line)

    def row(self, number: int, *, colours: bool) -> str:
        """One row of characters, ending with the last that is set."""
        cells = [self._cells.get((column, number)) for column in range(self.width)]
        runs = [(line, "".join(map(self._shown, run))) for line, run in groupby(cells, lambda cell: cell.line if cell else None)]
        if runs and runs[-1][0] is None:
            runs.pop()
        return "".join(text if line is None else painted(text, line, colours) for line, text in runs)

    def _shown(self, cell: _Cell | None) -> str:
        if cell is None:
            return " "
        return chr(_BRAILLE + cell.bits) if self.is_fine else MARKS[cell.line % len(MARKS)]


def painted(text: str, line: int, colours: bool) -> str:
    """The text in a line's colour."""
    return f"\x1b[{COLOURS[line % len(COLOURS)]}m{text}\x1b[0m" if colours else text


def beside(left: Sequence[str], right: Sequence[str], between: str) -> list[str]:
    """Two columns of lines as one, the left one aligned to its right edge."""
    width = max(map(len, left), default=0)
    return [f"{one.rjust(width)} {between}{two}".rstrip() for one, two in zip(left, right, strict=True)]
