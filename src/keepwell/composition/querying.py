"""Whom ``keepwell query`` asks: the running server of a data directory, or another engine at its address."""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from keepwell.composition import verbs

if TYPE_CHECKING:
    from keepwell.rooms.promql.terminal.answer import Reply

_SECONDS = 620.0
"""Longer than any engine may take for one question (``samples.query_timeout`` is at most ten minutes)."""

_LONGEST = 256 * 1024 * 1024


async def put_question(data: str | None, url: str | None, path: str, fields: Mapping[str, str]) -> "Reply":
    """See ``keepwell.rooms.promql.commands.Put``."""
    return await _to_server(data, path, fields) if url is None else await _to_engine(url, path, fields)


async def _to_server(data: str | None, path: str, fields: Mapping[str, str]) -> "Reply":
    from keepwell.api.client import ServerClient
    from keepwell.rooms.promql.terminal.answer import Reply

    return Reply(*await ServerClient(verbs.data_directory(data), _SECONDS).form(f"/prometheus{path}", fields))


async def _to_engine(url: str, path: str, fields: Mapping[str, str]) -> "Reply":
    from keepwell.kernel.problems import AnswerError
    from keepwell.ports.http import Request
    from keepwell.rooms.promql.terminal.answer import Reply

    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    request = Request(url.rstrip("/") + path, "POST", headers, body=urlencode(fields).encode(), timeout=_SECONDS, body_limit=_LONGEST)
    async with verbs.local_host() as host:
        response = await host.http.ask(request)
    if response.truncated:
        raise AnswerError(f"the answer has more than {_LONGEST} bytes", hint="ask for fewer series, a shorter range or a larger step")
    return Reply(response.status, response.body)
