"""The sections ``routes``, ``inhibit_rules`` and ``time_intervals``. Keys and meaning are Alertmanager's."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from keepwell.config.options import Duration, Options, Reference
from keepwell.kernel.zones import find_zone
from keepwell.rooms.alerts.matchers import parse_matchers
from keepwell.rooms.alerts.model import Matcher

from .interval_words import read_days, read_months, read_times, read_weekdays, read_years
from .model import InhibitRule, Span, TimeInterval

ALL_LABELS = "..."


def _checked(read: Callable[[str], object]) -> Callable[[str], str]:
    def check(value: str) -> str:
        try:
            read(value)
        except ValueError as error:
            raise PydanticCustomError("quantity", "{reason}", {"reason": str(error)}) from None
        return value

    return check


def _text(value: Any) -> Any:
    """Numbers among days, months and years need no quotes."""
    return str(value) if type(value) is int else value


def _some_time(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise PydanticCustomError("quantity", "{reason}", {"reason": "this is no length of time: write one above 0s"})
    return value


Receivers = Annotated[tuple[str, ...] | str, Reference("receivers")]
Matchers = Annotated[str, AfterValidator(_checked(parse_matchers))]
Interval = Annotated[str, Reference("time_intervals", or_in="windows")]
Span_of_time = Annotated[Duration, AfterValidator(_some_time)]


class _Settings(Options):
    """What every route may have."""

    group_by: tuple[Annotated[str, Field(min_length=1)], ...] | None = None
    """Alerts with the same values of these labels are told of together (service, alertname); [...] alone means all labels, each alert by
    itself, and [] one group for all."""
    group_wait: Duration | None = None
    """So long the first alert of a group waits for others (30s)."""
    group_interval: Span_of_time | None = None
    """So long after a notice the next of the same group goes at the earliest (5m)."""
    repeat_interval: Span_of_time | None = None
    """So long after a notice it is repeated while nothing changes and nobody acknowledged (4h)."""
    escalate: Annotated[str, Reference("escalations")] | None = None
    """The escalation that begins where this route tells of alerts."""
    routes: "tuple[RouteOptions, ...]" = ()
    """Routes below this one. An alert takes the first that fits, and goes on behind it only where that says continue: true."""

    @model_validator(mode="after")
    def _labels_once(self) -> Self:
        labels = self.group_by or ()
        if ALL_LABELS in labels and len(labels) > 1:
            raise ValueError("group_by has ... beside other labels: ... alone means all of them")
        repeated = sorted({label for label in labels if labels.count(label) > 1})
        if repeated:
            raise ValueError(f"group_by names {', '.join(repeated)} twice")
        return self


class RouteOptions(_Settings):
    """A route below another. What it does not say it has from the one above, but for matchers and intervals."""

    receiver: Receivers | None = None
    """Who is told: a receiver, or a list of them; [] is nobody."""
    matchers: tuple[Matchers, ...] = ()
    """The alerts that take this route, such as 'severity="critical"' or 'service=~"api|web"'; all must fit."""
    goes_on: bool = Field(default=False, alias="continue")
    """Whether an alert that takes this route is offered to those behind it too."""
    mute_time_intervals: tuple[Interval, ...] = ()
    """The time intervals or windows in which this route tells nobody."""
    active_time_intervals: tuple[Interval, ...] = ()
    """The time intervals or windows in which alone this route tells."""


class RoutesOptions(_Settings):
    """The root of all routes: every alert that no route below it takes."""

    receiver: Receivers | None = None
    """Who is told where no route below says otherwise: a receiver, or a list of them. Without it every receiver is, grouped by service and
    alertname."""


class InhibitRuleOptions(Options):
    """While an alert that fits the source fires, alerts that fit the target are muted."""

    source_matchers: tuple[Matchers, ...] = ()
    """The alerts that mute, such as 'severity="critical"'."""
    target_matchers: tuple[Matchers, ...] = ()
    """The alerts that are muted."""
    equal: tuple[str, ...] = ()
    """The labels in which both must be the same; labels that both lack are the same."""

    @property
    def rule(self) -> InhibitRule:
        """The rule."""
        return InhibitRule(matchers_of(self.source_matchers), matchers_of(self.target_matchers), self.equal)


Weekdays = Annotated[str, AfterValidator(_checked(read_weekdays))]
Days = Annotated[str, BeforeValidator(_text, json_schema_input_type=str | int), AfterValidator(_checked(read_days))]
Months = Annotated[str, BeforeValidator(_text, json_schema_input_type=str | int), AfterValidator(_checked(read_months))]
Years = Annotated[str, BeforeValidator(_text, json_schema_input_type=str | int), AfterValidator(_checked(read_years))]


class TimesOptions(Options):
    """A span of the day."""

    start_time: str
    """When it begins, such as 09:00."""
    end_time: str
    """When it ends, such as 17:30 or 24:00; this minute is not contained."""

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        read_times(self.start_time, self.end_time)
        return self


class SpanOptions(Options):
    """One time interval: open while everything that it says holds."""

    times: tuple[TimesOptions, ...] = ()
    """Spans of the day."""
    weekdays: tuple[Weekdays, ...] = ()
    """Days of the week, such as monday:friday."""
    days_of_month: tuple[Days, ...] = ()
    """Days of the month, such as 1:5, or -3:-1 for the last three."""
    months: tuple[Months, ...] = ()
    """Months, such as january:march or 5."""
    years: tuple[Years, ...] = ()
    """Years, such as 2026 or 2026:2028."""
    location: str = "UTC"
    """The zone of these times, such as Europe/Berlin."""

    @model_validator(mode="after")
    def _has_zone(self) -> Self:
        find_zone(self.location)
        return self

    @property
    def interval(self) -> TimeInterval:
        """The interval."""
        return TimeInterval(
            tuple(read_times(one.start_time, one.end_time) for one in self.times),
            _spans(read_weekdays, self.weekdays),
            _spans(read_days, self.days_of_month),
            _spans(read_months, self.months),
            _spans(read_years, self.years),
            find_zone(self.location),
        )


class TimeIntervalOptions(Options):
    """Times by which routes are muted or active. Written as a list; it is open while one of its entries is."""

    listed: ClassVar[str] = (
        "A list of intervals, each with any of `times` (`[{start_time: 09:00, end_time: 17:00}]`), `weekdays` (`[monday:friday]`), "
        "`days_of_month` (`[1:5, -1]`), `months` (`[january:march, 12]`), `years` (`[2026:2028]`) and `location` (`Europe/Berlin`; UTC "
        "where there is none). One is open while everything that it says holds."
    )

    intervals: tuple[SpanOptions, ...]

    @model_validator(mode="before")
    @classmethod
    def _of_list(cls, value: Any) -> Any:
        if isinstance(value, list):
            return {"intervals": _as_tuples(value)}
        raise PydanticCustomError(
            "expected", "expected {expected}", {"expected": "a list of intervals, such as [{weekdays: [saturday, sunday]}]"}
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        intervals: JsonSchemaValue = handler.resolve_ref_schema(handler(schema))["properties"]["intervals"]
        return intervals


def matchers_of(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """All matchers of some texts. Raises ValueError with one sentence."""
    return tuple(matcher for text in texts for matcher in parse_matchers(text))


def _spans(read: Callable[[str], Span], texts: Iterable[str]) -> tuple[Span, ...]:
    return tuple(map(read, texts))


def _as_tuples(value: Any) -> Any:
    """Lists as tuples: what a validator hands on is no JSON any more, and strictly read."""
    if isinstance(value, list):
        return tuple(_as_tuples(item) for item in value)
    return {key: _as_tuples(item) for key, item in value.items()} if isinstance(value, dict) else value
