"""The ``kubernetes`` kind: whether a workload has its pods, pods are ready and stay up, nodes are well, an autoscaler has room left, and
claims have their volumes.

It asks ``kubectl get ... -o json``, which changes nothing; use of processors and memory comes from the metrics API, where there is one.
"""

import re
from typing import Self

from pydantic import Field, model_validator

from keepwell.config.options import Options
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe, parse_comparison
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.runner import Command, Result
from keepwell.rooms.checks.answers import ending, text_of
from keepwell.rooms.checks.kubernetes.nodes import judge_node_use, judge_nodes
from keepwell.rooms.checks.kubernetes.objects import Found, Object, document, items
from keepwell.rooms.checks.kubernetes.others import judge_autoscaler, judge_claims
from keepwell.rooms.checks.kubernetes.pods import judge_pods, judge_use
from keepwell.rooms.checks.kubernetes.workloads import judge_workload, selector_of
from keepwell.rooms.checks.limits import NumberLimit, NumberLimits, RatioLimits, Verdict, together
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question
from keepwell.rooms.checks.texts import first_line, show

_WORKLOADS = ("deployment", "statefulset", "daemonset")
_SINGLE = (*_WORKLOADS, "autoscaler", "claim")
_CALLED = {"autoscaler": "horizontalpodautoscaler", "claim": "persistentvolumeclaim"}
_LIMIT = 8 * 1024 * 1024
_SHOWN = 10
_NAME = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
_SELECTOR = r"^[A-Za-z0-9_./=!,() -]+$"
_ONE = parse_comparison(">= 1")
_OURS = re.compile(
    r"\((?:Forbidden|Unauthorized)\)|must be logged in|context \"[^\"]{0,300}\" does not exist|context was not found|rror in configuration"
    r"|nvalid configuration|error loading config"
)
_LOGGED = re.compile(r"[EWIF][0-9]{4} [0-9:.]+ ")  # lines of klog, which kubectl's own message follows
_NOT_FOUND = re.compile(r"\(NotFound\)")
_MOST_SAID = 4096
_NO_METRICS = re.compile(r"could not find the requested resource|Metrics API not available|\(NotFound\)|\(ServiceUnavailable\)")


