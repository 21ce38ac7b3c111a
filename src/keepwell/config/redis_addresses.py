"""The address of a Redis server as a configuration holds it: without its password, or as a reference to a secret."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from .options import Secret

_WRITE = "write redis://HOST:PORT/DATABASE, rediss://HOST:PORT for TLS, unix:///PATH, or secret:NAME"


def _redis_address(value: str) -> str:
    if value.startswith("secret:"):
        return value
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("redis", "rediss", "unix") and parts.port != 0 and (parts.scheme == "unix") != bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise PydanticCustomError("redis", "this is no address of a Redis server: {advice}", {"advice": _WRITE})
    if parts.password is not None:
        raise PydanticCustomError("secret", "the password does not stand in this file: give it as password: secret:NAME")
    return value


RedisAddress = Annotated[
    str,
    Secret(),
    AfterValidator(_redis_address),
    WithJsonSchema(
        {"type": "string", "description": "the address of a Redis server", "examples": ["redis://127.0.0.1:6379/0", "secret:NAME"]}
    ),
]
"""``redis://``, ``rediss://`` or ``unix://``, or a reference to a secret that holds one. A password in it is refused."""
