"""Samples as OpenMetrics text (OpenMetrics 1.0, "Text Format"), every one with its instant.

Staleness markers have no text there; whoever calls this leaves them out.
"""

import re
from collections.abc import Sequence
from itertools import repeat

import numpy as np

from keepwell.ports.samples import NAME
from keepwell.rooms.samples.model import Labels

from .conforming import Column
from .families import Family, Group
from .texts import second_texts, value_texts

END = "# EOF\n"

_PLAIN_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", '"': '\\"'}
_ESCAPED = re.compile(r'[\\\n"]')


def quoted(text: str) -> str:
    """A label's value, or a name beyond letters, digits and underscores (Prometheus 3, "UTF-8 metric and label names")."""
    return '"' + _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text) + '"'


def _name(text: str) -> str:
    return text if _PLAIN_NAME.fullmatch(text) else quoted(text)


def series_text(labels: Labels) -> str:
    """A series as its lines begin: ``name{label="value"}``."""
    name = labels[NAME]
    pairs = [f"{_name(label)}={quoted(value)}" for label, value in sorted(labels.items()) if label != NAME]
    if not _PLAIN_NAME.fullmatch(name):
        return "{" + ",".join((quoted(name), *pairs)) + "}"
    return f"{name}{{{','.join(pairs)}}}" if pairs else name


def head(family: Family) -> str:
    """The lines that say what a family is."""
    name, metric = _name(family.name), family.metric
    lines = [f"# TYPE {name} {metric.kind}\n"]
    if family.unit:
        lines.append(f"# UNIT {name} {family.unit}\n")
    if metric.help:
        lines.append(f"# HELP {name} {_ESCAPED.sub(lambda found: _ESCAPES[found[0]], metric.help)}\n")
    return "".join(lines)


def lines(group: Group, columns: Sequence[Column]) -> list[str]:
    """A line for each sample of a metric, by instant; those of one instant in the order of the members."""
    starts = [series_text(member.labels) + " " for member in group.members]
    if len(starts) == 1:
        at, value = columns[0]
        prefixes = list(repeat(starts[0], len(at)))
    else:
        at = np.concatenate([column[0] for column in columns])
        value = np.concatenate([column[1] for column in columns])
        member = np.repeat(np.arange(len(columns)), [len(column[0]) for column in columns])
        order = np.lexsort((member, at))
        at, value = at[order], value[order]
        prefixes = [starts[one] for one in member[order].tolist()]
    return [f"{start}{text} {time}\n" for start, text, time in zip(prefixes, value_texts(value), second_texts(at), strict=True)]
