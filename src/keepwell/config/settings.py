"""The options of the sections that belong to no room."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .options import Duration, HttpUrl, Options, Reference, SecretReference


class Web(Options):
    """The pages and the API."""

    listen: str = "127.0.0.1:8750"
    """Loopback address and port. A public address is refused until people and roles exist."""
    external_url: HttpUrl | None = None
    """Where people find the pages, for example ``https://keepwell.example.com``: links in notices and in texts of rules
    (``{{ $externalURL }}``) begin with it. Without it, ``http://`` and ``listen``. ``${VAR}`` is replaced from the environment."""

    @property
    def address(self) -> str:
        """Where people find the pages, without a slash at its end."""
        return (self.external_url or f"http://{self.listen}").rstrip("/")


class Storage(Options):
    """The database."""

    url: SecretReference | None = None
    """A reference to the URL of a PostgreSQL database. Without it: SQLite in the data directory."""


class Guard(Options):
    """What shows whether this machine's own connection works."""

    checks: tuple[Annotated[str, Reference("checks")], ...] = ()
    """Checks of things without which nothing beyond this machine can be reached: the gateway, a name server. When a check over the network
    fails, they are looked at at once; where all of them fail too, the fault is ours: the check becomes ``unknown``, ``/health`` says so,
    and one thing is reported. Checks of this machine itself (its files, its programs, loopback addresses) are judged as always."""
    several: int = Field(default=1, ge=1, le=1000)
    """How many checks must be failing before the guards are asked."""


class Heartbeat(Options):
    """A dead man's switch: a sign of life, whose absence somebody else notices when Keepwell or its machine is gone."""

    url: HttpUrl | None = None
    """Where the sign is sent, for example a check of Healthchecks or Uptime Kuma. ``${VAR}`` is replaced from the
    environment. Without it none is sent."""
    every: Duration = timedelta(minutes=1)
    """How often it is sent: at least every 5s. It is sent only while checks are made on time and what they see can be stored."""
    method: Literal["GET", "POST"] = "GET"
    """How it is sent."""

    @model_validator(mode="after")
    def _not_too_often(self) -> Self:
        if self.every < timedelta(seconds=5):
            raise ValueError("every is below 5s: write every: 5s or longer")
        return self


class History(Options):
    """The past."""

    keep_removed: Duration = timedelta(days=30)
    """How long the history of a check is kept after it was removed from the configuration."""
    keep_alerts: Duration = timedelta(days=90)
    """How long an alert that was resolved is kept, and a silence that ended."""
    keep_runs: Duration = timedelta(days=90)
    """How long a run of a runbook that ended is kept, but for the newest of each runbook. The journal keeps all of them."""
