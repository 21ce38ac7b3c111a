"""The ``alertmanager`` kind: which alerts are active at an Alertmanager, how many, and how many of them are silenced or inhibited.

The interface is ``GET /api/v2/alerts`` (Alertmanager's OpenAPI document).
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keepwell.config.targets import Target
from keepwell.kernel.comparisons import parse_comparison
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.http import Response
from keepwell.rooms.checks.http.access import AccessOptions, request_to, response_of
from keepwell.rooms.checks.limits import NumberLimit, judge
from keepwell.rooms.checks.metrics.selectors import LabelMatcher
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question
from keepwell.rooms.checks.texts import show

_USUAL = parse_comparison("> 0")
_MOST_NAMED = 5


class AlertmanagerOptions(AccessOptions):
    """Which alerts, and how many of them may be active. Exactly one of target and url: the server's address, without ``/api/v2``."""

    matchers: tuple[LabelMatcher, ...] = ()
    """Only alerts whose labels fit each of these, for example ``['severity="critical"', 'team=~"web|api"']``. Without it: all."""
    silenced: bool = False
    """Whether silenced alerts count as active ones. They are told in any case."""
    inhibited: bool = False
    """Whether inhibited alerts count as active ones. They are told in any case."""
    warn: NumberLimit | None = None
    """The check is ``warn`` where so many alerts are active, for example ``> 0``."""
    fail: NumberLimit | None = None
    """The check is ``fail`` where so many alerts are active, for example ``> 5``. Without warn and fail: ``> 0``."""


@dataclass(frozen=True, slots=True)
class _Alert:
    name: str
    state: str


def ask(options: AlertmanagerOptions, target: Target | None) -> tuple[Question, ...]:
    """Every alert; which of them count is decided here, so that silenced ones can be told."""
    return (request_to(options, target, "/api/v2/alerts"),)


def read(options: AlertmanagerOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """How many count, by name, and what is kept quiet."""
    try:
        response = response_of(options, answers[0])
        alerts = [alert for alert in map(_alert, _documents(response)) if alert is not None]
    except AnswerError as error:
        return Observation(State.FAIL, str(error))
    fitting = [_Alert(labels.get("alertname", "without a name"), state) for labels, state in alerts if _fits(options, labels)]
    count = Counter(alert.state for alert in fitting)
    counted = {"active", *(["silenced"] if options.silenced else []), *(["inhibited"] if options.inhibited else [])}
    active = [alert for alert in fitting if alert.state in counted]
    limits = (options.warn, options.fail) if options.warn or options.fail else (None, _USUAL)
    verdict = judge(f"{_number(len(active))} active{_names(active)}", len(active), *limits)
    quiet = [f"{count[state]} {state}" for state in ("silenced", "inhibited") if count[state]]
    values = {"alerts_active": float(len(active)), "duration_seconds": response.phases.total}
    values |= {f"alerts_{state}": float(count[state]) for state in ("silenced", "inhibited")}
    return Observation(verdict.state, "; ".join([verdict.sentence, *quiet]), values)


def _documents(response: Response) -> list[object]:
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, list):
        begins = show(response.body[:200].decode(errors="replace").strip()) if response.body.strip() else "nothing"
        raise AnswerError(f"the answer is not one of Alertmanager: {begins}")
    return document


def _alert(document: object) -> tuple[Mapping[str, str], str] | None:
    """The labels of an alert and whether it is active, silenced or inhibited; None for one that is not processed yet.

    Raises AnswerError for what is no alert.
    """
    labels = document.get("labels") if isinstance(document, dict) else None
    status = document.get("status") if isinstance(document, dict) else None
    if not isinstance(labels, dict) or not isinstance(status, dict):
        raise AnswerError(f"the answer is not one of Alertmanager: it holds {show(json.dumps(document)[:200])} in place of an alert")
    texts = {str(name): str(value) for name, value in labels.items()}
    if status.get("silencedBy"):
        return texts, "silenced"
    if status.get("inhibitedBy"):
        return texts, "inhibited"
    return None if status.get("state") == "unprocessed" else (texts, "active")


def _fits(options: AlertmanagerOptions, labels: Mapping[str, str]) -> bool:
    return all(matcher.holds(labels) for matcher in options.matchers)


def _number(count: int) -> str:
    return "no alert is" if not count else "1 alert is" if count == 1 else f"{count} alerts are"


def _names(alerts: Iterable[_Alert]) -> str:
    """The most frequent names, with their numbers."""
    counted = Counter(alert.name for alert in alerts)
    named = [f"{show(name)[1:-1]}{f' {count} times' if count > 1 else ''}" for name, count in counted.most_common(_MOST_NAMED)]
    more = [f"{len(counted) - _MOST_NAMED} other names"] if len(counted) > _MOST_NAMED else []
    return f" ({', '.join(named + more)})" if counted else ""


DRIVER = Kind(
    summary="Which alerts are active at an Alertmanager, and which of them are silenced or inhibited",
    options=AlertmanagerOptions,
    ask=ask,
    read=read,
    values={
        "alerts_active": "how many alerts count as active",
        "alerts_silenced": "how many are silenced",
        "alerts_inhibited": "how many are inhibited",
        "duration_seconds": "how long the answer took",
    },
    example="""\
checks:
  alerts:
    alertmanager: {url: "http://127.0.0.1:9093", matchers: ['severity="critical"']}
    every: 1m
""",
)
