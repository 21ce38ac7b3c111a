"""Every row of the catalogue of operations that says who is told, and how, is shown by a running server: ``people_rows.yaml`` says by which
test.

The catalogue lies beside a checkout (see tests/support.py); that everybody is really told is tested without it.
"""

import asyncio
import csv
import json
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.mail_server import Mailbox, mail_server
from tests.serving import Served, keepwell, operations, token_in
from tests.support import outside, until
from tests.webhook_listener import Listener, listening

ROWS: dict[str, str] = yaml.safe_load(Path(__file__).with_name("people_rows.yaml").read_text())

CONFIGURATION = """\
keepwell: 1
service: shop
smtp: {{url: "smtp://127.0.0.1:{mail}", from: keepwell@shop.test, starttls: off}}
contacts:
  system-administrator: {{name: System Administrator, hours: "24/7", email: system@shop.test}}
  database-administrator: {{name: Database Administrator, hours: "24/7", email: database@shop.test}}
  security-officer: {{name: Security Officer, hours: "24/7", email: security@shop.test}}
  support-lead: {{name: Support Lead, hours: Business Hours, email: support@shop.test}}
  development-team: {{email: development@shop.test, url: "https://code.shop.test/issues"}}
receivers:
  chat: {{slack: {{url: "secret:CHAT"}}}}
  mail: {{email: {{to: admin@shop.test}}}}
  guards: {{email: {{to: security@shop.test}}}}
  hook: {{webhook: {{url: "{hook}"}}}}
escalations:
  first: [{{after: 0s, to: week}}, {{after: 1s, to: [support-lead, hook]}}]
rotas:
  week: {{people: [system-administrator], starts: 2026-01-05}}
routes:
  receiver: chat
  group_by: ["..."]
  group_wait: 0s
  group_interval: 1s
  routes:
    - {{matchers: ['area="security"'], receiver: guards}}
    - {{matchers: ['severity="P1"'], receiver: chat, escalate: first}}
    - {{matchers: ['severity="warning"'], receiver: mail}}
    - {{matchers: ['severity="info"'], receiver: hook}}
checks: {{}}
"""


@dataclass(slots=True)
class Scene:
    """The server, and everybody who can be told."""

    server: Served
    token: str
    mailbox: Mailbox
    chat: Listener
    hook: Listener

    async def call(self, path: str, body: Any = None) -> Any:
        """A JSON answer; with a body it is a POST."""
        return await asyncio.to_thread(self._call, path, body)

    def _call(self, path: str, body: Any) -> Any:
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.server.port}{path}", content, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    async def fire(self, severity: str, message: str, **labels: str) -> int:
        """An alert; its number."""
        return int((await self.call("/api/v1/alert", {"severity": severity, "message": message, "labels": labels}))["id"])

    async def run(self, *arguments: str) -> tuple[int, Any]:
        """Exit code and JSON of a command that asks this server."""
        done = await asyncio.to_thread(keepwell, *arguments, "--data", str(self.server.data), "--json")
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def mailed(self, address: str) -> list[str]:
        """The subjects of what came for an address."""
        return [str(message["subject"]) for recipients, message in self.mailbox.envelopes if address in recipients]


@asynccontextmanager
async def acting(folder: Path) -> AsyncIterator[Scene]:
    async with mail_server() as mailbox:
        with listening() as chat, listening() as hook:
            chat.body = b"ok"  # as Slack says it
            data = folder / "data"
            directory = operations(folder / "ops", CONFIGURATION.format(mail=mailbox.port, hook=hook.url))
            token = token_in(data)
            server = Served(directory, data, CHAT=chat.url)
            try:
                await asyncio.to_thread(server.ready)
                yield Scene(server, token, mailbox, chat, hook)
            finally:
                await asyncio.to_thread(server.stop)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with acting(tmp_path) as found:
        yield found


async def happens(condition: Callable[[], object], what: str) -> None:
    async def holds() -> bool:
        return bool(condition())

    await until(holds, 30, what)


def test_every_row_is_shown() -> None:
    with outside("procedures.csv").open(newline="") as file:
        wanted = {row["id"] for row in csv.DictReader(file) if row["capability"] in ("notify", "escalate", "contacts")}
    assert set(ROWS) == wanted


def test_what_shows_a_row_is_a_test() -> None:
    assert {f"test_{name}" for name in ROWS.values()} <= set(globals())


