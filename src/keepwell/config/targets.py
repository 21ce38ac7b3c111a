"""Targets: what is operated. A check names one instead of repeating its address."""

from typing import Annotated

from .options import HttpUrl, Options, Reference, SecretReference
from .redis_addresses import RedisAddress

_USED = ("url", "postgres", "redis", "systemd", "on")


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
    """Other targets that it needs. Kept; this version does not use it."""

    @property
    def unused(self) -> tuple[str, ...]:
        """The keys that were written and that this version does not use."""
        return tuple(name for name in type(self).model_fields if name not in _USED and name in self.model_fields_set)
