"""Deployments, stateful sets and daemon sets: how many of their pods are there."""

from keepwell.kernel.comparisons import parse_comparison
from keepwell.kernel.states import State
from keepwell.rooms.checks.limits import RatioLimits, Verdict, given_or, judge

from .objects import Found, Object, because, conditions, name_of, number, part, word

_MISSING = (parse_comparison("< 100%"), parse_comparison("< 50%"))


def judge_workload(given: Object, what: str, limits: RatioLimits | None, found: Found) -> None:
    """Available pods against those that should be, and whether a roll-out got stuck."""
    status = part(given, "status")
    if what == "daemonset":
        desired, available = number(status, "desiredNumberScheduled"), number(status, "numberAvailable")
        updated = number(status, "updatedNumberScheduled")
    else:
        desired, updated = number(part(given, "spec"), "replicas", 1.0), number(status, "updatedReplicas")
        available = number(status, "availableReplicas" if what == "deployment" else "readyReplicas")
    found.values |= {"desired": desired, "available": available, "updated": updated}
    given_limits = limits or RatioLimits()
    seen = f"{available:g} of {desired:g} pods of the {what} {name_of(given)} are available"
    if desired <= 0:
        found.verdicts.append(Verdict(State.WARN, f"the {what} {name_of(given)} is scaled to no pods"))
    else:
        ratio = found.values["available_ratio"] = available / desired
        found.verdicts.append(judge(seen, ratio, *given_or(given_limits.warn, given_limits.fail, _MISSING)))
    progressing = conditions(given).get("Progressing", {})
    if word(progressing, "status") == "False":
        found.verdicts.append(Verdict(State.FAIL, f"its roll-out is stuck{because(progressing)}"))


def selector_of(given: Object) -> str:
    """The labels by which a workload finds its pods, as kubectl takes them; empty where it names them in another way."""
    spec = part(given, "spec", "selector")
    labels = part(spec, "matchLabels")
    if spec.get("matchExpressions") or not all(isinstance(value, str) for value in labels.values()):
        return ""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
