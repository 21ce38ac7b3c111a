"""Whom ``keepwell query`` asks: the running server of a data directory, or another engine at its address."""

import os.path
from collections.abc import Mapping
from typing import TYPE_CHECKING

from keepwell.composition import verbs

if TYPE_CHECKING:
    from keepwell.ports.http import Request
    from keepwell.rooms.promql.terminal.answer import Reply
    from keepwell.rooms.promql.terminal.whom import Whom

_SECONDS = 620.0
"""Longer than any engine may take for one question (``samples.query_timeout`` is at most ten minutes)."""

_LONGEST = 256 * 1024 * 1024


async def put_question(whom: "Whom", path: str, fields: Mapping[str, str]) -> "Reply":
    """See ``keepwell.rooms.promql.commands.Put``."""
    return await _to_server(whom.data, path, fields) if whom.url is None else await _to_engine(whom, path, fields)


async def _to_server(data: str | None, path: str, fields: Mapping[str, str]) -> "Reply":
    from keepwell.api.client import ServerClient
    from keepwell.rooms.promql.terminal.answer import Reply

    return Reply(*await ServerClient(verbs.data_directory(data), _SECONDS).form(f"/prometheus{path}", fields))


async def _to_engine(whom: "Whom", path: str, fields: Mapping[str, str]) -> "Reply":
    from keepwell.kernel.problems import AnswerError
    from keepwell.rooms.promql.terminal.answer import Reply

    async with verbs.local_host() as host:
        response = await host.http.ask(_request(whom, path, fields))
    if response.truncated:
        raise AnswerError(f"the answer has more than {_LONGEST} bytes", hint="ask for fewer series, a shorter range or a larger step")
    return Reply(response.status, response.body)


def _request(whom: "Whom", path: str, fields: Mapping[str, str]) -> "Request":
    from keepwell.ports.http import Basic, Form, Request
    from keepwell.rooms.promql.terminal.whom import PASSWORD

    password = f"secret:{PASSWORD}" if whom.password_file is None else _secret_in(whom.password_file)
    return Request(
        (whom.url or "").rstrip("/") + path,
        "POST",
        {"Accept": "application/json"},
        body=Form(tuple(fields.items())),
        timeout=_SECONDS,
        body_limit=_LONGEST,
        basic=None if whom.user is None else Basic(whom.user, password),
        bearer=None if whom.bearer_file is None else _secret_in(whom.bearer_file),
    )


def _secret_in(file: str) -> str:
    return f"secret:file:{os.path.abspath(file)}"
