"""Targets: what is operated. A check names one instead of repeating its address."""

from typing import Annotated

from pydantic import Field

from .options import HttpUrl, Options, Reference, SecretReference
from .redis_addresses import RedisAddress


class Target(Options):
    """One thing that is operated."""

    url: HttpUrl | None = None
    """Base address of an HTTP service; the path of a check is appended to it. ``${VAR}`` is replaced from the environment."""
    postgres: SecretReference | None = None
    """Connection string of a PostgreSQL database, ``postgresql://USER:PASSWORD@HOST:PORT/NAME`` or ``host=... dbname=... user=...``."""
    redis: RedisAddress | None = None
    """Address of a Redis server, ``redis://HOST:PORT/DATABASE`` or ``rediss://``, without its password (that belongs to the check)."""
    systemd: str | None = None
    """The unit by which systemd runs it, for checks of kind ``systemd``."""
    on: Annotated[str, Reference("hosts", also="local")] | None = None
    """The host it stands on: ``local``, or one of the hosts. Checks of it look there, unless they say another ``on``."""
    depends_on: tuple[Annotated[str, Reference("targets", acyclic=True)], ...] = ()
    """Other targets that it needs, for example the database below an API. While a check of one of those has failed, what fails here is
    ``unknown`` and names that check, so that one thing is reported; what is ok here stays ok."""
    at_once: int | None = Field(default=None, ge=1, le=1000)
    """How many checks may look at it at the same time; the others wait for their turn. Without it: as many as are due."""
