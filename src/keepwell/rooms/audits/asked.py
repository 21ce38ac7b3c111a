"""What each question and each deed takes, as it stands in an address or a body. An unknown name is refused."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from keepwell.kernel.durations import parse_duration
from keepwell.ports.asked import Instant

_STRICT = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _duration(text: str) -> str:
    if not parse_duration(text):
        raise ValueError("write a duration of more than nothing, such as 30d")
    return text


class Waiving(BaseModel):
    """Why a finding is accepted, and for how long: ``for`` or ``until``. Without ``by`` it is who sends this."""

    model_config = _STRICT

    reason: str = Field(min_length=1, max_length=10_000)
    lasts: Annotated[str, AfterValidator(_duration)] | None = Field(default=None, alias="for")
    until: Instant | None = None
    by: str = Field(default="", max_length=200)

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if (self.lasts is None) == (self.until is None):
            raise ValueError('say how long it lasts: "for": "30d", or "until" with an instant')
        return self


class Making(BaseModel):
    """Who asks; without ``by`` it is who sends this."""

    model_config = _STRICT

    by: str = Field(default="", max_length=200)
