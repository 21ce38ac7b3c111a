"""One host, as a check or a step meets it."""

from dataclasses import dataclass

from .clock import Clock
from .databases import Databases
from .files import Files
from .http import Http
from .mail import Mailer
from .names import Names
from .pings import Pings
from .records import Records
from .redis import Redis
from .runner import Runner
from .secrets import Secrets


@dataclass(frozen=True, slots=True)
class Host:
    """The ports of one host: programs and files are the host's own; the network and the clock are those of the process that asks."""

    name: str
    runner: Runner
    files: Files
    http: Http
    clock: Clock
    secrets: Secrets
    databases: Databases | None = None
    redis: Redis | None = None
    names: Names | None = None
    pings: Pings | None = None
    records: Records | None = None
    mail: Mailer | None = None
