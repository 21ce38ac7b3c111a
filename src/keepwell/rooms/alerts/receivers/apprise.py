"""The ``apprise`` kind: what Keepwell has no driver for (Telegram, Teams, Matrix, Pushover and a hundred others), by the library Apprise.

It says whether a message arrived and not why not, so every failure is tried again until the notice expires.
"""

from keepwell.config.options import Options, SecretReference
from keepwell.rooms.alerts.delivery.model import Apprised, Around, Delivered, Driver, Message, Outcome, TryLater
from keepwell.rooms.alerts.messages.texts import short, title
from keepwell.rooms.alerts.model import SEVERITY, Notice


class AppriseOptions(Options):
    """A service that Apprise knows. Needs ``keepwell[apprise]``."""

    url: SecretReference
    """The secret that holds the service's address in Apprise's form, such as ``tgram://TOKEN/CHAT``: it holds tokens."""


def message(options: AppriseOptions, notice: Notice, around: Around) -> Apprised:
    """What Apprise is asked to send."""
    return Apprised(options.url, title(notice), short(notice), _level(notice))


def _level(notice: Notice) -> str:
    if notice.letter is not None:
        return "info"
    if notice.is_resolved:
        return "success"
    severities = {alert.labels.get(SEVERITY, "") for alert in notice.alerts if alert.state == "firing"}
    return "warning" if severities <= {"warning", "info"} else "failure"


def understand(message: Message, reply: bool) -> Outcome:
    """Whether it arrived."""
    return Delivered() if reply else TryLater("Apprise could not deliver it, and does not say why")


DRIVER = Driver(
    summary="What Keepwell has no driver for, by the library Apprise (keepwell[apprise])",
    options=AppriseOptions,
    message=message,
    understand=understand,
    example="""\
receivers:
  telegram:
    apprise: {url: "secret:TELEGRAM_URL"}
""",
)
