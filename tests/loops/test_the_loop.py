"""Which loop a running server has."""

import asyncio
import builtins
from typing import Any

import pytest
import uvloop

from keepwell.machine.loops import quick_loop


async def test_what_stays_runs_on_uvloop() -> None:
    assert isinstance(asyncio.get_running_loop(), uvloop.Loop)


def test_without_uvloop_it_is_asyncios_own(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "uvloop":
            raise ImportError(name)
        return usual(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert quick_loop() is asyncio.new_event_loop
