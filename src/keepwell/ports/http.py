"""HTTP: a request to a target, and its response with the time of each phase."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, sent as ``application/x-www-form-urlencoded``, in order. ``secrets`` are fields whose values are references
    (``secret:NAME``), resolved at the last moment."""

    fields: tuple[tuple[str, str], ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Json:
    """A document, sent as ``application/json``. ``secrets`` puts resolved references at paths of it (``user.password``)."""

    document: object
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Basic:
    """Who asks (RFC 7617): a user's name, and the reference to the password."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Signature:
    """A header with the HMAC of ``message`` (None: of the body as it is sent), keyed with the secret that is referred to.

    ``algorithm`` is ``sha1`` or ``sha256``, ``encoding`` is ``base64`` or ``hex``; ``prefix`` stands before the encoded value."""

    header: str
    secret: str
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    message: bytes | None = None


@dataclass(frozen=True, slots=True)
class AwsSignature:
    """AWS Signature Version 4 over the whole request: the references to the keys (and to the token of a session, where there is one), and
    what the signature is good for."""

    access_key: str
    secret_key: str
    region: str
    service: str = "s3"
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie and where it is sent (RFC 6265 section 5.3): to ``domain``, to the hosts below it too where ``below``, under ``path``."""

    name: str
    value: str
    domain: str
    path: str = "/"
    below: bool = False
    secure: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``timeout`` (seconds) covers everything, redirects included. Of the body at most ``body_limit`` bytes are read.

    ``secrets`` are headers whose values are references (``secret:NAME``), resolved at the last moment and redacted from every message.
    ``authority`` is the path of a PEM file with the certificate authorities to trust instead of the system's.
    ``bearer`` is the reference to a token, sent as ``Authorization: Bearer ...`` (RFC 6750).
    ``cookies`` are those held so far; None keeps none, also not between the redirects of this request.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Form | Json | None = None
    timeout: float = 10.0
    redirects: int = 5
    body_limit: int = 1024 * 1024
    verify: bool = True
    authority: str | None = None
    basic: Basic | None = None
    bearer: str | None = None
    signature: Signature | AwsSignature | None = None
    cookies: tuple[Cookie, ...] | None = None


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
    ``cookies`` are those held after it, where the request keeps any. ``certificate_seconds`` is how long the certificate of a verified
    TLS connection goes on being valid.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    phases: Phases
    url: str
    truncated: bool = False
    passed: tuple[str, ...] = ()
    cookies: tuple[Cookie, ...] = ()
    certificate_seconds: float | None = None


class Http(Protocol):
    """The shared client."""

    async def ask(self, request: Request) -> Response:
        """Puts the request.

        Raises AnswerError where the target gives no usable answer: name unknown (NXDOMAIN), connection refused or reset, time limit,
        broken certificate, garbage instead of HTTP, more redirects than allowed. Raises AskError where the fault is ours: no route,
        no file descriptors, resolver not answering, an invalid URL, a secret that cannot be resolved.
        """
        ...
