"""HTTP: a request to a target, and its response with the time of each phase."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``timeout`` (seconds) covers everything, redirects included. Of the body at most ``body_limit`` bytes are read.

    ``secrets`` are headers whose values are references (``secret:NAME``), resolved at the last moment and redacted from every message.
    ``authority`` is the path of a PEM file with the certificate authorities to trust instead of the system's.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    timeout: float = 10.0
    redirects: int = 5
    body_limit: int = 1024 * 1024
    verify: bool = True
    authority: str | None = None


@dataclass(frozen=True, slots=True)
class Phases:
    """Seconds spent in each phase of the last hop, as curl's ``--write-out`` divides them; a phase that did not happen is 0.

    ``total`` runs from the start of the first hop to the end of the last body.
    """

    dns: float = 0.0
    connect: float = 0.0
    tls: float = 0.0
    first_byte: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. ``truncated`` says that the body was longer than the limit (the rest was not read).

    ``url`` is the address that answered; ``passed`` are those that redirected on the way, in order (so a step from https to http shows).
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    phases: Phases
    url: str
    truncated: bool = False
    passed: tuple[str, ...] = ()


class Http(Protocol):
    """The shared client."""

    async def ask(self, request: Request) -> Response:
        """Puts the request.

        Raises AnswerError where the target gives no usable answer: name unknown (NXDOMAIN), connection refused or reset, time limit,
        broken certificate, garbage instead of HTTP, more redirects than allowed. Raises AskError where the fault is ours: no route,
        no file descriptors, resolver not answering, an invalid URL, a secret that cannot be resolved.
        """
        ...
