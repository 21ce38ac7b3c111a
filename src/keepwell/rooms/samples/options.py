"""The section ``samples``: how long they are kept, and how much is taken."""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from keepwell.config.options import Duration, Options


class KeepOptions(Options):
    """How long samples are kept, by how finely."""

    raw: Duration = timedelta(days=15)
    """Every sample as it was taken."""
    five_minutes: Duration = Field(default=timedelta(days=90), alias="5m")
    """Rolled up to five minutes: count, sum, smallest, largest, first, last, increase, and bins for quantiles."""
    hour: Duration = Field(default=timedelta(days=730), alias="1h")
    """Rolled up to an hour."""

    @model_validator(mode="after")
    def _coarser_is_longer(self) -> Self:
        if self.raw < timedelta(hours=3):
            raise ValueError("raw is below 3h: the newest hours are always raw, write raw: 3h or longer")
        if not self.raw <= self.five_minutes <= self.hour:
            raise ValueError("what is coarser must be kept at least as long: raw, then 5m, then 1h")
        return self


class SamplesOptions(Options):
    """The store of samples. It lies in the folder ``samples`` of the data directory."""

    keep: KeepOptions = Field(default_factory=KeepOptions)
    """How long."""
    window: Duration = timedelta(hours=1)
    """How much of the newest past is held in memory, for rules and pages: 10m to 6h. A million samples take about 14 MB."""
    series: int = Field(default=100_000, ge=1_000, le=2_000_000)
    """How many series there may be at a time. What would be one more is refused, counted, and said once."""
    series_per_source: int = Field(default=20_000, ge=100, le=2_000_000)
    """How many of them may come from one source: one scraped target, one pusher, or all checks together."""

    @model_validator(mode="after")
    def _window_in_bounds(self) -> Self:
        if not timedelta(minutes=10) <= self.window <= timedelta(hours=6):
            raise ValueError("window is not from 10m to 6h")
        return self
