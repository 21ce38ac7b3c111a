"""``keepwell notify`` put together: a rule or a check gives an alert, the routes give receivers, their drivers say what is sent."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from keepwell.composition import verbs
from keepwell.composition.ruling import rules_of
from keepwell.config.operations import Operations
from keepwell.kernel.problems import AskError, KeepwellError, NotFound
from keepwell.machine.clock import SystemClock
from keepwell.ports.http import Json, Request
from keepwell.ports.mail import Mail
from keepwell.rooms.alerts.delivery.commands import Wanted
from keepwell.rooms.alerts.delivery.model import Apprised, Around, Delivered, Message, Outcome, Refused, TryLater
from keepwell.rooms.alerts.delivery.offer import receivers_in
from keepwell.rooms.alerts.delivery.resolve import Receivers
from keepwell.rooms.alerts.delivery.work import deliver
from keepwell.rooms.alerts.escalation.decide import everybody
from keepwell.rooms.alerts.escalation.offer import people_of, policies_of
from keepwell.rooms.alerts.fingerprint import fingerprint
from keepwell.rooms.alerts.messages.texts import text
from keepwell.rooms.alerts.model import ALERT_NAME, Labels, Notice, NoticeAlert
from keepwell.rooms.alerts.outbox.trial import Asked, Everybody, chosen, gap, trial
from keepwell.rooms.alerts.routing.model import Route
from keepwell.rooms.alerts.routing.offer import routing_of
from keepwell.rooms.alerts.routing.tree import group_key, group_labels, routes_of
from keepwell.rooms.alerts.rules.checks import CheckRules, Looked, judged_check
from keepwell.rooms.alerts.rules.judging import summary
from keepwell.rooms.alerts.rules.model import MeasuredRule, Point, RuleSet
from keepwell.rooms.promql.model import Result
from keepwell.rooms.promql.rules.evaluation import expanded_texts
from keepwell.rooms.promql.templates.model import Found
from keepwell.rooms.promql.templates.rule_texts import Outside

NUMBER = 1
"""The number that a previewed alert pretends to have."""


@dataclass(frozen=True, slots=True)
class _Here:
    """A configuration, and when it is previewed."""

    operations: Operations
    now: datetime

    @property
    def address(self) -> str:
        """Where people find the pages."""
        address: str = self.operations.values["web"].address
        return address


@dataclass(frozen=True, slots=True)
class _Alert:
    """The alert that is previewed."""

    labels: Labels
    annotations: Labels
    value: float | None = None


async def preview(wanted: Wanted) -> Mapping[str, Any]:
    """See ``rooms.alerts.delivery.commands.Preview``. Raises NotFound and ConfigurationError."""
    operations = verbs.load(wanted.directory)
    verbs.check_more(operations)
    here = _Here(operations, SystemClock().now())
    found = await _alert(here, wanted)
    found = replace(found, labels={"service": operations.service, **found.labels})
    told = _told(here, found, wanted.resolved)
    receivers = receivers_in(operations, verbs.receiver_kinds(), lambda name, options: "")
    routes = _routes(operations, receivers, found.labels, wanted.receivers)
    shown = [_shown(receivers, to, _notice(here, route, to, told)) for to, route in routes]
    return {"labels": found.labels, "annotations": found.annotations, "receivers": shown}


async def test(directory: str, names: Sequence[str], message: str) -> Sequence[Mapping[str, Any]]:
    """Sends a test to receivers of a directory, once, from here. Raises NotFound and ConfigurationError."""
    operations = verbs.load(directory)
    verbs.check_more(operations)
    receivers = receivers_in(operations, verbs.receiver_kinds(), verbs.why_not(operations))
    wanted = chosen(receivers, names, everybody_in(operations, SystemClock().now))
    asked = Asked("", message, verbs.effective_user(), operations.service, operations.values["web"].address)
    async with verbs.local_host() as host:
        results = [_result(name, await deliver(host, receivers, trial(name, host.clock.now(), asked))) for name in wanted.to]
    return [*results, *map(gap, wanted.gaps)]


def _result(name: str, outcome: Outcome) -> Mapping[str, Any]:
    match outcome:
        case Delivered():
            return {"receiver": name, "state": "delivered", "error": outcome.note}
        case Refused():
            return {"receiver": name, "state": "refused", "error": outcome.why}
        case TryLater():
            return {"receiver": name, "state": "waiting", "error": outcome.why}


def everybody_in(operations: Operations, now: Callable[[], datetime]) -> Everybody:
    """Whom the escalations of a configuration reach."""
    policies, people = policies_of(operations), people_of(operations)

    def reached(name: str) -> tuple[Sequence[str], Sequence[str]] | None:
        policy = policies.get(name)
        return everybody(policy, people, now()) if policy is not None else None

    return reached


# --- the alert ---------------------------------------------------------------------------------------------------------------


async def _alert(here: _Here, wanted: Wanted) -> _Alert:
    rules = rules_of(here.operations)
    if wanted.check is not None:
        return _of_check(here, rules, wanted.check, wanted.state)
    rule = next((one for one in rules.measured if wanted.rule in (one.key, one.face.name, f"{one.group}/{one.key}")), None)
    if rule is not None:
        return await _of_rule(here, rule)
    named = next((one for one in rules.checks if wanted.rule in (one.key, one.face.name)), None)
    if named is None:
        known = ", ".join(dict.fromkeys((*(one.key for one in rules.measured), *(one.key for one in rules.checks))))
        raise NotFound(f"there is no rule {wanted.rule}", hint=f"what there is: {known}; for a check: --check NAME")
    checks = here.operations.entries("checks")
    return _of_check(here, rules, named.check if named.check in checks else next(iter(checks), ""), min(named.states), named.key)


def _of_check(here: _Here, rules: RuleSet, check: str, state: str, key: str = "") -> _Alert:
    """The first alert of a check in that state; of the rule with that key, where one is given."""
    entries = here.operations.entries("checks")
    if check not in entries:
        raise NotFound(f"no check is called {check}", hint=f"the checks are: {', '.join(list(entries)[:20]) or 'none'}")
    known = CheckRules()
    known.configure(rules.checks, entries)
    target = getattr(entries[check].options, "target", None) or ""
    look = Looked(check, target, 1, here.now, state, here.now, "(here stands what the check saw)")
    judged = judged_check(known.rules_of(check), look, (), ((), f"{here.address}/checks/{check}"), here.now)
    found = next((alert for rule, alert in judged if key in ("", rule.key)), None)
    if found is None:
        raise NotFound(f"no rule makes an alert of the check {check} in the state {state}", hint="--state names another state")
    return _Alert(found.labels, found.annotations)


async def _of_rule(here: _Here, rule: MeasuredRule) -> _Alert:
    """With a value at the rule's limit, and without the labels that its series will have."""
    value = rule.limit.bound if rule.limit is not None else 1.0
    outside, at = Outside(url=here.address), int(here.now.timestamp() * 1000)
    labels = await expanded_texts(rule.face.labels, Found({}, value), outside, at, _no_answer)
    annotations = await expanded_texts(rule.face.annotations, Found({}, value), outside, at, _no_answer)
    if not annotations.keys() & {"summary", "description", "message"}:
        annotations = {"summary": summary(rule, Point({}, value)), **annotations}
    return _Alert({**{name: text for name, text in labels.items() if text}, ALERT_NAME: rule.face.name}, annotations, value)


