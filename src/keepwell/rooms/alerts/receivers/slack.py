"""The ``slack`` kind: an incoming webhook of Slack, or of what speaks like it (Mattermost, Rocket.Chat, Discord's ``/slack``)."""

import json
from datetime import timedelta
from typing import Any

from pydantic import Field

from keepwell.config.options import Options, SecretReference
from keepwell.ports.http import Json, Request, Response
from keepwell.rooms.alerts.delivery.model import Around, Delivered, Driver, Message, Outcome, Refused, TryLater
from keepwell.rooms.alerts.delivery.options import Patience
from keepwell.rooms.alerts.delivery.replies import said, understand_http
from keepwell.rooms.alerts.messages.slack import message as document
from keepwell.rooms.alerts.model import Notice

_MENTION = r"^(<(!(here|channel|everyone)|@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+)>)?$"


class SlackOptions(Options):
    """An incoming webhook."""

    url: SecretReference
    """The secret that holds the webhook's address, for example ``secret:SLACK_WEBHOOK``: whoever has it can write."""
    mention: str = Field(default="", pattern=_MENTION)
    """Who is mentioned where something fires, in Slack's syntax: ``<!here>``, ``<!channel>``, ``<@U012AB3CD>`` or
    ``<!subteam^S012AB3CD>``."""
    timeout: Patience = timedelta(seconds=10)
    """How long one post may take."""


def message(options: SlackOptions, notice: Notice, around: Around) -> Request:
    """The request that posts the notice."""
    return Request(
        url=options.url,
        method="POST",
        headers={"Idempotency-Key": notice.key},
        body=Json(document(notice, options.mention)),
        timeout=options.timeout.total_seconds(),
        redirects=0,
        body_limit=64 * 1024,
    )


def understand(message: Message, reply: Response) -> Outcome:
    """By status, and by what the body says: a page that answers 200 to everything has delivered nothing."""
    outcome = understand_http(reply)
    if not isinstance(outcome, Delivered):
        return outcome
    text = reply.body[:1000].decode("utf-8", "replace").strip()
    document = _json(text)
    if text.lower() == "ok" or document.get("ok") is True or document.get("success") is True:
        return outcome
    if document.get("ok") is False or document.get("success") is False:
        return Refused(f"answered with status {reply.status}{said(reply)}")
    return TryLater(f"answered with status {reply.status}{said(reply)}, expected ok")


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


DRIVER = Driver(
    summary="An incoming webhook of Slack, or of what speaks like it",
    options=SlackOptions,
    message=message,
    understand=understand,
    example="""\
receivers:
  team:
    slack: {url: "secret:SLACK_WEBHOOK", mention: "<!here>"}
""",
)
