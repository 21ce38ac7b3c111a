"""People: a notice reaches a contact on every way that there is to them, and on none of them twice."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keepwell.kernel.problems import ConfigurationError
from keepwell.storage.database import Database
from tests.alerts_outbox import notice, opened, outbox_over, receivers
from tests.mail_server import mail_server
from tests.support import free_port
from tests.webhook_listener import listening

CONFIGURATION = """\
smtp: {{url: "smtp://127.0.0.1:{port}", from: keepwell@example.org, starttls: off}}
receivers:
  pager: {{webhook: {{url: '{hook}'}}}}
contacts:
  anna: {{name: Anna, role: Database, hours: "24/7", email: anna@example.org, phone: "+1 555 0100", receivers: [pager]}}
  ben: {{name: Ben, phone: "+1 555 0101", slack: "#ops", url: "https://example.org/ben", reach: by the door}}
"""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = await opened(tmp_path / "keepwell.sqlite")
    yield found
    await found.close()


async def test_on_every_way_and_on_none_twice(database: Database, tmp_path: Path) -> None:
    with listening() as hook:
        hook.status = 503
        async with mail_server() as mailbox:
            given = receivers(tmp_path, CONFIGURATION.format(port=mailbox.port, hook=hook.url))
            async with outbox_over(database, given) as rig:
                await rig.put(notice("a-1", "contact anna"))
                await rig.settle()
                row = (await rig.rows())["a-1"]
                assert (row.state, row.error) == ("waiting", "receiver pager: answered with status 503")
                await rig.after(30)
                hook.status = 200
                await rig.after(61)
                assert await rig.states() == {"a-1": "delivered"}
        assert [to for to, _ in mailbox.envelopes] == [("anna@example.org",)]
        assert hook.told()[-1]["receiver"] == "pager"
        assert {call.headers["idempotency-key"] for call in hook.calls} == {"a-1"}


async def test_one_way_that_is_refused_is_said_and_the_other_suffices(database: Database, tmp_path: Path) -> None:
    with listening() as hook:
        hook.status = 410
        async with mail_server() as mailbox:
            given = receivers(tmp_path, CONFIGURATION.format(port=mailbox.port, hook=hook.url))
            async with outbox_over(database, given) as rig:
                await rig.put(notice("a-1", "contact anna"))
                await rig.settle()
                row = (await rig.rows())["a-1"]
                assert (row.state, row.error) == ("delivered", "receiver pager: answered with status 410")


async def test_who_cannot_be_told_is_said(database: Database, tmp_path: Path) -> None:
    given = receivers(tmp_path, CONFIGURATION.format(port=free_port(), hook="http://127.0.0.1:9/"))
    async with outbox_over(database, given) as rig:
        await rig.put(notice("a-1", "contact ben"), notice("a-2", "contact nobody"))
        await rig.settle()
        rows = await rig.rows()
        assert rows["a-1"].state == "refused"
        assert rows["a-1"].error.startswith("the contact ben cannot be told: it has no email")
        assert rows["a-2"].state == "waiting"
        assert set(rig.told.failing) == {"contact ben"}


async def test_what_is_no_contact(tmp_path: Path) -> None:
    for text, words in (
        ("contacts:\n  anna: {email: anna at example}\n", "is no mail address"),
        ("contacts:\n  anna: {slack: 'https://hooks.slack.com/services/a'}\n", "a webhook's address is a secret"),
        ("contacts:\n  anna: {receivers: [pager]}\n", '"pager" is not one of the receivers'),
        ("receivers:\n  mail: {email: {to: a@example.org}}\n", "nothing says where mail is handed in"),
        ("smtp: {url: 'smtp://mail.example.org'}\n", "url and from belong together"),
        ("receivers:\n  mail: {pigeon: {to: a@example.org}}\n", '"pigeon"'),
        ("receivers:\n  hook: {webhook: {url: 'http://127.0.0.1/'}, expires: 1s}\n", "expires must be from 1m to 7d"),
    ):
        with pytest.raises(ConfigurationError) as raised:
            receivers(tmp_path, text)
        assert words in str(raised.value)
        assert raised.value.problems[0].where is not None
