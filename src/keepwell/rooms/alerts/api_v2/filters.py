"""Which alerts, groups and silences a client wants: the parameters of an address, and what fits them. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from keepwell.kernel.patterns import whole
from keepwell.kernel.problems import UsageError
from keepwell.kernel.quoting import quoted
from keepwell.rooms.alerts.matchers import Fits, fits_all, parse_matcher
from keepwell.rooms.alerts.model import Matcher, Silence
from keepwell.rooms.alerts.standing import Standing

_TRUE = frozenset({"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"})
_FALSE = frozenset({"false", "0", "no", "n", "off", "f", "disabled"})


def flag(query: QueryParams, name: str) -> bool:
    """Whether something is wanted; it is where nothing is said. The words are those that Alertmanager's server takes for true
    (go-openapi/swag, ``ConvertBool``) and their opposites. Raises UsageError."""
    text = query.get(name, "").lower()
    if text and text not in _TRUE and text not in _FALSE:
        raise UsageError(f"the parameter {name} is {quoted(text)}: write true or false")
    return text not in _FALSE


def matchers(query: QueryParams, name: str = "filter") -> Sequence[Matcher]:
    """All matchers of that name. Raises UsageError."""
    try:
        return tuple(parse_matcher(text) for text in query.getlist(name))
    except ValueError as error:
        raise UsageError(f"the parameter {name}: {error}") from None


@dataclass(frozen=True, slots=True)
class ReceiverFilter:
    """Which receivers are wanted. Receivers have no labels here: a matcher that asks for one fits none of them."""

    by_name: Callable[[str], bool]
    by_labels: bool
    wants_all: bool

    def fits(self, name: str) -> bool:
        """Whether a receiver is wanted."""
        return self.wants_all or (self.by_labels and self.by_name(name))


def receiver_filter(query: QueryParams) -> ReceiverFilter:
    """``receiver``, a regular expression for the whole name, and ``receiver_matchers``. Raises UsageError."""
    pattern, labels = query.get("receiver"), matchers(query, "receiver_matchers")
    try:
        by_name = whole(pattern, dot_fits_line_break=False) if pattern is not None else _any
    except ValueError as error:
        raise UsageError(f"the parameter receiver: {error}") from None
    return ReceiverFilter(by_name, fits_all(labels)({}), pattern is None and not labels)


def _any(name: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts are wanted, by what is said of them in the address (alertmanager, api/v2/api.go: alertFilter).

    What silences and inhibits an alert is known at once, there as here: none is ever ``unprocessed``.
    """

    active: bool
    silenced: bool
    inhibited: bool
    fits: Fits

    def wants(self, standing: Standing) -> bool:
        """Whether this alert is wanted."""
        if (not self.silenced and standing.silenced_by) or (not self.inhibited and standing.inhibited_by):
            return False
        if not self.active and not standing.silenced_by and not standing.inhibited_by:
            return False
        return self.fits(standing.alert.labels)


def alert_filter(query: QueryParams) -> AlertFilter:
    """The filter of an address. Raises UsageError."""
    flag(query, "unprocessed")
    return AlertFilter(
        active=flag(query, "active"),
        silenced=flag(query, "silenced"),
        inhibited=flag(query, "inhibited"),
        fits=fits_all(matchers(query)),
    )


def has_matchers(silence: Silence, wanted: Sequence[Matcher]) -> bool:
    """Whether each wanted matcher is one of the silence's own."""
    return all(matcher in silence.matchers for matcher in wanted)
