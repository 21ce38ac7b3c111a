"""What of a request can only be made with its secrets: headers, credentials, fields of its body, and its signature."""

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

from keepwell.kernel.conditions import parse_path
from keepwell.kernel.problems import AskError
from keepwell.kernel.quoting import quoted
from keepwell.ports.http import AwsSignature, Form, Json, Request, Signature
from keepwell.ports.secrets import Secrets

_ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}


@dataclass(slots=True)
class Sealed:
    """The headers that hold secrets (and the body's type), the body as it is sent, and every value that must be kept out of messages."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    values: list[str] = field(default_factory=list)


async def seal(request: Request, secrets: Secrets, sealed: Sealed) -> None:
    """Fills ``sealed``. What was resolved stands in it even where a later secret raises AskError."""

    async def value_of(reference: str) -> str:
        value = await secrets.resolve(reference)
        sealed.values.append(value)
        return value

    for name, reference in request.secrets.items():
        sealed.headers[name] = await value_of(reference)
    if request.basic is not None:
        sealed.headers["Authorization"] = _basic(request.basic.user, await value_of(request.basic.password))
    if request.bearer is not None:
        sealed.headers["Authorization"] = f"Bearer {await value_of(request.bearer)}"
    if isinstance(request.body, Form | Json):
        resolved = {name: await value_of(reference) for name, reference in request.body.secrets.items()}
        kind, sealed.body = _form(request.body, resolved) if isinstance(request.body, Form) else _json(request.body, resolved)
        if not any(name.lower() == "content-type" for name in request.headers):
            sealed.headers["Content-Type"] = kind
    else:
        sealed.body = request.body
    if isinstance(request.signature, AwsSignature):
        await _sign_for_aws(request, request.signature, value_of, sealed)
    elif request.signature is not None:
        key = await value_of(request.signature.secret)
        sealed.headers[request.signature.header] = signed(request.signature, key, sealed.body or b"")


async def _sign_for_aws(request: Request, wanted: AwsSignature, value_of: Callable[[str], Awaitable[str]], sealed: Sealed) -> None:
    from .aws_signing import AwsKeys, Message, Scope, signed_headers  # only checks of kind s3 need it

    keys = AwsKeys(
        await value_of(wanted.access_key),
        await value_of(wanted.secret_key),
        await value_of(wanted.token) if wanted.token is not None else "",
    )
    message = Message(request.method, request.url, {**request.headers, **sealed.headers}, sealed.body or b"")
    sealed.headers |= signed_headers(message, keys, Scope(wanted.region, wanted.service), datetime.now(UTC))


def signed(signature: Signature, key: str, body: bytes) -> str:
    """The value of the signature's header (RFC 2104)."""
    message = body if signature.message is None else signature.message
    digest = hmac.new(key.encode(), message, _ALGORITHMS[signature.algorithm]).digest()
    return signature.prefix + (base64.b64encode(digest).decode() if signature.encoding == "base64" else digest.hex())


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _form(form: Form, resolved: Mapping[str, str]) -> tuple[str, bytes]:
    return "application/x-www-form-urlencoded", urlencode([*form.fields, *resolved.items()]).encode()


def _json(body: Json, resolved: Mapping[str, str]) -> tuple[str, bytes]:
    document = json.loads(json.dumps(body.document))  # a copy of its own: the options that it comes from are shared
    for path, value in resolved.items():
        _put(document, path, value)
    return "application/json", json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _put(document: object, path: str, value: str) -> None:
    *above, last = parse_path(path)
    place = document
    try:
        for step in above:
            place = place[step]  # type: ignore[index]  # what is no container raises TypeError
        place[last] = value  # type: ignore[index]
    except (LookupError, TypeError):
        raise AskError(f"the JSON body has no place {quoted(path)} for a secret") from None
