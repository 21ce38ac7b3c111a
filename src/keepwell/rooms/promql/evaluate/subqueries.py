"""The moments at which a subquery evaluates its expression."""

import numpy as np

from keepwell.rooms.promql.evaluate.context import Guard
from keepwell.rooms.promql.expression import Subquery
from keepwell.rooms.promql.model import Instants


def grid(node: Subquery, closes: Instants, default_step: int, guard: Guard) -> Instants:
    """All multiples of the step that lie in any of the windows that end at ``closes``, ascending.

    They do not depend on the query's own start ("Querying basics", "Subquery"), so that the same moments come up at every evaluation.
    """
    step = node.step or default_step
    last = closes // step
    first = (closes - node.range) // step + 1
    if step * 64 <= int(closes[-1] - closes[0]) // max(1, len(closes) - 1) - node.range:
        # Windows far apart: only what lies in them.
        longest = int((last - first).max(initial=-1)) + 1
        guard(4 * longest * len(closes))
        spread = first[:, np.newaxis] + np.arange(longest)
        return np.unique(spread[spread <= last[:, np.newaxis]]) * step
    count = int(last[-1] - first[0]) + 1
    guard(2 * max(0, count))
    return np.arange(first[0], last[-1] + 1, dtype=np.int64) * step
