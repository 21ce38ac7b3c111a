"""What each question and each deed takes, as it stands in an address or a body. An unknown name is refused, so that a misspelt one does not
mean the default."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from keepwell.kernel.durations import parse_duration
from keepwell.kernel.problems import UsageError
from keepwell.ports.asked import Instant
from keepwell.rooms.alerts.matchers import parse_matchers
from keepwell.rooms.alerts.model import Matcher

from .shown import Wanted

LARGEST_NUMBER = 2**63 - 1
"""The largest number that a database column holds."""

M = TypeVar("M", bound=BaseModel)

_STRICT = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _duration(text: str) -> str:
    if parse_duration(text) <= timedelta(0):
        raise ValueError("write a duration of more than nothing, such as 2h")
    return text


Duration = Annotated[str, AfterValidator(_duration)]
Number = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
Name = Annotated[str, Field(max_length=200)]
Label = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=10_000)]


def matchers_of(texts: Sequence[str]) -> tuple[Matcher, ...]:
    """The matchers of several texts, each as Alertmanager and amtool write them. Raises UsageError with what is wrong."""
    found: list[Matcher] = []
    for text in texts:
        try:
            found += parse_matchers(text)
        except ValueError as error:
            raise UsageError(
                f"{text!r} is no matcher: {error}", hint='write label="value", label!="value", label=~"a|b" or label!~"a|b"'
            ) from None
    return tuple(found)


class ActiveAsked(BaseModel):
    """Which active alerts, and which page of them. ``limit`` is how many at most."""

    model_config = _STRICT

    state: list[Literal["pending", "firing"]] = []
    severity: list[str] = []
    matcher: list[str] = []
    acknowledged: bool | None = None
    muted: bool | None = None
    assigned_to: str | None = None
    limit: int = Field(default=1000, ge=1, le=10_000)
    before: Number | None = None

    def wanted(self) -> Wanted:
        """What it asks for. Raises UsageError for a matcher that cannot be read."""
        matchers = matchers_of(self.matcher)
        return Wanted(frozenset(self.state), frozenset(self.severity), matchers, self.acknowledged, self.muted, self.assigned_to)


class HistoryAsked(BaseModel):
    """Which alerts that fired, newest first: by name, severity, service, state, matchers, and when they began to fire (``start`` contained,
    ``end`` not)."""

    model_config = _STRICT

    limit: int = Field(default=50, ge=1, le=1000)
    before: Number | None = None
    name: str | None = None
    severity: str | None = None
    service: str | None = None
    state: Literal["firing", "resolved"] | None = None
    matcher: list[str] = []
    start: Instant | None = None
    end: Instant | None = None


class StatsAsked(BaseModel):
    """So long (``over``) until ``end``, which is now; the hours of the day are those of ``zone``."""

    model_config = _STRICT

    over: Duration = "7d"
    end: Instant | None = None
    zone: str = "UTC"


class NewAlert(BaseModel):
    """An alert that a program tells of. Without a ``name`` its message is its name. It lasts until somebody resolves it, or for so long
    (``for``), or until ``ends_at``."""

    model_config = _STRICT

    message: str = Field(min_length=1, max_length=10_000)
    severity: str = Field(default="warning", min_length=1, max_length=100)
    name: Name = ""
    labels: Mapping[Label, str] = {}
    annotations: Mapping[Label, str] = {}
    lasts: Duration | None = Field(default=None, alias="for")
    ends_at: Instant | None = None

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        return _at_most_one(self, self.lasts, self.ends_at)


class TestAlert(BaseModel):
    """A test of receivers: of those named, or of all."""

    model_config = _STRICT

    message: str = Field(default="A test: somebody wants to know whether notices arrive", min_length=1, max_length=10_000)
    severity: str = Field(default="test", min_length=1, max_length=100)
    receivers: list[str] = []


class Acknowledging(BaseModel):
    """Somebody knows of it: who (without ``by``, who sends this), and until it is resolved, or for so long, or until then."""

    model_config = _STRICT

    by: Name = ""
    note: Text = ""
    lasts: Duration | None = Field(default=None, alias="for")
    until: Instant | None = None

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        return _at_most_one(self, self.lasts, self.until, "until")


class Assigning(BaseModel):
    """Who does something about it; nobody, where it is empty."""

    model_config = _STRICT

    to: Name


class Resolving(BaseModel):
    """Why it has ended."""

    model_config = _STRICT

    resolution: Text = ""
    by: Name = ""


class NewSilence(BaseModel):
    """Alerts that fit all ``matchers`` are not notified from ``starts_at`` (now) for so long, or until ``ends_at``. With an ``id`` it
    changes the silence of that id."""

    model_config = _STRICT

    id: str = ""
    matchers: list[str] = Field(min_length=1)
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    lasts: Duration | None = Field(default=None, alias="for")
    comment: str = Field(min_length=1, max_length=10_000)
    by: Name = ""
    maintenance: bool = False

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.lasts is None and self.ends_at is None:
            raise ValueError('say how long it lasts: "for": "2h", or "ends_at" with an instant')
        return _at_most_one(self, self.lasts, self.ends_at)


class SilencesAsked(BaseModel):
    """Which silences: in this state (without one: those that have not ended), and only maintenance, or only other ones."""

    model_config = _STRICT

    state: Literal["active", "pending", "expired"] | None = None
    maintenance: bool | None = None


class PreviewAsked(BaseModel):
    """Which active alerts fit all these matchers."""

    model_config = _STRICT

    matcher: list[str] = Field(min_length=1)
    limit: int = Field(default=20, ge=1, le=1000)


class OutboxAsked(BaseModel):
    """Which notices, newest first: in these states, to this receiver, with an id below ``before``."""

    model_config = _STRICT

    receiver: str | None = None
    state: list[Literal["waiting", "delivered", "refused", "expired", "dropped"]] = []
    limit: int = Field(default=50, ge=1, le=1000)
    before: Number | None = None


class OnCallAsked(BaseModel):
    """Who is on call from now on, so far ``ahead``."""

    model_config = _STRICT

    ahead: Duration = "14d"


def until_of(lasts: str | None, until: datetime | None, start: datetime) -> datetime | None:
    """When something ends that lasts so long, or until then; None where neither is said. Raises UsageError where it would end before it
    begins."""
    end = until
    if lasts is not None:
        try:
            end = start + parse_duration(lasts)
        except OverflowError:
            raise UsageError(f"{lasts} from now is past the year 9999", hint="write less") from None
    if end is not None and end <= start:
        raise UsageError(f"it would end at {end.isoformat()}, before it begins", hint="write an instant in the future")
    return end


def _at_most_one(model: M, lasts: str | None, end: datetime | None, name: str = "ends_at") -> M:
    if lasts is not None and end is not None:
        raise ValueError(f'write "for" or "{name}", not both')
    return model
