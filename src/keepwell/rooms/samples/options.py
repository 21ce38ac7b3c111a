"""The section ``samples``: how long they are kept, and how much is taken."""

import re
from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from keepwell.config.options import Duration, ExpandedText, HttpUrl, Options, SecretReference
from keepwell.kernel.quoting import quoted

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")  # Prometheus, "Data model"


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


class QueryBasicOptions(Options):
    """Who asks, by name and password (HTTP's Basic authentication)."""

    user: ExpandedText = Field(min_length=1)
    """Name of the user. ``${VAR}`` is replaced from the environment."""
    password: SecretReference
    """The password, for example ``secret:PROMETHEUS_PASSWORD``."""


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

    external_labels: dict[str, ExpandedText] = Field(default_factory=dict)
    """Labels of the whole installation, for example ``{cluster: berlin}`` (Prometheus' ``global.external_labels``): texts of rules speak of
    them as ``{{ $externalLabels.cluster }}``. ``${VAR}`` is replaced from the environment."""

    query: HttpUrl | None = None
    """Another engine that answers every question in PromQL instead of the own store: the address of a Prometheus, a VictoriaMetrics or
    what speaks the same interface, without ``/api/v1``. Samples are kept here all the same."""
    query_basic: QueryBasicOptions | None = None
    """User and password that it wants, for example ``{user: keepwell, password: "secret:PROMETHEUS_PASSWORD"}``."""
    query_bearer: SecretReference | None = None
    """The token that it wants, sent as ``Authorization: Bearer ...``, for example ``secret:PROMETHEUS_TOKEN``."""
    query_headers: dict[str, ExpandedText] = Field(default_factory=dict)
    """Headers to send to it, for example ``{X-Scope-OrgID: team}``. ``${VAR}`` is replaced."""
    query_verify: bool = True
    """Whether its certificate must be valid, trusted and for its host."""
    query_authority: str | None = None
    """Path of a PEM file with the certificate authorities to trust instead of the system's."""
    query_timeout: Duration = timedelta(minutes=2)
    """How long a question in PromQL may take, waiting for its turn included: 1s to 10m."""
    query_numbers: int = Field(default=10_000_000, ge=100_000, le=100_000_000)
    """How many numbers a question in PromQL may hold at once in the own store's engine. Ten million take up to half a gigabyte."""
    queries_at_once: int = Field(default=2, ge=1, le=20)
    """How many of them are worked on at the same time; the others wait for their turn."""

    @model_validator(mode="after")
    def _asks_sensibly(self) -> Self:
        if not timedelta(seconds=1) <= self.query_timeout <= timedelta(minutes=10):
            raise ValueError("query_timeout is not from 1s to 10m")
        ways = [key for key in ("query_basic", "query_bearer") if getattr(self, key) is not None]
        ways += [f"{name} in query_headers" for name in self.query_headers if name.lower() == "authorization"]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} are all sent as the header Authorization: give one of them")
        if self.query is None and (ways or self.query_headers):
            raise ValueError("there is no query, so nobody is sent what says who asks: give query, the address of another engine")
        if wrong := next((name for name, value in self.query_headers.items() if not _is_header(name, value)), None):
            raise ValueError(f"{quoted(wrong)} cannot be sent as a header, or refers to a secret (query_basic and query_bearer do)")
        secrets = (self.query_bearer or "", self.query_basic.password if self.query_basic is not None else "")
        if any(reference.startswith("secret:command:") for reference in secrets):
            raise ValueError("no command is run for this secret: write secret:NAME or secret:file:PATH")
        return self

    @model_validator(mode="after")
    def _labels_have_names(self) -> Self:
        if wrong := next((name for name in self.external_labels if not _LABEL.fullmatch(name)), None):
            raise ValueError(f"{quoted(wrong)} in external_labels is no name of a label: letters, digits and _, no digit and no __ first")
        return self

    @model_validator(mode="after")
    def _window_in_bounds(self) -> Self:
        if not timedelta(minutes=10) <= self.window <= timedelta(hours=6):
            raise ValueError("window is not from 10m to 6h")
        return self


def _is_header(name: str, value: str) -> bool:
    return bool(_HEADER.fullmatch(name)) and value.isprintable() and not value.startswith("secret:")
