"""Pods: their phase, whether they are ready, their restarts, why a container waits, and what they use of what they may."""

from collections.abc import Mapping, Sequence

from keepwell.kernel.comparisons import Unit, describe, parse_comparison
from keepwell.kernel.states import State
from keepwell.rooms.checks.limits import NumberLimits, RatioLimits, Verdict, given_or, judge
from keepwell.rooms.checks.model import Earlier
from keepwell.rooms.checks.texts import show

from .objects import Found, Object, because, conditions, name_of, number, part, parts, quantity, word

MOST = 500
_RESTARTED = (parse_comparison("> 0"), parse_comparison("> 3"))
_FULL = (parse_comparison("> 80%"), parse_comparison("> 90%"))
_STARTING = ("ContainerCreating", "PodInitializing", "")


def judge_pods(pods: Sequence[Object], restarts: NumberLimits, earlier: Earlier | None, found: Found) -> None:
    """Every pod that is not well, and a sum of restarts."""
    ready = 0
    found.values["restarts"] = 0.0
    for pod in pods[:MOST]:
        verdict = _pod(pod)
        ready += verdict is None
        found.verdicts += [verdict] if verdict is not None else []
        found.verdicts += _restarts(pod, restarts, earlier, found)
    found.values |= {"pods": float(len(pods)), "ready": float(ready)}
    if len(pods) > MOST:
        found.verdicts.append(Verdict(State.WARN, f"only {MOST} of {len(pods)} pods are looked at"))


def _pod(pod: Object) -> Verdict | None:
    """The verdict on a pod that is not well; None for one that is, and for one that did its work."""
    status = part(pod, "status")
    phase = word(status, "phase") or "Unknown"
    if phase == "Succeeded":
        return None
    waiting = _waiting(pod)
    if waiting is not None:
        return waiting
    if phase != "Running":
        state = State.WARN if phase == "Pending" else State.FAIL
        why = because(status) or because(conditions(pod).get("PodScheduled", {}))
        return Verdict(state, f"the pod {name_of(pod)} is {phase}{why}, expected Running")
    condition = conditions(pod).get("Ready", {})
    if word(condition, "status") == "True":
        return None
    leaving = part(pod, "metadata").get("deletionTimestamp") is not None
    return Verdict(State.WARN, f"the pod {name_of(pod)} is {'ending' if leaving else f'not ready{because(condition)}'}")


def _waiting(pod: Object) -> Verdict | None:
    for container in _containers(pod):
        state = part(container, "state", "waiting")
        if not state or word(state, "reason") in _STARTING:
            continue
        ended = part(container, "lastState", "terminated")
        last = f"; it last ended with code {number(ended, 'exitCode'):g}{because(ended)}" if ended else ""
        times = number(container, "restartCount")
        which = f"the container {show(word(container, 'name'))} of the pod {name_of(pod)}"
        return Verdict(State.FAIL, f"{which} waits{because(state)} after {times:g} restart{'' if times == 1 else 's'}{last}")
    return None


def _containers(pod: Object) -> list[Object]:
    return [*parts(pod, "status", "initContainerStatuses"), *parts(pod, "status", "containerStatuses")]


def _restarts(pod: Object, limits: NumberLimits, earlier: Earlier | None, found: Found) -> list[Verdict]:
    total = sum(number(container, "restartCount") for container in _containers(pod))
    key = f"restarts.{word(part(pod, 'metadata'), 'uid') or word(part(pod, 'metadata'), 'name')}"
    found.values["restarts"] += total
    found.counters[key] = total
    before = earlier.counters.get(key) if earlier is not None else None
    if before is None or earlier is None:
        return []
    new = total - before if total >= before else total
    ended = next((part(one, "lastState", "terminated") for one in _containers(pod) if part(one, "lastState", "terminated")), {})
    times = f"{new:g} time{'' if new == 1 else 's'} in the last {describe(earlier.seconds, Unit.SECONDS)}"
    verdict = judge(f"the pod {name_of(pod)} was restarted {times}{because(ended)}", new, *given_or(limits.warn, limits.fail, _RESTARTED))
    return [verdict] if verdict.state is not State.OK else []


def judge_use(pods: Sequence[Object], used: Sequence[Object], limits: Mapping[str, RatioLimits | None], found: Found) -> None:
    """What containers use (of the metrics API) as a share of their limits. One without a limit has no share."""
    allowed = {
        (word(part(pod, "metadata"), "name"), word(one, "name")): part(one, "resources", "limits")
        for pod in pods
        for one in parts(pod, "spec", "containers")
    }
    for pod_name, container in ((word(part(pod, "metadata"), "name"), one) for pod in used for one in parts(pod, "containers")):
        limit = allowed.get((pod_name, word(container, "name")), {})
        for what, its in limits.items():
            share = _share(part(container, "usage").get(what), limit.get(what))
            if its is None or share is None:
                continue
            found.raise_to(f"{what}_used_ratio", share)
            which = f"the container {show(word(container, 'name'))} of the pod {show(pod_name)}"
            seen = f"{which} uses {describe(share, Unit.RATIO)} of its {what} limit"
            verdict = judge(seen, share, *given_or(its.warn, its.fail, _FULL))
            found.verdicts += [verdict] if verdict.state is not State.OK else []


def _share(used: object, allowed: object) -> float | None:
    top, bottom = quantity(used), quantity(allowed)
    return top / bottom if top is not None and bottom else None
