"""Nodes: whether they are ready, under pressure, or closed for new pods, and how much of them is used."""

from collections.abc import Mapping, Sequence

from keepwell.kernel.comparisons import Unit, describe, parse_comparison
from keepwell.kernel.states import State
from keepwell.rooms.checks.limits import RatioLimits, Verdict, given_or, judge

from .objects import Found, Object, because, conditions, name_of, part, quantity, word

_FULL = (parse_comparison("> 80%"), parse_comparison("> 90%"))
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


def judge_nodes(nodes: Sequence[Object], found: Found) -> None:
    """Every node that is not well."""
    ready = 0
    for node in nodes:
        given = conditions(node)
        condition = given.get("Ready", {})
        is_ready = word(condition, "status") == "True"
        ready += is_ready
        if not is_ready:
            found.verdicts.append(Verdict(State.FAIL, f"the node {name_of(node)} is not ready{because(condition)}"))
        for pressure in _PRESSURES:
            if word(given.get(pressure, {}), "status") == "True":
                found.verdicts.append(Verdict(State.WARN, f"the node {name_of(node)} has {pressure}{because(given[pressure])}"))
        if part(node, "spec").get("unschedulable") is True:
            found.verdicts.append(Verdict(State.WARN, f"the node {name_of(node)} takes no new pods (cordoned)"))
    found.values |= {"nodes": float(len(nodes)), "ready": float(ready)}
    found.verdicts.append(Verdict(State.OK if nodes else State.FAIL, f"{ready} of {len(nodes)} nodes are ready"))


def judge_node_use(nodes: Sequence[Object], used: Sequence[Object], limits: Mapping[str, RatioLimits | None], found: Found) -> None:
    """What nodes use (of the metrics API) as a share of what pods may have of them."""
    usage = {word(part(one, "metadata"), "name"): part(one, "usage") for one in used}
    for node in nodes:
        for what, its in limits.items():
            top = quantity(usage.get(word(part(node, "metadata"), "name"), {}).get(what))
            bottom = quantity(part(node, "status", "allocatable").get(what))
            if its is None or top is None or not bottom:
                continue
            found.raise_to(f"{what}_used_ratio", top / bottom)
            seen = f"the node {name_of(node)} uses {describe(top / bottom, Unit.RATIO)} of its {what}"
            found.verdicts.append(judge(seen, top / bottom, *given_or(its.warn, its.fail, _FULL)))
