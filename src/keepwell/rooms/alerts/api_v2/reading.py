"""What clients send, read: alerts and silences in JSON. Pure; every problem is a UsageError with one sentence."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from keepwell.kernel.problems import UsageError
from keepwell.kernel.quoting import quoted
from keepwell.rooms.alerts.model import Matcher, Posted, Silence

from .instants import read_instant

MOST_SAID = 10
"""Problems that one answer names."""

_URI = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:|/)(?:[^\x00-\x20\x7f%]|%[0-9A-Fa-f]{2})*")


def _moment(value: Any) -> Any:
    return read_instant(value) if isinstance(value, str) else value


Moment = Annotated[datetime | None, BeforeValidator(_moment)]
LabelSet = dict[str, str]


class _Told(BaseModel):
    """What is read strictly: a number is no text. Keys that Alertmanager does not know are passed over, as there."""

    model_config = ConfigDict(strict=True, frozen=True)


class _Alert(_Told):
    labels: LabelSet
    annotations: LabelSet | None = None
    starts_at: Moment = Field(None, alias="startsAt")
    ends_at: Moment = Field(None, alias="endsAt")
    generator_url: str | None = Field(None, alias="generatorURL")


class _Matcher(_Told):
    name: str
    value: str
    is_regex: bool = Field(alias="isRegex")
    is_equal: bool | None = Field(None, alias="isEqual")


class _Silence(_Told):
    id: str | None = None
    matchers: list[_Matcher] = Field(min_length=1)
    starts_at: Moment = Field(alias="startsAt")
    ends_at: Moment = Field(alias="endsAt")
    created_by: str = Field(alias="createdBy")
    comment: str
    annotations: LabelSet | None = None


_ALERTS = TypeAdapter(list[_Alert] | None)
_SILENCE = TypeAdapter(_Silence)


@dataclass(frozen=True, slots=True)
class Read:
    """The alerts of a post that can be had, and a sentence for each that cannot."""

    posted: Sequence[Posted]
    problems: Sequence[str]


def read_alerts(body: bytes, now: datetime, lasting: timedelta) -> Read:
    """The alerts of a post. One that cannot be had does not keep the others out (alertmanager, api/v2/api.go: postAlertsHandler).

    ``lasting`` is how long one without an end lasts. Raises UsageError where the body has not the shape of alerts.
    """
    posted, problems = [], []
    for number, told in enumerate(_read(_ALERTS, body, "alerts") or ()):
        one = Posted(
            labels={name: value for name, value in told.labels.items() if value},
            annotations=told.annotations or {},
            starts_at=told.starts_at,
            ends_at=told.ends_at,
            generator_url=told.generator_url or "",
        )
        if sentence := _problem_of(one, now, lasting):
            problems.append(f"alert {number}: {sentence}")
        else:
            posted.append(one)
    return Read(posted, problems)


def _problem_of(one: Posted, now: datetime, lasting: timedelta) -> str:
    """Why an alert cannot be had; empty where it can (prometheus/common, model.Alert.Validate)."""
    if not one.labels:
        return "at least one label with a value is needed"
    if "" in one.labels or "" in one.annotations:
        return "a label and an annotation have a name"
    if one.starts_at is not None and one.starts_at > (one.ends_at or now + lasting):
        return "its start must be before its end"
    if one.generator_url and not _URI.fullmatch(one.generator_url):
        return f"its generatorURL {quoted(one.generator_url)} is no address: write for example http://prometheus:9090/graph"
    return ""


def read_silence(body: bytes, now: datetime) -> Silence:
    """The silence of a post; its id is empty where it is a new one. Raises UsageError where the body has not the shape of a silence."""
    told = _read(_SILENCE, body, "silence")
    if told.ends_at is None:
        raise UsageError("silence.endsAt: a silence has an end", hint="write for example 2026-11-22T09:42:03Z")
    return Silence(
        id=told.id or "",
        matchers=tuple(_matcher(one) for one in told.matchers),
        starts_at=told.starts_at or now,
        ends_at=told.ends_at,
        updated_at=now,
        created_by=told.created_by,
        comment=told.comment,
        annotations=told.annotations or {},
    )


def _matcher(told: _Matcher) -> Matcher:
    is_equal = told.is_equal is not False
    if told.is_regex:
        return Matcher(told.name, "=~" if is_equal else "!~", told.value)
    return Matcher(told.name, "=" if is_equal else "!=", told.value)


def _read(adapter: TypeAdapter[Any], body: bytes, name: str) -> Any:
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise UsageError(said([_sentence(name, one["loc"], one["msg"]) for one in found])) from None


def _sentence(name: str, place: Sequence[int | str], said: str) -> str:
    """``alerts[3].labels.a: Input should be a valid string``."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{_short(part)}" for part in place)
    return f"{name}{where}: {said.removeprefix('Value error, ')}"


def _short(part: str) -> str:
    return part if part.isidentifier() else quoted(part)


def said(sentences: Sequence[str]) -> str:
    """The first of them in one line, and how many more there are."""
    more = f"; and {len(sentences) - MOST_SAID} more" if len(sentences) > MOST_SAID else ""
    return "; ".join(sentences[:MOST_SAID]) + more