async def test_written_before_it_is_told(scene: Scene) -> None:
    scene.chat.status = 503
    number = await scene.fire("critical", "The disk is full")
    await happens(lambda: scene.chat.calls, "a try to deliver")
    told = await scene.call(f"/api/v1/alerts/{number}")
    assert [entry["event"] for entry in told["timeline"]].count("alert.firing") == 1
    (waiting,) = (await scene.call("/api/v1/outbox"))["notices"]
    assert (waiting["state"], waiting["receiver"]) == ("waiting", "chat")


async def test_slack_is_told_whatever_the_text(scene: Scene) -> None:
    await scene.fire("critical", 'He said "down" & <left>; $(reboot) `now`')
    await happens(lambda: scene.chat.calls, "a post to the chat")
    (told,) = scene.chat.told()
    assert 'He said "down" &amp; &lt;left&gt;; $(reboot)' in json.dumps(told, ensure_ascii=False).replace('\\"', '"')
    assert "critical" in json.dumps(told).lower()


async def test_mail_has_the_level_in_its_subject(scene: Scene) -> None:
    await scene.fire("warning", "Memory is at 85 %")
    await happens(lambda: scene.mailed("admin@shop.test"), "a mail")
    (subject,) = scene.mailed("admin@shop.test")
    assert "warning" in subject.lower()


async def test_nobody_answers_and_the_next_is_told(scene: Scene) -> None:
    number = await scene.fire("P1", "The shop is down")
    await happens(lambda: scene.mailed("support@shop.test"), "a mail to the second step")
    assert scene.mailed("system@shop.test"), "whose week it is was not told first"
    await happens(lambda: scene.hook.calls, "the hook of the second step")
    assert "nobody acknowledged within 1s" in scene.mailbox.texts[-1]
    await scene.call(f"/api/v1/alerts/{number}/acknowledge", {"note": "on it"})
    told = await scene.call(f"/api/v1/alerts/{number}")
    assert told["timeline"][-1]["event"] == "alert.acknowledged"


async def test_security_people_are_told_of_security(scene: Scene) -> None:
    await scene.fire("critical", "Somebody tries passwords", area="security")
    await happens(lambda: scene.mailed("security@shop.test"), "a mail to the security officer")
    assert not scene.chat.calls


async def test_details_are_refreshed(scene: Scene) -> None:
    file = scene.server.directory / "keepwell.yaml"
    file.write_text(file.read_text().replace("system@shop.test", "newcomer@shop.test"))
    code, _ = await scene.run("reload")
    assert code == 0
    await scene.fire("P1", "The shop is down")
    await happens(lambda: scene.mailed("newcomer@shop.test"), "a mail to the new address")
    assert not scene.mailed("system@shop.test")


async def test_the_chain_is_rehearsed(scene: Scene) -> None:
    code, answer = await scene.run("notify", "test", "escalation first")
    reached = {one["receiver"]: one["state"] for one in answer["receivers"]}
    assert reached == {"contact system-administrator": "delivered", "contact support-lead": "delivered", "hook": "delivered"}
    assert code == 0
    assert scene.mailed("system@shop.test")
    assert scene.mailed("support@shop.test")
    assert scene.hook.calls


async def test_a_test_is_sent_by_the_api(scene: Scene) -> None:
    answer = await scene.call("/api/v1/test-alert", {"severity": "test", "message": "Test alert"})
    assert {one["receiver"] for one in answer["receivers"]} == {"chat", "mail", "guards", "hook"}
    assert {one["state"] for one in answer["receivers"]} == {"delivered"}


async def test_everybody_is_reached(scene: Scene) -> None:
    people = ("system-administrator", "database-administrator", "security-officer", "support-lead")
    code, answer = await scene.run("notify", "test", *(f"contact {name}" for name in people))
    assert (code, {one["state"] for one in answer["receivers"]}) == (0, {"delivered"})
    for address in ("system", "database", "security", "support"):
        assert scene.mailed(f"{address}@shop.test"), address


async def test_questions_go_to_the_team(scene: Scene) -> None:
    code, answer = await scene.run("notify", "test", "contact development-team")
    assert (code, [one["state"] for one in answer["receivers"]]) == (0, ["delivered"])
    assert scene.mailed("development@shop.test")
