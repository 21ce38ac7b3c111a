"""Autoscalers and volume claims."""

from collections.abc import Sequence

from keepwell.kernel.states import State
from keepwell.rooms.checks.limits import Verdict

from .objects import Found, Object, because, conditions, name_of, number, part, word


def judge_autoscaler(given: Object, found: Found) -> None:
    """Whether it may and can scale, and whether it stands at its maximum, where more load finds no more pods."""
    most = number(part(given, "spec"), "maxReplicas")
    current, desired = number(part(given, "status"), "currentReplicas"), number(part(given, "status"), "desiredReplicas")
    found.values |= {"current": current, "desired": desired, "maximum": most}
    stands = f"the autoscaler {name_of(given)} has {current:g} of at most {most:g} pods"
    at_most = most > 0 and max(current, desired) >= most
    found.verdicts.append(Verdict(State.WARN if at_most else State.OK, f"{stands}{', which is its maximum' if at_most else ''}"))
    for kind in ("AbleToScale", "ScalingActive"):
        condition = conditions(given).get(kind, {})
        if word(condition, "status") == "False" and word(condition, "reason") != "ScalingDisabled":
            found.verdicts.append(Verdict(State.FAIL, f"it cannot scale{because(condition)}"))


def judge_claims(claims: Sequence[Object], found: Found) -> None:
    """Whether volumes are there for all claims."""
    unbound = 0
    for claim in claims:
        phase = word(part(claim, "status"), "phase") or "Unknown"
        if phase != "Bound":
            unbound += 1
            state = State.WARN if phase == "Pending" else State.FAIL
            found.verdicts.append(Verdict(state, f"the claim {name_of(claim)} is {phase}, expected Bound"))
    found.values |= {"claims": float(len(claims)), "unbound": float(unbound)}
    found.verdicts.append(Verdict(State.OK, f"{len(claims) - unbound} of {len(claims)} claims are bound"))
