"""Samples as CSV (RFC 4180): ``time,metric,value`` and a column for each label; an empty cell is a label that the series has not."""

import re
from collections.abc import Iterable

from keepwell.ports.samples import NAME, is_stale
from keepwell.rooms.samples.model import Instants, Labels, Values

from .texts import iso_texts, value_texts

TIME, METRIC, VALUE = "time", "metric", "value"
STALE_TEXT = "stale"
"""The value of a staleness marker."""

END = "\r\n"
_QUOTED = re.compile(r'[",\r\n]|^\s|\s$')
_CLASHING = re.compile(rf"(?:{TIME}|{METRIC}|{VALUE})(?:\.label)*")


def column_of(label: str) -> str:
    """The column of a label: its name; one that a fixed column has gets ``.label`` at its end."""
    return f"{label}.label" if _CLASHING.fullmatch(label) else label


def label_of(column: str) -> str:
    """The label of a column; the reverse of ``column_of``."""
    return column.removesuffix(".label") if _CLASHING.fullmatch(column) else column


def cell(text: str) -> str:
    """A text as a cell, quoted where it must be."""
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


class CsvWriter:
    """Writes the samples of series that have labels of these names (without ``__name__``)."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(set(names) - {NAME})

    def head(self) -> str:
        """The first line."""
        return ",".join((TIME, METRIC, VALUE, *(cell(column_of(name)) for name in self._names))) + END

    def lines(self, labels: Labels, at: Instants, value: Values) -> list[str]:
        """A line for each sample of one series."""
        texts = value_texts(value)
        stale = is_stale(value)
        if stale.any():
            texts = [STALE_TEXT if gone else text for text, gone in zip(texts, stale.tolist(), strict=True)]
        metric = f"Z,{cell(labels[NAME])},"
        rest = "".join(f",{cell(labels.get(name, ''))}" for name in self._names) + END
        return [f"{time}{metric}{text}{rest}" for time, text in zip(iso_texts(at), texts, strict=True)]
