"""What requests of every room give alike, in addresses and bodies."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:  # the last hours of the year 9999 in a zone west of Greenwich, and the first of the year 1 in the east
        raise ValueError("it is outside of the years 1 to 9999 in UTC") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""An instant with its zone (RFC 3339), in UTC: one that can be stored."""
