"""Signatures that a request carries so that its receiver knows who sent it: what is signed, and under which header it travels.

``twilio`` is what Twilio puts under its webhooks (its documentation, "Security", "Validating requests"): HMAC-SHA1, in Base64, of the whole
address followed by each field of the form, name and value without anything between, sorted by name as bytes are.
``hmac-sha256`` is what most others do: HMAC-SHA256 of the body, in hexadecimal or Base64, often behind a prefix (``sha256=``).
"""

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, model_validator
from yarl import URL

from keepwell.config.options import HttpUrl, Options, SecretReference
from keepwell.ports.http import Signature

from .names import TOKEN


class SignatureOptions(Options):
    """How a request is signed."""

    kind: Literal["twilio", "hmac-sha256"]
    """``twilio`` signs the address and the form's fields into ``X-Twilio-Signature``; ``hmac-sha256`` the body into ``header``."""
    secret: SecretReference
    """The key: of ``twilio`` the account's auth token."""
    header: str | None = None
    """Of ``hmac-sha256``: the header that carries it, for example ``X-Hub-Signature-256``."""
    prefix: str = ""
    """Of ``hmac-sha256``: what stands before it, for example ``sha256=``."""
    encoding: Literal["hex", "base64"] = "hex"
    """Of ``hmac-sha256``: how its bytes are written."""
    url: HttpUrl | None = Field(default=None)
    """Of ``twilio``: the address to sign, where the service knows itself by another than the one that is asked (behind a proxy)."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind == "twilio" and (self.header is not None or self.prefix or self.encoding != "hex"):
            raise ValueError("twilio states its header and encoding itself: leave out header, prefix and encoding")
        if self.kind == "hmac-sha256" and (self.header is None or not TOKEN.fullmatch(self.header)):
            raise ValueError("hmac-sha256 needs the name of the header that carries it, for example header: X-Hub-Signature-256")
        if self.kind == "hmac-sha256" and self.url is not None:
            raise ValueError("hmac-sha256 signs the body alone: leave out url")
        return self


def signature_of(options: SignatureOptions, url: str, fields: Iterable[tuple[str, str]]) -> Signature:
    """The signature of a request to that address with those fields of a form."""
    if options.kind == "hmac-sha256":
        return Signature(options.header or "", options.secret, "sha256", options.encoding, options.prefix)
    message = twilio_message(options.url or url, fields)
    return Signature("X-Twilio-Signature", options.secret, "sha1", "base64", message=message.encode())


def twilio_message(url: str, fields: Iterable[tuple[str, str]]) -> str:
    """What Twilio signs: the address as it is sent, without a fragment, and each field once."""
    return str(URL(url).with_fragment(None)) + "".join(name + value for name, value in sorted(set(fields)))
