"""What follows from a change: groups, notices, escalations, and which alerts are done with. Pure; everything goes into the draft."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keepwell.storage.journal import NewEntry

from .draft import Draft
from .escalation import decide as escalation
from .model import Alert, Escalating, Group, State
from .muting import Muting
from .notice import notice_of
from .policy import Policy
from .routing.grouping import due, joined, opened
from .routing.model import Route
from .routing.tree import group_digest, group_key, group_labels, routes_of

RECEIVERS = "keepwell/receivers"
"""The source of alerts about receivers: they go to all of them but the one that they are about."""

MOST_NOTED = 100
"""Alerts that one entry of the journal names."""


def react(draft: Draft, policy: Policy, now: datetime) -> None:
    """Everything that the draft's changes and the time that has passed bring about."""
    reaction = Reaction(draft, policy, now, Muting(policy, now, draft.muted))
    reaction.place_new()
    for digest in draft.due_groups(now):
        reaction.look(digest)
    reaction.reopen()
    reaction.escalate()
    reaction.settle()


@dataclass(frozen=True, slots=True)
class Reaction:
    """The draft of one change, by a policy, at an instant."""

    draft: Draft
    policy: Policy
    now: datetime
    muting: Muting

    # --- groups ---

    def place_new(self) -> None:
        """Puts what has begun to fire into its groups."""
        for number in self.draft.unplaced:
            alert = self.draft.alert(number)
            if alert is not None:
                self.place(alert)
        self.draft.unplaced.clear()

    def place(self, alert: Alert) -> None:
        """Puts an alert into the groups where it belongs."""
        draft, places = self.draft, {}
        for route in _routes(alert, self.policy):
            labels = group_labels(route, alert.labels)
            digest = group_digest(route, labels)
            places[digest] = route
            group = draft.group(digest)
            if group is None:
                draft.put_group(opened(route, group_key(route, labels), digest, labels, alert, self.now))
            elif (moved := joined(group, route, alert, self.now)) is not group:
                draft.put_group(moved)
        draft.place(alert.number, places)

    def look(self, digest: str) -> None:
        """Looks at a group whose time has come: tells of it, and lets go of what is done with."""
        draft, group, route = self.draft, self.draft.group(digest), self.draft.route(digest)
        if group is None or route is None:
            draft.drop_group(digest)
            return
        alerts, muted = draft.members(digest), self.muting.on(route)
        flush = due(group, route, alerts, muted, self.policy.sends_resolved(group.receiver), self.now)
        draft.put_group(flush.group)
        draft.touched.add(digest)
        if flush.alerts:
            self._notify(group.receiver, flush.group, flush.alerts, flush.reason)
        for alert in alerts:
            if alert.number in flush.leaving:
                draft.leave(alert.number, digest)
            elif (why := muted(alert)) != alert.muted_by:
                draft.put_quietly(replace(alert, muted_by=why))
        if not draft.members(digest):
            draft.drop_group(digest)
        elif flush.is_new:
            self._begin_to_escalate(route, digest)

    def _begin_to_escalate(self, route: Route, digest: str) -> None:
        policy = self.policy.escalations.get(route.escalate)
        if policy is not None and self.draft.escalation(digest) is None:
            self.draft.put_escalation(escalation.begin(policy, digest, self.now))

    def _notify(self, to: str, group: Group, alerts: Sequence[Alert], reason: str) -> None:
        key = f"{group.digest[:16]}-{self.draft.new_number('notice')}"
        notice = notice_of(key, to, group, alerts, reason, self.now)
        self.draft.notify(replace(notice, service=self.policy.service, external_url=self.policy.external_url))

    # --- escalations ---

    def reopen(self) -> None:
        """What was acknowledged for a time, and goes on after it, is escalated anew."""
        for number in self.draft.reopened:
            alert = self.draft.alert(number)
            if alert is not None and alert.state is State.FIRING:
                for digest, route in self.draft.groups_of(number).items():
                    self._begin_to_escalate(route, digest)

    def escalate(self) -> None:
        """Takes the steps that are due, and ends what needs nobody any more."""
        for one in self.draft.due_escalations(self.now):
            self._go_on(one)

    def _go_on(self, one: Escalating) -> None:
        group, route = self.draft.group(one.digest), self.draft.route(one.digest)
        steps = self.policy.escalations.get(one.policy)
        if group is None or route is None or steps is None:
            self._cancel(one, "resolved" if steps is not None else "its policy is no longer configured")
            return
        muted = self.muting.on(route)
        alerts = [replace(alert, muted_by=muted(alert)) for alert in self.draft.members(one.digest)]
        match escalation.due(one, steps, alerts, self.policy.people, self.now):
            case escalation.Cancelled(reason):
                self._cancel(one, reason)
            case escalation.Escalated(to, reason, following):
                self.draft.put_escalation(following, one.digest)
                firing = [alert for alert in alerts if alert.state is State.FIRING and not alert.muted_by]
                for name in to or (group.receiver,):
                    self._notify(name, group, firing, reason)
                self._note(one, "escalation.step", {"to": list(to), "reason": reason})

    def _cancel(self, one: Escalating, reason: str) -> None:
        self.draft.put_escalation(None, one.digest)
        self._note(one, "escalation.cancelled", {"reason": reason})

    def _note(self, one: Escalating, event: str, facts: Mapping[str, object]) -> None:
        numbers = [alert.number for alert in self.draft.members(one.digest)][:MOST_NOTED]
        facts = {"policy": one.policy, "alerts": numbers, **facts}
        self.draft.entries.append(NewEntry("keepwell", event, f"alert-groups/{one.digest[:16]}", facts))

    # --- the end ---

    def settle(self) -> None:
        """Alerts that ended, and of whose end nobody is to be told any more, become history."""
        for number in [*self.draft.changes.alerts, *self.draft.left]:
            alert = self.draft.alert(number)
            if alert is not None and alert.state is State.RESOLVED and not alert.closed and not self.draft.groups_of(number):
                self.draft.put(replace(alert, settled=True))


