"""The options of the kind ``heartbeat``."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from keepwell.config.options import Duration, Options, SecretReference
from keepwell.kernel.cadences import Cadence, parse_cadence
from keepwell.rooms.checks.limits import SecondsLimits

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")]


class HeartbeatOptions(Options):
    """A job that calls Keepwell: ``/ping/KEY``, ``/ping/SLUG`` or ``/ping/KEY/SLUG``, with ``/start``, ``/fail``, ``/log`` or an exit
    status behind it, by GET, HEAD or POST, as the clients of Healthchecks do it. Exactly one of period and cadence; at least one of key
    and slug."""

    key: SecretReference | None = None
    """The secret part of the address, as a reference: a UUID, for example. Whoever knows the address may ping; nothing else is asked."""
    slug: Slug | None = None
    """The job's name in the address, such as ``nightly-backup``: small letters, digits, hyphens and underscores."""
    period: Duration | None = None
    """How often the job ends well, counted from its last success."""
    cadence: str | None = None
    """When the job begins, such as ``daily 03:00`` or ``0 3 * * *``, read in ``zone``."""
    zone: str = "UTC"
    """The time zone of ``cadence``, such as ``Europe/Zurich``."""
    grace: Duration = timedelta(minutes=5)
    """How long after it was due a success may come; then the job is missing, which fails. A run that was begun with ``/start`` must end
    within it too, unless ``run_time`` says how long a run may take."""
    late: Duration | None = None
    """How long after it was due the job is late, which warns. Without it: half of ``grace``."""
    run_time: SecondsLimits | None = None
    """Limits on the time between ``/start`` and the end of a run, also of one that is under way, such as ``{warn: "> 30m", fail: "> 1h"}``.
    ``rid=UUID`` tells runs at the same time apart."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.key is None and self.slug is None:
            raise ValueError("give at least one of key and slug, so that the job has an address to call")
        if (self.period is None) == (self.cadence is None):
            raise ValueError("give exactly one of period and cadence")
        if self.slug in ("start", "fail", "log") or (self.slug or "").isdigit():
            raise ValueError(f"the slug cannot be {self.slug}: an address that ends so says what happened")
        if self.period is not None and self.period < timedelta(seconds=1):
            raise ValueError("period is below one second")
        if self.grace < timedelta(seconds=1):
            raise ValueError("grace is below one second")
        if self.late is not None and self.late >= self.grace:
            raise ValueError("late must be below grace: what is missing is not late any more")
        if self.cadence is not None:
            parse_cadence(self.cadence, self.zone)
        return self

    @property
    def recurs(self) -> Cadence | None:
        """When the job begins, where it has a cadence."""
        return parse_cadence(self.cadence, self.zone) if self.cadence is not None else None

    @property
    def warns_after(self) -> timedelta:
        """How long after it was due the job is late."""
        return self.late if self.late is not None else self.grace / 2
