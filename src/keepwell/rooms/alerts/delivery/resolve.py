"""From the configuration to receivers that can be used: drivers loaded, ways to people found, acceptances looked up."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from keepwell.config.options import Options
from keepwell.ports.offer import Drivers, Entry
from keepwell.rooms.alerts.model import NOTICE_LIVES

from .model import Post, Receiver
from .options import ContactOptions, SmtpOptions

CONTACT = "contact "
"""Before a person's name in ``Notice.to``."""


WhyNot = Callable[[str, Options], str]
"""Whether the commands that fetch the secrets of these options, of the thing of that name, are accepted: why not, or nothing."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to whoever is told: ``part`` is its word in what is stored of a notice that some ways have taken; empty where it is the
    only one."""

    part: str
    receiver: Receiver


@dataclass(frozen=True, slots=True)
class Receivers:
    """All that can be told: receivers, and the ways to each contact. ``post`` is where mail is handed in."""

    receivers: Mapping[str, Receiver] = field(default_factory=dict)
    contacts: Mapping[str, Sequence[Way]] = field(default_factory=dict)
    post: Post | None = None

    def names(self) -> Sequence[str]:
        """The receivers, in the order of the file."""
        return tuple(self.receivers)

    def ways(self, to: str) -> Sequence[Way] | None:
        """The ways to whom ``Notice.to`` names; none of them where a contact cannot be reached, None where nobody has that name."""
        if to.startswith(CONTACT):
            return self.contacts.get(to.removeprefix(CONTACT))
        receiver = self.receivers.get(to)
        return (Way("", receiver),) if receiver is not None else None

    def lives(self, to: str) -> timedelta:
        """How long delivery to it is tried."""
        return max((way.receiver.expires for way in self.ways(to) or ()), default=NOTICE_LIVES)

    def sends_resolved(self, to: str) -> bool:
        """Whether it is told of what was resolved."""
        ways = self.ways(to)
        return ways is None or any(way.receiver.send_resolved for way in ways)


def receivers_of(
    entries: Mapping[str, Entry], contacts: Mapping[str, ContactOptions], smtp: SmtpOptions, drivers: Drivers, why_not: WhyNot
) -> Receivers:
    """The receivers of a configuration that validated. Starts nothing and opens nothing."""

    def waits(name: str, options: Options, *, mails: bool = False) -> str:
        why = why_not(name, options) or (why_not("smtp", smtp) if mails else "")
        return f"waiting for acceptance: {why}" if why else ""

    receivers = {name: _receiver(entry, drivers, waits) for name, entry in entries.items()}
    ways = {name: tuple(_ways(name, contact, receivers, smtp, drivers, waits)) for name, contact in contacts.items()}
    return Receivers(receivers, ways, smtp.post)


def _receiver(entry: Entry, drivers: Drivers, waits: Callable[..., str]) -> Receiver:
    assert entry.kind is not None
    mails = entry.kind == "email" and entry.options.smtp is None
    why = waits(f"receivers/{entry.name}", entry.options, mails=mails)
    return Receiver(entry.name, entry.kind, drivers.load(entry.kind), entry.options, entry.common.send_resolved, entry.common.expires, why)


def _ways(
    name: str, contact: ContactOptions, receivers: Mapping[str, Receiver], smtp: SmtpOptions, drivers: Drivers, waits: Callable[..., str]
) -> Iterator[Way]:
    own = f"contacts/{name}"
    if contact.email is not None and smtp.post is not None:
        yield Way("email", _made(name, "email", {"to": contact.email}, drivers, waits(own, contact, mails=True)))
    if contact.slack.startswith("secret:"):
        yield Way("slack", _made(name, "slack", {"url": contact.slack}, drivers, waits(own, contact)))
    for other in contact.receivers:
        yield Way(f"receiver {other}", receivers[other])


def _made(name: str, kind: str, settings: Mapping[str, Any], drivers: Drivers, waits: str) -> Receiver:
    driver = drivers.load(kind)
    return Receiver(CONTACT + name, kind, driver, driver.options(**settings), waits_because=waits)
