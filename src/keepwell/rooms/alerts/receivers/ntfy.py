"""The ``ntfy`` kind: a push message to telephones by ntfy.sh or a server of one's own (its documentation, "Publish as JSON")."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from keepwell.config.options import ExpandedText, HttpUrl, Options, Secret, SecretReference
from keepwell.ports.http import Basic, Json, Request, Response
from keepwell.rooms.alerts.delivery.addresses import is_secret, unfit
from keepwell.rooms.alerts.delivery.model import Around, Driver, Message, Outcome
from keepwell.rooms.alerts.delivery.options import Patience
from keepwell.rooms.alerts.delivery.replies import understand_http
from keepwell.rooms.alerts.messages.texts import short, title
from keepwell.rooms.alerts.messages.words import words_of
from keepwell.rooms.alerts.model import SEVERITY, Notice

_TOPIC_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_LONGEST = 3800
"""Bytes of a message; ntfy makes an attachment of what is longer than 4,096."""
_PRIORITIES = {"critical": 5, "p0": 5, "p1": 5, "error": 4, "p2": 4, "warning": 3, "p3": 3, "info": 2, "p4": 2}
_LOW = 2


def _topic(value: str) -> str:
    if value.startswith("secret:"):
        if not is_secret(value):
            raise unfit("this refers to no secret: write secret:NAME, secret:file:PATH or secret:command:PROGRAM")
    elif not (1 <= len(value) <= 64 and _TOPIC_LETTERS.issuperset(value)):
        raise unfit("a topic has 1 to 64 letters, digits, - and _; or write secret:NAME for a secret that holds it")
    return value


class LoginOptions(Options):
    """Who publishes, by name and password."""

    user: ExpandedText = Field(min_length=1)
    """Name of the user."""
    password: SecretReference
    """The password, for example ``secret:NTFY_PASSWORD``."""


class NtfyOptions(Options):
    """A topic."""

    topic: Annotated[str, Secret(), AfterValidator(_topic)]
    """The topic; a secret that holds it (``secret:NTFY_TOPIC``) where the server lets everybody read who knows it, as ntfy.sh does."""
    url: HttpUrl = "https://ntfy.sh"
    """The server."""
    token: SecretReference | None = None
    """An access token, for example ``secret:NTFY_TOKEN``."""
    basic: LoginOptions | None = None
    """User and password instead."""
    priority: int | None = Field(default=None, ge=1, le=5)
    """1 to 5 for every message. Without it by severity: critical is 5, warning 3, what was resolved 2."""
    timeout: Patience = timedelta(seconds=10)
    """How long one post may take."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.token is not None and self.basic is not None:
            raise ValueError("token and basic say who publishes twice: leave out one of them")
        return self


def message(options: NtfyOptions, notice: Notice, around: Around) -> Request:
    """The request that publishes the notice."""
    firing = not notice.is_resolved
    body = short(notice).encode("utf-8", "replace")
    document: dict[str, object] = {
        "topic": options.topic,
        "title": title(notice),
        "message": body[:_LONGEST].decode("utf-8", "ignore"),
        "priority": options.priority or (_priority(notice) if firing else _LOW),
        "tags": ["bar_chart" if notice.letter is not None else "rotating_light" if firing else "white_check_mark"],
    }
    link = words_of(notice, 1).link
    if link:
        document["click"] = link
    return Request(
        url=options.url,
        method="POST",
        headers={"Idempotency-Key": notice.key},
        body=Json(document, {"topic": options.topic} if options.topic.startswith("secret:") else {}),
        timeout=options.timeout.total_seconds(),
        redirects=0,
        body_limit=64 * 1024,
        bearer=options.token,
        basic=Basic(options.basic.user, options.basic.password) if options.basic else None,
    )


def _priority(notice: Notice) -> int:
    """The highest of what fires; a severity that nobody knows is taken for a serious one."""
    severities = {alert.labels.get(SEVERITY, "").lower() for alert in notice.alerts if alert.state == "firing"}
    return max((_PRIORITIES.get(severity, 4) for severity in severities), default=4)


def understand(message: Message, reply: Response) -> Outcome:
    """By its status."""
    return understand_http(reply)


DRIVER = Driver(
    summary="A push message to telephones, by ntfy.sh or a server of one's own",
    options=NtfyOptions,
    message=message,
    understand=understand,
    example="""\
receivers:
  phone:
    ntfy: {topic: "secret:NTFY_TOPIC"}
""",
)