def _routes(alert: Alert, policy: Policy) -> Iterable[Route]:
    if alert.source != RECEIVERS:
        return routes_of(policy.routing.root, alert.labels)
    failing = alert.labels.get("receiver")
    return [_own_route(name, policy.routing.root) for name in policy.receivers if name != failing]


def _own_route(receiver: str, root: Route) -> Route:
    return Route(
        path=f"receivers/{receiver}",
        key='{}/{alertname="ReceiverFailing"}',
        receiver=receiver,
        fits=root.fits,
        group_by=("alertname", "receiver"),
        group_wait=timedelta(0),
    )


# --- other routes --------------------------------------------------------------------------------------------------------------


def reroute(draft: Draft, alerts: Iterable[Alert], policy: Policy, now: datetime) -> None:
    """Puts all alerts into the groups of a policy that is new. What a receiver was told stays known where the same alerts are still
    grouped in the same way for it, though their route may stand elsewhere now."""
    before = {group.digest: group for group in draft.groups()}
    heirs = {(group.key, group.receiver): group for group in before.values()}
    reaction = Reaction(draft, policy, now, Muting(policy, now, draft.muted))
    for alert in alerts:
        if alert.state is not State.PENDING:
            reaction.place(alert)
    for digest in {digest for places in draft.places.values() for digest in places}:
        group, route = draft.group(digest), draft.route(digest)
        if group is not None and route is not None:
            draft.put_group(_carried_on(group, route, heirs.get((group.key, route.receiver)), now))
    for digest in before:
        if not draft.members(digest):
            draft.drop_group(digest)
    draft.touched.update(one.digest for one in draft.escalations())


def _carried_on(group: Group, route: Route, heir: Group | None, now: datetime) -> Group:
    if heir is not None:
        group = replace(group, flushed=heir.flushed, told=heir.told, next_at=heir.next_at)
    elif group.receiver != route.receiver:
        group = replace(group, flushed=False, told=None)
    # An instant far ahead was written by a clock that was wrong, or by a longer interval.
    latest = now + (route.group_interval if group.flushed else route.group_wait)
    return replace(group, receiver=route.receiver, route=route.path, next_at=min(group.next_at, latest))
