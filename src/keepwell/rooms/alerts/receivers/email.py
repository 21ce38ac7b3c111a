"""The ``email`` kind: a mail as text and as HTML, handed to a mail server (the section ``smtp``, or one of its own).

``Message-ID`` is made of the notice's key, the same in every attempt; ``References`` is the same for all notices of a group, so that
programs show them as one thread. ``Auto-Submitted`` (RFC 3834) keeps holiday replies away.
"""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from keepwell.config.options import Options
from keepwell.kernel.problems import AskError
from keepwell.ports.mail import Mail, MailAnswer
from keepwell.rooms.alerts.delivery.model import Around, Delivered, Driver, Message, Outcome, Refused, TryLater
from keepwell.rooms.alerts.delivery.options import Mailbox, Patience, SmtpOptions
from keepwell.rooms.alerts.messages.html import html
from keepwell.rooms.alerts.messages.texts import text, title
from keepwell.rooms.alerts.model import Notice


class EmailOptions(Options):
    """Who gets the mail."""

    to: tuple[Mailbox, ...] | Mailbox
    """One address, or a list of them. ``${VAR}`` is replaced from the environment."""
    from_: Mailbox | None = Field(default=None, alias="from")
    """Who the mail is from, where it is not whom the section ``smtp`` names."""
    smtp: SmtpOptions | None = None
    """A mail server of its own, with the keys of the section ``smtp``."""
    timeout: Patience = timedelta(seconds=30)
    """How long handing one mail in may take."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.recipients:
            raise ValueError("to names nobody: write to: NAME@HOST")
        if self.smtp is not None and self.smtp.post is None:
            raise ValueError("smtp needs url and from")
        return self

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses, each once."""
        return tuple(dict.fromkeys((self.to,) if isinstance(self.to, str) else self.to))


def message(options: EmailOptions, notice: Notice, around: Around) -> Mail:
    """The mail, to those who have not got it yet. Raises AskError where nothing says where mail is handed in."""
    post = options.smtp.post if options.smtp is not None else around.post
    if post is None:
        raise AskError("nothing says where mail is handed in: add the section smtp")
    sender = options.from_ or post.sender
    domain = sender.rpartition("@")[2].strip("[]") or "keepwell.invalid"
    thread = f"<{notice.key.rpartition('-')[0] or notice.key}.group@{domain}>"
    return Mail(
        server=post.server,
        sender=sender,
        to=tuple(one for one in options.recipients if one not in around.served),
        subject=title(notice),
        text=text(notice),
        html=html(notice),
        message_id=f"<{notice.key}@{domain}>",
        at=notice.at,
        headers={"Auto-Submitted": "auto-generated", "References": thread, "X-Keepwell-Key": notice.key},
        timeout=options.timeout.total_seconds(),
    )


def understand(message: Message, reply: MailAnswer) -> Outcome:
    """By the codes of RFC 5321: 2 is taken, 4 may be taken later, 5 is not."""
    assert isinstance(message, Mail)
    if reply.reply.code >= 500:
        return Refused(f"the mail server answered {reply.reply.code} {reply.reply.text}")
    if reply.reply.code >= 400:
        return TryLater(f"the mail server answered {reply.reply.code} {reply.reply.text}")
    taken = frozenset(message.to) - reply.refused.keys()
    words = "; ".join(f"{one}: {why.code} {why.text}" for one, why in sorted(reply.refused.items()))
    if any(why.code < 500 for why in reply.refused.values()):
        return TryLater(words, served=taken)
    return Delivered(words) if taken else Refused(words)


DRIVER = Driver(
    summary="A mail as text and as HTML",
    options=EmailOptions,
    message=message,
    understand=understand,
    example="""\
smtp: {url: "smtp://keepwell@mail.example.org:587", password: "secret:SMTP_PASSWORD", from: keepwell@example.org}
receivers:
  mail:
    email: {to: [ops@example.org, boss@example.org]}
""",
)