class KubernetesOptions(Options):
    """What to look at: exactly one of deployment, statefulset, daemonset, pods, nodes, autoscaler and claim."""

    deployment: str | None = Field(default=None, pattern=_NAME)
    """The name of a deployment."""
    statefulset: str | None = Field(default=None, pattern=_NAME)
    """The name of a stateful set."""
    daemonset: str | None = Field(default=None, pattern=_NAME)
    """The name of a daemon set."""
    pods: str | None = Field(default=None, pattern=_SELECTOR)
    """Pods by a label selector, for example ``app=shop,tier!=cache``."""
    nodes: bool = False
    """Whether to look at the nodes of the cluster."""
    autoscaler: str | None = Field(default=None, pattern=_NAME)
    """The name of a horizontal pod autoscaler."""
    claim: str | None = Field(default=None, pattern=r"^(\*|[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)$")
    """The name of a persistent volume claim; ``*`` stands for every one of the namespace."""
    namespace: str | None = Field(default=None, pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
    """The namespace. Without it: that of the context."""
    context: str | None = Field(default=None, min_length=1, max_length=256)
    """The context of the kubeconfig. Without it: the current one."""
    kubeconfig: str | None = Field(default=None, pattern="^/")
    """The path of a kubeconfig. Without it: kubectl's own choice."""
    available: RatioLimits | None = None
    """Limits on the share of a workload's pods that are available. Without it: ``{warn: "< 100%", fail: "< 50%"}``."""
    count: NumberLimit | None = None
    """How many pods the selector must find; without it ``>= 1``."""
    restarts: NumberLimits = NumberLimits()
    """Limits on restarts of each pod since the check's last look. Without warn and fail: ``> 0`` and ``> 3``."""
    cpu: RatioLimits | None = None
    """Limits on processor use: of a pod's container as a share of its limit, of a node as a share of what pods may have; ``{}`` stands
    for ``{warn: "> 80%", fail: "> 90%"}``. Needs the metrics API."""
    memory: RatioLimits | None = None
    """Limits on memory use, as of cpu; ``{}`` stands for ``{warn: "> 80%", fail: "> 90%"}``. Needs the metrics API."""

    @model_validator(mode="after")
    def _looks_at_one_thing(self) -> Self:
        chosen = [name for name in (*_SINGLE, "pods") if getattr(self, name) is not None] + (["nodes"] if self.nodes else [])
        if len(chosen) != 1:
            raise ValueError("give exactly one of deployment, statefulset, daemonset, pods, nodes, autoscaler and claim")
        (what,) = chosen
        belongs = {
            "available": _WORKLOADS,
            "count": ("pods",),
            "restarts": (*_WORKLOADS, "pods"),
            "cpu": ("pods", "nodes", *_WORKLOADS),
            "memory": ("pods", "nodes", *_WORKLOADS),
        }
        for key, whose in belongs.items():
            if key in self.model_fields_set and what not in whose:
                raise ValueError(f"{key} does not belong to {what}, but to {' and '.join(whose)}")
        return self

    @property
    def workload(self) -> str:
        """Which sort of workload is looked at; empty where none is."""
        return next((name for name in _WORKLOADS if getattr(self, name) is not None), "")

    @property
    def of_use(self) -> bool:
        """Whether the metrics API is asked."""
        return self.cpu is not None or self.memory is not None


def ask(options: KubernetesOptions, target: Target | None) -> tuple[Question, ...]:
    """The object, or the list of objects."""
    if options.nodes:
        metrics = (_kubectl(options, "get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes"),) if options.of_use else ()
        return (_kubectl(options, "get", "nodes", "--output=json"), *metrics)
    if options.pods is not None:
        return (_pods(options, options.pods), *_metrics(options, options.pods))
    if options.claim == "*":
        return (_kubectl(options, "get", "persistentvolumeclaims", "--output=json"),)
    what = next(name for name in _SINGLE if getattr(options, name) is not None)
    return (_kubectl(options, "get", f"{_CALLED.get(what, what)}/{getattr(options, what)}", "--output=json"),)


def then(options: KubernetesOptions, target: Target | None, answers: tuple[Answer, ...]) -> tuple[Question, ...]:
    """The pods of a workload, once its selector is known."""
    if not options.workload or len(answers) != 1:
        return ()
    try:
        selector = selector_of(document(_complete(answers[0])))
    except AnswerError:
        return ()
    return (_pods(options, selector), *_metrics(options, selector)) if selector else ()


def _pods(options: KubernetesOptions, selector: str) -> Command:
    return _kubectl(options, "get", "pods", f"--selector={selector}", "--output=json")


def _metrics(options: KubernetesOptions, selector: str) -> tuple[Command, ...]:
    asked = ("get", "pods.metrics.k8s.io", f"--selector={selector}", "--output=json")
    return (_kubectl(options, *asked),) if options.of_use else ()


def _kubectl(options: KubernetesOptions, *arguments: str) -> Command:
    given = (("kubeconfig", options.kubeconfig), ("context", options.context), ("namespace", options.namespace))
    return Command(
        ("kubectl", *(f"--{name}={value}" for name, value in given if value), *arguments), environment={"LC_ALL": "C"}, output_limit=_LIMIT
    )


def read(options: KubernetesOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """The verdict on what was asked for."""
    ours = next((one.stderr for one in answers[:1] if isinstance(one, Result) and one.status and _OURS.search(one.stderr[:_MOST_SAID])), "")
    if ours:
        return Observation(State.UNKNOWN, f"could not ask the cluster: {show(_said(ours))}")
    found = Found()
    try:
        _judge(options, document(_complete(answers[0])), answers, earlier, found)
    except AnswerError as error:
        if isinstance(answers[0], Result) and _NOT_FOUND.search(answers[0].stderr[:_MOST_SAID]):
            return Observation(State.FAIL, f"{_which(options)} does not exist")
        return Observation(State.FAIL, str(error))
    verdict = together(found.verdicts, _SHOWN)
    return Observation(verdict.state, verdict.sentence, found.values, found.counters)


def _judge(options: KubernetesOptions, given: Object, answers: tuple[Answer, ...], earlier: Earlier | None, found: Found) -> None:
    limits = {"cpu": options.cpu, "memory": options.memory}
    if options.nodes:
        judge_nodes(items(given), found)
        judge_node_use(items(given), _used(options, answers[1:2], found), limits, found)
    elif options.autoscaler is not None:
        judge_autoscaler(given, found)
    elif options.claim is not None:
        judge_claims(items(given), found)
    else:
        if options.workload:
            judge_workload(given, options.workload, options.available, found)
        pods = items(given) if options.pods is not None else _own_pods(answers)
        judge_pods(pods, options.restarts, earlier, found)
        judge_use(pods, _used(options, answers[1:2] if options.pods is not None else answers[2:3], found), limits, found)
        if options.pods is not None:
            found.verdicts.append(_counted(options, pods, int(found.values["ready"])))


def _own_pods(answers: tuple[Answer, ...]) -> list[Object]:
    return items(document(_complete(answers[1]))) if len(answers) > 1 else []


def _used(options: KubernetesOptions, answers: tuple[Answer, ...], found: Found) -> list[Object]:
    """What the metrics API says; without one nobody knows, and that is no fault of what is looked at."""
    if not options.of_use or not answers:
        return []
    (answer,) = answers
    if isinstance(answer, Result) and answer.status and _NO_METRICS.search(answer.stderr[:_MOST_SAID]):
        found.verdicts.append(Verdict(State.UNKNOWN, "the cluster has no metrics API, so nobody knows what is used"))
        return []
    return items(document(_complete(answer)))


def _counted(options: KubernetesOptions, pods: list[Object], ready: int) -> Verdict:
    expected = options.count or _ONE
    seen = f"{ready} of {len(pods)} pods with {show(options.pods or '')} are ready"
    state = State.OK if expected.holds(len(pods)) else State.FAIL
    return Verdict(state, seen if options.count is None and pods else f"{seen}, expected {expected.text}")


def _complete(answer: Answer) -> str:
    if isinstance(answer, Result) and answer.status and not answer.timed_out:
        raise AnswerError(f"kubectl {ending(answer)}: {show(_said(answer.stderr))}")
    text = text_of(answer, "kubectl")
    if isinstance(answer, Result) and any(answer.dropped):
        raise AnswerError(f"kubectl printed more than {describe(_LIMIT, Unit.BYTES)}: name fewer things")
    return text


def _said(stderr: str) -> str:
    """What kubectl says of a failure, without the lines of its log before."""
    return first_line("\n".join(line for line in stderr[:_MOST_SAID].splitlines() if not _LOGGED.match(line)))


def _which(options: KubernetesOptions) -> str:
    what = next((name for name in _SINGLE if getattr(options, name) is not None), "")
    place = f" in the namespace {options.namespace}" if options.namespace else ""
    return f"the {what} {show(getattr(options, what))}{place}" if what else "what was asked for"


DRIVER = Kind(
    summary="Whether a workload of Kubernetes has its pods, pods stay up, nodes are well, autoscalers have room, and claims have volumes",
    options=KubernetesOptions,
    ask=ask,
    read=read,
    then=then,
    values={
        "desired": "how many pods a workload or an autoscaler wants",
        "available": "how many pods of a workload are available",
        "available_ratio": "the same as a share of those desired",
        "updated": "how many pods of a workload have its newest template",
        "pods": "how many pods were looked at",
        "ready": "how many pods, or nodes, are ready",
        "restarts": "how often the containers of the pods have been restarted",
        "nodes": "how many nodes there are",
        "cpu_used_ratio": "the processor use of the pod or node nearest to what it may have",
        "memory_used_ratio": "the same of memory",
        "current": "how many pods an autoscaler has",
        "maximum": "how many pods it may have",
        "claims": "how many claims were looked at",
        "unbound": "how many of them have no volume",
    },
    example="""\
checks:
  api-pods:
    kubernetes: {deployment: api, namespace: shop, memory: {}}
    every: 1m
  nodes:
    kubernetes: {nodes: true}
    every: 1m
""",
)
