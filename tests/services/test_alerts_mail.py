"""Mail: handed in at a real server with STARTTLS, TLS and log-in, and what becomes of a notice when the server does not take it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from keepwell.storage.database import Database
from tests.alerts_outbox import alert, notice, opened, outbox_over, receivers
from tests.mail_server import mail_server
from tests.misbehaving import misbehaving
from tests.support import free_port

SECRETS = {"MAIL_PASSWORD": "correct horse"}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = await opened(tmp_path / "keepwell.sqlite")
    yield found
    await found.close()


def server_context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def configuration(folder: Path, port: int, *, scheme: str = "smtp", more: str = "starttls: off", to: str = "[ops@example.org]") -> str:
    user = "keepwell@" if "password" in more else ""
    return f"""\
smtp: {{url: "{scheme}://{user}127.0.0.1:{port}", from: keepwell@example.org, {more}}}
receivers:
  mail: {{email: {{to: {to}}}}}
"""


def trusting(folder: Path, authority: trustme.CA) -> str:
    authority.cert_pem.write_to_path(folder / "authority.pem")
    return f"authority: {folder / 'authority.pem'}, password: 'secret:MAIL_PASSWORD'"


async def test_a_mail_has_text_html_a_thread_and_the_notices_key(database: Database, tmp_path: Path) -> None:
    async with mail_server() as mailbox, outbox_over(database, receivers(tmp_path, configuration(tmp_path, mailbox.port))) as rig:
        summary = alert(1, check="<b>health</b>")
        await rig.put(notice("0123456789abcdef-7", "mail", "one", summary, external_url="https://ops.example.org"))
        await rig.settle()
        assert await rig.states() == {"0123456789abcdef-7": "delivered"}
    ((to, message),) = mailbox.envelopes
    assert to == ("ops@example.org",)
    assert message["subject"] == "[FIRING] shop: critical CheckFailed: the shop answers 500"
    assert message["message-id"] == "<0123456789abcdef-7@example.org>"
    assert message["references"] == "<0123456789abcdef.group@example.org>"
    assert (message["from"], message["to"]) == ("keepwell@example.org", "ops@example.org")
    assert (message["auto-submitted"], message["date"]) == ("auto-generated", "Sun, 01 Mar 2026 12:00:00 +0000")
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "check=&lt;b&gt;health&lt;/b&gt;" in html
    assert "<b>health" not in html
    assert "check=<b>health</b>" in mailbox.texts[0]
    assert '<a href="https://ops.example.org/alerts">' in html


async def test_starttls_with_a_log_in(database: Database, tmp_path: Path, authority: trustme.CA) -> None:
    async with mail_server(starttls=server_context(authority), users={"keepwell": "correct horse"}) as mailbox:
        text = configuration(tmp_path, mailbox.port, more=trusting(tmp_path, authority))
        async with outbox_over(database, receivers(tmp_path, text), secrets=SECRETS) as rig:
            await rig.put(notice("a-1", "mail"))
            await rig.settle()
            assert await rig.states() == {"a-1": "delivered"}
    assert (mailbox.logged_in, mailbox.was_sealed) == (["keepwell"], [True])


async def test_tls_from_the_first_byte_on(database: Database, tmp_path: Path, authority: trustme.CA) -> None:
    async with mail_server(tls=server_context(authority), users={"keepwell": "correct horse"}) as mailbox:
        text = configuration(tmp_path, mailbox.port, scheme="smtps", more=trusting(tmp_path, authority))
        async with outbox_over(database, receivers(tmp_path, text), secrets=SECRETS) as rig:
            await rig.put(notice("a-1", "mail"))
            await rig.settle()
            assert await rig.states() == {"a-1": "delivered"}
    assert mailbox.logged_in == ["keepwell"]


async def refusal(database: Database, folder: Path, text: str, secrets: dict[str, str] = SECRETS) -> str:
    """Why a notice was not delivered; it waits on."""
    async with outbox_over(database, receivers(folder, text), secrets=secrets) as rig:
        await rig.put(notice("a-1", "mail"))
        await rig.settle()
        row = (await rig.rows())["a-1"]
        assert row.state == "waiting"
        return row.error


async def test_no_password_goes_to_a_server_without_starttls(database: Database, tmp_path: Path, authority: trustme.CA) -> None:
    async with mail_server(users={"keepwell": "correct horse"}) as mailbox:
        why = await refusal(database, tmp_path, configuration(tmp_path, mailbox.port, more=trusting(tmp_path, authority)))
        assert why == f"127.0.0.1:{mailbox.port}: SMTP STARTTLS extension not supported by server."
    assert mailbox.logged_in == []


async def test_no_password_goes_to_a_server_that_nobody_vouches_for(database: Database, tmp_path: Path, authority: trustme.CA) -> None:
    async with mail_server(starttls=server_context(trustme.CA()), users={"keepwell": "correct horse"}) as mailbox:
        why = await refusal(database, tmp_path, configuration(tmp_path, mailbox.port, more=trusting(tmp_path, authority)))
        assert "the certificate comes from an authority that is not trusted here" in why
    assert mailbox.logged_in == []


async def test_a_wrong_password_is_said_without_it(database: Database, tmp_path: Path, authority: trustme.CA) -> None:
    async with mail_server(starttls=server_context(authority), users={"keepwell": "another"}) as mailbox:
        why = await refusal(database, tmp_path, configuration(tmp_path, mailbox.port, more=trusting(tmp_path, authority)))
    assert why.startswith(f'127.0.0.1:{mailbox.port} did not accept the user "keepwell": 535')
    assert "correct" not in why


async def test_a_secret_that_is_not_set(database: Database, tmp_path: Path, authority: trustme.CA) -> None:
    why = await refusal(database, tmp_path, configuration(tmp_path, 25, more=trusting(tmp_path, authority)), secrets={})
    assert why == "the secret MAIL_PASSWORD is not set in the environment"


async def test_a_server_that_is_down_for_an_hour(database: Database, tmp_path: Path) -> None:
    port = free_port()
    async with outbox_over(database, receivers(tmp_path, configuration(tmp_path, port))) as rig:
        await rig.put(*(notice(f"a-{number}", "mail", "one", alert(number)) for number in range(1, 4)))
        await rig.after(3600)
        assert set((await rig.states()).values()) == {"waiting"}
        assert (await rig.rows())["a-1"].error == f"connection refused by 127.0.0.1:{port}"
        async with mail_server(port=port) as mailbox:
            await rig.after(61)
            assert set((await rig.states()).values()) == {"delivered"}
        assert [message["x-keepwell-key"] for _, message in mailbox.envelopes] == ["a-1", "a-2", "a-3"]
        assert rig.told.failing == {}


async def test_who_has_the_mail_does_not_get_it_twice(database: Database, tmp_path: Path) -> None:
    async with mail_server() as mailbox:
        mailbox.recipients["slow@example.org"] = "450 4.2.1 try again later"
        text = configuration(tmp_path, mailbox.port, to="[ops@example.org, slow@example.org]")
        async with outbox_over(database, receivers(tmp_path, text)) as rig:
            await rig.put(notice("a-1", "mail"))
            await rig.settle()
            row = (await rig.rows())["a-1"]
            assert (row.state, row.error) == ("waiting", "slow@example.org: 450 4.2.1 try again later")
            mailbox.recipients.clear()
            await rig.after(3)
            assert await rig.states() == {"a-1": "delivered"}
    assert [to for to, _ in mailbox.envelopes] == [("ops@example.org",), ("slow@example.org",)]
    assert {message["message-id"] for _, message in mailbox.envelopes} == {"<a-1@example.org>"}


async def test_one_address_that_does_not_exist_keeps_nothing_from_the_others(database: Database, tmp_path: Path) -> None:
    async with mail_server() as mailbox:
        mailbox.recipients["gone@example.org"] = "550 5.1.1 no such user"
        text = configuration(tmp_path, mailbox.port, to="[gone@example.org, ops@example.org]")
        async with outbox_over(database, receivers(tmp_path, text)) as rig:
            await rig.put(notice("a-1", "mail"))
            await rig.settle()
            row = (await rig.rows())["a-1"]
            assert (row.state, row.error) == ("delivered", "gone@example.org: 550 5.1.1 no such user")


async def test_a_message_or_all_recipients_that_are_refused(database: Database, tmp_path: Path) -> None:
    async with mail_server() as mailbox, outbox_over(database, receivers(tmp_path, configuration(tmp_path, mailbox.port))) as rig:
        mailbox.reply = "554 5.7.1 this is spam"
        await rig.put(notice("a-1", "mail"))
        await rig.settle()
        mailbox.reply, mailbox.recipients = "250 OK", {"ops@example.org": "550 5.1.1 no such user"}
        await rig.put(notice("a-2", "mail"))
        await rig.settle()
        rows = await rig.rows()
        assert {key: (row.state, row.error) for key, row in rows.items()} == {
            "a-1": ("refused", "the mail server answered 554 5.7.1 this is spam"),
            "a-2": ("refused", "ops@example.org: 550 5.1.1 no such user"),
        }
        mailbox.reply, mailbox.recipients = "451 4.3.0 full", {}
        await rig.put(notice("a-3", "mail"))
        await rig.settle()
        assert (await rig.rows())["a-3"].error == "the mail server answered 451 4.3.0 full"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("never-answers", "did not take the mail within 1 s"),
        ("garbage", "127.0.0.1:"),
        ("banner", "127.0.0.1:"),
        ("resets", "127.0.0.1:"),
    ],
)
async def test_what_is_no_mail_server_is_tried_again(database: Database, tmp_path: Path, behaviour: str, words: str) -> None:
    async with misbehaving(behaviour) as port:
        text = configuration(tmp_path, port).replace("to: [ops@example.org]", "to: [ops@example.org], timeout: 1s")
        assert words in await refusal(database, tmp_path, text)


async def test_a_server_that_hangs_after_it_took_the_mail_is_not_asked_again(database: Database, tmp_path: Path) -> None:
    taken: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        replies = {b"EHLO": b"250 mail\r\n", b"MAIL": b"250 OK\r\n", b"RCPT": b"250 OK\r\n", b"DATA": b"354 go on\r\n"}
        while line := await reader.readline():
            writer.write(replies.get(line[:4], b""))
            if line.startswith(b"DATA"):
                taken.append(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"250 taken\r\n")  # and from now on silence
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        text = configuration(tmp_path, server.sockets[0].getsockname()[1])
        async with outbox_over(database, receivers(tmp_path, text)) as rig:
            await rig.put(notice("a-1", "mail"))
            await rig.settle()
            assert await rig.states() == {"a-1": "delivered"}
    assert len(taken) == 1