async def _no_answer(text: str, at: int) -> Result:
    raise AskError("a preview asks nothing")


# --- where it goes, and as what ----------------------------------------------------------------------------------------------


def _told(here: _Here, alert: _Alert, resolved: bool) -> NoticeAlert:
    return NoticeAlert(
        number=NUMBER,
        fingerprint=fingerprint(alert.labels),
        state="resolved" if resolved else "firing",
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=here.now,
        ends_at=here.now if resolved else None,
        value=alert.value,
        generator_url=f"{here.address}/alerts/{NUMBER}",
    )


def _routes(operations: Operations, receivers: Receivers, labels: Labels, wanted: Sequence[str]) -> list[tuple[str, Route]]:
    """Who is told, and by which route. Raises NotFound for a name that nobody has."""
    routing = routing_of(operations, receivers.names(), operations.options("windows"))
    taken = [(route.receiver, route) for route in routes_of(routing.root, labels)]
    if not wanted:
        return list(dict(taken).items())
    return [(name, dict(taken).get(name, routing.root)) for name in chosen(receivers, wanted).to]


def _notice(here: _Here, route: Route, to: str, alert: NoticeAlert) -> Notice:
    grouped = group_labels(route, alert.labels)
    return Notice(
        key="preview-1",
        to=to,
        group_key=group_key(route, grouped),
        group_labels=grouped,
        alerts=(alert,),
        at=here.now,
        reason="a preview",
        common_labels=alert.labels,
        common_annotations=alert.annotations,
        external_url=here.address,
        service=here.operations.service,
    )


def _shown(receivers: Receivers, to: str, notice: Notice) -> Mapping[str, Any]:
    ways = receivers.ways(to) or ()
    first = ways[0].receiver if ways else None
    if first is None:
        return {"receiver": to, "kind": "none", "note": "cannot be told", "text": "", "sent": None}
    note = "is not told of what was resolved" if notice.is_resolved and not first.send_resolved else ""
    try:
        message = first.driver.message(first.settings, notice, Around(first.name, receivers.post))
    except KeepwellError as error:
        return {"receiver": to, "kind": first.kind, "note": str(error), "text": text(notice), "sent": None}
    html = message.html if isinstance(message, Mail) else ""
    return {"receiver": to, "kind": first.kind, "note": note, "text": _as_text(message, notice), "html": html, "sent": _plain(message)}


def _as_text(message: Message, notice: Notice) -> str:
    match message:
        case Mail():
            return f"To: {', '.join(message.to)}\nSubject: {message.subject}\n\n{message.text}"
        case Request():
            return f"{message.method} {message.url}\n{json.dumps(_body(message), indent=2, ensure_ascii=False)}"
        case Apprised():
            return f"{message.title}\n\n{message.body}"


def _plain(message: Message) -> Mapping[str, Any]:
    match message:
        case Mail():
            return {"from": message.sender, "to": list(message.to), "subject": message.subject, "text": message.text}
        case Request():
            return {"method": message.method, "url": message.url, "headers": dict(message.headers), "body": _body(message)}
        case Apprised():
            return {"title": message.title, "body": message.body, "level": message.level}


def _body(message: Request) -> Any:
    return message.body.document if isinstance(message.body, Json) else json.loads(message.body or b"null")  # type: ignore[arg-type]
