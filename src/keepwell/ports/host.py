"""One host, as a check or a step meets it."""

from dataclasses import dataclass

from .clock import Clock
from .files import Files
from .http import Http
from .runner import Runner
from .secrets import Secrets


@dataclass(frozen=True, slots=True)
class Host:
    """The ports of one host: programs and files are the host's own; HTTP and clock are those of the process that asks."""

    name: str
    runner: Runner
    files: Files
    http: Http
    clock: Clock
    secrets: Secrets
