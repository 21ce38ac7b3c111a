"""The tree of routes as the section ``routes`` says it: each route with what it has from the one above (alertmanager/dispatch/route.go)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from keepwell.rooms.alerts.matchers import fits_all, written

from .model import Route
from .options import ALL_LABELS, RouteOptions, RoutesOptions, matchers_of

USUAL_GROUPS = ("service", "alertname")
"""How alerts are grouped where no receiver is named."""


def root_of(options: RoutesOptions, receivers: Sequence[str]) -> Route:
    """The root of the tree. Where it names no receiver, it has one route to each of ``receivers``."""
    root = Route("{}", "{}", options.receiver or "", fits_all(()))
    if options.receiver is not None:
        builder = _Builder()
        inherited = builder.filled(root, options)
        return replace(inherited, routes=builder.below(inherited, options.routes))
    inherited = _Builder().filled(replace(root, group_by=USUAL_GROUPS), options)
    return replace(
        inherited,
        routes=tuple(replace(inherited, path=f"{{}}/{{}}>{name}", key="{}/{}", receiver=name, goes_on=True) for name in receivers),
    )


@dataclass(slots=True)
class _Builder:
    """Makes routes; ``paths`` says how many there are with the same key."""

    paths: dict[str, int] = field(default_factory=dict)

    def below(self, above: Route, routes: Sequence[RouteOptions]) -> tuple[Route, ...]:
        return tuple(self._one(above, options) for options in routes)

    def _one(self, above: Route, options: RouteOptions) -> Route:
        matchers = matchers_of(options.matchers)
        key = f"{above.key}/{written(matchers)}"
        inherited = self.filled(above, options)
        route = replace(
            inherited,
            path=self._path(key, above),
            key=key,
            receiver=options.receiver or above.receiver,
            fits=fits_all(matchers),
            matchers=matchers,
            goes_on=options.goes_on,
            mute_time_intervals=options.mute_time_intervals,
            active_time_intervals=options.active_time_intervals,
        )
        return replace(route, routes=self.below(route, options.routes))

    def _path(self, key: str, above: Route) -> str:
        """The key; from the second with the same key on with its number, so that other routes may come and go around it."""
        number = self.paths[key] = self.paths.get(key, 0) + 1
        return key if number == 1 else f"{key}#{number}"

    def filled(self, above: Route, options: RoutesOptions | RouteOptions) -> Route:
        """The route above with what the options say otherwise."""
        group_by = above.group_by
        if options.group_by is not None:
            group_by = None if options.group_by == (ALL_LABELS,) else tuple(sorted(options.group_by))
        return replace(
            above,
            group_by=group_by,
            group_wait=above.group_wait if options.group_wait is None else options.group_wait,
            group_interval=options.group_interval or above.group_interval,
            repeat_interval=options.repeat_interval or above.repeat_interval,
            escalate=options.escalate or above.escalate,
            routes=(),
        )
