"""How everything that fires stands at one moment, from the book. Pure."""

from dataclasses import replace
from datetime import datetime

from .book import Book
from .model import Alert, State
from .muting import Muting
from .policy import Policy
from .routing.intervals import muting_names
from .standing import GroupStanding, Standing, Standings


def active_of(book: Book, policy: Policy, now: datetime) -> list[Alert]:
    """What is pending or fires, each with what keeps it from being notified now."""
    muting = Muting(policy, now, book.muted)

    def shown(alert: Alert) -> Alert:
        fires = alert.state is State.FIRING
        why = muting.everywhere(alert, book.places.get(alert.number, {}).values()) if fires else ""
        return alert if why == alert.muted_by else replace(alert, muted_by=why)

    return [shown(alert) for alert in book.alerts.values() if alert.state is not State.RESOLVED]


def standings_of(book: Book, policy: Policy, now: datetime) -> Standings:
    """All alerts that fire, where each goes and what keeps it from going, and the groups."""
    firing = [alert for alert in book.alerts.values() if alert.state is State.FIRING]
    groups = []
    for digest, group in book.groups.items():
        route = book.routes.get(digest)
        numbers = {number for number in book.members.get(digest, ()) if book.alerts[number].state is State.FIRING}
        groups.append(GroupStanding(group, numbers, muting_names(route, policy.routing.intervals, now) if route else ()))
    return Standings([_standing(book, alert, now) for alert in firing], groups)


def _standing(book: Book, alert: Alert, now: datetime) -> Standing:
    places = book.places.get(alert.number, {})
    inhibiting = book.inhibitor.inhibited_by(alert)
    return Standing(
        alert=alert,
        receivers=list(dict.fromkeys(route.receiver for route in places.values())),
        silenced_by=[silence.id for silence in book.silenced.by(alert, now)],
        inhibited_by=[inhibiting.fingerprint] if inhibiting is not None else [],
    )
