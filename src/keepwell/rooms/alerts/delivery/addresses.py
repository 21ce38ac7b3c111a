"""Addresses and headers in the options of receivers."""

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from keepwell.config.options import Expands, Secret
from keepwell.kernel.quoting import quoted

_SECRET = re.compile(r"secret:([A-Za-z_][A-Za-z0-9_]*|file:\S.*|command:\S.*)")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_OURS = frozenset({"content-type", "content-length", "transfer-encoding", "idempotency-key", "host"})


def is_secret(value: str) -> bool:
    """Whether a text refers to a secret as ``SecretReference`` does."""
    return _SECRET.fullmatch(value) is not None


def unfit(reason: str) -> PydanticCustomError:
    """What is wrong with a text that may hold a secret: of the error's kind of which the reason is shown, and the line is not."""
    return PydanticCustomError("secret", "{reason}", {"reason": reason})


def _address(value: str) -> str:
    """Refuses what is neither a reference to a secret nor an address that can be asked over HTTP."""
    if value.startswith("secret:"):
        if not is_secret(value):
            raise unfit("this refers to no secret: write secret:NAME, secret:file:PATH or secret:command:PROGRAM")
        return value
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not re.search(r"[\s\x00-\x20]", value)
        private = parts.password is not None
    except ValueError:
        usable = private = False
    if private:
        raise unfit("a password does not stand in this file: write basic: {user: NAME, password: secret:NAME}, or url: secret:NAME")
    if not usable:
        raise unfit("this is no address that can be posted to: write https://HOST/PATH, or secret:NAME for a secret that holds it")
    return value


Address = Annotated[
    str,
    Expands(),
    Secret(),
    AfterValidator(_address),
    WithJsonSchema(
        {
            "type": "string",
            "description": "an address, or a secret that holds one",
            "examples": ["https://hooks.example.org/alerts", "secret:HOOK_URL"],
        }
    ),
]
"""An ``http://`` or ``https://`` address, or a reference to a secret that holds one."""


def header_name(name: str) -> None:
    """Raises ValueError for a name that no header can have."""
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{quoted(name)} is no name of a header")


def check_headers(plain: Mapping[str, str], secret: Mapping[str, str], *, has_authorization: bool = False) -> None:
    """Raises ValueError for headers that cannot be sent, that are sent anyway, or that stand there twice."""
    names = [name.lower() for name in (*plain, *secret)]
    for name in (*plain, *secret):
        header_name(name)
        if name.lower() in _OURS:
            raise ValueError(f"the header {name} is written by Keepwell: leave it out")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"the header {twice} stands here twice: leave out one of them")
    if has_authorization and "authorization" in names:
        raise ValueError("Authorization stands here twice: leave out the header, or basic and bearer")
