"""What keeps alerts from being told of at one instant: silences, other alerts, windows, and the time intervals of routes. Pure."""

from collections.abc import Callable, Iterable
from datetime import datetime

from keepwell.kernel.windows import contains

from .model import Alert
from .policy import Policy
from .routing.intervals import muted_at
from .routing.model import Route
from .routing.silencing import muting_window


class Muting:
    """Asked for many alerts at the same instant; each answer is found once. ``by_others`` says what silences and other alerts mute."""

    def __init__(self, policy: Policy, now: datetime, by_others: Callable[[Alert, datetime], str]) -> None:
        self._policy = policy
        self._now = now
        self._by_others = by_others
        self._windows = [mute for mute in policy.routing.window_mutes if contains(mute.window, now)]
        self._alerts: dict[int, str] = {}
        self._routes: dict[str, str] = {}

    def on(self, route: Route) -> Callable[[Alert], str]:
        """What mutes an alert on that route; empty where nothing does."""
        return lambda alert: self._alert(alert) or self._route(route)

    def everywhere(self, alert: Alert, routes: Iterable[Route]) -> str:
        """What mutes an alert on all of its routes: one that is open tells somebody."""
        reasons = [self._route(route) for route in routes]
        return self._alert(alert) or (reasons[0] if reasons and all(reasons) else "")

    def _alert(self, alert: Alert) -> str:
        known = self._alerts.get(alert.number)
        if known is None:
            known = self._by_others(alert, self._now) or muting_window(self._windows, alert.labels, self._now)
            self._alerts[alert.number] = known
        return known

    def _route(self, route: Route) -> str:
        if route.path not in self._routes:
            self._routes[route.path] = muted_at(route, self._policy.routing.intervals, self._now)
        return self._routes[route.path]
