"""Apprise itself, over its own JSON service to a real server; and what is said where it is not installed."""

import json
import sys
from collections.abc import AsyncIterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from keepwell.rooms.alerts.delivery import apprise
from keepwell.storage.database import Database
from tests.alerts_outbox import notice, opened, outbox_over, receivers
from tests.webhook_listener import listening

# What Apprise's hundred parts import warns of things to come.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
TEXT = "receivers:\n  other: {apprise: {url: 'secret:OTHER'}}\n"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = await opened(tmp_path / "keepwell.sqlite")
    yield found
    await found.close()


async def test_a_notice_by_apprise(database: Database, tmp_path: Path) -> None:
    pytest.importorskip("apprise")
    with listening() as hook:
        hook.status = 500
        secret = hook.url.replace("http://", "json://anna:geheim@")
        async with outbox_over(database, receivers(tmp_path, TEXT), secrets={"OTHER": secret}) as rig:
            await rig.put(notice("a-1", "other"))
            await rig.settle()
            row = (await rig.rows())["a-1"]
            assert (row.state, row.error) == ("waiting", "Apprise could not deliver it, and does not say why")
            hook.status = 200
            await rig.after(3)
            assert await rig.states() == {"a-1": "delivered"}
        told = json.loads(hook.calls[-1].body)
    assert told["title"] == "[FIRING] shop: critical CheckFailed: the shop answers 500"
    assert told["type"] == "failure"
    assert "check=health" in told["message"]


async def test_an_address_that_apprise_does_not_know(database: Database, tmp_path: Path) -> None:
    pytest.importorskip("apprise")
    async with outbox_over(database, receivers(tmp_path, TEXT), secrets={"OTHER": "pigeon://geheim"}) as rig:
        await rig.put(notice("a-1", "other"))
        await rig.settle()
        error = (await rig.rows())["a-1"].error
    assert error == "Apprise does not know the form of this address; its wiki lists those that it takes"


async def test_where_apprise_is_not_installed(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> ModuleSpec | None:
        return None

    monkeypatch.setattr(apprise, "find_spec", absent)
    monkeypatch.delitem(sys.modules, "apprise", raising=False)
    async with outbox_over(database, receivers(tmp_path, TEXT), secrets={"OTHER": "json://127.0.0.1/"}) as rig:
        await rig.put(notice("a-1", "other"))
        await rig.settle()
        error = (await rig.rows())["a-1"].error
    assert error == "Apprise is not installed: install keepwell[apprise]"
    assert "apprise" not in sys.modules
