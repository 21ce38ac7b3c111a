"""The ``webhook`` kind: JSON posted to an address, as Alertmanager's webhook posts it, signed where a key is given.

``Idempotency-Key`` is the notice's key: the same in every attempt, so that whoever gets a notice twice can tell.
"""

import json
from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from keepwell.config.options import ExpandedText, Options, SecretReference
from keepwell.ports.http import Basic, Request, Response, Signature
from keepwell.rooms.alerts.delivery.addresses import Address, check_headers, header_name
from keepwell.rooms.alerts.delivery.model import Around, Driver, Message, Outcome
from keepwell.rooms.alerts.delivery.options import Patience
from keepwell.rooms.alerts.delivery.replies import understand_http
from keepwell.rooms.alerts.messages.webhook import payload
from keepwell.rooms.alerts.model import Notice

_REPLY_LIMIT = 64 * 1024


class BasicOptions(Options):
    """Who posts, by name and password (HTTP's Basic authentication)."""

    user: ExpandedText = Field(min_length=1)
    """Name of the user. ``${VAR}`` is replaced from the environment."""
    password: SecretReference
    """The password, for example ``secret:WEBHOOK_PASSWORD``."""


class SigningOptions(Options):
    """How the body is signed, so that its receiver knows who sent it: HMAC of the bytes of the body."""

    secret: SecretReference
    """The key that both sides know, for example ``secret:WEBHOOK_KEY``."""
    header: str = "X-Keepwell-Signature"
    """The header that carries it."""
    algorithm: Literal["sha256", "sha1"] = "sha256"
    """The hash below HMAC."""
    encoding: Literal["hex", "base64"] = "hex"
    """How its bytes are written."""
    prefix: str = "sha256="
    """What stands before it."""

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        header_name(self.header)
        return self


class WebhookOptions(Options):
    """Where notices are posted as JSON."""

    url: Address
    """The address: http:// or https:// (``${VAR}`` is replaced from the environment), or a secret that holds it."""
    headers: dict[str, ExpandedText] = Field(default_factory=dict)
    """Headers to send beside. ``${VAR}`` is replaced from the environment; secrets belong under ``secrets``."""
    secrets: dict[str, SecretReference] = Field(default_factory=dict)
    """Headers whose whole value is a secret, for example ``{X-Api-Key: "secret:API_KEY"}``."""
    basic: BasicOptions | None = None
    """User and password to send."""
    bearer: SecretReference | None = None
    """A token to send as ``Authorization: Bearer ...``."""
    sign: SigningOptions | None = None
    """A header with the HMAC of the body, for example ``{secret: "secret:WEBHOOK_KEY"}``."""
    max_alerts: int = Field(default=0, ge=0)
    """How many alerts one post tells one by one; the rest are counted in ``truncatedAlerts``. 0: all that the notice has."""
    timeout: Patience = timedelta(seconds=10)
    """How long one post may take."""
    verify: bool = True
    """Whether the server's certificate must be valid, trusted and for this host."""
    authority: str | None = None
    """Path of a PEM file with the certificate authorities to trust instead of the system's."""

    @model_validator(mode="after")
    def _can_be_posted(self) -> Self:
        check_headers(self.headers, self.secrets, has_authorization=self.basic is not None or self.bearer is not None)
        if self.basic is not None and self.bearer is not None:
            raise ValueError("basic and bearer are both sent as Authorization: leave out one of them")
        return self


def message(options: WebhookOptions, notice: Notice, around: Around) -> Request:
    """The request that posts the notice."""
    document = payload(notice, around.receiver, options.max_alerts)
    signing = options.sign
    return Request(
        url=options.url,
        method="POST",
        headers={"Content-Type": "application/json", "Idempotency-Key": notice.key, **options.headers},
        secrets=options.secrets,
        body=json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"),
        timeout=options.timeout.total_seconds(),
        redirects=0,
        body_limit=_REPLY_LIMIT,
        verify=options.verify,
        authority=options.authority,
        basic=Basic(options.basic.user, options.basic.password) if options.basic else None,
        bearer=options.bearer,
        signature=Signature(signing.header, signing.secret, signing.algorithm, signing.encoding, signing.prefix) if signing else None,
    )


def understand(message: Message, reply: Response) -> Outcome:
    """By its status."""
    return understand_http(reply)


DRIVER = Driver(
    summary="JSON posted to an address, as Alertmanager's webhook posts it; signed where a key is given",
    options=WebhookOptions,
    message=message,
    understand=understand,
    example="""\
receivers:
  hook:
    webhook: {url: "https://hooks.example.org/alerts", sign: {secret: "secret:HOOK_KEY"}}
""",
)
