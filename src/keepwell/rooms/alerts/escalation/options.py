"""The sections ``escalations`` and ``rotas``."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, GetJsonSchemaHandler, PlainValidator, WithJsonSchema, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from keepwell.config.options import Duration, Options, Reference
from keepwell.kernel.durations import format_duration
from keepwell.kernel.windows import parse_window
from keepwell.kernel.zones import find_zone, instant_of_wall

from .model import Override, Policy, Rota, Step
from .words import parse_date, parse_handover, parse_moment

Person = Annotated[str, Reference("contacts")]
_DATE = {"type": "string", "description": "a day", "examples": ["2026-01-05"]}
_MOMENT = {"type": "string", "description": "a day and a time on the wall clock of the rota's zone", "examples": ["2026-12-24 09:00"]}
Day = Annotated[date, PlainValidator(parse_date, json_schema_input_type=str), WithJsonSchema(_DATE)]
Moment = Annotated[datetime, PlainValidator(parse_moment, json_schema_input_type=str), WithJsonSchema(_MOMENT)]


class StepOptions(Options):
    """One step of an escalation."""

    after: Duration
    """How long after the first notice, where nobody acknowledged: ``0m`` for at once."""
    to: tuple[str, ...] | str
    """Who is told: the name of a receiver, a contact or a rota, or a list of them."""

    @property
    def names(self) -> tuple[str, ...]:
        """Those who are told."""
        return (self.to,) if isinstance(self.to, str) else self.to


class EscalationOptions(Options):
    """Who is told when nobody acknowledges, one step after the other. Written as a list of steps."""

    listed: ClassVar[str] = "A list of steps, such as `[{after: 0m, to: oncall}, {after: 15m, to: [boss, people]}]`."

    steps: tuple[StepOptions, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _of_list(cls, value: Any) -> Any:
        if isinstance(value, list):
            return {"steps": _as_tuples(value)}
        expected = "a list of steps, such as [{after: 0m, to: oncall}, {after: 15m, to: people}]"
        raise PydanticCustomError("expected", "expected {expected}", {"expected": expected})

    @model_validator(mode="after")
    def _later_and_later(self) -> Self:
        before = timedelta(0)
        for step in self.steps:
            if not step.names:
                raise ValueError("a step tells nobody: name a receiver, a contact or a rota in to")
            if step.after < before:
                raise ValueError(
                    f"a step after {format_duration(step.after)} stands behind one after {format_duration(before)}: order them"
                )
            before = step.after
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        steps: JsonSchemaValue = handler.resolve_ref_schema(handler(schema))["properties"]["steps"]
        return steps

    def policy(self, name: str) -> Policy:
        """The policy of that name."""
        return Policy(name, tuple(Step(step.after, step.names) for step in self.steps))


class OverrideOptions(Options):
    """Somebody stands in."""

    since: Moment = Field(alias="from")
    """From when, on the wall clock of the rota's zone, for example ``2026-12-24 09:00``."""
    until: Moment
    """Until when."""
    person: Person
    """Who: one of the contacts."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.until <= self.since:
            raise ValueError("an override ends before it begins: write from before until")
        return self


class RotaOptions(Options):
    """Whose week it is. People take turns from one hand-over to the next."""

    people: tuple[Person, ...] = Field(min_length=1)
    """The contacts, in the order of their weeks."""
    handover: str = "Monday 09:00"
    """Day of the week and time of the hand-over, on the wall clock of the zone."""
    zone: str = "UTC"
    """The zone of these times, such as ``Europe/Berlin``."""
    starts: Day
    """The first hand-over on or after this day begins the first person's week, for example ``2026-01-05``."""
    covers: str | None = None
    """Where the rota is not for all hours: days and a span, such as ``weekdays 08:00-18:00``. Outside of it nobody is on call."""
    overrides: tuple[OverrideOptions, ...] = ()
    """Who stands in, from when until when. Of two at the same time the one that is written last counts."""

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        self.rota("")
        return self

    def rota(self, name: str) -> Rota:
        """The rota of that name."""
        zone = find_zone(self.zone)
        weekday, at = self._handover()
        overrides = tuple(
            Override(instant_of_wall(one.since, zone), instant_of_wall(one.until, zone), one.person) for one in self.overrides
        )
        covers = parse_window(self.covers, self.zone) if self.covers is not None else None
        return Rota(name, self.people, weekday, at, zone, self.starts, overrides, covers)

    def _handover(self) -> tuple[int, time]:
        return parse_handover(self.handover)


def _as_tuples(value: Any) -> Any:
    """Lists as tuples: what a validator hands on is no JSON any more, and strictly read."""
    if isinstance(value, list):
        return tuple(_as_tuples(item) for item in value)
    return {key: _as_tuples(item) for key, item in value.items()} if isinstance(value, dict) else value
