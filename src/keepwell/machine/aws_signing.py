"""AWS Signature Version 4 (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html), as headers of a request."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote

from yarl import URL

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """Who asks: the access key's name, the key itself, and the token of a session where there is one."""

    access_key: str
    secret_key: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature is good for: the region and the service."""

    region: str
    service: str


@dataclass(frozen=True, slots=True)
class Message:
    """The request that is signed. Every header given here is signed beside those that signing adds."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def signed_headers(message: Message, keys: AwsKeys, scope: Scope, now: datetime) -> dict[str, str]:
    """The headers to add: date, digest of the body, the session's token, and the signature over all of it."""
    added = {"x-amz-content-sha256": _digest(message.body), "x-amz-date": f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"}
    if keys.token:
        added["x-amz-security-token"] = keys.token
    return {**added, "Authorization": authorization(message, added, keys, scope)}


def authorization(message: Message, added: Mapping[str, str], keys: AwsKeys, scope: Scope) -> str:
    """The header Authorization. ``added`` are the headers that signing adds; ``x-amz-date`` must be among them."""
    url = URL(message.url)
    headers = {"host": _host(url)}
    for name, value in [*message.headers.items(), *added.items()]:
        headers[name.lower()] = " ".join(value.split())
    names = ";".join(sorted(headers))
    at = added["x-amz-date"]
    request = "\n".join(
        (
            message.method.upper(),
            quote(unquote(url.raw_path), safe="/-_.~"),
            _query(url),
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            "",
            names,
            _digest(message.body),
        )
    )
    place = f"{at[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = "\n".join((_ALGORITHM, at, place, _digest(request.encode())))
    key = f"AWS4{keys.secret_key}".encode()
    for part in (*place.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return f"{_ALGORITHM} Credential={keys.access_key}/{place},SignedHeaders={names},Signature={key.hex()}"


def _host(url: URL) -> str:
    """The header Host as it is sent: with the port where it is not the scheme's own."""
    host = url.host_subcomponent or ""
    return host if url.is_default_port() else f"{host}:{url.port}"


def _query(url: URL) -> str:
    pairs = [
        (quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parse_qsl(url.raw_query_string, keep_blank_values=True)
    ]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
