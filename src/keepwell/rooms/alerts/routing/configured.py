"""The tree of routes as the section ``routes`` says it: each route with what it has from the one above (alertmanager/dispatch/route.go)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from keepwell.rooms.alerts.matchers import fits_all, written

from .model import Route
from .options import ALL_LABELS, RouteOptions, RoutesOptions, matchers_of

USUAL_GROUPS = ("service", "alertname")
"""How alerts are grouped where nothing is said. Alertmanager has one group for all then, in which a warning that goes on firing holds back
what is critical until the group is looked at again (``group_interval``)."""


def root_of(options: RoutesOptions, receivers: Sequence[str]) -> Route:
    """The root of the tree. Where it names no receiver, all of ``receivers`` are told."""
    root = Route("{}", "{}", "", fits_all(()), group_by=USUAL_GROUPS)
    builder = _Builder()
    filled = _told(builder.filled(root, options), _names(options.receiver, receivers))
    return replace(filled, routes=builder.below(filled, options.routes))


@dataclass(slots=True)
class _Builder:
    """Makes routes; ``paths`` says how many there are with the same key."""

    paths: dict[str, int] = field(default_factory=dict)

    def below(self, above: Route, routes: Sequence[RouteOptions]) -> tuple[Route, ...]:
        return tuple(self._one(above, options) for options in routes)

    def _one(self, above: Route, options: RouteOptions) -> Route:
        matchers = matchers_of(options.matchers)
        key = f"{above.key}/{written(matchers)}"
        filled = replace(
            self.filled(above, options),
            path=self._path(key),
            key=key,
            fits=fits_all(matchers),
            matchers=matchers,
            goes_on=options.goes_on,
            mute_time_intervals=options.mute_time_intervals,
            active_time_intervals=options.active_time_intervals,
        )
        route = _told(filled, _names(options.receiver, above.receivers))
        return replace(route, routes=self.below(route, options.routes))

    def _path(self, key: str) -> str:
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


def _names(receiver: tuple[str, ...] | str | None, otherwise: Sequence[str]) -> Sequence[str]:
    if receiver is None:
        return otherwise
    return (receiver,) if isinstance(receiver, str) else tuple(dict.fromkeys(receiver))


def _told(route: Route, receivers: Sequence[str]) -> Route:
    """The route for the first receiver, with a twin for each of the others."""
    if len(receivers) < 2:
        return replace(route, receiver=next(iter(receivers), ""), twins=())
    alone = replace(route, twins=())
    first, *others = (replace(alone, path=f"{route.path}>{name}", receiver=name) for name in receivers)
    return replace(first, twins=tuple(others))
