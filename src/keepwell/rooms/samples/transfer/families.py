"""Series put together to OpenMetrics' families of metrics, and each family to its metrics (OpenMetrics 1.0, "Data Model")."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from keepwell.ports.samples import NAME
from keepwell.rooms.samples.model import Labels, Metric

from .model import Series

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "counter": ("_total", "_created"),
    "summary": ("", "_sum", "_count", "_created"),
    "histogram": ("_bucket", "_count", "_sum", "_created"),
    "gaugehistogram": ("_bucket", "_gcount", "_gsum"),
    "info": ("_info",),
    "gauge": ("",),
    "stateset": ("",),
}
"""How the names of samples of a family of that type end (OpenMetrics 1.0, "Suffixes")."""

_ORDER = {"": 0, "_bucket": 0, "_total": 0, "_info": 0, "_count": 1, "_gcount": 1, "_sum": 2, "_gsum": 2, "_created": 3}
_WITHOUT_UNIT = frozenset({"info", "stateset"})

Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Member:
    """One series of a metric. ``suffix`` is what its name has beyond the family's; ``edge`` is its bucket's bound or its quantile."""

    number: int
    labels: Labels
    suffix: str
    edge: float = math.nan


@dataclass(frozen=True, slots=True)
class Group:
    """One metric: the series that stand together, in the order in which samples of one instant stand."""

    key: Key
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """A family of metrics. Its kind is unknown where nothing better is known, or its series do not fit what is known."""

    name: str
    metric: Metric
    groups: tuple[Group, ...]

    @property
    def unit(self) -> str:
        """The unit that may be said: the name ends with it, and the type may have one."""
        unit = self.metric.unit
        return unit if unit and self.name.endswith(f"_{unit}") and self.metric.kind not in _WITHOUT_UNIT else ""


Known = Callable[[str], Metric | None]


def families(series: Iterable[Series], known: Known) -> list[Family]:
    """The families in the order of their names. Every series is in exactly one."""
    members: defaultdict[str, list[tuple[Metric, Member]]] = defaultdict(list)
    for one in series:
        name, metric, suffix = _place(one.labels[NAME], known)
        members[name].append((metric, Member(one.number, one.labels, suffix, _edge(metric.kind, suffix, one.labels))))
    made: list[Family] = []
    for name, placed in members.items():
        metric = placed[0][0]
        same = all(other.kind == metric.kind for other, _ in placed)
        made += [_family(name, metric, [member for _, member in placed])] if same else _apart(placed, known)
    return sorted(_without_clashes(made, known), key=lambda family: family.name)


def known_as(family: str, kind: str) -> str:
    """The name under which the store knows a family: that of its series, where all of them have one name."""
    suffix = {"counter": "_total", "info": "_info"}.get(kind, "")
    return family if family.endswith(suffix) else family + suffix


def untyped(family: Family, known: Known) -> list[Family]:
    """The same series as families of unknown type, one for each name: as valid as anything can be that follows no type's rules."""
    return sorted(_apart([(family.metric, member) for group in family.groups for member in group.members], known), key=lambda one: one.name)


def _place(name: str, known: Known) -> tuple[str, Metric, str]:
    """The family of a sample's name, what it is, and what the name has beyond the family's."""
    found = known(name)
    if found is not None and "" in SUFFIXES.get(found.kind, ()):
        return name, found, ""
    for kind, suffix in ((kind, suffix) for kind, suffixes in SUFFIXES.items() for suffix in suffixes if suffix):
        base = name.removesuffix(suffix)
        if base in ("", name):
            continue
        candidate = next((one for one in (known(base), known(known_as(base, kind))) if one is not None and one.kind == kind), None)
        if candidate is not None:
            return base, candidate, suffix
    return name, Metric("unknown", found.help if found else ""), ""


def _edge(kind: str, suffix: str, labels: Labels) -> float:
    label = {("histogram", "_bucket"): "le", ("gaugehistogram", "_bucket"): "le", ("summary", ""): "quantile"}.get((kind, suffix))
    try:
        return float(labels[label]) if label else math.nan
    except (KeyError, ValueError):
        return math.nan


def _family(name: str, metric: Metric, members: Sequence[Member]) -> Family:
    groups: defaultdict[Key, list[Member]] = defaultdict(list)
    for member in members:
        groups[_key(name, metric.kind, member)].append(member)
    return Family(name, metric, tuple(Group(key, tuple(sorted(groups[key], key=_order))) for key in sorted(groups)))


def _order(member: Member) -> tuple[int, float, Key]:
    return _ORDER.get(member.suffix, 0), member.edge, tuple(sorted(member.labels.items()))


def _key(name: str, kind: str, member: Member) -> Key:
    """The labels that are the metric's own: without a bucket's bound, a quantile, a state."""
    own = {NAME}
    if kind in ("histogram", "gaugehistogram") and member.suffix == "_bucket":
        own.add("le")
    elif kind == "summary" and not member.suffix:
        own.add("quantile")
    elif kind == "stateset":
        own.add(name)
    return tuple(sorted((label, value) for label, value in member.labels.items() if label not in own))


def _apart(placed: Iterable[tuple[Metric, Member]], known: Known) -> Iterator[Family]:
    by_name: defaultdict[str, list[Member]] = defaultdict(list)
    helps: dict[str, str] = {}
    for metric, member in placed:
        by_name[member.labels[NAME]].append(Member(member.number, member.labels, ""))
        helps[member.labels[NAME]] = metric.help
    for name, members in by_name.items():
        found = known(name)
        yield _family(name, Metric("unknown", found.help if found else helps[name]), members)


def _without_clashes(made: Sequence[Family], known: Known) -> Iterator[Family]:
    """No family may have a name that another's samples could have (OpenMetrics 1.0, "MetricFamily"): such families lose their type."""
    claims = Counter(name for family in made for name in _claimed(family))
    for family in made:
        clashing = family.metric.kind != "unknown" and any(claims[name] > 1 for name in _claimed(family))
        yield from (
            _apart([(family.metric, member) for group in family.groups for member in group.members], known) if clashing else (family,)
        )


def _claimed(family: Family) -> set[str]:
    return {family.name + suffix for suffix in ("", *SUFFIXES.get(family.metric.kind, ()))}
