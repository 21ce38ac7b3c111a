"""Servers that misbehave, asked on uvloop."""

import asyncio
import errno
import os
from typing import Any

import pytest

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.machine.http_client import HttpClient
from keepwell.ports.http import Request
from tests.faults.test_http_faults import *  # noqa: F403

# It makes asyncio's own way to connect fail, which uvloop does not go.
del test_what_only_this_machine_lacks_is_ours  # noqa: F821


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EMFILE, errno.EPERM, errno.EADDRNOTAVAIL])
async def test_what_only_this_machine_lacks_is_ours_here_too(client: HttpClient, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", fail)
    with pytest.raises(AskError):
        await client.ask(Request("http://192.0.2.1/", timeout=2))


async def test_a_port_where_nobody_listens_refuses(client: HttpClient, unused_tcp_port: int) -> None:
    with pytest.raises(AnswerError, match=f"connection refused by 127.0.0.1:{unused_tcp_port}"):
        await client.ask(Request(f"http://127.0.0.1:{unused_tcp_port}/", timeout=2))
