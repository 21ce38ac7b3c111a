"""absent and absent_over_time: 1 where there is nothing."""

import numpy as np

from keepwell.ports.samples import NAME
from keepwell.rooms.promql.evaluate.vectors import Vector, any_row, one
from keepwell.rooms.promql.expression import Expression, Selector
from keepwell.rooms.promql.labels import Labels
from keepwell.rooms.promql.model import Flags


def labels_of_absent(argument: Expression) -> Labels:
    """What can be told of series that are not there: the labels that a selector asks for with ``=``, each once."""
    labels = Labels()
    if not isinstance(argument, Selector):
        return labels
    seen: set[str] = set()
    for matcher in argument.matchers:
        if matcher.label == NAME:
            continue
        if matcher.operator == "=" and matcher.label not in seen:
            seen.add(matcher.label)
            labels[matcher.label] = matcher.value
        else:
            labels.pop(matcher.label, None)
    return Labels((name, value) for name, value in labels.items() if value)


def absence(argument: Expression, present: Flags) -> Vector:
    """1 at each moment at which no row has anything."""
    missing = ~any_row(present)
    return one(np.ones(len(missing)), labels_of_absent(argument), missing)
