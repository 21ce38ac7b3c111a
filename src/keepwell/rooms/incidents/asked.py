"""What each question and each deed takes, as it stands in an address or a body. An unknown name is refused."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from .store import LARGEST_NUMBER

_STRICT = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
Number = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
Name = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=10_000)]


class Asked(BaseModel):
    """Which incidents, newest first: at most ``limit`` with a number below ``before``; ``state`` open are all that are not resolved."""

    model_config = _STRICT

    state: str = Field(default="all", pattern="^(all|open)$")
    limit: int = Field(default=50, ge=1, le=1000)
    before: Number | None = None


class NewIncident(BaseModel):
    """An incident that a person opens: what is wrong, in a sentence, and how severe it is."""

    model_config = _STRICT

    title: str = Field(min_length=1, max_length=500)
    severity: str = Field(min_length=1, max_length=100)
    by: Name = ""


class Doing(BaseModel):
    """Who does it (without ``by``, who sends this), and what others should know."""

    model_config = _STRICT

    by: Name = ""
    note: Text = ""


class Noting(BaseModel):
    """Word to those who wait."""

    model_config = _STRICT

    note: str = Field(min_length=1, max_length=10_000)
    by: Name = ""


class Merging(Doing):
    """The incident that it is part of."""

    into: Number


class Reclassifying(BaseModel):
    """Another severity, and why."""

    model_config = _STRICT

    severity: str = Field(min_length=1, max_length=100)
    note: Text = ""
