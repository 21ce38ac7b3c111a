"""Whether the samples of a metric keep the rules of its type, so that a strict parser takes them (OpenMetrics 1.0, "Metric Types").

A metric of several series (a histogram, for example) is written with its type at one instant only. Of several instants the most used
strict parser, prometheus_client 0.26, keeps the first series of each and takes the others for repetitions; the histogram is then not whole.
"""

import math
from collections.abc import Sequence
from itertools import chain, pairwise

import numpy as np

from keepwell.rooms.samples.model import Instants, Values

from .families import Group, Member

Column = tuple[Instants, Values]
"""The samples of one member, without staleness markers."""


def conforms(kind: str, name: str, group: Group, columns: Sequence[Column]) -> bool:
    """Whether these samples of the metric's members (as many columns) can be written as of that type. ``name`` is the family's."""
    pairs = list(zip(group.members, columns, strict=True))
    if len(pairs) > 1 and has_several_instants(columns):
        return False
    if kind in ("histogram", "gaugehistogram"):
        return _histogram(pairs)
    if kind == "counter":
        return all(member.suffix == "_created" or _counted(value) for member, (_, value) in pairs)
    if kind == "summary":
        return all(_summary(member, value) for member, (_, value) in pairs)
    if kind == "info":
        return all(bool((value == 1).all()) for _, (_, value) in pairs)
    if kind == "stateset":
        return all(name in member.labels and bool(((value == 0) | (value == 1)).all()) for member, (_, value) in pairs)
    return True


def has_several_instants(columns: Sequence[Column]) -> bool:
    """Whether not all samples are of one instant."""
    instants = np.concatenate([at for at, _ in columns])
    return bool(len(instants)) and bool(instants.min() != instants.max())


def _counted(value: Values) -> bool:
    return bool((value >= 0).all())  # false for NaN, too


def _whole(value: Values) -> bool:
    return bool((np.isfinite(value) & (value >= 0) & (value == np.floor(value))).all())


def _summary(member: Member, value: Values) -> bool:
    if not member.suffix:
        return 0 <= member.edge <= 1 and not bool((value < 0).any())
    if member.suffix == "_count":
        return _whole(value)
    return member.suffix == "_created" or _counted(value)


def _histogram(pairs: Sequence[tuple[Member, Column]]) -> bool:
    """Every instant has all buckets, upwards, the last without bound; count and sum stand together and agree."""
    by_suffix: dict[str, list[tuple[Member, Column]]] = {}
    for member, column in pairs:
        by_suffix.setdefault(member.suffix, []).append((member, column))
    buckets = by_suffix.pop("_bucket", [])
    edges = [member.edge for member, _ in buckets]
    if not buckets or edges[-1] != math.inf or any(not low < high for low, high in pairwise(edges)):
        return False
    if any(edge == math.inf and member.labels["le"] != "+Inf" for edge, (member, _) in zip(edges, buckets, strict=True)):
        return False
    counts, sums = (by_suffix.get("_count") or by_suffix.get("_gcount")), (by_suffix.get("_sum") or by_suffix.get("_gsum"))
    if (counts is None) != (sums is None) or (sums is not None and edges[0] < 0 and sums[0][0].suffix == "_sum"):
        return False
    at = buckets[0][1][0]
    if any(not np.array_equal(at, column[0]) for _, column in chain(buckets, *by_suffix.values())):
        return False
    return _heights([value for _, (_, value) in buckets], counts[0][1][1] if counts else None, edges[0] < 0, sums[0] if sums else None)


def _heights(heights: Sequence[Values], count: Values | None, negative: bool, total: tuple[Member, Column] | None) -> bool:
    if not all(_whole(height) for height in heights):
        return False
    if any(bool((low > high).any()) for low, high in pairwise(heights)):
        return False
    if count is not None and not np.array_equal(count, heights[-1]):
        return False
    if total is None:
        return True
    return _counted(total[1][1]) or (negative and total[0].suffix == "_gsum" and not bool(np.isnan(total[1][1]).any()))
