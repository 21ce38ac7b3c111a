"""Whom the words of a command line ask, and as whom. Pure; imports nothing costly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from keepwell.kernel.problems import UsageError

PASSWORD = "KEEPWELL_QUERY_PASSWORD"
"""The variable of the environment with the password of ``--user``, where no file has it."""

_ADVICE = "what stands in an argument is seen by every user of this machine; write --user NAME with --password-file FILE"


@dataclass(frozen=True, slots=True)
class Whom:
    """The running server of a data directory, or the engine at ``url``. Who asks there is said by ``user`` with the password in a file (or
    the variable ``PASSWORD``), or by a token in a file."""

    data: str | None = None
    url: str | None = None
    user: str | None = None
    password_file: str | None = None
    bearer_file: str | None = None

    def __str__(self) -> str:
        return self.url or "the running Keepwell"


def read_whom(arguments: Mapping[str, Any]) -> Whom:
    """Whom these arguments name: ``data``, ``url``, ``user``, ``password_file``, ``bearer_file``. Raises UsageError with one sentence."""
    whom = Whom(*(arguments[name] for name in Whom.__slots__))
    named = [f"--{name.replace('_', '-')}" for name in ("user", "password_file", "bearer_file") if arguments[name] is not None]
    if named and whom.url is None:
        raise UsageError(f"{named[0]} says who asks another engine, and none is named", hint="add --url")
    if whom.url is not None and _has_password(whom.url):
        raise UsageError("--url holds the name of a user or a password", hint=_ADVICE)
    if whom.bearer_file is not None and len(named) > 1:
        raise UsageError(f"{named[0]} and --bearer-file are both sent as the header Authorization", hint="give one of them")
    if whom.password_file is not None and whom.user is None:
        raise UsageError("--password-file is the password of a user, and none is named", hint="add --user NAME")
    return whom


def _has_password(url: str) -> bool:
    try:
        return urlsplit(url).username is not None
    except ValueError:
        return False  # what is wrong with it is told where it is asked
